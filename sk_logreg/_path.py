"""Regularization paths: the fits at many values of C, each from the one before it."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from sk_logreg._arguments import to_float64
from sk_logreg._arrays import Matrix, Vector
from sk_logreg._degrees_of_freedom import (
    HessianAlongPath,
    degrees_of_freedom,
    free_coefficients,
    ranks,
    trace,
)
from sk_logreg._estimator import BinaryLogisticRegression
from sk_logreg._execution import ThreadExecutor, thread_executor
from sk_logreg._fit import check_parameters, on_problem, problem_of, validated_data
from sk_logreg._follower import followable
from sk_logreg._knots import WholePath
from sk_logreg._log import Journal
from sk_logreg._objective import Objective
from sk_logreg._problem import Data, Problem, with_C
from sk_logreg._records import Status
from sk_logreg._solvers import SOLVERS, Solution, solve_from_starts, stated
from sk_logreg._solvers._base import Solver
from sk_logreg._stacked import solve_stacked
from sk_logreg._tolerances import EPS
from sk_logreg._wide import WideFollower
from sk_logreg.penalties import ElasticNet, Penalty

# The grid of a penalty with an L1 part ends at this multiple of its start, and that of
# one without is this range.
_SPAN, _RANGE = 1e3, (1e-4, 1e4)
# The grid starts below the largest C with all weights at their centers, by this share,
# since that C is known only up to rounding errors.
_BELOW = 64 * np.sqrt(EPS)
# The tolerance of the fit that this largest C is computed from.
_NULL_TOL = 1e-12
# The fit at one C starts near that at another, up to this multiple of it.
_NEAR = 2.0
# Maximum number of values of C in the warning.
_MAX_NAMED = 5


@dataclass(frozen=True, eq=False)
class RegularizationPath:
    r"""The fits of a model at several values of C; see `regularization_path`.

    Parameters
    ----------
    Cs : ndarray of shape (n_Cs,)
        The values of C, ascending.
    coefs : ndarray of shape (n_Cs, n_features)
        The weights at each C.
    intercepts : ndarray of shape (n_Cs,)
        The biases; 0 without a bias.
    objectives : ndarray of shape (n_Cs,)
        F, the minimum at each C.
    gaps : ndarray of shape (n_Cs,)
        The bounds on the relative suboptimality, :math:`(F - F^*) / F`, as
        `optimality_gap_`.
    n_nonzero : ndarray of shape (n_Cs,) of int
        The numbers of weights that are not 0.
    degrees_of_freedom : ndarray of shape (n_Cs,)
        The trace of :math:`(H + \Lambda)^{-1} H` over the weights that are at neither a
        kink nor a bound, with H the Hessian of the losses and Λ that of the penalty.
        For the lasso it is the rank of their columns. A free bias is not counted. NaN
        with more than 4,000 such weights. With thousands of rows per feature, H is
        computed at some values of C and interpolated between them, with an error of
        about one in a thousand.
    deviances : ndarray of shape (n_Cs,)
        Twice the sum of the losses, weighted by s, minus its smallest possible value,
        which is 0 unless labels are soft.
    null_deviance : float
        The deviance of the model without features: with the offset and an unpenalized
        bias, or the offset alone if `fit_intercept` is False.
    statuses : tuple of Status
        How the fit at each C ended.
    feature_names : tuple of str, default=None
        The names of the features, None unless all are strings.

    See Also
    --------
    sk_logreg.displays.PathDisplay : Draws a path.
    """

    Cs: Vector
    coefs: Matrix
    intercepts: Vector
    objectives: Vector
    gaps: Vector
    n_nonzero: NDArray[np.int64]
    degrees_of_freedom: Vector
    deviances: Vector
    null_deviance: float
    statuses: tuple[Status, ...]
    feature_names: tuple[str, ...] | None = None


def regularization_path(
    estimator: BinaryLogisticRegression,
    X: Any,
    y: ArrayLike,
    *,
    Cs: int | ArrayLike = 100,
    sample_weight: ArrayLike | None = None,
    offset: ArrayLike | None = None,
) -> RegularizationPath:
    """Fit a model at several values of C, each from the fit before it.

    The data are validated once, and each fit is certified as by `fit`.

    Parameters
    ----------
    estimator : BinaryLogisticRegression
        An estimator whose parameters hold, apart from `C` and `warm_start`. It is not
        changed, and need not be fitted.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The examples, one per row. If it is a dask collection, so are the others.
    y : array-like of shape (n_samples,)
        The labels, of two values; with `soft_labels`, probabilities.
    Cs : int or array-like of shape (n_Cs,), default=100
        The values of C, finite and above 0, in any order; or the number of values of a
        geometric grid. With `l1_ratio` above 0 the grid begins with the largest C at
        which all penalized weights are at their centers (0, or `penalty_center`), and
        ends at 1,000 times that. With `l1_ratio=0`, or if there is no such C, it spans
        1e-4 to 1e4.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows, not negative. By default each is one.
    offset : array-like of shape (n_samples,), default=None
        A known term that is added to z of each row. By default 0.

    Returns
    -------
    RegularizationPath
        The fits, by ascending C.

    Raises
    ------
    TypeError
        If the estimator is not a `BinaryLogisticRegression`.
    ValueError
        If an argument is invalid, as in `BinaryLogisticRegression.fit`, or if the
        estimator has a `bias_reduction`.

    Warns
    -----
    ConvergenceWarning
        If a fit reached no minimum. The message says at which values of C.

    References
    ----------
    .. [1] J. Friedman, T. Hastie, R. Tibshirani (2010). Regularization paths for
       generalized linear models via coordinate descent. Journal of Statistical Software
       33(1).

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from sk_logreg import BinaryLogisticRegression, regularization_path
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> lasso = BinaryLogisticRegression(l1_ratio=1.0)
    >>> path = regularization_path(lasso, scale(X), y, Cs=4)
    >>> path.n_nonzero.tolist()
    [0, 5, 13, 22]
    """
    known = isinstance(estimator, BinaryLogisticRegression)
    if not known or "C" not in estimator.get_params(deep=False):
        raise TypeError(
            "estimator must be a BinaryLogisticRegression, got "
            f"{type(estimator).__name__}. Transform X before."
        )
    grid = checked_grid(Cs)
    model = clone(estimator).set_params(C=1.0, warm_start=False)
    if model.bias_reduction is not None:
        raise ValueError(
            f"bias_reduction={model.bias_reduction!r} takes the place of a penalty, so "
            "there is no path over C. Set bias_reduction=None."
        )
    check_prototype(model)
    with thread_executor() as executor, np.errstate(all="ignore"):
        data, _, _ = validated_data(model, X, y, sample_weight, offset, executor)
        path = on_problem(
            model, data, executor, lambda p: _path(model, data, p, grid, executor)
        )
    _warn(path)
    names = getattr(model, "feature_names_in_", None)
    return path if names is None else replace(path, feature_names=tuple(names))


def checked_grid(Cs: Any) -> int | Vector:
    """Return the number of values of C, or the values, ascending."""
    if isinstance(Cs, Integral) and not isinstance(Cs, bool | np.bool_):
        if Cs < 1:
            raise ValueError(f"Cs must be at least 1, got {Cs}.")
        return int(Cs)
    try:
        values = to_float64(Cs)
    except (TypeError, ValueError):
        raise ValueError(f"Cs must hold numbers, got {Cs!r}.") from None
    if isinstance(Cs, bool | np.bool_) or values.ndim != 1 or not len(values):
        raise ValueError(f"Cs must be an int or a list of numbers, got {Cs!r}.")
    wrong = values[~((values > 0.0) & np.isfinite(values))]
    if len(wrong):
        raise ValueError(f"Cs must hold finite numbers above 0, got {wrong[0]}.")
    return np.sort(values)


def check_prototype(model: BinaryLogisticRegression) -> None:
    """Raise a ValueError where `fit` does, before it sees the data."""
    model._validate_params()
    check_parameters(model)


def _path(
    model: BinaryLogisticRegression,
    data: Data,
    problem: Problem,
    Cs: int | Vector,
    executor: ThreadExecutor,
) -> RegularizationPath:
    """Return the path, given the problem at C = 1."""
    problem = Objective(problem, executor).in_memory().problem
    null = null_fit(model, problem, executor)
    if isinstance(Cs, int):
        Cs = geometric_grid(Cs, null.largest if model.l1_ratio > 0.0 else np.inf)
    hessians = HessianAlongPath()
    found = list(_fits(model, problem, Cs, null.coef, hessians, executor))
    coefs = np.array([fit.coef for fit in found])
    n_features = problem.n_features
    weights, biases = coefs[:, :n_features], coefs[:, n_features:].sum(axis=1)
    # 2 Σ s times the mean of the losses, less that of the best predictions.
    losses = np.array([fit.loss for fit in found])
    least = problem.rows.saturated_loss(executor, problem.loss)
    at_null = null.loss
    alone = problem.free_bias and data.penalty_center is None
    if not alone or null.coef[:n_features].any() or np.isnan(at_null):
        at_null = _null_loss(model, data, executor)
    return RegularizationPath(
        Cs=Cs,
        coefs=weights,
        intercepts=biases,
        objectives=np.array([fit.objective for fit in found]),
        gaps=np.array([fit.gap for fit in found]),
        n_nonzero=np.count_nonzero(weights, axis=1),
        degrees_of_freedom=_degrees(problem, Cs, found, hessians, executor),
        deviances=2.0 * problem.unit * (losses - least),
        null_deviance=2.0 * problem.unit * (at_null - least),
        statuses=tuple(fit.status for fit in found),
    )


@dataclass(frozen=True, eq=False)
class _Fit:
    """The fit at one C."""

    coef: Vector  # the user's
    objective: float
    loss: float
    gap: float
    free: NDArray[np.bool_]  # which coefficients are at no kink and no bound
    degrees: float  # of freedom; NaN if they follow from the Hessians along the path
    status: Status


def _fits(
    model: BinaryLogisticRegression,
    problem: Problem,
    Cs: Vector,
    start: Vector,
    hessians: HessianAlongPath,
    executor: ThreadExecutor,
) -> Iterator[_Fit]:
    """Yield the fit at each C, from small to large; each starts near the last one.

    With samples of many rows, Hessians for the degrees of freedom are added.
    """
    solver, before, last = SOLVERS[model.solver], start, start
    nearby: Solution | None = None
    whole: WholePath | None = None
    few: _FewRows | None = None
    followed = followable(problem, executor, model.tol)
    if followed is not None:
        problem = followed
        solver = whole = WholePath(solver, executor, followed, Cs)
    for place, C in enumerate(Cs):
        objective = Objective(with_C(problem, C), executor)
        if nearby and C / Cs[place - 1] > _NEAR:
            nearby = None
        ahead, solution, degrees = _ahead(before, last), None, np.nan
        if few is not None:
            solution, degrees = few.solution(place, objective.penalty, ahead, nearby)
        if solution is None:
            solution = _solved(model, objective, model.tol, ahead, solver, nearby)
        nearby = solution
        before, last = last, solution.point.coef
        if place == 0 and whole is None and solution.status.converged:
            few = _FewRows(Objective(problem, executor), Cs, last, model.tol)
        if whole is not None and not _is_lasso(problem):
            hessian, end = whole.hessian(place), place == len(Cs) - 1
            hessians.add(objective, last, last=end, hessian=hessian)
        elif np.isnan(degrees) and not _is_lasso(problem):
            degrees = degrees_of_freedom(objective, last, solution.point.margins)
        yield _fit(model, objective, solution, degrees)


class _FewRows:
    """Solves the problems of a path over few rows, given the objective at C = 1.

    Where it pays, all that follow the first solution are solved at once, else each from
    the one before it.
    """

    def __init__(self, objective: Objective, Cs: Vector, first: Vector, tol: float):
        self._found = solve_stacked(objective, Cs, first, tol)
        self._wide = WideFollower(objective, tol)

    def solution(
        self, place: int, penalty: Penalty, start: Vector, nearby: Solution | None
    ) -> tuple[Solution | None, float]:
        """Return a solution and its degrees of freedom, None and NaN if unknown.

        The start is near it, and `nearby` is the solution at a C near this one, if any.
        """
        if place in self._found:
            return self._found[place]
        found = self._wide.solution(penalty, start, nearby) if nearby else None
        return found, np.nan


def _degrees(
    problem: Problem,
    Cs: Vector,
    found: list[_Fit],
    hessians: HessianAlongPath,
    executor: ThreadExecutor,
) -> Vector:
    """Return the degrees of freedom of the fits, given the problem at C = 1."""
    free = np.array([fit.free for fit in found])
    if _is_lasso(problem):
        return ranks(Objective(problem, executor), free)
    degrees = np.array([fit.degrees for fit in found])
    for k, hessian in enumerate(hessians):
        which, curvature = free[k], with_C(problem, Cs[k]).penalty.curvature
        matrix = hessian + np.diag(curvature)
        degrees[k] = trace(matrix[np.ix_(which, which)], curvature[which])
        degrees[k] -= problem.free_bias
    return degrees


def _solved(
    model: BinaryLogisticRegression,
    objective: Objective,
    tol: float,
    start: Vector,
    solver: Solver | None = None,
    nearby: Solution | None = None,
) -> Solution:
    """Return the solution from a start, by the model's solver unless one is given."""
    return solve_from_starts(
        objective,
        solver or SOLVERS[model.solver],
        Journal(model.max_iter),
        tol=tol,
        previous=start,
        n_init=model.n_init,
        random_state=check_random_state(model.random_state),
        nearby=nearby,
    )


