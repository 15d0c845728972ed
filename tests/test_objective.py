"""The objective: its derivatives, and its invariance to blocks and threads."""

import itertools

import numpy as np
import pytest
from _helpers import objective_of
from _problems import sample
from _reference import BIASES, Reference
from _reference import LOSSES as LOSS_NAMES
from scipy import sparse

from sk_logreg._design import RowVector
from sk_logreg._objective import (
    NotFiniteError,
    dual_after_step,
    largest_sizes,
    losses_and_ratios,
)
from sk_logreg._solvers._newton import CholeskyModel, HessianMatrix
from sk_logreg.losses import LOSSES


def _csr(X):
    X = np.where(np.abs(X) > 0.8, X, 0.0)
    X[::9] = 0.0  # empty rows
    return sparse.csr_array(X)


def _unsorted(X):
    X = _csr(X)
    for start, stop in itertools.pairwise(X.indptr):
        X.indices[start:stop] = X.indices[start:stop][::-1].copy()
        X.data[start:stop] = X.data[start:stop][::-1].copy()
    X.has_sorted_indices = False
    return X


def _wide_indices(X):
    X = _csr(X)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def _duplicates(X):
    X = _csr(X)
    parts = np.repeat(X.data / 2, 2), np.repeat(X.indices, 2), 2 * X.indptr
    return sparse.csr_array(parts, shape=X.shape)


def _strided(X):
    wide = np.zeros((3 * len(X), 2 * X.shape[1]))
    wide[::3, ::2] = X
    return wide[::3, ::2]


STORAGE = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "float32": lambda X: X.astype(np.float32),
    "strided": _strided,
    "csr": _csr,
    "csr float32": lambda X: _csr(X).astype(np.float32),
    "unsorted": _unsorted,
    "64-bit indices": _wide_indices,
    "duplicates": _duplicates,
    "csr_matrix": lambda X: sparse.csr_matrix(_csr(X)),
}

every_loss = pytest.mark.parametrize("loss", LOSS_NAMES)
every_bounded_loss = pytest.mark.parametrize(
    "loss", [name for name in LOSS_NAMES if LOSSES[name].curvature_bound is not None]
)
every_bias = pytest.mark.parametrize("bias", BIASES)
every_storage = pytest.mark.parametrize("storage", STORAGE)


def objectives(
    storage="C",
    loss="cross_entropy",
    bias="free",
    *,
    C=2.5,
    n_threads=1,
    n_samples=60,
    sizes=None,
):
    """Return the objective, its reference and a random point."""
    X, y = sample(n_samples, 5, strength=3.0)
    X = STORAGE[storage](X)
    rng = np.random.default_rng(1)
    weights = rng.exponential(size=n_samples)
    weights[::11] = 0.0
    flags = {"fit_intercept": True, "absorb_bias": False} | BIASES[bias]
    flags |= {"loss": loss, "C": C, "n_threads": n_threads}
    ours = objective_of(X, y, weights, sizes=sizes, **flags)
    del flags["n_threads"]
    reference = Reference(X, y, weights, **flags)
    return ours, reference, rng.standard_normal(ours.n_dof)


def minimum_of(objective):
    """Return the minimizer of an objective, by Newton's method without safeguards."""
    coef = np.zeros(objective.n_dof)
    for _ in range(30):
        point = objective.evaluate(coef, hessian=True)
        coef = coef - np.linalg.solve(point.hessian, point.gradient)
    return coef


def unit(reference):
    """Return F / f, the scale between F and the package's internal objective f."""
    return float(reference.factor * reference.weights.sum())


def assert_close(actual, desired, rtol=1e-12):
    desired = np.asarray(desired, dtype=np.float64)
    scale = np.abs(desired).max()
    np.testing.assert_allclose(actual, desired, rtol=rtol, atol=rtol * scale)


