"""The fits of a fold: at each C, from small to large."""

import os
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._estimator import BinaryLogisticRegression
from sk_logreg._execution import ThreadExecutor, thread_executor
from sk_logreg._fit import on_problem
from sk_logreg._follower import Follower, followable
from sk_logreg._leave_one_out import LeaveOneOut
from sk_logreg._lockstep import suits, without_each
from sk_logreg._log import Journal
from sk_logreg._objective import Objective
from sk_logreg._problem import Data, Problem, with_C
from sk_logreg._records import CONVERGED, Status
from sk_logreg._scores import Labels, row_scores
from sk_logreg._solvers import SOLVERS, Solution, solve_from_starts
from sk_logreg._solvers._base import Goal, Solver
from sk_logreg._solvers._factors import MANY
from sk_logreg._solvers._newton import CholeskyModel, ProximalModel, minimize
from sk_logreg._solvers._row_space import reducible
from sk_logreg._solvers._samples import nested_samples
from sk_logreg._splits import Folds
from sk_logreg._tolerances import FINE

# The error of a test score is proportional to the square root of the suboptimality of
# f. Each fit therefore ends with one more Newton step, not certified, which squares the
# suboptimality. Without that step, or with kinks, the tolerance is this share of `tol`.
# With tol=1e-8, scores are then right to 1e-6, measured up to C = 1e4.
_TOL_SHARE = 0.1
# The tolerance that decides whether the last step is taken.
_LAST_TOL = 1e-16
# Maximum number of iterations before the last step is taken.
_LAST_STEPS = 2


@dataclass(frozen=True, eq=False)
class FoldResult:
    """The fits of a fold at each C.

    Attributes
    ----------
    coefs : ndarray of shape (n_Cs, n_features + 1) or (n_Cs, n_features)
    n_iter : ndarray of shape (n_Cs,)
    statuses : list of Status
    rows : list of ndarray of shape (n_samples,)
        The leave-one-out score of each row at each C; empty for folds.
    """

    coefs: Matrix
    n_iter: NDArray[np.int32]
    statuses: list[Status]
    rows: Sequence[Vector] = ()


