"""Starting points for a loss that is not convex, and which minimum to return."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from sk_logreg._arrays import Vector
from sk_logreg._log import Journal
from sk_logreg._objective import Evaluation, NotFiniteError, Objective
from sk_logreg._records import SEPARABLE, STALLED, STOPPED, SUSPECTED, StartRecord
from sk_logreg._solvers._base import Goal, Solution, Solver
from sk_logreg._solvers._certificates import optimality_scope
from sk_logreg._solvers._elemental_starts import ELEMENTAL, ElementalStarts, Start
from sk_logreg._solvers._samples import SAMPLING
from sk_logreg._solvers._separation import resolve_separation
from sk_logreg._tolerances import NOISE
from sk_logreg.losses import CrossEntropy


@dataclass(frozen=True)
class MultistartOptions:
    """The parameters of the search for the lowest minimum."""

    #: Starts are searched for on at most this number of rows, or on the smallest sample
    #: that suits the number of coefficients if that is more.
    max_rows: int = 1000
    #: Elemental starts are tried with at most this number of coefficients; with more,
    #: subsets of the rows that agree are too rare.
    max_coefs: int = 50
    #: Points whose predicted probabilities differ by less are the same minimum.
    same_probability: float = 1e-3
    #: The accuracy of the minimum of cross entropy as a start, relative to f.
    start_tol: float = 1e-3
    #: The accuracy of a sample's minima, to tell them apart.
    sample_tol: float = 1e-6
    #: A minimum is lower than another if f is by this share.
    lower: float = 1e-4
    #: With p coefficients, a sample of m rows is expected to have a minimum lower than
    #: its value at the minimum of all rows by p/m, relative to it. This multiple of it
    #: is allowed.
    furthest: float = 5.0
    #: Maximum number of iterations for a rough start, which may be at infinity.
    max_rough_steps: int = 20
    #: Features have outliers if their kurtosis, relative to that of normal ones, is
    #: larger.
    heavy_tails: float = 2.0
    #: Maximum number of a sample's minima that are tried on all rows.
    max_lower: int = 3


_OPTIONS = MultistartOptions()


def solve_from_starts(
    objective: Objective,
    solver: Solver,
    journal: Journal,
    *,
    tol: float,
    previous: Vector | None,
    n_init: int,
    random_state: np.random.RandomState,
    nearby: Solution | None = None,
) -> Solution:
    """Minimize an objective from each of its starts and return the lowest minimum.

    A convex loss needs one start. Another loss starts from zero, where the first step
    of Newton's method is the least-squares fit, from the minimum of cross entropy and
    from elemental starts, see `ElementalStarts`. With many rows the search runs on a
    sample of them, and only zero and those starts that lead lower are used on all rows.

    The coefficients of an earlier fit, `previous`, take the place of zero if f is lower
    there. There are `n_init` rounds of starts: a fixed one, and others that are drawn.
    With `nearby`, the solution of a problem with another C, the coefficients are near
    the minimum.
    """
    if objective.loss.convex:
        goal = Goal(tol)
        if nearby is not None:
            goal = Goal(tol, near=True, working_set=nearby.working_set)
        return _from_one_start(objective, solver, journal, goal, previous)

    search = _Search(objective, solver, n_init, random_state)
    found = _Minima(objective, solver, journal, tol)
    found.minimize(_first(objective, previous))
    others = search.starts(found.solutions[0].point)
    while not found.ended and (start := next(others, None)) is not None:
        found.minimize(start)
    best = resolve_separation(objective, found.lowest(), journal)
    scope = optimality_scope(objective, best.point)
    return replace(best, starts=tuple(found.records), scope=scope)


def _from_one_start(
    objective: Objective,
    solver: Solver,
    journal: Journal,
    goal: Goal,
    previous: Vector | None,
) -> Solution:
    """Minimize a convex objective, which has one minimum or none."""
    zero = np.zeros(objective.n_dof)
    start = zero if previous is None else previous
    solution = solver(objective, start, journal, goal)
    tol = goal.tol
    # Far from the minimum the curvature may vanish. It seldom does where the penalty is
    # least, or where the user's coefficients are zero.
    for other in (zero, objective.problem.lower(zero)):
        if solution.status is STALLED and (other != start).any():
            again = solver(objective, other, journal, Goal(tol))
            solution = min((again, solution), key=_rank)
    resolved = resolve_separation(objective, solution, journal)
    if resolved.status is SUSPECTED:  # without reason
        coef = resolved.point.coef
        goal = Goal(tol, separation_excluded=True)
        return solver(objective, coef, journal, goal)
    return resolved


def max_starts(n_init: int) -> int:
    """Return the maximum number of starts."""
    return 2 + len(ELEMENTAL.lengths) * (ELEMENTAL.n_rounds + n_init - 1)


def _first(objective: Objective, previous: Vector | None) -> Start:
    """Return the coefficients of the last fit if f is lower there, else zero."""
    at_zero = objective.value_at_zero
    if previous is not None:
        with suppress(NotFiniteError):
            at_previous = objective.evaluate(previous).value
            if at_previous < at_zero:
                return Start("previous", previous, at_previous)
    return Start("zero", np.zeros(objective.n_dof), at_zero)


class _Minima:
    """The minima that the starts of an objective lead to."""

    def __init__(
        self, objective: Objective, solver: Solver, journal: Journal, tol: float
    ):
        self._objective, self._solver = objective, solver
        self._journal, self._tol = journal, tol
        self.solutions: list[Solution] = []
        self.records: list[StartRecord] = []
        self._distinct: list[Evaluation] = []

    @property
    def ended(self) -> bool:
        """Whether the last solution is such that no further start is tried."""
        return self.solutions[-1].status in (STOPPED, SEPARABLE)

    def minimize(self, start: Start) -> None:
        """Minimize from a start, and record where it leads."""
        self._journal.restart()
        objective, problem = self._objective, self._objective.problem
        goal = Goal(self._tol)
        solution = self._solver(objective, start.coef, self._journal, goal)
        self.solutions.append(solution)
        self.records.append(
            StartRecord(
                origin=start.origin,
                start_objective=problem.rescale(start.value),
                objective=problem.rescale(solution.point.value),
                coef=problem.lift(solution.point.coef),
                status=solution.status,
                minimum=self._number_of(solution.point),
            )
        )

    def _number_of(self, point: Evaluation) -> int:
        """Return the number of the minimum that a point is at."""
        for number, other in enumerate(self._distinct):
            change = self._objective.probability_change(point, other)
            if change < _OPTIONS.same_probability:
                return number
        self._distinct.append(point)
        return len(self._distinct) - 1

    def lowest(self) -> Solution:
        """Return the lowest minimum, among equals one that is certified."""
        best = min(self.solutions, key=_rank)
        few = self._objective.n_samples <= _OPTIONS.max_rows
        if few and len(self.solutions) > 1 and best.status.converged:
            # So that it does not depend on the start from which it was reached.
            goal = Goal(min(self._tol, NOISE))
            coef = best.point.coef
            final = self._solver(self._objective, coef, self._journal, goal)
            best = min((final, best), key=_rank)
        return best


class _Search:
    """The search for starts other than the first."""

    def __init__(
        self,
        objective: Objective,
        solver: Solver,
        n_init: int,
        random_state: np.random.RandomState,
    ):
        self._objective, self._solver = objective, solver
        self._n_init, self._random_state = n_init, random_state

    def starts(self, reached: Evaluation) -> Iterator[Start]:
        """Yield the starts, given the minimum that the first has led to."""
        objective = self._objective
        n_rows = max(_OPTIONS.max_rows, SAMPLING.rows_per_coef * objective.n_dof)
        many, some = objective.n_samples > n_rows, objective
        if many:
            [drawn] = objective.rows.draw([n_rows])
            some = objective.sample(*drawn)
        elemental = None
        if objective.n_dof <= _OPTIONS.max_coefs:
            elemental = ElementalStarts(some)
        others = [self._cross_entropy_start(some)]
        if elemental and not (many and elemental.kurtosis < _OPTIONS.heavy_tails):
            others += elemental.fixed()
        yield from self._lower(some, reached.coef, others) if many else others
        rng = np.random.default_rng(self._random_state.randint(2**31))
        if elemental is None:
            yield from self._drawn(rng)
        else:
            for _ in range(self._n_init - 1):
                yield from elemental.lowest_per_length("drawn", rng)

    def _lower(
        self, sample: Objective, reached: Vector, starts: list[Start]
    ) -> list[Start]:
        """Return the lowest minima of a sample, if lower than the one next to a point.

        With many rows the minimum is unique if the model holds and the features have
        light tails [1]_. Outliers lead to more, far more often than wrong labels do.

        References
        ----------
        .. [1] S. Mei, Y. Bai, A. Montanari (2018). The landscape of empirical risk for
           nonconvex losses. Annals of Statistics 46(6A), 2747-2774, theorem 4.
        """
        value = sample.evaluate(reached).value
        ends: list[Start] = []
        for origin, coef, _ in (Start("chosen", reached, value), *starts):
            end = self._approximate_minimum(sample, coef, _OPTIONS.sample_tol)
            ends.append(Start(origin, end.coef, end.value))
        gained = _OPTIONS.furthest * sample.n_dof / sample.n_samples * value
        if value - ends[0].value < gained:  # or the sample has no minimum next to it
            value = ends[0].value
        lower: list[Start] = []
        for start in sorted(ends, key=lambda start: -start.value):
            if start.value < value * (1.0 - _OPTIONS.lower):
                lower.append(start)
                value = start.value
        return lower[::-1][: _OPTIONS.max_lower]

    def _cross_entropy_start(self, objective: Objective) -> Start:
        """Return the approximate minimum of cross entropy, which has only one."""
        convex = objective.with_loss(CrossEntropy())
        zero = np.zeros(objective.n_dof)
        coef = self._approximate_minimum(convex, zero, _OPTIONS.start_tol).coef
        return Start("cross_entropy", coef, objective.evaluate(coef).value)

    def _approximate_minimum(
        self, objective: Objective, start: Vector, tol: float
    ) -> Evaluation:
        """Return the objective at an approximate minimum, without a certificate."""
        journal = Journal(_OPTIONS.max_rough_steps)
        goal = Goal(tol, certify=False)
        found = self._solver(objective, start, journal, goal)
        with suppress(NotFiniteError):
            end = objective.evaluate(found.point.coef + found.pending_step)
            if end.value < found.point.value:
                return end
        return found.point

    def _drawn(self, rng: np.random.Generator) -> Iterator[Start]:
        """Yield random starts, in units in which each feature's mean square is one."""
        objective, lengths = self._objective, ELEMENTAL.lengths
        if self._n_init == 1:
            return
        squares = objective.product_diagonal(objective.weights)
        spread = np.sqrt(objective.n_dof * squares)
        for k in range(self._n_init - 1):
            draw = rng.standard_normal(objective.n_dof) * lengths[k % len(lengths)]
            coef = draw / np.where(spread > 0.0, spread, np.inf)
            yield Start("drawn", coef, objective.evaluate(coef).value)


def _rank(solution: Solution) -> tuple[float, bool]:
    """Return a key to sort solutions by: f to ten digits, certified ones first."""
    return float(f"{solution.point.value:.10e}"), not solution.status.converged