@every_storage
@pytest.mark.parametrize("n_threads", [1, 3])
def test_some_features(storage, n_threads):
    X, y = sample(60, 9)
    if storage != "C":
        X[:, 2:8] *= np.abs(X[:, 2:8]) > 1.5  # else they are dense
    sizes = {"values_per_thread": 1, "sparse_values": 1}
    flags = {"l1_ratio": 0.5, "n_threads": n_threads, "sizes": sizes}
    ours = objective_of(STORAGE[storage](X), y, np.full(60, 1 / 60), **flags)
    for columns in np.arange(9), np.array([4]), np.array([0, 3, 8]):
        kept = np.append(columns, 9)
        some = ours.restricted(columns)
        curvature = ours.curvature(ours.margins(np.linspace(-1.0, 1.0, 10)))
        whole = ours.hessian(curvature)[np.ix_(kept, kept)]
        assert_close(some.hessian(curvature), whole)
        places = np.arange(len(columns))[::2]
        assert_close(some.hessian_columns(curvature, places), whole[:, places])


def test_a_hessian_over_more_features():
    X, y = sample(60, 9)
    ours = objective_of(X, y, np.full(60, 1 / 60), l1_ratio=0.5)
    margins = ours.margins(np.linspace(-1.0, 1.0, 10))
    before = HessianMatrix.at(ours.restricted(np.array([1, 4, 5, 8])), margins)
    after = before.over(ours.restricted(np.array([0, 1, 4, 5, 7, 8])), [0, 4])
    whole = HessianMatrix.at(after.objective, margins).matrix
    assert_close(after.matrix, whole)


def test_a_hessian_of_rows_that_miss_a_feature():
    X, y = sample(60, 4)
    X[:30, 2] = 0.0
    rows = np.arange(30)
    ours = objective_of(X, y, np.full(60, 1 / 60), l1_ratio=0.5)
    seen = ours.sample(rows, np.full(30, 1 / 30))
    known = HessianMatrix.at(seen, ours.margins(np.zeros(5)).take(rows), rows)
    squares = ours.product_diagonal(ours.curvature_bound)
    matrix = known.completed(squares).matrix
    assert matrix[2, 2] == squares[2] + ours.penalty.curvature[2]
    matrix[2, 2] = known.matrix[2, 2]
    np.testing.assert_array_equal(matrix, known.matrix)


@every_storage
@every_loss
@every_bias
def test_against_the_dense_formulas(storage, loss, bias):
    ours, reference, theta = objectives(storage, loss, bias)
    point = ours.evaluate(theta, hessian=True)
    F = unit(reference)
    assert ours.n_dof == len(reference.ridge)
    assert point.value == pytest.approx(float(reference.value(theta)) / F, rel=1e-13)
    assert_close(point.gradient, reference.gradient(theta) / F)
    assert_close(point.hessian, reference.hessian(theta) / F)
    losses = reference.losses(theta)[0]
    mean = float(reference.weights @ losses / reference.weights.sum())
    assert point.loss == pytest.approx(mean, rel=1e-13)
    z = reference.design @ theta
    assert_close(point.margins.values, np.where(reference.target == 1, z, -z))
    assert ours.problem.rescale(point.value) == pytest.approx(
        float(reference.value(theta)), rel=1e-13
    )


@every_storage
@every_loss
@every_bias
def test_hessian_products(storage, loss, bias):
    ours, reference, theta = objectives(storage, loss, bias)
    v = np.random.default_rng(2).standard_normal(ours.n_dof)
    point = ours.evaluate(theta)
    curvature = ours.curvature(point.margins)
    scaled = reference.weights / reference.weights.sum()
    assert_close(curvature.values, scaled * reference.losses(theta)[2])
    gram = reference.design.T @ (curvature.values[:, None] * reference.design)
    assert_close(ours.product(curvature, v), gram @ v)
    diagonal, column = ours.diagonal_and_intercept_column(curvature)
    if ours.problem.fit_intercept:
        assert_close(column, gram[-1])
    if storage != "duplicates":  # the diagonal squares duplicates separately
        assert_close(ours.product_diagonal(curvature), gram.diagonal())
        positive = reference.design.T @ (
            abs(curvature.values)[:, None] * reference.design
        )
        assert_close(diagonal, positive.diagonal())
    penalty = np.diag(reference.ridge) / unit(reference)
    assert_close(ours.hessian(curvature), gram + penalty)
    assert ours.max_abs_change(v) == pytest.approx(
        float(abs(reference.design @ v).max())
    )