def _ahead(before: Vector, last: Vector) -> Vector:
    """Extrapolate the path linearly from its last two points.

    Coefficients that would change their sign are 0.
    """
    ahead = last + (last - before)
    return np.where(ahead * last < 0.0, 0.0, ahead)


def _fit(
    model: BinaryLogisticRegression,
    objective: Objective,
    solution: Solution,
    degrees: float,
) -> _Fit:
    """Return a fit in the user's terms."""
    point, gap, problem = solution.point, solution.gap, objective.problem
    accuracy = max(0.0, np.sqrt(model.tol) - np.sqrt(gap)) ** 2 * point.value
    w, b, excess = stated(objective, point, np.dtype(np.float64), accuracy)
    if excess > 0.0:  # of rounding; norms add up
        gap = min(1.0, float(np.sqrt(gap) + np.sqrt(excess / point.value)) ** 2)
    return _Fit(
        coef=np.append(w, b),
        objective=problem.rescale(point.value),
        loss=point.loss,
        gap=gap,
        free=free_coefficients(objective, point.coef),
        degrees=degrees,
        status=solution.status,
    )


class NullFit(NamedTuple):
    """The fit with all penalized coefficients at their centers.

    Attributes
    ----------
    largest : float
        The largest C at which that is the minimum, infinite where it always is.
    loss : float
        The mean loss, NaN where it is not known.
    """

    coef: Vector
    largest: float
    loss: float


