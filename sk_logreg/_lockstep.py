"""Fits without the rows of each fold, in lockstep: one pass over X serves all of them.

The minimum over all rows is near that without a fold, and minima at large values of C
are near one another. At a few points, the Hessian of the rows of each fold is computed,
and with it that of all others. From there a few steps suffice, whose matrix is updated
by the changes of the gradient. Fits without the same fold whose steps end near one
another are evaluated at one of these ends.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._objective import Objective, RowVector, evaluate_groups, losses_at
from sk_logreg._problem import Problem
from sk_logreg._solvers._active_set import minimize_quadratic
from sk_logreg._solvers._factors import MANY, factor
from sk_logreg._solvers._newton._lbfgs import bfgs_update
from sk_logreg._solvers._row_space import reducible
from sk_logreg.penalties import ElasticNet, Penalty

# Maximum number of steps of a fit before it is left to the usual solver.
_MAX_STEPS = 8
# A fit ends where the excess of f after its last step is predicted to be this share of
# f. The scores of other rows are then right to about its root.
_TOL = 1e-14
# Maximum number of values of all their Hessians: 128 MB.
_MAX_VALUES = 1 << 24
# A step must lower the squared decrement at least to this share.
_SLOWEST = 0.25
# Where the squared decrements from the minimum over all rows exceed this share of the
# losses, on average, that is too far away for a few steps.
_FAR = 0.25
# The ends of two steps are near one another if the square of their distance is at most
# this share of the squared decrement.
_NEAR = 0.01

#: Returns a point near the minimum with the penalty of that number, given a guess; or
#: None.
Start = Callable[[int, Vector | None], Vector | None]


@dataclass(eq=False)
class _Fit:
    """A fit with one of the penalties: where its next step ends.

    `decrement2` is the squared decrement there, NaN if there is no step, and `before`
    that of the step before.
    """

    place: int
    penalty: Penalty
    end: Vector
    decrement2: float = np.inf
    before: float = np.inf
    n_steps: int = 0


@dataclass(eq=False)
class _Point:
    """A point without the rows of a fold, from which the next steps of fits start.

    Attributes
    ----------
    loss : float
        That at the first point.
    slope, matrix : ndarray
        Gradient and Hessian of the losses.
    """

    fold: int
    coef: Vector
    loss: float
    slope: Vector
    matrix: Matrix
    fits: list[_Fit] = field(default_factory=list)

    def add(self, place: int, penalty: Penalty) -> _Fit:
        """Add a fit, and compute its step."""
        fit = _Fit(place, penalty, self.coef)
        self.fits.append(fit)
        self._propose(fit)
        return fit

    def propose(self) -> None:
        """Compute the next steps."""
        for fit in self.fits:
            self._propose(fit)

    def _propose(self, fit: _Fit) -> None:
        penalty, coef = fit.penalty, self.coef
        matrix = self.matrix + np.diag(penalty.curvature)
        gradient = self.slope + penalty.gradient(coef)
        finite = np.isfinite(gradient).all()
        end = _end(penalty, matrix, coef, gradient) if finite else None
        fit.decrement2 = np.nan
        if end is not None:
            fall = -float(gradient @ (end - coef))
            fall -= penalty.kinks(end) - penalty.kinks(coef)
            fit.end, fit.decrement2 = end, max(fall, 0.0)

    def least(self, fit: _Fit) -> float:
        """Return the squared decrement at which a fit ends."""
        return 2.0 * _TOL * (self.loss + float(fit.penalty.value(fit.end)))

    def is_last(self, fit: _Fit) -> bool:
        """Return whether the step of a fit is its last one."""
        if fit.n_steps == 0:
            return False
        rate = fit.decrement2 / fit.before if fit.before > 0.0 else 0.0
        return min(rate, 1.0) * fit.decrement2 <= self.least(fit)

    def fails(self, fit: _Fit) -> bool:
        """Return whether a fit is left to the usual solver."""
        slow = fit.decrement2 > max(_SLOWEST * fit.before, self.least(fit))
        return slow or fit.n_steps == _MAX_STEPS or not np.isfinite(fit.decrement2)

    def split(self) -> "Iterator[_Point]":
        """Yield points with the fits whose steps end near one another.

        The first is that of the last fit.
        """
        rest = self.fits
        while rest:
            target = rest[-1].end
            near = [fit for fit in rest if self._ends_near(fit, target)]
            rest = [fit for fit in rest if fit not in near]
            yield _Point(self.fold, self.coef, self.loss, self.slope, self.matrix, near)

    def _ends_near(self, fit: _Fit, target: Vector) -> bool:
        off = fit.end - target
        distance2 = off @ (self.matrix @ off + fit.penalty.curvature * off)
        return bool(distance2 <= _NEAR * fit.decrement2)

    @property
    def target(self) -> Vector:
        """The end of a step, to which the point moves."""
        return self.fits[-1].end

    def move(self, slope: Vector) -> None:
        """Move there, given the gradient of the losses."""
        self.matrix = bfgs_update(
            self.matrix, self.target - self.coef, slope - self.slope
        )
        self.coef, self.slope = self.target, slope
        for fit in self.fits:
            fit.before, fit.n_steps = fit.decrement2, fit.n_steps + 1


def _end(
    penalty: Penalty, matrix: Matrix, coef: Vector, gradient: Vector
) -> Vector | None:
    """Return where the quadratic model plus the penalty is least."""
    if isinstance(penalty, ElasticNet):
        slope = gradient - matrix @ coef
        limits = penalty.l1, penalty.lower, penalty.upper
        return minimize_quadratic(matrix, slope, *limits, coef).u
    factored = factor(matrix, semidefinite=True)
    return None if factored is None else coef - factored.solve(gradient)


def suits(problem: Problem, objective: Objective, n_fits: int) -> bool:
    """Return whether the fits of a problem can go on in lockstep."""
    few = objective.n_dof <= MANY and not reducible(objective)
    small = n_fits * objective.n_dof**2 <= _MAX_VALUES
    return few and small and problem.loss.dual is not None and problem.bounded


def without_each(
    objective: Objective,
    sample: Objective,
    penalties: Sequence[Penalty],
    start: Start,
    group: RowVector,
    n_groups: int,
) -> list[list[tuple[Vector, int] | None]]:
    """Return the minima without each group of rows, with each penalty.

    Parameters
    ----------
    objective : Objective
        That of all rows, with any penalty.
    sample : Objective
        That of a sample of the rows, or the same.
    penalties : sequence of Penalty
        From the strongest to the weakest.
    start : callable
        Returns a point near the minimum over the sample.
    group : RowVector
        The group of each row; `n_groups` for the rows that are in none.

    Returns
    -------
    list of list of (ndarray of shape (n_dof,), int) or None
        For each group and penalty the minimum, and the number of steps; None where it
        was not reached.
    """
    found: list[list[tuple[Vector, int] | None]] = [
        [None] * len(penalties) for _ in range(n_groups)
    ]
    points = list(_starting(objective, sample, penalties, start, group, n_groups))
    while points:
        moving: list[_Point] = []
        for point in points:
            last = [fit for fit in point.fits if point.is_last(fit)]
            for fit in last:
                found[point.fold][fit.place] = fit.end, fit.n_steps
            rest = [fit for fit in point.fits if fit not in last]
            point.fits = [fit for fit in rest if not point.fails(fit)]
            moving += point.split()
        if moving:
            ends = np.array([point.target for point in moving])
            without = np.array([point.fold for point in moving])
            _, slopes = losses_at(objective, ends, group, without)
            for point, slope in zip(moving, slopes, strict=True):
                point.move(slope)
                point.propose()
        points = moving
    return found


def _starting(
    objective: Objective,
    sample: Objective,
    penalties: Sequence[Penalty],
    start: Start,
    group: RowVector,
    n_groups: int,
) -> Iterator[_Point]:
    """Yield points without each group, until its minima are far away.

    Points near the minima over a sample are moved by a step each, all at once, in the
    metric of the sample's Hessians.
    """
    # The squared decrement at the minimum over all rows, without a group.
    reach = objective.n_dof / (objective.n_samples * n_groups)
    starts = _over_sample(sample, penalties, start, reach)
    batches: Iterable[list[_Point]] = ([point] for point in starts)
    if sample is not objective:
        every = list(starts)
        if not every:
            return
        coefs = np.array([point.coef for point in every])
        for point, slope in zip(every, losses_at(objective, coefs)[1], strict=True):
            point.slope = slope
            point.propose()
            point.coef = point.fits[0].end
        batches = [every]
    for batch in batches:
        coefs = np.array([point.coef for point in batch])
        found = evaluate_groups(objective, coefs, group, n_groups + 1)
        for point, losses, slopes, matrices in zip(batch, *found, strict=True):
            sums = losses.sum(), slopes.sum(axis=0), matrices.sum(axis=0)
            parts = zip(losses[:-1], slopes[:-1], matrices[:-1], strict=True)
            without = [
                _Point(k, point.coef, *(a - b for a, b in zip(sums, part, strict=True)))
                for k, part in enumerate(parts)
            ]
            for fit in point.fits:
                fits = [each.add(fit.place, fit.penalty) for each in without]
                if sum(fit.decrement2 for fit in fits) > _FAR * n_groups * sums[0]:
                    return  # so they are with weaker penalties
            yield from without


def _over_sample(
    sample: Objective, penalties: Sequence[Penalty], start: Start, reach: float
) -> Iterator[_Point]:
    """Yield points near the minima over a sample, with the fits that start there.

    The fits at a point are those from which it is no further away than `reach`, in
    terms of the squared decrement. Ends where there is no start.
    """
    point = None
    for place, penalty in enumerate(penalties):
        guess = None
        if point is not None:
            if point.add(place, penalty).decrement2 <= reach:
                continue
            guess = point.fits.pop().end
            yield point
        coef = start(place, guess)
        if coef is None:
            return
        found = sample.evaluate(coef, hessian=True)
        assert found.hessian is not None
        slope = found.gradient - sample.penalty.gradient(coef)
        matrix = found.hessian - np.diag(sample.penalty.curvature)
        point = _Point(0, coef, found.loss, slope, matrix)
        point.add(place, penalty)
    if point is not None:
        yield point
