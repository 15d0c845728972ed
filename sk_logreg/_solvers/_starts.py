"""Where to start, and which of several minima to keep."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from sk_logreg._design import Matrix, Vector
from sk_logreg._objective import Evaluation, NotFiniteError, Objective
from sk_logreg._solvers._base import Journal, Solution, Solver, StartRecord
from sk_logreg._solvers._certificate import optimality_scope
from sk_logreg._solvers._samples import Strata
from sk_logreg._solvers._separation import settle
from sk_logreg._status import SEPARABLE, STALLED, STOPPED, SUSPECTED
from sk_logreg.losses import CrossEntropy

# So many rows, or a sample of that size, show where the minima are; with more
# coefficients than that the drawn directions are too few to find much.
_MAX_ROWS = 1000
_ROWS_PER_COEF = 16
_MAX_COEFS = 50
# Directions drawn in a round, and the lengths that they are tried at: the root mean
# square of z. Short ones lead to probabilities, long ones to counting errors.
_N_DRAWN = 100
_LENGTHS = (1.0, 3.0, 9.0, 27.0)
# The first start is chosen well: so many rounds are spent on it.
_FIRST_ROUNDS = 3
# Predicted probabilities that differ by less come from the same minimum.
_SAME_PROBABILITY = 1e-3
_FINAL_TOL = 1e-14
# How near the minimum of cross entropy a start has to be, and that of the squared error
# to tell minima of a sample apart, and by how much one has to be lower than another.
_CONVEX_TOL = 1e-3
_SAMPLE_TOL = 1e-6
_LOWER = 1e-4
# A sample of m rows has its minimum next to one of all rows, with p coefficients, about
# p/m below its value there, relative to it, and less than so many times as much.
_FURTHEST = 5.0
_ROUGH_STEPS = 20
# Features of a larger kurtosis, relative to that of normal ones, have outliers.
_HEAVY = 2.0
# So many of the minima of a sample are looked at over all rows.
_MOST_LOWER = 3


def solve_from_starts(
    objective: Objective,
    solver: Solver,
    journal: Journal,
    *,
    tol: float,
    previous: Vector | None,
    n_init: int,
    random_state: np.random.RandomState,
) -> Solution:
    """Minimize an objective from each of its starts and return the lowest minimum.

    A convex loss needs one start. One that is not starts from zero, where Newton's
    first step is to the least-squares fit, from the minimum of cross entropy and, with
    few rows, from least-squares fits of random subsets of them, see `_Screen`. With
    many rows all that is done on a sample, and the rows are spared all starts but zero
    and those that lead lower.

    Parameters
    ----------
    objective : Objective
        What to minimize.
    solver : callable
        Who does it.
    journal : Journal
        Where iterations are written down and counted.
    tol : float
        The bound on the relative suboptimality to reach.
    previous : ndarray of shape (n_dof,) or None
        Coefficients to start from, those of an earlier fit. They take the place of
        zero only where they are better than zero.
    n_init : int
        Number of starts for a loss that is not convex, the first of them chosen and
        the others drawn.
    random_state : RandomState
        Draws the extra starts.

    Returns
    -------
    Solution
    """
    if objective.loss.convex:
        return _from_one_start(objective, solver, journal, tol, previous)

    solutions: list[Solution] = []
    records: list[StartRecord] = []
    for start in _starts(objective, solver, previous, n_init, random_state, solutions):
        journal.restart()
        solution = solver(objective, start.coef, journal, tol=tol)
        solutions.append(solution)
        records.append(
            StartRecord(
                origin=start.origin,
                start_objective=float(objective.in_user_units(start.value)),
                objective=float(objective.in_user_units(solution.point.value)),
                coef=objective.lift(solution.point.coef),
                status=solution.status,
                minimum=_which_minimum([end.point for end in solutions]),
            )
        )
        if solution.status in (STOPPED, SEPARABLE):
            break
    best = min(solutions, key=_rank)
    few = objective.design.n_samples <= _MAX_ROWS
    if few and len(solutions) > 1 and best.status.converged:
        # To the last digits, so that it does not show from where it was reached.
        final = solver(objective, best.point.coef, journal, tol=min(tol, _FINAL_TOL))
        best = min((final, best), key=_rank)
    best = settle(objective, best, journal)
    scope = optimality_scope(objective, best.point)
    return replace(best, starts=tuple(records), scope=scope)


def _from_one_start(
    objective: Objective,
    solver: Solver,
    journal: Journal,
    tol: float,
    previous: Vector | None,
) -> Solution:
    """Minimize a convex objective: it has one minimum, or none."""
    zero = np.zeros(objective.n_dof)
    start = zero if previous is None else _first(objective, previous).coef
    solution = solver(objective, start, journal, tol=tol)
    if solution.status is STALLED and start.any():
        # Far out all curvature may have vanished: zero is as good a start as any.
        solution = solver(objective, zero, journal, tol=tol)
    settled = settle(objective, solution, journal)
    if settled.status is SUSPECTED:  # with no reason: go on
        objective = objective.known_inseparable()
        return solver(objective, settled.point.coef, journal, tol=tol)
    return settled


def most_starts(n_init: int) -> int:
    """Return how many starts there are at most."""
    return 2 + len(_LENGTHS) * (_FIRST_ROUNDS + n_init - 1)


class _Start(NamedTuple):
    """Coefficients to start from: from where, and f there (on the rows screened)."""

    origin: str
    coef: Vector
    value: float


def _starts(
    objective: Objective,
    solver: Solver,
    previous: Vector | None,
    n_init: int,
    random_state: np.random.RandomState,
    solutions: list[Solution],
) -> Iterator[_Start]:
    """Yield the starts; `solutions` are where those so far have led."""
    yield _first(objective, previous)
    n_rows = max(_MAX_ROWS, _ROWS_PER_COEF * objective.n_dof)
    many = objective.design.n_samples > n_rows
    some = objective
    if many:
        some = objective.sample(*Strata(objective).draw(n_rows))
    screen = _Screen(some) if objective.n_dof <= _MAX_COEFS else None
    others = [_convex(some, solver)]
    if screen and not (many and screen.kurtosis < _HEAVY):
        others += screen.chosen()
    if many:
        others = _lower(some, solver, solutions[0].point.coef, others)
    yield from others
    rng = np.random.default_rng(random_state.randint(2**31))
    if screen is None:
        yield from _drawn(objective, rng, n_init - 1)
    else:
        for _ in range(n_init - 1):
            yield from screen.lowest("drawn", rng)


def _first(objective: Objective, previous: Vector | None) -> _Start:
    """Return the coefficients of the last fit, or zero if there are no better ones."""
    at_zero = float(objective.loss.at_margin(np.zeros(1)).value[0])
    if previous is not None:
        with suppress(NotFiniteError):
            at_previous = objective.evaluate(previous).value
            if at_previous < at_zero:
                return _Start("previous", previous, at_previous)
    return _Start("zero", np.zeros(objective.n_dof), at_zero)


def _lower(
    sample: Objective, solver: Solver, reached: Vector, starts: list[_Start]
) -> list[_Start]:
    """Return the lowest minima of a sample, if lower than the one next to a point.

    With many rows the minimum is unique if the model holds and the features have light
    tails [1]_. Outliers make more, far more often than wrong labels do.

    References
    ----------
    .. [1] S. Mei, Y. Bai, A. Montanari (2018). The landscape of empirical risk for
       nonconvex losses. Annals of Statistics 46(6A), 2747-2774, theorem 4.
    """
    value = sample.evaluate(reached).value
    ends: list[_Start] = []
    for origin, coef, _ in (_Start("chosen", reached, value), *starts):
        end = _about(sample, solver, coef, _SAMPLE_TOL)
        ends.append(_Start(origin, end.coef, end.value))
    gained = _FURTHEST * sample.n_dof / sample.design.n_samples * value
    if value - ends[0].value < gained:  # or else the sample has no minimum next to it
        value = ends[0].value
    lower: list[_Start] = []
    for start in sorted(ends, key=lambda start: -start.value):
        if start.value < value * (1.0 - _LOWER):
            lower.append(start)
            value = start.value
    return lower[::-1][:_MOST_LOWER]


def _convex(objective: Objective, solver: Solver) -> _Start:
    """Return the minimum of cross entropy, about: it has only one."""
    convex = objective.with_loss(CrossEntropy())
    coef = _about(convex, solver, np.zeros(objective.n_dof), _CONVEX_TOL).coef
    return _Start("cross_entropy", coef, objective.evaluate(coef).value)


def _about(
    objective: Objective, solver: Solver, start: Vector, tol: float
) -> Evaluation:
    """Return the objective at about a minimum, of which nothing is shown."""
    journal = Journal(_ROUGH_STEPS)  # without a penalty it may be at infinity
    found = solver(objective, start, journal, tol=tol, certify=False)
    with suppress(NotFiniteError):
        end = objective.evaluate(found.point.coef + found.step_left)
        if end.value < found.point.value:
            return end
    return found.point


def _drawn(
    objective: Objective, rng: np.random.Generator, n_starts: int
) -> Iterator[_Start]:
    """Yield random starts, in units in which each feature's mean square is one."""
    if n_starts == 0:
        return
    spread = np.sqrt(objective.n_dof * objective.product_diagonal(objective.weights))
    for k in range(n_starts):
        draw = rng.standard_normal(objective.n_dof) * _LENGTHS[k % len(_LENGTHS)]
        coef = draw / np.where(spread > 0.0, spread, np.inf)
        yield _Start("drawn", coef, objective.evaluate(coef).value)


