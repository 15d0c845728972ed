"""Generators of data: the result depends only on the sizes and a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.ndimage import shift, zoom
from scipy.special import expit
from sklearn.datasets import load_breast_cancer, load_digits, load_sample_images

_ROWS = 50_000  # number of rows that `dense` draws at a time


def _labels(z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bernoulli labels with log-odds z."""
    return (rng.random(len(z)) < expit(z)).astype(np.int64)


def dense(
    n_samples: int,
    n_features: int,
    seed: int,
    *,
    order: str = "C",
    dtype: str = "float64",
    condition: float = 1.0,
    offset: float = 0.5,
    signal: float = 2.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian features of a given condition number, and logistic labels.

    The log-odds have standard deviation `signal` and mean `offset`. Every principal
    direction of the features contributes to them, including the weakest.
    """
    rng = np.random.default_rng(seed)
    direction, mix = _model(n_features, rng, condition, signal)
    X = np.empty((n_samples, n_features), dtype=dtype, order=order)
    z = np.empty(n_samples)
    for start in range(0, n_samples, _ROWS):
        block = slice(start, min(start + _ROWS, n_samples))
        raw = rng.standard_normal((block.stop - start, n_features))
        z[block] = raw @ direction + offset
        X[block] = raw if mix is None else raw @ mix
    return X, _labels(z, rng)


def _model(
    n_features: int, rng: np.random.Generator, condition: float, signal: float
) -> tuple[np.ndarray, np.ndarray | None]:
    """Draw the direction of the log-odds, and the mixing matrix if there is one."""
    direction = rng.standard_normal(n_features)
    direction *= signal / np.linalg.norm(direction)
    if condition <= 1.0:
        return direction, None
    left, _ = np.linalg.qr(rng.standard_normal((n_features, n_features)))
    right, _ = np.linalg.qr(rng.standard_normal((n_features, n_features)))
    return direction, left * np.geomspace(1.0, 1.0 / condition, n_features) @ right


def partition(
    i: int, n_samples: int, n_features: int, condition: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return the partition i of data like those of `dense`, of any number of rows."""
    direction, mix = _model(n_features, np.random.default_rng(7), condition, 2.0)
    rng = np.random.default_rng((7, i))
    raw = rng.standard_normal((n_samples, n_features))
    z = raw @ direction + 0.5
    return raw if mix is None else raw @ mix, _labels(z, rng)


def blocks(
    n_samples: int,
    n_features: int,
    seed: int,
    *,
    width: int = 40,
    correlation: float = 0.8,
    causes: int = 30,
) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian features in correlated blocks, as of genes, and logistic labels.

    Two columns of one block of `width` columns have the given correlation, and columns
    of different blocks are independent. The log-odds are the sum of `causes` columns
    with random signs, scaled to the standard deviation 3.
    """
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_samples, n_features))
    X *= np.sqrt(1.0 - correlation)
    common = rng.standard_normal((n_samples, -(-n_features // width)))
    X += np.sqrt(correlation) * np.repeat(common, width, axis=1)[:, :n_features]
    chosen = rng.choice(n_features, min(causes, n_features), replace=False)
    z = X[:, chosen] @ rng.choice([-1.0, 1.0], len(chosen))
    return X, _labels(3.0 * z / z.std(), rng)


def patches(n_samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """64 × 64 × 3 patches of two photographs, values 0 … 255; y is the photograph."""
    rng = np.random.default_rng(seed)
    images = load_sample_images().images
    y = rng.permutation(np.arange(n_samples) % 2)
    X = np.empty((n_samples, 64 * 64 * 3))
    for row, label in enumerate(y):
        height, width, _ = images[label].shape
        top, left = rng.integers(height - 64), rng.integers(width - 64)
        X[row] = images[label][top : top + 64, left : left + 64].ravel()
    return X, y.astype(np.int64)


def digits(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's digits, values 0 … 16; y is 1 for odd digits."""
    del seed
    X, y = load_digits(return_X_y=True)
    return np.ascontiguousarray(X), (y % 2).astype(np.int64)


def large_digits(n_samples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The digits enlarged to 28 × 28 and shifted, 0 … 255; y is 1 for odd digits."""
    rng = np.random.default_rng(seed)
    X, y = load_digits(return_X_y=True)
    chosen = rng.permutation(len(y))[:n_samples]
    large = np.empty((len(chosen), 28 * 28))
    for row, index in enumerate(chosen):
        image = zoom(X[index].reshape(8, 8) * (255 / 16), 2.5, order=1)
        moved = np.pad(image, 4)
        moved = shift(moved, rng.integers(-3, 4, size=2), order=0)
        large[row] = np.rint(moved).ravel()
    return large, (y[chosen] % 2).astype(np.int64)


def breast_cancer(
    seed: int, *, standardized: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's breast cancer data, unscaled or with columns of variance 1."""
    del seed
    X, y = load_breast_cancer(return_X_y=True)
    if standardized:
        X = (X - X.mean(axis=0)) / X.std(axis=0)
    return np.ascontiguousarray(X), y.astype(np.int64)


def text(
    n_samples: int, n_features: int, words: float, seed: int
) -> tuple[sp.csr_matrix, np.ndarray]:
    """Documents as CSR rows of tf-idf values with norm 1; words follow Zipf's law.

    `words` is the mean length of a document, including repeated words. The labels are
    logistic; a tenth of the vocabulary has a nonzero coefficient.
    """
    rng = np.random.default_rng(seed)
    lengths = np.maximum(rng.lognormal(-0.18, 0.6, n_samples) * words, 3.0)
    ends = np.cumsum(lengths.astype(np.int64))
    frequency = 1.0 / (np.arange(n_features) + 20.0) ** 1.05
    cumulated = np.cumsum(frequency / frequency.sum())
    column = rng.permutation(n_features).astype(np.int32)
    drawn = np.searchsorted(cumulated, rng.random(ends[-1]))
    indices = column[np.minimum(drawn, n_features - 1)]
    indptr = np.concatenate(([0], ends))
    X = sp.csr_matrix((np.ones(len(indices)), indices, indptr), (n_samples, n_features))
    X.sum_duplicates()
    document_frequency = np.bincount(X.indices, minlength=n_features)
    idf = np.log((1.0 + n_samples) / (1.0 + document_frequency)) + 1.0
    X.data = (1.0 + np.log(X.data)) * idf[X.indices]
    norms = np.sqrt(np.add.reduceat(X.data**2, X.indptr[:-1]))
    X.data /= np.repeat(norms, np.diff(X.indptr))
    planted = rng.standard_normal(n_features) * (rng.random(n_features) < 0.1)
    z = X @ planted
    z *= 2.5 / z.std()
    return X, _labels(z - z.mean() - 0.3, rng)


def text_with_ones(
    n_samples: int, n_features: int, words: float, seed: int
) -> tuple[sp.csr_matrix, np.ndarray]:
    """Documents of `text`, followed by a column of ones."""
    X, y = text(n_samples, n_features - 1, words, seed)
    return sp.hstack([X, np.ones((n_samples, 1))], format="csr"), y


def one_hot(
    n_samples: int,
    n_columns: int,
    seed: int,
    *,
    fields: int = 20,
    drop_first: bool = False,
) -> tuple[sp.csr_matrix, np.ndarray]:
    """One-hot rows of `fields` categorical variables with few to many levels.

    With `drop_first`, the first level of each has no column, so that X and a column of
    ones have full rank.
    """
    rng = np.random.default_rng(seed)
    if drop_first:
        n_columns += fields
    levels = one_hot_levels(n_columns, fields)
    first = np.concatenate(([0], np.cumsum(levels)[:-1]))
    effects = rng.standard_normal(n_columns) * 0.6
    indices = np.empty((n_samples, fields), dtype=np.int32)
    for field in range(fields):
        weight = 1.0 / (np.arange(levels[field]) + 3.0)
        cumulated = np.cumsum(weight / weight.sum())
        level = np.searchsorted(cumulated, rng.random(n_samples))
        indices[:, field] = first[field] + np.minimum(level, levels[field] - 1)
    z = effects[indices].sum(axis=1)
    indptr = np.arange(0, indices.size + 1, fields, dtype=np.int32)
    X = sp.csr_matrix(
        (np.ones(indices.size), indices.ravel(), indptr), (n_samples, n_columns)
    )
    if drop_first:
        X = X[:, np.setdiff1d(np.arange(n_columns), first)]
    return X, _labels(z - z.mean() - 1.0, rng)


def one_hot_levels(n_columns: int, fields: int = 20) -> np.ndarray:
    """The number of levels of each variable of `one_hot`, which add to `n_columns`."""
    levels = np.geomspace(2.0, 1.0, fields) ** 9
    levels = np.maximum(2, levels * n_columns / levels.sum()).astype(np.int64)
    levels[0] += n_columns - levels.sum()
    return levels


def categories(X: sp.csr_matrix, fields: int = 20) -> Any:
    """The variables of `one_hot` with `drop_first`, as a DataFrame of categories."""
    import pandas as pd

    columns = one_hot_levels(X.shape[1] + fields, fields) - 1
    last = np.cumsum(columns)
    found = {}
    for field, (end, width) in enumerate(zip(last, columns, strict=True)):
        block = X[:, end - width : end]
        codes = (block @ np.arange(1.0, width + 1.0)).astype(np.int64)
        names = [f"{level:04d}" for level in range(width + 1)]
        found[f"x{field}"] = pd.Categorical.from_codes(codes, categories=names)
    return pd.DataFrame(found)


def separable_signs(
    n_samples: int, n_features: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian features and labels without noise, as simulated by benchopt."""
    rng = np.random.RandomState(seed)
    beta = rng.randn(n_features)
    X = rng.randn(n_samples, n_features)
    return X, (X @ beta > 0).astype(np.int64)