def null_fit(
    model: BinaryLogisticRegression, problem: Problem, executor: ThreadExecutor
) -> NullFit:
    """Return the fit with all penalized coefficients at their centers."""
    penalty = problem.penalty
    if not isinstance(penalty, ElasticNet):
        return NullFit(np.zeros(problem.n_dof), np.inf, np.nan)
    center = penalty.clip(np.zeros(problem.n_dof))
    held = (penalty.l1 > 0.0) | (penalty.curvature > 0.0)
    pinned = replace(
        penalty,
        strengths=0.0 * penalty.strengths,
        l1=0.0 * penalty.l1,
        lower=np.where(held, center, penalty.lower),
        upper=np.where(held, center, penalty.upper),
    )
    objective = Objective(replace(problem, penalty=pinned), executor)
    # The columns of weights that are held at 0 are left out, but for one.
    n_features, which = problem.n_features, ~held | (center != 0.0)
    some = which[:n_features].any()
    which[0] |= not some
    which[n_features:] = True
    reduced = objective.restricted(np.flatnonzero(which[:n_features])).problem
    if not some:
        reduced = replace(reduced, rows=problem.rows.without_features())
    few = Objective(replace(reduced, coordinates=None), executor)
    coef, begin = center.copy(), _with_log_odds(few, center[which])
    coef[which] = _solved(model, few, _NULL_TOL, begin).point.coef
    point = objective.evaluate(coef, margins=False)
    slope = point.gradient
    rises = slope < 0.0  # the weight that leaves its center
    kinks = np.where(center != 0.0, np.sign(center), np.where(rises, 1.0, -1.0))
    movable = held & np.where(rises, center < penalty.upper, center > penalty.lower)
    limits = penalty.gradient(center) + kinks * penalty.l1
    with np.errstate(divide="ignore", invalid="ignore"):
        limits /= -slope
    movable &= slope != 0.0
    largest = float(np.min(limits, where=movable, initial=np.inf))
    return NullFit(coef, largest, point.loss)