@every_storage
@every_bias
@pytest.mark.parametrize("n_samples", [60, 800])
def test_many_points_and_their_curvatures(storage, bias, n_samples):
    ours, _, theta = objectives(storage, bias=bias, n_samples=n_samples)
    points = np.outer(np.linspace(-1.0, 1.0, 40), theta)
    known, shares = points[::13] + 0.1, np.outer(np.arange(40), [1.0, -2.0, 1.0, 0.5])
    losses, slopes, ratios = losses_and_ratios(ours, points, known, shares)
    used = ours.weights.values > 0.0
    at_known = [ours.curvature(ours.margins(coef)).values[used] for coef in known]
    for k in (0, 20, 39):
        found = ours.evaluate(points[k])
        assert losses[k] == pytest.approx(found.loss, rel=1e-13)
        assert_close(slopes[k], found.gradient - ours.penalty.gradient(points[k]))
        curvature = ours.curvature(found.margins).values[used]
        ratio = np.abs(shares[k] @ at_known / curvature).max()
        assert ratios[k] == pytest.approx(ratio, rel=1e-12)


@every_storage
def test_largest_sizes_in_parts_of_the_rows(storage):
    ours, _, theta = objectives(storage, n_samples=800)
    values = np.abs(ours.dense_rows(intercept=True))
    sizes = largest_sizes(ours)
    assert_close(sizes.max(axis=0), values.max(axis=0))
    assert (sizes @ np.abs(theta)).max() >= (values @ np.abs(theta)).max() * (1 - 1e-14)


@every_storage
@every_bias
def test_hessian_in_single_precision(storage, bias):
    ours, reference, theta = objectives(storage, "cross_entropy", bias)
    curvature = ours.curvature(ours.evaluate(theta).margins)
    scale = np.random.default_rng(4).uniform(0.5, 2.0, ours.n_dof)
    gram = reference.design.T @ (curvature.values[:, None] * reference.design)
    expected = gram + np.diag(reference.ridge) / unit(reference)
    expected *= scale * scale[:, None]
    found = ours.hessian_float32(curvature, scale)
    assert found.dtype == np.float32
    atol = 1e-5 * expected.diagonal().max()
    np.testing.assert_allclose(np.tril(found), np.tril(expected), rtol=0, atol=atol)


@every_loss
@every_bias
def test_derivatives_along_a_direction(loss, bias):
    ours, _, theta = objectives("C", loss, bias)
    direction = np.random.default_rng(5).standard_normal(ours.n_dof)
    slope_at = ours.line_derivatives(ours.evaluate(theta), direction)
    for length in (0.0, 1.0, 2.5):
        there = ours.evaluate(theta + length * direction, hessian=True)
        slope, curvature = slope_at(length)
        assert slope == pytest.approx(float(there.gradient @ direction), rel=1e-11)
        bend = float(direction @ there.hessian @ direction)
        assert curvature == pytest.approx(bend, rel=1e-11)


@every_loss
@every_bias
def test_derivatives_match_finite_differences(loss, bias):
    ours, _, theta = objectives("C", loss, bias)
    point, step = ours.evaluate(theta, hessian=True), 1e-6
    for k in range(ours.n_dof):
        move = step * np.eye(ours.n_dof)[k]
        ahead, behind = ours.evaluate(theta + move), ours.evaluate(theta - move)
        slope = (ahead.value - behind.value) / (2 * step)
        assert point.gradient[k] == pytest.approx(slope, rel=1e-6, abs=1e-8)
        bend = (ahead.gradient - behind.gradient) / (2 * step)
        np.testing.assert_allclose(point.hessian[k], bend, rtol=1e-6, atol=1e-8)