class _Screen:
    """Tries many directions on few rows, for the lowest are good starts.

    Where many labels are wrong, some small subset of the rows has right labels, or
    wrong ones that agree: the least-squares fit of its margins to one is a direction
    worth trying [1]_. All is done in coordinates in which the rows have unit
    covariance, so the units and correlations of the features do not matter.

    References
    ----------
    .. [1] P. J. Rousseeuw, A. M. Leroy (1987). Robust Regression and Outlier
       Detection, chapter 5. Wiley.
    """

    def __init__(self, objective: Objective):
        self._objective = objective
        rows = _dense_rows(objective)
        units = np.sqrt(np.square(rows).mean(axis=0))
        empty = units == 0.0
        units[empty] = 1.0
        left, scales, right = np.linalg.svd(rows / units, full_matrices=False)
        kept = scales > 1e-10 * scales[0]
        n_rows = np.sqrt(len(rows))
        #: Rows in the new coordinates, and the coefficients of each coordinate.
        # Signed only now, so that labels swapped change signs and nothing else.
        self._rows: Matrix = left[:, kept] * n_rows * objective.signs[:, None]
        self._coef: Matrix = (right[kept] / scales[kept, None] * n_rows) / units
        self._coef[:, empty] = 0.0

    @property
    def kurtosis(self) -> float:
        """Mardia's kurtosis of the rows, relative to that of a normal distribution."""
        squares = np.square(self._rows).sum(axis=1)
        rank = self._rows.shape[1]
        return float(np.square(squares).mean() / (rank * (rank + 2)))

    def chosen(self) -> Iterator[_Start]:
        """Yield the starts that are chosen, the same each time."""
        fixed = np.random.default_rng(0)
        for _ in range(_FIRST_ROUNDS):
            yield from self.lowest("chosen", fixed)

    def lowest(self, origin: str, rng: np.random.Generator) -> Iterator[_Start]:
        """Draw directions, and yield the lowest at each length."""
        directions = self._directions(rng)
        coefs = directions @ self._coef
        margins = directions @ self._rows.T
        penalties = 0.5 * np.square(coefs) @ self._objective.strengths
        for length in _LENGTHS:
            losses = self._objective.loss.at_margin(length * margins).value
            values = losses @ self._objective.weights + length**2 * penalties
            least = int(values.argmin())
            if np.isfinite(values[least]):
                yield _Start(origin, length * coefs[least], float(values[least]))

    def _directions(self, rng: np.random.Generator) -> Matrix:
        """Return the least-squares fits of random subsets, each of unit length."""
        n_rows, n_coefs = self._rows.shape
        n_members = rng.integers(n_coefs + 1, 3 * n_coefs + 2, size=(_N_DRAWN, 1))
        members = (rng.random((_N_DRAWN, n_rows)) * n_rows < n_members).astype(float)
        members *= self._objective.weights > 0.0
        pairs = self._rows[:, :, None] * self._rows[:, None, :]
        grams = (members @ pairs.reshape(n_rows, -1)).reshape(-1, n_coefs, n_coefs)
        grams += 1e-6 * np.eye(n_coefs)  # for subsets too small to decide
        fits = np.linalg.solve(grams, (members @ self._rows)[:, :, None])[:, :, 0]
        lengths = np.linalg.norm(fits, axis=1, keepdims=True)
        return fits / np.where(lengths > 0.0, lengths, 1.0)


def _dense_rows(objective: Objective) -> Matrix:
    """Return the rows, dense, whose products with the coefficients are z."""
    design = objective.design
    rows = design.part(np.arange(design.n_samples), np.arange(design.n_features))
    if objective.fit_intercept:
        rows = np.column_stack([rows, np.ones(len(rows))])
    return rows


def _rank(solution: Solution) -> tuple[float, bool]:
    """Return what orders solutions: the objective, among equals the certified."""
    return float(f"{solution.point.value:.10e}"), not solution.status.converged


def _which_minimum(points: list[Evaluation]) -> int:
    """Return the number of the minimum that the last of some points is at."""
    probabilities = [expit(point.margins) for point in points]
    distinct: list[Vector] = []
    for p in probabilities:
        same = [np.abs(p - other).max() < _SAME_PROBABILITY for other in distinct]
        if not any(same):
            distinct.append(p)
            same.append(True)
    return same.index(True)
