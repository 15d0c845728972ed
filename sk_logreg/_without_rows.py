"""Minima without each of some rows, sought together: a pass over X serves all of them.

By conjugate gradients for functions that are not quadratic, preconditioned by the
inverse Hessian of all rows at their minimum [1]_. In place of a line search, each step
is one of Newton's method over the plane of the preconditioned gradient and the step
before. Along both, the margins change by known amounts, so that it does not read X.
What is left after some steps takes the Hessian without the row.

References
----------
.. [1] J. Nocedal, S. J. Wright (2006). Numerical Optimization, 2nd edition, section
   5.2. Springer.
"""

from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._objective import (
    Objective,
    RowVector,
    changes_along,
    gradients_from,
    losses_at,
)
from sk_logreg._solvers._factors import factor
from sk_logreg._tolerances import LARGEST_LOSS, TINY

# A fit ends where the excess of f is predicted to be this share of f, before its last
# step; by Newton's method, whose last step squares it, the second.
_TOL, _NEWTON_TOL = 5e-6, 2e-4
# So are the changes of the loss of the row left out, by the step before and by the last
# one, of it or f. They count where the other rows leave a direction in which f is flat.
_LOSS_TOLS = 0.03, 0.01
# Maximum number of steps. Those of the second kind are by Newton's method.
_MAX_STEPS, _MAX_NEWTON_STEPS = 12, 30
# Number of whole steps before these, which take little memory and often suffice.
_FIRST_STEPS = 4
# A step to a higher f is shortened by a factor, up to a number of times.
_SHORTER, _MAX_TRIALS = 0.3, 6
# Added to the scaled matrix of a subspace, whose directions may depend on one another.
_RIDGE = 1e-10
# Number of values of an array with a number per row, for each of the functions that are
# minimized together. Larger ones, of more than 256 kB, leave the cache and the
# allocator's pool. Of many rows, a few functions share a pass over X, whose arrays have
# at most the second number of values.
_CACHED_VALUES, _TOGETHER, _MAX_VALUES = 1 << 15, 16, 1 << 21


@dataclass(frozen=True, eq=False)
class _Points:
    """One point for each of several functions: f with one row left out.

    Attributes
    ----------
    coefs : ndarray of shape (n_points, n_dof)
    margins : ndarray of shape (n_points, n_samples)
    values : ndarray of shape (n_points,)
    slopes, curvatures : ndarray of shape (n_points, n_samples)
        The weighted slopes and the sizes of the weighted curvatures of the losses in
        the margins, 0 for the row that is left out.
    """

    coefs: Matrix
    margins: Matrix
    values: Vector
    slopes: Matrix
    curvatures: Matrix

    def take(self, which: Indices) -> "_Points":
        """Return some of the points."""
        return _Points(*(part[which] for part in vars(self).values()))

    def lower(self, other: "_Points") -> "_Points":
        """Return the lower ones of these and other points."""
        lower = other.values < self.values
        if lower.all():
            return other
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        # Of the values, whose arrays have one axis, too.
        parts = (
            np.where(lower if a.ndim == 1 else lower[:, None], b, a) for a, b in pairs
        )
        return _Points(*parts)


