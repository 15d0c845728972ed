"""Data in partitions of dask, for the tests of what reads them."""

import numpy as np
import pytest
from scipy import sparse

da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
pd = pytest.importorskip("pandas")

# Rows of the partitions: several blocks, an empty one, one row, and one of one class.
CHUNKS = (1200, 0, 1, 799, 900, 1100)


def sample(n_features=5, seed=0, noise=1.0):
    rng = np.random.default_rng(seed)
    n_samples = sum(CHUNKS)
    X = rng.standard_normal((n_samples, n_features)) * np.logspace(-1, 1, n_features)
    X[:, 0] += 30.0
    z = (X - X.mean(axis=0)) @ (rng.standard_normal(n_features) / X.std(axis=0))
    y = (z + noise * rng.logistic(size=n_samples) > 0.5).astype(int)
    # The fourth partition has one class.
    start, stop = sum(CHUNKS[:3]), sum(CHUNKS[:4])
    X[start:stop, 1] += 30.0 * (1 - y[start:stop])
    y[start:stop] = 1
    return X, y


def csr(X):
    X = np.where(np.abs(X) > 0.6, X, 0.0)
    X[::7] = 0.0
    return sparse.csr_matrix(X)


def chunked(X, chunks=CHUNKS):
    """A dask array of the rows of an array or a CSR matrix."""
    if sparse.issparse(X):
        meta = sparse.csr_matrix((0, X.shape[1]), dtype=X.dtype)
        return chunked(X.toarray(), chunks).map_blocks(sparse.csr_matrix, meta=meta)
    return da.from_array(X, chunks=(chunks, *X.shape[1:]))


def unknown(X):
    """The same dask array without known chunk sizes."""
    return X.map_blocks(lambda block: block, chunks=(_nan(X), *X.chunks[1:]))


def _nan(X):
    return (np.nan,) * X.numblocks[0]


def frame(X, y, **others):
    """A dask data frame with partitions as above."""
    data = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
    data = data.assign(y=y, **others)
    stops = np.cumsum(CHUNKS)
    parts = [data.iloc[b - a : b] for a, b in zip(CHUNKS, stops, strict=True)]
    return dd.from_map(_itself, parts, meta=data.iloc[:0])


def _itself(part):
    return part