def fit_fold(
    model: BinaryLogisticRegression,
    folds: Folds,
    k: int,
    Cs: Vector,
    n_jobs: int,
    process: int,
) -> FoldResult:
    """Fit a model to the training rows of fold k at each C.

    `model` is unfitted, or holds the coefficients to start from. At most `n_jobs` folds
    run at a time, in threads of the process or in others.
    """
    with thread_executor() as executor, np.errstate(all="ignore"):
        if os.getpid() == process:  # in others joblib has shared out the threads
            executor.n_threads = max(1, executor.n_threads // n_jobs)
        return _result(fit_path(model, folds.training(k), Cs, executor))


def fit_folds(
    model: BinaryLogisticRegression, folds: Folds, Cs: Vector
) -> list[FoldResult] | None:
    """Fit a model to a sample at some values of C, and from there without each fold.

    Returns None where that does not suit the model or the folds.
    """
    group = folds.group()
    if group is None:
        return None

    def fitted(problem: Problem) -> list[FoldResult] | None:
        objective, n_folds = Objective(problem, executor), len(folds)
        if not suits(problem, objective, n_folds * len(Cs)):
            return None
        drawn = list(nested_samples(objective, model.tol))
        sample = objective.in_memory()
        if drawn:
            sample = objective.sample(*drawn[-1], copied=True)
        # The minimum without a fold is about as far from that over all rows.
        tol = max(model.tol, objective.n_dof / (objective.n_samples * n_folds))
        scaled = [with_C(sample.problem, C) for C in Cs]

        def start(place: int, guess: Vector | None) -> Vector | None:
            goal = Goal(tol, certify=False, near=place > 0)
            if guess is None:
                guess = _held(model, problem)
            at = np.zeros(problem.n_dof) if guess is None else guess
            solver, journal = SOLVERS[model.solver], Journal(model.max_iter)
            solution = solver(Objective(scaled[place], executor), at, journal, goal)
            converged = solution.status.converged
            return solution.point.coef + solution.pending_step if converged else None

        penalties = [each.penalty for each in scaled]
        at_each = without_each(objective, sample, penalties, start, group, n_folds)
        results = []
        for k, ends in enumerate(at_each):
            fits = [m and Fit(problem.lift(m[0]), CONVERGED, m[1]) for m in ends]
            results.append(_result(_completed(fits, model, folds, k, Cs, executor)))
        return results

    with thread_executor() as executor, np.errstate(all="ignore"):
        return on_problem(model, folds.data, executor, fitted)


def _held(model: BinaryLogisticRegression, problem: Problem) -> Vector | None:
    """Return the coefficients that the model holds, or None."""
    if not hasattr(model, "coef_"):
        return None
    return problem.lower(np.append(model.coef_, model.intercept_)[: problem.n_dof])


def _completed(
    fits: Sequence["Fit | None"],
    model: BinaryLogisticRegression,
    folds: Folds,
    k: int,
    Cs: Vector,
    executor: ThreadExecutor,
) -> list["Fit"]:
    """Return the fits, those that are missing from the one at the C before."""
    missing = np.array([fit is None for fit in fits])
    if not missing.any():
        return [fit for fit in fits if fit is not None]
    start, n_features = copy(model), folds.data.X.shape[1]
    before = fits[max(0, int(missing.argmax()) - 1)]
    if before is not None:
        start.coef_ = before.coef[None, :n_features]
        start.intercept_ = before.coef[n_features:]
    others = iter(fit_path(start, folds.training(k), Cs[missing], executor))
    return [next(others) if fit is None else fit for fit in fits]


def fit_leave_one_out(
    model: BinaryLogisticRegression, data: Data, Cs: Vector, loss: str, labels: Labels
) -> FoldResult:
    """Fit a model to all rows at each C, and score each row by approximation."""
    with thread_executor() as executor, np.errstate(all="ignore"):
        without = LeaveOneOut(SOLVERS[model.solver], executor)
        fits = fit_path(model, data, Cs, executor, without)
        rows = [row_scores(loss, fit.z, labels) for fit in fits if fit.z is not None]
    return _result(fits, rows)


def _result(fits: list["Fit"], rows: Sequence[Vector] = ()) -> FoldResult:
    coefs = np.array([fit.coef for fit in fits])
    n_iter = np.array([fit.n_iter for fit in fits], dtype=np.int32)
    return FoldResult(coefs, n_iter, [fit.status for fit in fits], rows)


@dataclass(frozen=True, eq=False)
class Fit:
    """The fit at one C: the user's coefficients, and z without each row if asked."""

    coef: Vector
    status: Status
    n_iter: int
    z: Vector | None = None


def fit_path(
    model: BinaryLogisticRegression,
    data: Data,
    Cs: Vector,
    executor: ThreadExecutor,
    without: LeaveOneOut | None = None,
) -> list[Fit]:
    """Return the fits at each C, ascending; each starts from the one before it."""
    return on_problem(
        model, data, executor, lambda p: list(_fits(model, p, Cs, executor, without))
    )


def _fits(
    model: BinaryLogisticRegression,
    problem: Problem,
    Cs: Vector,
    executor: ThreadExecutor,
    without: LeaveOneOut | None,
) -> Iterator[Fit]:
    for objective, solution, journal in _solutions(
        model, problem, Cs, executor, without
    ):
        coef = _polished(objective, solution)
        z = None if without is None else without.predictions(objective, coef)
        yield Fit(problem.lift(coef), solution.status, len(journal.records), z)


def _solutions(
    model: BinaryLogisticRegression,
    problem: Problem,
    Cs: Vector,
    executor: ThreadExecutor,
    without: LeaveOneOut | None,
) -> Iterator[tuple[Objective, Solution, Journal]]:
    """Yield the solution at each C; each starts at or ahead of the one before it."""
    problem = Objective(problem, executor).in_memory().problem
    start, before = _held(model, problem), None
    solver = SOLVERS[model.solver]
    plain = problem.penalty.smooth and problem.n_dof <= MANY
    tol = max(model.tol if plain else _TOL_SHARE * model.tol, FINE)
    follow = followable(problem, executor, tol) if without is None else None
    if follow is not None:
        problem, solver = follow, Follower(solver, executor, follow, Cs)
    elif plain and suits(problem, Objective(problem, executor), 1):
        tol, solver = _LAST_TOL, _Uncertified(solver, without)
    for C in Cs:
        journal = Journal(model.max_iter)
        objective = Objective(with_C(problem, C), executor)
        solution = solve_from_starts(
            objective,
            _Unrefined(solver),
            journal,
            tol=tol,
            previous=start,
            n_init=model.n_init,
            random_state=check_random_state(model.random_state),
        )
        start = last = solution.point.coef + solution.pending_step
        if before is not None and objective.loss.convex and objective.penalty.smooth:
            start = last + (last - before)
        before = last
        yield objective, solution, journal


@dataclass(frozen=True, eq=False)
class _Uncertified:
    """A solver that ends where the point after the last step is near enough.

    That starts ahead of the last solution, where something is known there.
    """

    solver: Solver
    without: LeaveOneOut | None

    def __call__(
        self, objective: Objective, start: Vector, journal: Journal, goal: Goal
    ) -> Solution:
        goal = replace(goal, certify=False)
        if self.without is not None and not objective.costs.gram_is_cheap:
            goal = replace(goal, tol=FINE)  # a finer one would take a new Hessian
        ahead = None if self.without is None else self.without.ahead(objective)
        if ahead is not None:
            start, known = ahead
            goal = replace(goal, near=True, known=known)
        return self.solver(objective, start, journal, goal)


class _ForScores(Goal):
    """A goal without the refinement of all digits of the coefficients."""

    @property
    def fine(self) -> bool:
        return False


@dataclass(frozen=True, eq=False)
class _Unrefined:
    """A solver that does not refine all digits of the coefficients."""

    solver: Solver

    def __call__(
        self, objective: Objective, start: Vector, journal: Journal, goal: Goal
    ) -> Solution:
        goal = _ForScores(**vars(goal))
        return self.solver(objective, start, journal, goal)


def _polished(objective: Objective, solution: Solution) -> Vector:
    """Return the coefficients after a last Newton step, without a certificate.

    In the row space the solver has already taken this step. With very many coefficients
    it costs too much.
    """
    coef = solution.point.coef
    if isinstance(solution.pending_step, np.ndarray):
        return coef + solution.pending_step
    reduced = objective.penalty.smooth and reducible(objective)
    large = objective.n_dof > MANY or reduced
    if large or not solution.status.converged:
        return coef
    model = CholeskyModel if objective.penalty.smooth else ProximalModel
    goal, journal = Goal(_LAST_TOL, certify=False), Journal(_LAST_STEPS)
    end = minimize(objective, coef, journal, model(objective), goal)
    return end.point.coef + end.pending_step
