"""X in every memory layout, sparse format and dtype; X is not copied or changed."""

import tempfile
import tracemalloc

import numpy as np
import pytest
from _helpers import duplicates, shuffled_indices
from _problems import problem, sample
from _reference import LOSSES, SOLVERS
from scipy import sparse

from sk_logreg import BinaryLogisticRegression

EVERY = pytest.mark.parametrize(
    ("loss", "solver"), [(loss, solver) for loss in LOSSES for solver in SOLVERS]
)


@pytest.fixture(scope="module")
def data():
    return sample(150, 4)


def fit(X, y, sample_weight=None, **params):
    return BinaryLogisticRegression(**params).fit(X, y, sample_weight)


def strided(X):
    wide = np.zeros((2 * X.shape[0], 3 * X.shape[1]), dtype=X.dtype)
    wide[::2, 1::3] = X
    return wide[::2, 1::3]


def mapped(X):
    with tempfile.TemporaryFile() as file:
        X.tofile(file)
        file.flush()
        return np.memmap(file, dtype=X.dtype, mode="r", shape=X.shape)


LAYOUTS = {
    "Fortran order": np.asfortranarray,
    "strided": strided,
    "reversed": lambda X: X[::-1, ::-1].copy()[::-1, ::-1],
    "list of lists": np.ndarray.tolist,
    "big endian": lambda X: X.astype(">f8"),
    "longdouble": lambda X: X.astype(np.longdouble),
    "memory-mapped": mapped,
}


@EVERY
@pytest.mark.parametrize("layout", LAYOUTS)
def test_memory_layout_does_not_matter(data, layout, loss, solver):
    X, y = data
    plain = fit(X, y, loss=loss, solver=solver, tol=1e-12)
    model = fit(LAYOUTS[layout](X), y, loss=loss, solver=solver, tol=1e-12)
    assert model.coef_.dtype == np.float64
    assert model.objective_ == pytest.approx(plain.objective_, rel=1e-12)
    np.testing.assert_allclose(model.weights_, plain.weights_, rtol=1e-6)


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "uint8", "int16", "int32", "int64", "uint64", "float16"]
)
def test_other_dtypes(dtype):
    X = np.random.default_rng(0).integers(0, 2, (100, 3)).astype(dtype)
    _, y = sample(100, 3)
    plain = fit(X.astype(np.float64), y)
    model = fit(X, y)
    np.testing.assert_allclose(model.weights_, plain.weights_, rtol=1e-6)
    np.testing.assert_allclose(
        model.predict_proba(X), plain.predict_proba(X), rtol=1e-6
    )


def wide_indices(X):
    X = X.copy()
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def stored_zeros(X):
    X = X.tolil()
    X[0, :] = 1.0
    X = X.tocsr()
    X.data[: X.indptr[1]] = 0.0
    return X


FORMATS = {
    "csr_matrix": sparse.csr_matrix,
    "csr_array": sparse.csr_array,
    "csc_matrix": sparse.csc_matrix,
    "csc_array": sparse.csc_array,
    "coo_matrix": sparse.coo_matrix,
    "coo_array": sparse.coo_array,
    "lil_matrix": sparse.lil_matrix,
    "unsorted": shuffled_indices,
    "64-bit indices": wide_indices,
    "duplicates": duplicates,
}


@EVERY
@pytest.mark.parametrize("format", FORMATS)
def test_sparse_format_does_not_matter(format, loss, solver):
    X, y = sparse.csr_matrix(problem("sparse").X), problem("sparse").y
    params = {"loss": loss, "solver": solver, "tol": 1e-12}
    dense = fit(X.toarray(), y, **params)
    converted = FORMATS[format](X)
    model = fit(converted, y, **params)
    assert model.objective_ == pytest.approx(dense.objective_, rel=1e-12)
    np.testing.assert_allclose(model.weights_, dense.weights_, rtol=1e-4, atol=1e-8)
    z = dense.decision_function(X.toarray())
    np.testing.assert_allclose(dense.decision_function(converted), z, atol=1e-12)