def _is_lasso(problem: Problem) -> bool:
    """Return whether no coefficient has an L2 penalty."""
    return not problem.penalty.curvature.any()


def geometric_grid(n_values: int, largest: float) -> Vector:
    """Return a geometric grid from the largest C without weights, if there is one."""
    if not np.isfinite(largest):
        return np.geomspace(*_RANGE, n_values)
    start = largest * (1.0 - _BELOW)
    return np.geomspace(start, _SPAN * start, n_values)


def _null_loss(
    model: BinaryLogisticRegression, data: Data, executor: ThreadExecutor
) -> float:
    """Return the mean loss of the model with a free bias, if any, and the offset."""
    plain = clone(model).set_params(l1_ratio=0.0, absorb_bias=False)
    problem = problem_of(plain, data.without_features(), executor)
    objective = Objective(problem, executor).in_memory()
    if not model.fit_intercept:
        return objective.value_at_zero
    return _solved(model, objective, model.tol, np.zeros(2)).point.loss


def _with_log_odds(objective: Objective, coef: Vector) -> Vector:
    """Return a point with the log odds of the labels as its bias, if that is free.

    They minimize cross entropy without features and offset.
    """
    if not (objective.problem.free_bias and objective.loss.convex):
        return coef
    at_zero = objective.evaluate(np.zeros_like(coef), margins=False)
    share = 0.5 - at_zero.gradient[-1]
    bias = np.log(share) - np.log1p(-share)
    return np.append(coef[:-1], bias if np.isfinite(bias) else 0.0)


def _warn(path: RegularizationPath) -> None:
    """Warn of the fits that did not converge."""
    failed = [k for k, status in enumerate(path.statuses) if not status.converged]
    if not failed:
        return
    values = ", ".join(f"{path.Cs[k]:.4g}" for k in failed[:_MAX_NAMED])
    if len(failed) > _MAX_NAMED:
        values += f" and {len(failed) - _MAX_NAMED} more"
    status = path.statuses[failed[0]]
    warnings.warn(
        f"{len(failed)} of {len(path.Cs)} fits did not converge, at C = {values}. "
        f"{status.sentence} (The greatest bound is {path.gaps[failed].max():.1e}.) "
        f"{status.remedy}",
        ConvergenceWarning,
        stacklevel=3,
    )
