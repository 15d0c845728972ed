"""Fits without the rows of each fold, in lockstep: one pass over X serves all of them.

The minimum over all rows, or over a large sample of them, is near that without a fold.
There the Hessian of the rows of each fold is computed, and with it that of all others.
From there a few steps suffice, whose matrix is updated by the changes of the gradient.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
_TOL = 1e-13
# Maximum number of values of all their Hessians: 128 MB.
_MAX_VALUES = 1 << 24
# A step must lower the squared decrement at least to this share.
_SLOWEST = 0.25


@dataclass
class _Fit:
    """A fit without the rows of a fold, on its way."""

    penalty: Penalty
    coef: Vector
    value: float
    gradient: Vector
    matrix: Matrix
    end: Vector
    decrement2: float = np.inf
    n_steps: int = 0
    done: bool = False
    failed: bool = False

    def propose(self) -> None:
        """Compute the next step, and whether it is the last one."""
        end = _end(self.penalty, self.matrix, self.coef, self.gradient)
        if end is None:
            self.failed = True
            return
        fall = -float(self.gradient @ (end - self.coef))
        fall -= self.penalty.kinks(end) - self.penalty.kinks(self.coef)
        before, self.decrement2, self.end = self.decrement2, max(fall, 0.0), end
        least = 2.0 * _TOL * self.value
        rate = min(self.decrement2 / before, 1.0) if before > 0.0 else 0.0
        self.done = self.n_steps > 0 and rate * self.decrement2 <= least
        slow = self.decrement2 > max(_SLOWEST * before, least)
        self.failed = not self.done and (slow or self.n_steps == _MAX_STEPS)

    def move(self, loss: float, slope: Vector) -> None:
        """Move to the end of the step, given the losses and their gradient there."""
        value = loss + float(self.penalty.value(self.end))
        gradient = slope + self.penalty.gradient(self.end)
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            self.failed = True
            return
        change, bend = self.end - self.coef, gradient - self.gradient
        self.matrix = bfgs_update(self.matrix, change, bend)
        self.coef, self.value, self.gradient = self.end, value, gradient
        self.n_steps += 1


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
    starts: Sequence[tuple[Penalty, Vector]],
    group: RowVector,
    n_groups: int,
) -> Iterator[list[tuple[Vector, int] | None]]:
    """Yield, for each penalty, the minima without each group of rows.

    Parameters
    ----------
    objective : Objective
        That of all rows, with any penalty.
    starts : sequence of (Penalty, ndarray of shape (n_dof,))
        Penalties, and points near the minimum over all rows with each.
    group : RowVector
        The group of each row; `n_groups` for the rows that are in none.

    Yields
    ------
    list of (ndarray of shape (n_dof,), int) or None
        The minimum without each group, and the number of steps; None where it was not
        reached.
    """
    points = np.array([coef for _, coef in starts])
    fits = [
        list(_fits(*start, *sums))
        for start, *sums in zip(
            starts,
            *evaluate_groups(objective, points, group, n_groups + 1),
            strict=True,
        )
    ]
    every = [(k, fit) for some in fits for k, fit in enumerate(some)]
    while True:
        for _, fit in every:
            if not (fit.done or fit.failed):
                fit.propose()
        moving = [(k, fit) for k, fit in every if not (fit.done or fit.failed)]
        if not moving:
            break
        ends = np.array([fit.end for _, fit in moving])
        without = np.array([k for k, _ in moving])
        losses, slopes = losses_at(objective, ends, group, without)
        for (_, fit), loss, slope in zip(moving, losses, slopes, strict=True):
            fit.move(float(loss), slope)
    for some in fits:
        yield [(fit.end, fit.n_steps) if fit.done else None for fit in some]


def _fits(
    penalty: Penalty,
    coef: Vector,
    losses: Vector,
    gradients: Matrix,
    hessians: NDArray[np.float64],
) -> Iterator[_Fit]:
    """Yield the fit without each group, at a point near the minimum over all rows.

    Given the losses of each group there, and of the rows in none, with derivatives.
    """
    loss = losses.sum() + float(penalty.value(coef))
    gradient = gradients.sum(axis=0) + penalty.gradient(coef)
    hessian = hessians.sum(axis=0) + np.diag(penalty.curvature)
    for part in zip(losses[:-1], gradients[:-1], hessians[:-1], strict=True):
        value, slope, matrix = part
        yield _Fit(
            penalty, coef, loss - value, gradient - slope, hessian - matrix, coef
        )