@dataclass(frozen=True, eq=False)
class WithoutRows:
    """The functions f without each of some rows, of a penalty that is quadratic.

    Attributes
    ----------
    rows : ndarray of shape (n_left_out,)
        The rows.
    root : ndarray of shape (n_dof, rank)
        R, with R Rᵀ the inverse of the Hessian of all rows at their minimum.
    values : ndarray of shape (n_left_out, rank)
        Rᵀ x̃ of each row that is left out.
    leverage : ndarray of shape (n_left_out,)
        Its leverage, below 1.
    """

    objective: Objective
    rows: Indices
    root: Matrix
    values: Matrix
    leverage: Vector

    def minima(self, starts: NDArray[np.float64]) -> tuple[Matrix, Indices]:
        """Return about the minima of each function, and where that failed.

        Parameters
        ----------
        starts : ndarray of shape (n_left_out, n_starts, n_dof)
            Points that may be near each of them, or such that points between them are.

        Returns
        -------
        ends : ndarray of shape (n_left_out, n_dof)
        left : ndarray of shape (n_failed,)
            The positions where an end is no minimum.
        """
        every, ends = np.arange(len(starts)), starts[:, 0].copy()
        left, n_samples = self._first_steps(every, ends), self.objective.n_samples
        most = min(_TOGETHER, _MAX_VALUES // n_samples)
        most = max(1, most, _CACHED_VALUES // n_samples)
        parts = [left[k : k + most] for k in range(0, len(left), most)]
        failed = [self._descend(some, starts[some], ends) for some in parts]
        return ends, np.concatenate([every[:0], *failed])

    def _first_steps(self, which: Indices, ends: Matrix) -> Indices:
        """Take a few whole steps; return those for which that did not suffice.

        That takes little memory. It ends where a step raises f.
        """
        objective, group = self.objective, np.full(self.objective.n_samples, -1)
        group[self.rows] = which
        coefs, before, last, left = ends, ends, np.full(len(ends), np.inf), which[:0]
        for _ in range(_FIRST_STEPS):
            if not len(which):
                break
            values, gradients = losses_at(objective, coefs, RowVector(group), which)
            values += objective.penalty.value(coefs)
            gradients += objective.penalty.gradient(coefs)
            lower = values < last
            left = np.append(left, which[~lower])
            parts: Any = which, before, coefs, values, gradients
            which, before, coefs, values, gradients = (part[lower] for part in parts)
            steps = -self._products(which, gradients)
            kept = self._end(which, before, coefs, values, gradients, steps, ends)
            which, before, last = which[kept], coefs[kept], values[kept]
            coefs = before + steps[kept]
        return np.append(left, which)

    def _descend(
        self, which: Indices, starts: NDArray[np.float64], ends: Matrix
    ) -> Indices:
        """Move to the minima of some functions; return those for which that failed.

        The first plane is that of all starts, from the lowest of them.
        """
        objective = self.objective
        every = [self._points(which, some) for some in starts.swapaxes(0, 1)]
        points = reduce(_Points.lower, every)
        directions = [some.coefs - every[0].coefs for some in every[1:]]
        changes = [some.margins - every[0].margins for some in every[1:]]
        for k in range(_MAX_STEPS + _MAX_NEWTON_STEPS):
            plane = np.stack(directions, axis=1), np.stack(changes, axis=1)
            start, points = points, self._lower(which, points, *plane)
            gradients = gradients_from(objective, points.slopes)
            gradients += objective.penalty.gradient(points.coefs)
            steps, tol = -self._products(which, gradients), _TOL
            if k >= _MAX_STEPS:
                steps, tol = self._newton(points, steps, gradients), _NEWTON_TOL
            at = start.coefs, points.coefs, points.values
            kept = self._end(which, *at, gradients, steps, ends, tol)
            which, start, points = which[kept], start.take(kept), points.take(kept)
            if not len(which):
                break
            directions = [steps[kept], points.coefs - start.coefs]
            changes = [
                changes_along(objective, steps[kept]),
                points.margins - start.margins,
            ]
        return which

    def _end(
        self,
        which: Indices,
        before: Matrix,
        coefs: Matrix,
        values: Vector,
        gradients: Matrix,
        steps: Matrix,
        ends: Matrix,
        tol: float = _TOL,
    ) -> Indices:
        """End where a step is the last one; return the positions of the others.

        All ends are overwritten. Where the loss of the row left out is the largest that
        counts, a point serves as well as the minimum. `before` are the points before.
        """
        done = -np.vecdot(gradients, steps) <= 2.0 * tol * values
        rows = self.objective.rows.part(self.rows[which])
        margins = np.vecdot(self._signed[which], [before, coefs, coefs + steps])
        if rows.offset is not None:
            margins += rows.signs * rows.offset
        losses = self.objective.loss.at_margin(margins, rows.p_other).value
        most = np.maximum(losses.max(axis=0), values)
        for change, loss_tol in zip(np.diff(losses, axis=0), _LOSS_TOLS, strict=True):
            done &= np.abs(change) <= loss_tol * most
        ends[which] = coefs + np.where(done[:, None], steps, 0.0)
        return np.flatnonzero(~done & (losses[1:].min(axis=0) < LARGEST_LOSS))

    @cached_property
    def _signed(self) -> Matrix:
        """The rows that are left out, times their signs."""
        signs = self.objective.rows.signs[self.rows]
        return self.objective.dense_rows(self.rows, intercept=True) * signs[:, None]

    def _points(self, which: Indices, coefs: Matrix) -> _Points:
        """Return the points with some coefficients."""
        margins, rows = changes_along(self.objective, coefs), self.objective.rows
        if rows.offset is not None:
            margins += rows.signs * rows.offset
        return self._at(which, coefs, margins)

    def _at(self, which: Indices, coefs: Matrix, margins: Matrix) -> _Points:
        """Return the points with some coefficients and margins."""
        objective, weights = self.objective, self.objective.rows.weights
        found = objective.loss.at_margin(margins, objective.rows.p_other)
        left_out = np.arange(len(which)), self.rows[which]
        losses, slopes = found.value, found.slope * weights
        curvatures = np.abs(found.curvature) * weights
        for part in (losses, slopes, curvatures):
            part[left_out] = 0.0
        values = losses @ weights + objective.penalty.value(coefs)
        return _Points(coefs, margins, values, slopes, curvatures)

    def _lower(
        self,
        which: Indices,
        points: _Points,
        directions: NDArray[np.float64],
        changes: NDArray[np.float64],
    ) -> _Points:
        """Return lower points of some planes: the ends of steps of Newton's method.

        Parameters
        ----------
        directions : ndarray of shape (n_points, n_directions, n_dof)
            Those that span the plane of each point.
        changes : ndarray of shape (n_points, n_directions, n_samples)
            The changes of the margins along them.
        """
        steps, found = self._steps(points, directions, changes), points
        for _ in range(_MAX_TRIALS):
            coefs = points.coefs + _combined(steps, directions)
            margins = points.margins + _combined(steps, changes)
            found = points.lower(self._at(which, coefs, margins))
            higher = found.values == points.values
            if not higher.any():
                break
            steps[higher] *= _SHORTER
        return found

    def _steps(
        self,
        points: _Points,
        directions: NDArray[np.float64],
        changes: NDArray[np.float64],
    ) -> Matrix:
        """Return the factors of the directions in a Newton step over each subspace."""
        penalty = self.objective.penalty
        slopes = _products(changes, points.slopes)
        slopes += _products(directions, penalty.gradient(points.coefs))
        matrices = (changes * points.curvatures[:, None]) @ changes.swapaxes(1, 2)
        matrices += (directions * penalty.curvature) @ directions.swapaxes(1, 2)
        scale = 1.0 / np.sqrt(np.maximum(np.einsum("kii->ki", matrices), TINY))
        matrices *= scale[:, :, None] * scale[:, None]
        np.einsum("kii->ki", matrices)[:] = 1.0 + _RIDGE
        solved: Any = np.linalg.solve(matrices, (-scale * slopes)[..., None])
        return np.asarray(scale * solved[..., 0])

    def _products(self, which: Indices, gradients: Matrix) -> Matrix:
        """Multiply each gradient by the inverse Hessian of its function.

        The Hessian is the one at the minimum over all rows. The formula of Sherman and
        Morrison removes the row that is left out.
        """
        inner, values = gradients @ self.root, self.values[which]
        leverage = self.leverage[which]
        factors = leverage / (
            (1.0 - leverage) * np.maximum(np.vecdot(values, values), TINY)
        )
        factors *= np.vecdot(values, inner)
        return (inner + factors[:, None] * values) @ self.root.T

    def _newton(self, points: _Points, steps: Matrix, gradients: Matrix) -> Matrix:
        """Return steps by the Hessians at the points, with the sizes of curvatures."""
        objective, found = self.objective, steps.copy()
        for k, curvature in enumerate(points.curvatures):
            matrix = objective.hessian(RowVector(curvature))
            factored = factor(matrix, semidefinite=True)
            if factored is not None:
                found[k] = -factored.solve(gradients[k])
        return found


def _products(matrices: NDArray[np.float64], vectors: Matrix) -> Matrix:
    """Return the product of each matrix with its vector."""
    return np.asarray((matrices @ vectors[..., None])[..., 0])


def _combined(factors: Matrix, matrices: NDArray[np.float64]) -> Matrix:
    """Return the combination of the rows of each matrix with its factors."""
    return np.asarray((factors[:, None] @ matrices)[:, 0])