def test_stored_zeros_and_empty_rows():
    X, y = problem("sparse").X, problem("sparse").y
    with_empty = sparse.vstack([X, sparse.csr_matrix((5, X.shape[1]))], format="csr")
    y = np.r_[y, 0, 1, 0, 1, 1]
    dense = fit(with_empty.toarray(), y, tol=1e-12)
    np.testing.assert_allclose(
        fit(with_empty, y, tol=1e-12).weights_, dense.weights_, rtol=1e-5, atol=1e-9
    )
    zeros = stored_zeros(sparse.csr_matrix(X))
    dense = fit(zeros.toarray(), y[:-5], tol=1e-12)
    np.testing.assert_allclose(
        fit(zeros, y[:-5], tol=1e-12).weights_, dense.weights_, rtol=1e-5, atol=1e-9
    )


@EVERY
def test_empty_columns(loss, solver):
    X, y = sparse.csr_array(problem("sparse").X), problem("sparse").y
    wide = sparse.hstack([sparse.csr_array((X.shape[0], 2)), X], format="csr")
    params = {"loss": loss, "solver": solver, "tol": 1e-12}
    model, plain = fit(wide, y, **params), fit(X, y, **params)
    np.testing.assert_array_equal(model.coef_[0, :2], 0.0)
    np.testing.assert_allclose(model.coef_[0, 2:], plain.coef_[0], rtol=1e-6)


@pytest.mark.parametrize("solver", ["auto", "newton-cg"])
def test_more_cells_than_the_maximum_of_int32(solver):
    X, y = sample(50_000, 3)
    columns = [7, 40_000, 99_999]  # positions of the columns of X among 100,000
    rows = np.repeat(np.arange(50_000), 3)
    wide = sparse.csr_array(
        (X.ravel(), (rows, np.tile(columns, 50_000))), shape=(50_000, 100_000)
    )
    assert wide.shape[0] * wide.shape[1] > 2**31
    model = fit(wide, y, solver=solver, tol=1e-12)
    plain = fit(X, y, tol=1e-12)
    np.testing.assert_allclose(model.coef_[0, columns], plain.coef_[0], rtol=1e-9)
    np.testing.assert_allclose(model.intercept_, plain.intercept_, rtol=1e-9)
    assert np.count_nonzero(model.coef_) == 3
    np.testing.assert_allclose(
        model.decision_function(wide), plain.decision_function(X), atol=1e-9
    )


def test_sparse_features_without_stored_values():
    X, y = sparse.csr_matrix((10, 3)), [0, 1, 1, 1, 0, 0, 1, 1, 1, 1]
    model = fit(X, y)
    np.testing.assert_array_equal(model.coef_, 0.0)
    assert model.intercept_[0] == pytest.approx(np.log(7 / 3), rel=1e-4)


@EVERY
@pytest.mark.parametrize("convert", [np.asarray, np.asfortranarray, sparse.csr_matrix])
def test_float32_features_give_float32_results(data, convert, loss, solver):
    X, y = data
    X = convert(X.astype(np.float32))
    model = fit(X, y, loss=loss, solver=solver)
    for value in (model.coef_, model.intercept_, model.decision_function(X)):
        assert value.dtype == np.float32
    assert model.predict_proba(X).dtype == np.float32
    double = fit(X.astype(np.float64), y, loss=loss, solver=solver)
    assert double.coef_.dtype == np.float64
    np.testing.assert_allclose(model.coef_, double.coef_, rtol=1e-4)
    assert model.objective_ == pytest.approx(double.objective_, rel=1e-8)


