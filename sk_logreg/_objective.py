"""The objective: the one module that knows its formula and its scaling.

For the user it is

    F(w, b) = C Σ sᵢ L(zᵢ, yᵢ) + ½ ‖w‖²,    zᵢ = wᵀxᵢ + b,

with sᵢ the sample weight times the class weight, b free of the penalty, or under it
like a weight where the bias is absorbed, and no penalty at all where C is infinite.
The solvers minimize the same divided by C Σ sᵢ,

    f(w, b) = Σ ŝᵢ L(zᵢ, yᵢ) + ½ λ ‖w‖²,    ŝ = s / Σ s,    λ = 1 / (C Σ s),

whose size does not depend on C, on the number of rows or on the unit of the weights.
"""

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._design import Block, Design, Matrix, Vector
from sk_logreg._dual_gap import Divergence, DualGap
from sk_logreg._threads import Workers, blas_threads
from sk_logreg.losses import Loss

_EPS = float(np.finfo(np.float64).eps)
# So many rows' margins, and what is computed from them, fit into the cache.
_STRETCH = 1 << 13
# Strengths beyond these pin the weights at zero or leave them free, to the last bit.
_LARGEST_STRENGTH = 1e300


class NotFiniteError(ArithmeticError):
    """A gradient was not finite: X holds NaN or infinity, or values too large."""


@dataclass(frozen=True)
class Evaluation:
    """The objective at a point, with the derivatives that were asked for.

    Attributes
    ----------
    coef : ndarray of shape (n_dof,)
        The point: the weights, then the bias where there is one.
    value : float
        f at the point.
    loss : float
        The first term of f: the weighted mean of the pointwise losses.
    gradient : ndarray of shape (n_dof,)
    find_margins : callable
        Returns the margins.
    curvature : ndarray of shape (n_samples,) or None
        The weighted curvature of each row's loss in z.
    hessian : ndarray of shape (n_dof, n_dof) or None
    """

    coef: Vector
    value: float
    loss: float
    gradient: Vector
    find_margins: Callable[[], Vector]
    curvature: Vector | None = None
    hessian: Matrix | None = None

    @cached_property
    def margins(self) -> Vector:
        """Ndarray of shape (n_samples,): (2y - 1) z of each row.

        Not to be asked for by a worker, for it may take all of them to find out.
        """
        return self.find_margins()


@dataclass
class Meter:
    """How many times the whole of X has been read."""

    reads: float = 0.0