@every_storage
@every_bounded_loss
def test_no_hessian_exceeds_the_majorizer(storage, loss):
    ours, _, _ = objectives(storage, loss)
    majorizer = ours.hessian(ours.curvature_bound)
    rng = np.random.default_rng(3)
    for scale in (0.0, 0.3, 1.0, 3.0):
        theta = scale * rng.standard_normal(ours.n_dof)
        hessian = ours.evaluate(theta, hessian=True).hessian
        assert np.linalg.eigvalsh(majorizer - hessian)[0] >= -1e-12


@every_bounded_loss
def test_a_shift_adds_to_the_curvature(loss):
    ours, _, theta = objectives("C", loss)
    margins = ours.evaluate(theta).margins
    shifted = ours.curvature(margins).values + 0.125 * ours.curvature_bound.values
    found = ours.curvature(margins, 0.125).values
    np.testing.assert_allclose(found, shifted, rtol=1e-12)


# ---------------------------------------------------------- blocks and threads


@pytest.mark.parametrize("storage", ["C", "F", "float32", "csr"])
@pytest.mark.parametrize("block_rows", [1, 7, 64, 1000])
@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_blocks_and_threads_do_not_matter(storage, block_rows, n_threads):
    whole, _, theta = objectives(storage, n_samples=200)
    sizes = {"values_per_thread": 1}
    parts, _, _ = objectives(storage, n_samples=200, n_threads=n_threads, sizes=sizes)
    design = parts.problem.rows.design
    design.block_rows = design.gram_rows = block_rows
    chunks = design.chunks(n_threads)
    assert sum(part.stop - part.start for part in chunks) == 200
    assert len(chunks) == n_threads
    one, many = (o.evaluate(theta, hessian=True) for o in (whole, parts))
    assert many.value == pytest.approx(one.value, rel=1e-14)
    assert_close(many.gradient, one.gradient, rtol=1e-13)
    assert_close(many.hessian, one.hessian, rtol=1e-13)
    assert_close(many.margins.values, one.margins.values, rtol=1e-13)
    again = parts.evaluate(theta, hessian=True)
    np.testing.assert_array_equal(again.gradient, many.gradient)
    np.testing.assert_array_equal(again.hessian, many.hessian)
    curvature = whole.curvature(one.margins)
    found = parts.curvature(one.margins).values
    assert_close(found, curvature.values, rtol=1e-14)
    for method, arguments in (
        ("product", (curvature, theta)),
        ("product_diagonal", (curvature,)),
        ("max_abs_change", (theta,)),
    ):
        parted = getattr(parts, method)(*arguments)
        assert_close(parted, getattr(whole, method)(*arguments), rtol=1e-13)
    parts.executor.close()


@every_storage
@pytest.mark.parametrize("n_rows", [3, 90])
def test_a_sample_gives_the_objective_of_its_rows(storage, n_rows):
    # A small sample is copied. A large sample is gathered block by block.
    sizes = {"dense_bytes": 1, "max_rows": 16}
    whole, reference, theta = objectives(
        storage, n_samples=200, n_threads=2, sizes=sizes
    )
    rows = np.random.default_rng(3).permutation(200)[:n_rows]
    weights = np.full(n_rows, 1.0 / n_rows)
    found = whole.sample(rows, weights).evaluate(theta, hessian=True)
    margins = whole.evaluate(theta).margins.values[rows]
    assert_close(found.margins.values, margins, rtol=1e-14)
    _, slope, curvature = whole.loss.at_margin(margins)
    design = reference.design[rows]
    slope *= weights * whole.problem.rows.signs[rows]
    assert_close(found.gradient, design.T @ slope + whole.penalty.gradient(theta))
    gram = design.T @ ((weights * curvature)[:, None] * design)
    assert_close(found.hessian, gram + np.diag(whole.penalty.curvature))
    # A sample of a sample and a part of a sample refer to the original rows.
    sampled = whole.sample(rows, weights)
    again = sampled.sample(np.arange(n_rows)[::2], weights[::2] / weights[::2].sum())
    assert_close(again.evaluate(theta).margins.values, margins[::2], rtol=1e-14)
    some, columns = np.array([n_rows - 1, 0]), np.array([3, 1])
    assert_close(sampled.dense_rows(some, columns), design[np.ix_(some, columns)])