def peak_of_fit(X, y, **params):
    """Return the peak memory that a fit allocates, without X and y."""
    model = BinaryLogisticRegression(**params)
    model.fit(X[:500], y[:500])  # exclude the memory of imports and caches
    tracemalloc.start()
    try:
        model.fit(X, y)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def large():
    X, y = sample(150_000, 100)
    return X, y


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("layout", ["C", "F", "float32", "memmap"])
def test_no_copy_of_X(large, tmp_path, layout, solver):
    X, y = large
    if layout == "F":
        X = np.asfortranarray(X)
    elif layout == "float32":
        X = X.astype(np.float32)
    elif layout == "memmap":
        np.save(tmp_path / "X.npy", X)
        X = np.load(tmp_path / "X.npy", mmap_mode="r")
    # Allow for vectors of length n_samples, for samples of the rows and for row blocks.
    allowed = 0.35 * (X.size * 8)
    assert peak_of_fit(X, y, solver=solver, tol=1e-4) < allowed


@pytest.mark.parametrize("solver", SOLVERS)
def test_no_copy_of_a_sparse_X(solver):
    rng = np.random.default_rng(0)
    X = sparse.random(120_000, 300, density=0.1, format="csr", random_state=rng)
    y = (X @ rng.standard_normal(300) > 0).astype(int)
    stored = X.data.nbytes + X.indices.nbytes
    assert peak_of_fit(X, y, solver=solver, tol=1e-3) < stored


def test_fit_does_not_change_its_arguments():
    X, y = sample(100, 3)
    weights = np.random.default_rng(0).exponential(size=100)
    for container in (np.array, np.asfortranarray, sparse.csr_matrix, sparse.csr_array):
        given, kept = container(X), container(X)
        fit(given, y, weights, class_weight="balanced")
        difference = abs(given - kept)
        assert difference.max() == 0.0
    np.testing.assert_array_equal(y, sample(100, 3)[1])
    expected = np.random.default_rng(0).exponential(size=100)
    np.testing.assert_array_equal(weights, expected)


def test_fit_does_not_sort_unsorted_indices():
    X = shuffled_indices(sparse.csr_matrix(problem("sparse").X))
    before = X.indices.copy()
    fit(X, problem("sparse").y).predict(X)
    np.testing.assert_array_equal(X.indices, before)


@EVERY
def test_read_only_arguments(data, loss, solver):
    X, y = data[0].copy(), data[1].copy()
    weights = np.ones(150)
    csr = sparse.csr_matrix(X)
    for array in (X, y, weights, csr.data, csr.indices, csr.indptr):
        array.setflags(write=False)
    for given in (X, csr):
        model = fit(given, y, weights, loss=loss, solver=solver)
        assert np.isfinite(model.predict_proba(given)).all()


@EVERY
@pytest.mark.parametrize("C", [1.0, np.inf])
@pytest.mark.parametrize("convert", [np.array, sparse.csr_matrix])
@pytest.mark.parametrize("n_samples", [200, 60_000])
def test_the_numpy_error_state_of_the_caller_does_not_matter(
    n_samples, convert, C, loss, solver
):
    X, y = sample(n_samples, 4)
    X = convert(X * [1e-150, 1.0, 1e3, 1e100])
    model = BinaryLogisticRegression(loss=loss, solver=solver, C=C)
    methods = (
        model.decision_function,
        model.predict,
        model.predict_proba,
        model.predict_log_proba,
    )
    model.fit(X, y)
    weights, expected = model.weights_, [predict(X) for predict in methods]
    with np.errstate(all="raise"):
        model.fit(X, y)
        found = [predict(X) for predict in methods]
    np.testing.assert_array_equal(model.weights_, weights)
    for values, others in zip(found, expected, strict=True):
        np.testing.assert_array_equal(values, others)


def test_a_sparse_matrix_whose_arrays_have_room_for_more():
    values = np.random.default_rng(0).standard_normal((300, 20))
    X = sparse.csr_array(np.maximum(values, 0.0))
    y = np.arange(300) % 2
    expected = BinaryLogisticRegression().fit(X, y)
    X.data = np.append(X.data, [7.0, 8.0])
    X.indices = np.append(X.indices, np.array([1, 2], dtype=X.indices.dtype))
    model = BinaryLogisticRegression().fit(X, y)
    np.testing.assert_array_equal(model.coef_, expected.coef_)