class Objective:
    """The cost of a linear classifier over a design, with its derivatives.

    Parameters
    ----------
    design : Design
        The rows of X.
    signs : ndarray of shape (n_samples,), of int8
        1 for the rows of the positive class, -1 for the others.
    weights : ndarray of shape (n_samples,)
        Sample weight times class weight, not negative.
    loss : Loss
        The pointwise loss.
    C : float
        Weight of the losses against the penalty; infinite for no penalty.
    fit_intercept : bool
        Whether the point ends with a bias.
    absorb_bias : bool
        Whether the bias is a weight like the others, under the penalty.
    workers : Workers
        Who runs the map over the row blocks.

    Attributes
    ----------
    n_dof : int
        Number of coefficients, the bias included.
    weights : ndarray of shape (n_samples,)
        ŝ, the weights scaled to sum to one.
    strengths : ndarray of shape (n_dof,)
        λ for the coefficients under the penalty, 0 for the others.
    inseparable : bool
        Whether it is known that no hyperplane separates the classes.
    """

    def __init__(
        self,
        design: Design,
        signs: NDArray[np.int8],
        weights: Vector,
        *,
        loss: Loss,
        C: float,
        fit_intercept: bool,
        absorb_bias: bool,
        workers: Workers,
    ):
        self.design = design
        self.loss = loss
        self.fit_intercept = fit_intercept
        self.n_dof = design.n_features + fit_intercept
        self.signs = signs
        # Dividing by the largest first keeps the sum of tiny or huge weights exact.
        largest = weights.max()
        relative = weights / largest
        total = relative.sum() * (design.n_samples / relative.size)
        self.weights = np.broadcast_to(relative / total, (design.n_samples,))
        with np.errstate(over="ignore", under="ignore"):
            self._sum_of_weights = largest * total
            self._unit = self._sum_of_weights * (C if np.isfinite(C) else 1.0)
            # Against the heaviest row's weight as it was rounded above.
            strength = np.longdouble(1.0 / total) / C / largest
        self._strength = min(strength, _LARGEST_STRENGTH)
        self.strengths = np.full(self.n_dof, float(self._strength))
        if fit_intercept and not absorb_bias:
            self.strengths[-1] = 0.0
        self.inseparable = False
        self._workers = workers
        self._chunks = design.chunks(workers.n_threads)
        #: What turns a point into one over the features that the user knows.
        self.lift: Callable[[Vector], Vector] = np.copy
        self.meter = Meter()
        self._share = 1.0  # of the rows that a read of this objective reads

    # ---------------------------------------------------------------- evaluation

    def evaluate(
        self, coef: Vector, *, hessian: bool = False, margins: bool = True
    ) -> Evaluation:
        """Return value and gradient, and the Hessian if asked, in one read of X.

        Margins that are not kept take no memory, and one more read if asked for.
        """
        w, b = self.split(coef)
        kept = np.empty(self.design.n_samples) if margins else None
        curvatures = np.empty(self.design.n_samples) if hessian else None
        at_zero = not w.any()

        def share(block: Block) -> tuple[float | Vector, ...]:
            signs, weights = self.signs[block.rows], self.weights[block.rows]
            z = b if at_zero else block.matvec(w) + b
            m = np.multiply(signs, z, out=None if kept is None else kept[block.rows])
            value, slope, curvature = self.loss.at_margin(m)
            slope *= signs
            slope *= weights
            shares = np.dot(weights, value), block.rmatvec(slope), slope.sum()
            if curvatures is None:
                return shares
            h = np.multiply(curvature, weights, out=curvatures[block.rows])
            return *shares, *self._gram(block, h)

        block_rows = self.design.gram_rows if hessian else None
        loss, *slopes_and_gram = self._map(share, block_rows=block_rows)
        penalty_slope = self.strengths * coef
        gradient = self._vector(*slopes_and_gram[:2]) + penalty_slope
        loss = float(loss)
        value = loss + 0.5 * float(coef @ penalty_slope)
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            raise NotFiniteError
        matrix = self._matrix(*slopes_and_gram[2:]) if hessian else None
        find = partial(self.changes, coef) if kept is None else lambda: kept
        return Evaluation(coef, value, loss, gradient, find, curvatures, matrix)

    def wide_gradient(self, coef: Vector) -> Vector:
        """Return the gradient, computed in the widest format there is, in one read.

        That is 80 bits on most processors. Where it is 64 nothing is gained.
        """
        w, b = self.split(coef)
        wide: Any = w.astype(np.longdouble)  # and so is all that meets it

        def share(block: Block) -> tuple[Any, ...]:
            signs = self.signs[block.rows]
            slope, _ = self.loss.derivatives(signs * (block.matvec(wide) + b))
            slope *= signs
            slope *= self.weights[block.rows]
            return block.rmatvec(slope), slope.sum()

        penalty_slope = np.where(self.strengths > 0.0, self._strength, 0.0) * coef
        gradient = self._vector(*self._map(share)) + penalty_slope
        return gradient.astype(np.float64)

    def hessian(self, curvature: Vector) -> Matrix:
        """Return Xᵀ diag(curvature) X, bias included, plus the penalty's share.

        In one read of X; with `curvature` at a point this is the Hessian there, and
        with an upper bound of it a majorizer of all Hessians.
        """

        def share(block: Block) -> tuple[float | Vector, ...]:
            return self._gram(block, curvature[block.rows])

        return self._matrix(*self._map(share, block_rows=self.design.gram_rows))

    def rough_hessian(self, curvature: Vector, scale: Vector) -> NDArray[np.float32]:
        """Return a Hessian in single precision: the lower triangle, in one read of X.

        Parameters
        ----------
        curvature : ndarray of shape (n_samples,)
            The curvature of each row, not negative.
        scale : ndarray of shape (n_dof,)
            What its rows and columns are to be multiplied by.
        """
        self.meter.reads += self._share
        total = np.zeros((self.n_dof, self.n_dof), dtype=np.float32, order="F")
        everything, block_rows = slice(0, self.design.n_samples), self.design.gram_rows
        # In one thread, but BLAS's own: a second sum would take as much memory again.
        with blas_threads():
            for block in self.design.blocks(everything, block_rows):
                roots = np.sqrt(curvature[block.rows])
                total = block.add_gram(total, roots, scale)
        total.flat[:: self.n_dof + 1] += self.strengths * scale**2
        return total

    @property
    def curvature_bound(self) -> Vector:
        """What the weighted curvature of each row's loss exceeds nowhere."""
        return self.loss.curvature_bound * self.weights

    def curvature(self, margins: Vector, shift: float = 0.0) -> Vector:
        """Return the weighted curvature of each row's loss in z.

        With a shift, that plus `shift` times its bound.
        """
        curvature = np.empty(self.design.n_samples)

        def fill(rows: slice) -> None:
            _, part = self.loss.derivatives(margins[rows])
            part += shift * self.loss.curvature_bound
            np.multiply(part, self.weights[rows], out=curvature[rows])

        self._by_rows(fill)
        return curvature

    def product(self, curvature: Vector, v: Vector) -> Vector:
        """Return (Xᵀ diag(curvature) X) v, bias included, in one read of X."""
        w, b = self.split(v)

        def share(block: Block) -> tuple[float | Vector, ...]:
            u = block.matvec(w) + b
            u *= curvature[block.rows]
            return block.rmatvec(u), u.sum()

        return self._vector(*self._map(share))

    def product_diagonal(self, curvature: Vector) -> Vector:
        """Return the diagonal of Xᵀ diag(curvature) X, bias included, in one read."""

        def share(block: Block) -> tuple[float | Vector, ...]:
            h = curvature[block.rows]
            return block.gram_diagonal(h), h.sum()

        return self._vector(*self._map(share))

    def diagonal_and_edge(self, curvature: Vector) -> tuple[Vector, Vector]:
        """Return what is cheap to know of Xᵀ diag(curvature) X, in one read of X.

        Returns
        -------
        diagonal : ndarray of shape (n_dof,)
            Its diagonal, were no curvature negative.
        edge : ndarray of shape (n_dof,)
            Its last column, where that is the bias's.
        """

        def share(block: Block) -> tuple[float | Vector, ...]:
            h = curvature[block.rows]
            size = np.abs(h)
            return block.gram_diagonal(size), size.sum(), block.rmatvec(h), h.sum()

        diagonal, corner, *edge = self._map(share)
        return self._vector(diagonal, corner), self._vector(*edge)

    def dual_gap(
        self, margins: Vector, weights: Vector, curvature: Vector, direction: Vector
    ) -> DualGap:
        """Bound f - f* from the solution d of (Xᵀ diag(curvature) X + λ) d = -g.

        Cross entropy's dual variables α at the point, moved to α - curvature · u /
        weight with u = X d the changes of the margins, are feasible, whatever the
        curvatures are, if none leaves [0, 1].

        Parameters
        ----------
        margins, weights : ndarray of shape (n_samples,)
            The margins at the point where g is the gradient, and the weights that
            these rows have in it.
        curvature : ndarray of shape (n_samples,)
            The curvature of the system that was solved, 0 in other rows.
        direction : ndarray of shape (n_dof,)
            d.

        Returns
        -------
        DualGap
        """
        changes = self.changes(direction)

        def share(rows: slice) -> Divergence:
            weight, change = weights[rows], changes[rows]
            shift = curvature[rows] * change / np.where(weight > 0.0, weight, 1.0)
            _, slack = self.loss.derivatives(margins[rows])
            return Divergence.of(weight, shift, slack, change)

        penalty = float(direction @ (self.strengths * direction))
        return DualGap.of(Divergence.combine(self._by_rows(share)), penalty)

    def gap_after(self, before: Vector, after: Vector) -> float:
        """Bound f - f* after a Newton step, from the margins before it and after it.

        The dual variables that the step was going to reach, by its linear model of
        them, are feasible if none leaves [0, 1], and the weights that belong to them
        are the ones after the step: nothing but their divergence from the dual
        variables there is left of the bound. X is not read.
        """

        def share(rows: slice) -> Divergence:
            slope, curvature = self.loss.derivatives(before[rows])
            end_slope, end_curvature = self.loss.derivatives(after[rows])
            change = after[rows] - before[rows]
            shift = end_slope - slope - curvature * change
            return Divergence.of(self.weights[rows], shift, end_curvature, change)

        divergence = Divergence.combine(self._by_rows(share))
        return DualGap.of(divergence, penalty=0.0).bound

    def along(
        self, point: Evaluation, direction: Vector
    ) -> Callable[[float], tuple[float, float]]:
        """Return the slope of f from a point in a direction, for one read of X.

        Returns
        -------
        callable
            Takes a multiple of the direction and returns, in units of it, slope and
            curvature of f there. X is not read again.
        """
        start, changes = point.margins, self.changes(direction)
        bent = self.strengths * direction
        slope_of_penalty = float(bent @ point.coef)
        curvature_of_penalty = float(bent @ direction)

        def slope_at(length: float) -> tuple[float, float]:
            def share(rows: slice) -> tuple[float, float]:
                change = changes[rows]
                margins = start[rows] + length * change
                slope, curvature = self.loss.derivatives(margins)
                weighted = self.weights[rows] * change
                return float(weighted @ slope), float(weighted @ (curvature * change))

            slope, curvature = _sum(self._by_rows(share))
            slope += slope_of_penalty + length * curvature_of_penalty
            return slope, curvature + curvature_of_penalty

        return slope_at

    def changes(self, direction: Vector) -> Vector:
        """Return the change of each row's margin along a step, in one read of X."""
        w, b = self.split(direction)
        changes = np.empty(self.design.n_samples)

        def fill(block: Block) -> tuple[()]:
            rows = block.rows
            np.multiply(self.signs[rows], block.matvec(w) + b, out=changes[rows])
            return ()

        self._map(fill)
        return changes

    def reach(self, direction: Vector) -> float:
        """Return the greatest change of any row's z along a step, in one read of X."""
        return float(np.abs(self.changes(direction)).max(initial=0.0))

    def rounding(self, point: Evaluation) -> float:
        """Return by how much rounding may change f at a point, in one read of X.

        That of each z counts too: it is one of the terms that z is the sum of, which
        may be far larger than z.
        """
        slopes = np.abs(self.loss.derivatives(point.margins)[0]) * self.weights
        # Σ |slope x| for each column, by the inequality of Cauchy and Schwarz.
        columns = np.sqrt(slopes.sum() * self.product_diagonal(slopes))
        return 16 * _EPS * (point.value + float(columns @ np.abs(point.coef)))

    # ---------------------------------------------------------------- rows

    def sample(self, rows: NDArray[np.intp], weights: Vector) -> "Objective":
        """Return the objective over some of the rows, copied, with other weights.

        Parameters
        ----------
        rows : ndarray of shape (n_rows,)
            Which rows.
        weights : ndarray of shape (n_rows,)
            Their weights, with a sum of one.
        """
        part = copy(self)
        part.design = self.design.take(rows, self._workers)
        part.weights = weights
        part.signs = self.signs[rows]
        part.inseparable = False
        part._chunks = part.design.chunks(self._workers.n_threads)
        part._share = self._share * len(rows) / self.design.n_samples
        return part

    def row_products(self) -> Matrix:
        """Return X Xᵀ, of which the upper triangle counts, in one read of X."""
        self.meter.reads += self._share
        with blas_threads():
            return self.design.row_products()

    def combine_rows(self, u: Vector) -> Vector:
        """Return Xᵀ u, of shape (n_features,), in one read of X."""

        def share(block: Block) -> tuple[Vector]:
            return (block.rmatvec(u[block.rows]),)

        return self._map(share)[0]

    def over(self, design: Design, lift: Callable[[Vector], Vector]) -> "Objective":
        """Return the objective of the same rows over other features.

        Parameters
        ----------
        design : Design
            The other features.
        lift : callable
            Turns a point over them into one over these features.
        """
        other = copy(self)
        other.lift = lift
        other.design = design
        other.n_dof = design.n_features + self.fit_intercept
        other.strengths = np.append(
            np.full(design.n_features, self.strengths[0]),
            self.strengths[self.design.n_features :],
        )
        other._chunks = design.chunks(self._workers.n_threads)
        other._share = 0.0
        return other

    # ---------------------------------------------------------------- conversions

    def split(self, coef: Vector) -> tuple[Vector, float]:
        """Return the weights and the bias (0 where there is none)."""
        n_features = self.design.n_features
        return coef[:n_features], float(coef[n_features:].sum())

    def in_user_units(self, value: float) -> float:
        """Return F, the objective as the user knows it, from a value of f."""
        return float(value * self._unit)

    @property
    def penalized(self) -> bool:
        """Whether there is a penalty on the weights."""
        return bool(self.strengths[:1].sum() > 0.0)

    def with_loss(self, loss: Loss) -> "Objective":
        """Return the same objective with another loss."""
        other = copy(self)
        other.loss = loss
        return other

    def known_inseparable(self) -> "Objective":
        """Return the same objective, of which it is known that nothing separates it."""
        other = copy(self)
        other.inseparable = True
        return other

    def smallest_margin(self, point: Evaluation) -> float:
        """Return the smallest margin of any row that has a weight."""
        return float(np.where(self.weights > 0.0, point.margins, np.inf).min())

    # ---------------------------------------------------------------- the map

    def _map(
        self,
        share: Callable[[Block], tuple[Any, ...]],
        block_rows: int | None = None,
    ) -> list[Any]:
        """Read X once: apply `share` to each block and add up what comes back.

        Each worker adds up its own stretch of blocks, in order, and the stretches
        are added in order too: the result depends on nothing but their number.
        """
        self.meter.reads += self._share

        def over(rows: slice) -> list[Any]:
            # Overflow shows in the sums, where it is looked for.
            with np.errstate(over="ignore", invalid="ignore", under="ignore"):
                blocks = self.design.blocks(rows, block_rows)
                return _sum(share(block) for block in blocks)

        return _sum(self._workers.map(over, self._chunks))

    def _by_rows(self, share: Callable[[slice], Any]) -> list[Any]:
        """Return, in order, what `share` does of stretches of rows, not reading X."""

        def over(rows: slice) -> list[Any]:
            starts = range(rows.start, rows.stop, _STRETCH)
            with np.errstate(over="ignore", invalid="ignore", under="ignore"):
                return [share(slice(a, min(a + _STRETCH, rows.stop))) for a in starts]

        return list(chain(*self._workers.map(over, self._chunks)))

    def _gram(self, block: Block, h: Vector) -> tuple[float | Vector, ...]:
        """Return a block's share of the Hessian: of weights, weights × bias, bias."""
        return block.gram(h), block.rmatvec(h), h.sum()

    def _matrix(self, of_weights: Matrix, edge: Vector, corner: float) -> Matrix:
        """Return the penalized Hessian from the shares' sums."""
        n_features = self.design.n_features
        matrix = np.empty((self.n_dof, self.n_dof))
        matrix[:n_features, :n_features] = of_weights
        if self.fit_intercept:
            matrix[-1, :-1] = matrix[:-1, -1] = edge
            matrix[-1, -1] = corner
        matrix.flat[:: self.n_dof + 1] += self.strengths
        return matrix

    def _vector(self, of_weights: Vector, of_bias: float) -> Vector:
        """Return a vector over the weights and, where there is one, the bias."""
        return np.append(of_weights, of_bias) if self.fit_intercept else of_weights


def _sum(shares: Iterable[tuple[Any, ...]]) -> list[Any]:
    """Add up tuples of numbers and arrays, the arrays in place."""
    remaining = iter(shares)
    total = list(next(remaining))
    for share in remaining:
        for k, part in enumerate(share):
            total[k] += part
    return total
