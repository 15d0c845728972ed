"""Test problems: a table of named problems, and problems by shape and ingredients."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits


@dataclass(frozen=True)
class Problem:
    """Feature matrix, labels 0 and 1, and optional sample weights."""

    X: Any
    y: Any
    sample_weight: Any = None

    @property
    def data(self):
        """The arguments of `fit`."""
        return {"X": self.X, "y": self.y, "sample_weight": self.sample_weight}


def sample(n_samples, n_features, seed=0, *, strength=1.0, bias=0.3):
    """Return Gaussian features and labels drawn from a logistic model."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_samples, n_features))
    w = rng.standard_normal(n_features) * strength / np.sqrt(n_features)
    y = (rng.random(n_samples) < 1 / (1 + np.exp(-(X @ w + bias)))).astype(int)
    y[:2] = 0, 1
    return X, y


def _gaussian():
    return Problem(*sample(200, 5))


def _one_column():
    return Problem(*sample(60, 1))


def _breast_cancer():
    return Problem(*load_breast_cancer(return_X_y=True))


def _digits():
    X, y = load_digits(return_X_y=True)
    return Problem(X, y % 2)


def _units():
    X, y = sample(300, 7)
    return Problem(X * 10.0 ** np.arange(-6, 7, 2), y)


def _far_from_origin():
    X, y = sample(300, 4)
    return Problem(X + np.array([1e3, -1e3, 30.0, 0.0]), y)


def _weighted():
    X, y = sample(300, 6)
    weights = np.random.default_rng(1).exponential(size=300)
    weights[::7] = 0.0
    return Problem(X, y, weights)


def _huge_weights():
    X, y = sample(100, 3)
    return Problem(X, y, np.random.default_rng(2).uniform(1e9, 3e9, 100))


def _imbalanced():
    return Problem(*sample(600, 3, bias=-4.0, strength=2.0))


def _wide():
    return Problem(*sample(40, 120))


def _collinear():
    X, y = sample(150, 4)
    return Problem(np.column_stack([X, X[:, 0] - X[:, 1], np.full(150, 2.5)]), y)


def _separable():
    X, _ = sample(80, 3)
    return Problem(X, (X[:, 0] > 0.1).astype(int))


def _sparse():
    rng = np.random.default_rng(3)
    X = sparse.random(300, 40, density=0.1, format="csr", random_state=rng)
    z = X @ rng.standard_normal(40) * 3
    return Problem(X, (rng.random(300) < 1 / (1 + np.exp(-z))).astype(int))


def _many_rows():
    """Return enough rows for the solver to fit samples of them first.

    The rows are sorted by label and first feature, so that the leading rows do not
    represent the others.
    """
    X, y = sample(15_000, 4, seed=5, strength=3.0, bias=-3.0)
    order = np.lexsort([X[:, 0], y])
    return Problem(X[order] * [1.0, 100.0, 1.0, 1.0], y[order])


def _float32():
    X, y = sample(200, 5, seed=4)
    return Problem(X.astype(np.float32), y)


_TABLE: dict[str, Callable[[], Problem]] = {
    make.__name__[1:]: make
    for make in (
        _gaussian,
        _one_column,
        _breast_cancer,
        _digits,
        _units,
        _far_from_origin,
        _weighted,
        _huge_weights,
        _imbalanced,
        _wide,
        _collinear,
        _separable,
        _sparse,
        _many_rows,
        _float32,
    )
}
NAMES = tuple(_TABLE)
#: Problems that have a minimum without a penalty too.
FINITE_NAMES = ("gaussian", "one_column", "units", "far_from_origin", "weighted")


@cache
def problem(name: str) -> Problem:
    """Return the problem of the table with this name."""
    return _TABLE[name]()


#: Shapes of problems. Tall problems are fitted to samples of their rows first. Wide
#: problems are reduced to the row space of X.
SHAPES = ("usual", "tall", "wide", "sparse", "wide_sparse", "float32")
#: Optional ingredients of an objective besides rows, labels and weights.
INGREDIENTS = ("offset", "penalty_factor", "penalty_center", "soft_labels")


def shaped(shape, seed=0):
    """Return a weighted problem of the given shape."""
    sizes = {"tall": (9000, 3), "wide": (25, 60), "wide_sparse": (25, 60)}
    n_samples, n_features = sizes.get(shape, (150, 5))
    X, y = sample(n_samples, n_features, seed, strength=2.0)
    rng = np.random.default_rng(seed + 1)
    X *= 10.0 ** rng.uniform(-1, 1, n_features)
    if "sparse" in shape:
        X = sparse.csr_array(X * (rng.random(X.shape) < 0.4))
    elif shape == "float32":
        X = X.astype(np.float32)
    return Problem(X, y, rng.exponential(size=n_samples))


def general(shape, *ingredients, seed=0):
    """Return the arguments of `fit` and the parameters of a problem of a given shape.

    The problem has the given ingredients; by default, it has all of them. Some penalty
    factors are 0, and some soft labels are 0 or 1.
    """
    data = shaped(shape, seed).data
    n_samples, n_features = data["X"].shape
    rng = np.random.default_rng(seed + 2)
    params = {}
    for ingredient in ingredients or INGREDIENTS:
        if ingredient == "offset":
            data["offset"] = 0.5 + rng.standard_normal(n_samples)
        elif ingredient == "penalty_factor":
            factors = 10.0 ** rng.uniform(-2, 2, n_features)
            factors[1::30] = 0.0
            params["penalty_factor"] = factors
        elif ingredient == "penalty_center":
            params["penalty_center"] = rng.standard_normal(n_features)
        else:
            distance = rng.uniform(-0.2, 0.7, n_samples).clip(0.0, 1.0)
            data["y"] = np.abs(data["y"] - distance)
            params["soft_labels"] = True
    return data, params
