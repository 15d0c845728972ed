"""The fits of a fold: at each C, from small to large."""

import os
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._estimator import BinaryLogisticRegression
from sk_logreg._execution import ThreadExecutor, thread_executor
from sk_logreg._fit import on_problem
from sk_logreg._follower import Follower, followable
from sk_logreg._leave_one_out import left_out_predictions
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
_LAST_TOL = 1e-14
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
    rows : ndarray of shape (n_Cs, n_samples) or None
        The leave-one-out score of each row; None for folds.
    """

    coefs: Matrix
    n_iter: NDArray[np.int32]
    statuses: list[Status]
    rows: Matrix | None = None


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
    """Fit a model to a sample of all rows at each C, and from there without each fold.

    To all rows if they are too few for a sample. Returns None where that does not suit
    the model or the folds.
    """
    group = folds.group()
    if group is None:
        return None

    def fitted(problem: Problem) -> list[FoldResult] | None:
        objective = Objective(problem, executor)
        if not suits(problem, objective, len(folds) * len(Cs)):
            return None
        whole = _sampled(objective, model.tol).problem
        found = list(_solutions(model, whole, Cs, executor, followed=True))
        if not all(solution.status.converged for _, solution, _ in found):
            return None
        starts = [(o.penalty, solution.point.coef) for o, solution, _ in found]
        at_each = without_each(objective, starts, group, len(folds))
        results = []
        for k, ends in enumerate(zip(*at_each, strict=True)):
            fits = [m and Fit(problem.lift(m[0]), CONVERGED, m[1]) for m in ends]
            results.append(_result(_completed(fits, model, folds, k, Cs, executor)))
        return results

    with thread_executor() as executor, np.errstate(all="ignore"):
        return on_problem(model, folds.data, executor, fitted)


def _sampled(objective: Objective, tol: float) -> Objective:
    """Return the objective over a sample of the rows if there are enough for one.

    Its minimum is about as near to that of all rows as those without a fold are, or
    nearer.
    """
    drawn = list(nested_samples(objective, tol))
    return objective.sample(*drawn[-1], copied=True) if drawn else objective


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

    def scored(objective: Objective, coef: Vector, executor: ThreadExecutor) -> Vector:
        solver = SOLVERS[model.solver]
        z = left_out_predictions(objective, coef, solver, executor)
        return row_scores(loss, z, labels)

    with thread_executor() as executor, np.errstate(all="ignore"):
        fits = fit_path(model, data, Cs, executor, scored)
    return _result(fits, np.array([fit.scores for fit in fits]))


def _result(fits: list["Fit"], rows: Matrix | None = None) -> FoldResult:
    coefs = np.array([fit.coef for fit in fits])
    n_iter = np.array([fit.n_iter for fit in fits], dtype=np.int32)
    return FoldResult(coefs, n_iter, [fit.status for fit in fits], rows)


@dataclass(frozen=True, eq=False)
class Fit:
    """The fit at one C: the user's coefficients, and scores of its rows if asked."""

    coef: Vector
    status: Status
    n_iter: int
    scores: Vector | None = None


#: Scores the rows of an objective at its minimum.
RowScore = Callable[[Objective, Vector, ThreadExecutor], Vector]


def fit_path(
    model: BinaryLogisticRegression,
    data: Data,
    Cs: Vector,
    executor: ThreadExecutor,
    score: RowScore | None = None,
) -> list[Fit]:
    """Return the fits at each C, ascending; each starts from the one before it."""
    return on_problem(
        model, data, executor, lambda p: list(_fits(model, p, Cs, executor, score))
    )


def _fits(
    model: BinaryLogisticRegression,
    problem: Problem,
    Cs: Vector,
    executor: ThreadExecutor,
    score: RowScore | None,
) -> Iterator[Fit]:
    followed = score is None
    for objective, solution, journal in _solutions(
        model, problem, Cs, executor, followed=followed
    ):
        coef = _polished(objective, solution)
        yield Fit(
            problem.lift(coef),
            solution.status,
            len(journal.records),
            None if score is None else score(objective, coef, executor),
        )


def _solutions(
    model: BinaryLogisticRegression,
    problem: Problem,
    Cs: Vector,
    executor: ThreadExecutor,
    *,
    followed: bool,
) -> Iterator[tuple[Objective, Solution, Journal]]:
    """Yield the solution at each C; each starts at the one before it."""
    problem = Objective(problem, executor).in_memory().problem
    start = None
    if hasattr(model, "coef_"):
        start = problem.lower(np.append(model.coef_, model.intercept_)[: problem.n_dof])
    solver = SOLVERS[model.solver]
    plain = problem.penalty.smooth and problem.n_dof <= MANY
    tol = max(model.tol if plain else _TOL_SHARE * model.tol, FINE)
    follow = followable(problem, executor, tol) if followed else None
    if follow is not None:
        problem, solver = follow, Follower(solver, executor, follow, Cs)
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
        start = solution.point.coef
        yield objective, solution, journal


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
    reduced = objective.penalty.smooth and reducible(objective)
    large = objective.n_dof > MANY or reduced
    if large or not solution.status.converged:
        return coef
    model = CholeskyModel if objective.penalty.smooth else ProximalModel
    goal, journal = Goal(_LAST_TOL, certify=False), Journal(_LAST_STEPS)
    end = minimize(objective, coef, journal, model(objective), goal)
    return end.point.coef + end.pending_step
