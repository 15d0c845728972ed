"""Solve the problems of a path over few rows together, by products of whole matrices.

One fit after the other, most of the time would pass between operations on small arrays.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._objective import Evaluation, Objective, RowVector, Stack, StackedPoints
from sk_logreg._problem import Problem, scaled_penalty
from sk_logreg._records import CONVERGED
from sk_logreg._solvers import Solution
from sk_logreg._solvers._active_sets import minimize_quadratics, products
from sk_logreg._tolerances import FINE, NOISE, TINY
from sk_logreg.losses._dual import EntropyDual
from sk_logreg.penalties import ElasticNet
from sk_logreg.penalties._base import FenchelGap

# With more coefficients, or multiply-adds for a Hessian, the products of matrices take
# longer than the code that is saved.
_MOST_COEFS, _MOST_PRODUCTS = 80, 1 << 24
# Maximum number of values of an array with a matrix, or a number per row, for each of
# the points that are evaluated together.
_MAX_VALUES = 1 << 19
# The first step between knots is to this multiple of C. Each aims at a start from which
# f falls by this share. If it falls by more than another share, a second step follows.
_APART, _FALL, _LARGE_FALL = 1.5, 0.005, 0.1
# Maximum number of steps of each fit before it is left to the usual solver.
MAX_STEPS = 3


def solve_stacked(
    objective: Objective, Cs: Vector, first: Vector, tol: float
) -> dict[int, tuple[Solution, float]]:
    """Solve problems that differ in C alone, all after the first, if that pays.

    From the first solution on, a step of Newton's method leads to each of a few points
    near the path, the knots, from where the line through the last two leads to. Between
    the knots the path is interpolated, and a step or two lead to the solutions. They
    are certified by the dual points to which the steps lead, see `excess_of_slopes`.

    Parameters
    ----------
    objective : Objective
        That at C = 1.
    Cs : ndarray of shape (n_Cs,)
        The values of C, ascending.
    first : ndarray of shape (n_dof,)
        The solution at the first of them.
    tol : float
        The bound on the relative suboptimality that is asked for.

    Returns
    -------
    dict
        By places in `Cs`, the solutions that are certified, each with its degrees of
        freedom; NaN for the lasso. Others are left to the usual solver.
    """
    problem = objective.problem
    dense = Cs[-1] / Cs[0] <= _APART ** (len(Cs) - 1)
    if not (dense and len(Cs) > 1 and tol >= FINE and _suits(objective)):
        return {}
    penalties, free_bias = _penalties(problem, Cs), problem.free_bias
    path = _Path(Stack(objective), penalties, np.log(Cs), free_bias)
    starts = path.starts(first)
    found: dict[int, tuple[Solution, float]] = {}
    size = max(objective.n_samples, objective.n_dof**2)
    n_parts = 1 + len(starts) * size // _MAX_VALUES
    for places in np.array_split(np.arange(1, len(starts)), n_parts):
        found.update(path.solutions(places, starts[places], tol))
    return found


def _suits(objective: Objective) -> bool:
    """Return whether the loss has a dual, all weights a penalty, and X few values."""
    problem, n_dof = objective.problem, objective.n_dof
    few = n_dof <= _MOST_COEFS and objective.n_samples * n_dof**2 <= _MOST_PRODUCTS
    suits = problem.loss.dual is not None and problem.bounded
    return suits and few and not objective.rows.partitioned


def _penalties(problem: Problem, Cs: Vector) -> ElasticNet:
    """Return the penalties for several values of C as one, with a row for each."""
    penalty = scaled_penalty(problem.penalty, Cs[:, None])
    if isinstance(penalty, ElasticNet):
        return penalty
    none, infinite = np.zeros_like(penalty.curvature), np.full(problem.n_dof, np.inf)
    return ElasticNet(penalty.strengths, none, -infinite, infinite)


@dataclass(frozen=True, eq=False)
class _Path:
    """Problems over the same rows, with a row of the penalty for each."""

    stack: Stack
    penalty: ElasticNet
    x: Vector  # log C
    free_bias: bool

    def starts(self, first: Vector) -> Matrix:
        """Return points near the solutions, up to where knots can be found.

        The first of them is known.
        """
        x, places, knots, reach = self.x, [0], [first], np.log(_APART)
        while (last := places[-1]) < len(x) - 1:
            far = int(np.searchsorted(x, x[last] + reach, side="right")) - 1
            place, end = max(last + 1, far), first
            if last > 0:
                length = (x[place] - x[last]) / (x[last] - x[places[-2]])
                end = knots[-1] + length * (knots[-1] - knots[-2])
                crossed = (end * knots[-1] < 0.0) & (self.penalty.l1[0] > 0.0)
                end = np.where(crossed, 0.0, end)
            end, share = self._knot(place, end)
            if share > _LARGE_FALL:
                end, share = self._knot(place, end)
            if not share <= _LARGE_FALL:
                break
            # The fall is about of fourth order in the length of the line.
            reach *= np.clip((_FALL / share) ** 0.25, 0.5, 2.0)
            places.append(place)
            knots.append(end)
        if len(places) == 1:
            return np.array(knots)
        at, ends = x[: places[-1] + 1], np.array(knots)
        after = np.clip(np.searchsorted(places, np.arange(len(at))), 1, None)
        lengths = at - x[places][after - 1]
        lengths /= np.diff(x[places])[after - 1]
        return ends[after - 1] + lengths[:, None] * (ends[after] - ends[after - 1])

    def _knot(self, place: int, coef: Vector) -> tuple[Vector, float]:
        """Return the end of a Newton step, and the predicted fall as a share of f."""
        penalty, point = self._penalty([place]), self.stack.at(coef[None])
        [end] = newton_steps(self.stack, penalty, point)[1]
        [gradient] = point.gradients + penalty.gradient(coef)
        [l1], [value] = penalty.l1, point.losses + penalty.value(coef)
        fall = gradient @ (coef - end) + l1 @ (np.abs(coef) - np.abs(end))
        return end, max(float(fall / value), TINY)

    def solutions(
        self, places: Indices, starts: Matrix, tol: float
    ) -> Iterator[tuple[int, tuple[Solution, float]]]:
        """Yield the solutions at some places that a few steps lead to."""
        points = self.stack.at(starts)
        for _ in range(MAX_STEPS):
            if not len(places):
                break
            penalty = self._penalty(places)
            hessians, ends = newton_steps(self.stack, penalty, points)
            before, points = points, self.stack.at(ends)
            values = points.losses + penalty.value(ends)
            dual = DualPoints.of(self.stack, penalty, before, points, hessians)
            gaps = dual.excesses(values) / values
            done = gaps <= tol
            degrees = self._degrees(penalty, points)
            for k in np.flatnonzero(done).tolist():
                point = evaluation(points, values, penalty, k)
                solution = Solution(point, float(gaps[k]), CONVERGED)
                yield int(places[k]), (solution, float(degrees[k]))
            places, points = places[~done], points.take(~done)

    def _degrees(self, penalty: ElasticNet, points: StackedPoints) -> Vector:
        """Return the degrees of freedom, NaN if there is no L2 part."""
        degrees = np.full(len(points.coefs), np.nan)
        if not penalty.curvature.any():
            return degrees
        curvature, free = penalty.curvature, penalty.free(points.coefs)
        matrices = self.stack.hessians(points)
        diagonals = np.einsum("kii->ki", matrices)
        diagonals += curvature
        both, one = free[:, :, None] & free[:, None], np.eye(free.shape[1])
        with suppress(np.linalg.LinAlgError):
            inverses = np.einsum(
                "kii->ki", np.linalg.inv(np.where(both, matrices, one))
            )
            degrees = (free * (1.0 - curvature * inverses)).sum(axis=1)
        return degrees - self.free_bias

    def _penalty(self, places: Indices | list[int]) -> ElasticNet:
        """Return the penalties at some places."""
        strengths, l1 = self.penalty.strengths[places], self.penalty.l1[places]
        return replace(self.penalty, strengths=strengths, l1=l1)


def newton_steps(
    stack: Stack, penalty: ElasticNet, points: StackedPoints
) -> tuple[NDArray[np.float64], Matrix]:
    """Return the Hessians at points, and where the steps from there end."""
    hessians, coefs = stack.hessians(points), points.coefs
    slopes = points.gradients - products(hessians, coefs)
    diagonals = np.einsum("kii->ki", hessians)
    diagonals += penalty.curvature
    limits = penalty.l1, penalty.lower, penalty.upper
    return hessians, minimize_quadratics(hessians, slopes, *limits, coefs)


class DualPoints(NamedTuple):
    """The dual points that steps lead to.

    The bounds include rounding errors, and the slope of a free bias, which should be 0.

    Attributes
    ----------
    divergence : EntropyDual
        The part of the rows in the gaps, see `ProximalModel.certify_after`.
    gap : FenchelGap
        That of the penalty.
    norms : ndarray of shape (n_points,)
        The errors of the slopes, over the roots of the diagonal of the Hessian.
    slopes : ndarray of shape (n_points, n_samples)
        Those of the losses of the rows in their margins.
    """

    divergence: EntropyDual
    gap: FenchelGap
    norms: Vector
    slopes: Matrix

    @classmethod
    def of(
        cls,
        stack: Stack,
        penalty: ElasticNet,
        before: StackedPoints,
        after: StackedPoints,
        hessians: NDArray[np.float64],
    ) -> "DualPoints":
        """Return them, given the points before and after the steps."""
        step, change = after.coefs - before.coefs, after.margins - before.margins
        of_rows = before.slopes + before.curvatures * change
        shift, curvatures = after.slopes - of_rows, after.curvatures
        dual = EntropyDual.of_shift(stack.weights, shift, curvatures, change)
        slopes = penalty.curvature * after.coefs - before.gradients
        slopes -= penalty.gradient(before.coefs) + products(hessians, step)
        roots = np.sqrt(np.einsum("kii->ki", hessians))
        moved = ~penalty.penalized
        norms = NOISE * (roots * np.abs(step)).sum(axis=1)
        norms += (np.abs(slopes) / roots).sum(axis=1, where=moved)
        slopes, errors = np.where(moved, 0.0, (slopes, norms[:, None] * roots))
        gap = penalty.fenchel_gap(after.coefs, slopes, errors)
        return cls(dual, gap, norms, of_rows)

    def excesses(self, values: Vector) -> Vector:
        """Return the bounds on f - f*, given f."""
        found: Vector = self.divergence.bound(self.gap.value, self.norms)
        return found + self.gap.share * values


def evaluation(
    points: StackedPoints, values: Vector, penalty: ElasticNet, k: int
) -> Evaluation:
    """Return the objective at one of several points."""
    coef = points.coefs[k]
    return Evaluation(
        coef,
        float(values[k]),
        float(points.losses[k]),
        points.gradients[k] + penalty.curvature[k] * coef,
        partial(RowVector, points.margins[k]),
    )