@pytest.mark.parametrize("storage", ["C", "F", "csr"])
def test_small_blocks_give_the_same_results(storage):
    whole, _, theta = objectives(storage, n_samples=500)
    sizes = {"dense_bytes": 1, "weighted_bytes": 1, "sparse_values": 1}
    small, _, _ = objectives(storage, n_samples=500, sizes=sizes)
    sizes = [o.problem.rows.design.block_rows for o in (small, whole)]
    assert sizes[0] <= sizes[1]
    one, many = (o.evaluate(theta, hessian=True) for o in (whole, small))
    assert_close(many.gradient, one.gradient, rtol=1e-13)
    assert_close(many.hessian, one.hessian, rtol=1e-13)
    h = RowVector(np.random.default_rng(4).standard_normal(500))
    assert_close(small.hessian(h), whole.hessian(h))
    assert_close(small.product_diagonal(h), whole.product_diagonal(h))


@pytest.mark.parametrize("size", [20, 1000, 3000, 4999, 10_000])
@pytest.mark.parametrize("bias", [0.0, 1.0, -5.0])
def test_rows_are_drawn_by_class_without_replacement(size, bias):
    X, y = sample(5000, 1, bias=bias)
    weights = np.random.default_rng(0).exponential(size=5000)
    weights[::7] = 0.0
    objective = objective_of(X, y, weights)
    [(rows, drawn)] = objective.rows.draw([size])
    assert len(np.unique(rows)) == len(rows)
    assert weights[rows].all()
    for label in (0, 1):
        total = weights[y == label].sum() / weights.sum()
        assert drawn[y[rows] == label].sum() == pytest.approx(total)
        here, there = (np.count_nonzero(weights[y == k]) for k in (label, 1 - label))
        wanted = min(here, size - min(there, size // 2))
        found = np.count_nonzero(y[rows] == label)
        assert abs(found - wanted) <= 4.0 * np.sqrt(wanted) * (wanted < here)


def test_a_memory_map(tmp_path):
    X, y = sample(50, 3)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    points = [
        objective_of(rows, y, np.ones(1)).evaluate(np.ones(4), hessian=True)
        for rows in (X, mapped)
    ]
    np.testing.assert_array_equal(points[0].hessian, points[1].hessian)


def test_each_evaluation_takes_one_pass_over_X():
    ours, _, theta = objectives()
    point = ours.evaluate(theta, hessian=True)
    assert ours.meter.passes == 1.0
    ours.product(ours.curvature(point.margins), theta)
    assert ours.meter.passes == 2.0


@every_bias
def test_discarded_margins_take_another_pass_over_X(bias):
    ours, _, theta = objectives(bias=bias)
    kept = ours.evaluate(theta)
    point = ours.evaluate(theta, margins=False)
    assert point.value == kept.value
    np.testing.assert_array_equal(point.gradient, kept.gradient)
    assert ours.meter.passes == 2.0
    np.testing.assert_array_equal(point.margins.values, kept.margins.values)
    assert point.margins is point.margins
    assert ours.meter.passes == 3.0


# ------------------------------------------------------------------ the dual gap


@every_bias
def test_the_gap_after_a_newton_step_is_a_bound(bias):
    ours, _, _ = objectives("C", "cross_entropy", bias)
    points = [ours.evaluate(np.zeros(ours.n_dof), hessian=True)]
    for _ in range(12):
        step = np.linalg.solve(points[-1].hessian, points[-1].gradient)
        points.append(ours.evaluate(points[-1].coef - step, hessian=True))
    lowest = min(point.value for point in points)
    bounds = [
        dual_after_step(ours, a.margins, b.margins).bound()
        for a, b in itertools.pairwise(points)
    ]
    excesses = [point.value - lowest for point in points[1:]]
    assert min(excesses) < 1e-14 < max(excesses)
    for bound, excess in zip(bounds, excesses, strict=True):
        assert excess <= bound + 1e-15
        assert bound <= 10.0 * excess + 1e-15 or bound == np.inf


# ---------------------------------------------------------------------- units


def test_refactoring_the_hessian_of_a_sample_gives_a_bound():
    ours, _, _ = objectives(C=100.0, n_samples=2000)
    lowest = ours.evaluate(minimum_of(ours))
    rows = np.arange(0, 2000, 2)
    weights = ours.weights.take(rows)
    part = ours.sample(rows, weights.values / weights.total())
    far = CholeskyModel(part)
    start = part.evaluate(np.zeros(part.n_dof))
    far.step(start, 1e-8)
    model = CholeskyModel(ours, far.known_hessian(rows, start))
    point = ours.evaluate(lowest.coef * (1.0 + 1e-2))
    step = model.step(point, 1e-8 * point.value)
    excess = point.value - lowest.value
    known = model._current
    old = known.certify(point.margins.take(rows), weights, point)
    assert np.isinf(old.excess)
    bound = model.certify(step).excess
    assert 0.0 < excess <= bound < 10.0 * excess


def test_the_hessian_of_a_small_sample_gives_a_bound_in_less_than_one_pass():
    ours, _, _ = objectives(C=100.0, n_samples=2000)
    lowest = ours.evaluate(minimum_of(ours))
    rows = np.arange(0, 2000, 8)
    weights = ours.weights.take(rows)
    part = ours.sample(rows, weights.values / weights.total())
    model = CholeskyModel(
        ours, CholeskyModel(part).known_hessian(rows, part.evaluate(0 * lowest.coef))
    )
    model._renew(lowest)
    point = ours.evaluate(lowest.coef * (1.0 + 1e-2))
    step = model.step(point, 1e-2 * point.value)
    assert not step.exact
    before = ours.meter.passes
    bound = model.certify(step).excess
    assert ours.meter.passes - before < 1.0
    assert 0.0 < point.value - lowest.value <= bound
    assert bound < 100.0 * (point.value - lowest.value)


@every_bias
def test_penalty_curvature(bias):
    ours, reference, _ = objectives("C", bias=bias)
    strengths = ours.penalty.curvature
    assert_close(strengths, reference.ridge / unit(reference))
    assert ours.problem.bounded


@every_bias
@every_loss
def test_without_a_penalty(bias, loss):
    ours, reference, theta = objectives("C", loss, bias, C=np.inf)
    assert not ours.problem.bounded
    assert ours.penalty.absent
    point = ours.evaluate(theta)
    F = float(reference.value(theta))
    assert ours.problem.rescale(point.value) == pytest.approx(F, rel=1e-13)
    assert point.value == pytest.approx(point.loss, rel=1e-15)


def test_weights_sum_to_one():
    ours, reference, _ = objectives()
    assert ours.weights.total() == pytest.approx(1.0, rel=1e-15)
    total = float(reference.weights.sum())
    assert_close(ours.weights.values * total, reference.weights)


@every_loss
@pytest.mark.parametrize("convert", [np.array, sparse.csr_array])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_raises(bad, convert, loss):
    X, y = sample(50, 3)
    X[::2, 1] = bad
    objective = objective_of(convert(X), y, np.ones(1), loss=loss)
    with np.errstate(all="ignore"), pytest.raises(NotFiniteError):
        objective.evaluate(np.array([1.0, -100.0, 1.0, 1.0]))
