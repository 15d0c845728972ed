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

from sk_logreg._design import Block, Coordinates, Design, Matrix, Vector
from sk_logreg._dual_gap import Divergence
from sk_logreg._threads import Workers, blas_threads
from sk_logreg.losses import Loss

_EPS = float(np.finfo(np.float64).eps)
# So many rows' margins, and what is computed from them, fit into the cache.
_STRETCH = 1 << 13
# The rounding of coefficients is first estimated from this number of rows, times a
# safety factor. Below this share of the accuracy asked for it is negligible.
_N_LOOKED_AT, _SURE, _NEGLIGIBLE = 16, 10.0, 0.01
# Strengths beyond these pin the weights at zero or leave them free, to the last bit.
_SMALLEST_STRENGTH, _LARGEST_STRENGTH = 1e-300, 1e300


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

    To be used where NumPy's error state ignores overflow: it shows in the sums, where
    it is looked for.

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
    coordinates : Coordinates, optional
        Those of the design, if they are not the user's.

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
        coordinates: Coordinates | None = None,
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
        # In this order the product overflows only if F itself does.
        self._unit = largest * (C if np.isfinite(C) else 1.0) * total
        # Against the heaviest row's weight as it was rounded above.
        strength = np.longdouble(1.0 / total) / C / largest
        strengths = np.full(self.n_dof, strength)
        if coordinates is not None:
            units = coordinates.units.astype(np.longdouble)
            strengths[: design.n_features] /= units**2
        if np.isfinite(C):
            strengths = strengths.clip(_SMALLEST_STRENGTH, _LARGEST_STRENGTH)
        if fit_intercept and not absorb_bias:
            strengths[-1] = 0.0
        self._wide_strengths = strengths
        self.strengths = strengths.astype(np.float64)
        self.inseparable = False
        #: Whether this stands for the objective of the same rows over more features.
        self.reduced = False
        self._workers = workers
        self._chunks = design.chunks(workers.n_threads)
        self._coordinates = coordinates
        #: What turns a point into one over the features that the user knows.
        self.lift: Callable[[Vector], Vector] = np.copy
        #: What turns coefficients of the user's features into a point.
        self.lower: Callable[[Vector], Vector] = np.copy
        if coordinates is not None:
            self.lift, self.lower = coordinates.outside, coordinates.inside
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

        penalty_slope = self._wide_strengths * coef
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

    def slack(self, margins: Vector, weights: Vector) -> Vector:
        """Return weight · α (1 - α) of each row, α its dual variable at a point."""
        slack = np.empty(len(margins))

        def fill(rows: slice) -> None:
            _, part = self.loss.derivatives(margins[rows])
            np.multiply(part, weights[rows], out=slack[rows])

        self._by_rows(fill)
        return slack

    def product(self, curvature: Vector, v: Vector) -> Vector:
        """Return (Xᵀ diag(curvature) X) v, bias included, in one read of X."""
        w, b = self.split(v)

        def share(block: Block) -> tuple[float | Vector, ...]:
            u = block.matvec(w) + b
            u *= curvature[block.rows]
            return block.rmatvec(u), u.sum()

        return self._vector(*self._map(share))

    def changes_and_residual(
        self,
        curvature: Vector,
        direction: Vector,
        gradient: Vector,
        most: Vector | None = None,
    ) -> tuple[Vector, Vector]:
        """Return what a step does, and what it leaves of its Newton system.

        The changes of the margins along a direction d, and the residual g + H d with
        H = Xᵀ diag(curvature) X + λ, in one read of X. No row's part of H d exceeds
        that of `most`, if given, of shape (n_samples,).
        """
        w, b = self.split(direction)
        changes = np.empty(self.design.n_samples)

        def share(block: Block) -> tuple[float | Vector, ...]:
            rows = block.rows
            u = block.matvec(w) + b
            np.multiply(self.signs[rows], u, out=changes[rows])
            u *= curvature[rows]
            if most is not None:
                np.clip(u, -most[rows], most[rows], out=u)
            return block.rmatvec(u), u.sum()

        image = self._vector(*self._map(share))
        return changes, gradient + image + self.strengths * direction

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
        if not np.isfinite(diagonal).all():
            raise NotFiniteError
        return self._vector(diagonal, corner), self._vector(*edge)

    def divergence_along(
        self,
        point_margins: Vector,
        weights: Vector,
        curvature: Vector,
        changes: Vector,
        clip: bool = False,
    ) -> Divergence:
        """Return what a Newton step makes of the dual variables at a point.

        Cross entropy's dual variables α there are moved to α - curvature · u / weight,
        with u the changes of the margins, by α (1 - α) at most if they are clipped. X
        is not read.

        Parameters
        ----------
        point_margins, weights : ndarray of shape (n_samples,)
            The margins at the point, and the weights that these rows have there.
        curvature, changes : ndarray of shape (n_samples,)
            The curvature of the rows in the Newton system, and u.

        Returns
        -------
        Divergence
        """

        def share(rows: slice) -> Divergence:
            _, slack = self.loss.derivatives(point_margins[rows])
            return Divergence.of_step(
                weights[rows], curvature[rows], slack, changes[rows], clip
            )

        return Divergence.combine(self._by_rows(share))

    def divergence_after(self, before: Vector, after: Vector) -> Divergence:
        """Return what a Newton step left of the gap, from the margins at both ends.

        The dual variables that the step was going to reach, by its linear model of
        them, are feasible if none leaves [0, 1], and the weights that belong to them
        are the ones after the step, up to what the step left of its system: nothing
        but their divergence from the dual variables there is left of the bound. X is
        not read.
        """

        def share(rows: slice) -> Divergence:
            slope, curvature = self.loss.derivatives(before[rows])
            end_slope, end_curvature = self.loss.derivatives(after[rows])
            change = after[rows] - before[rows]
            shift = end_slope - slope - curvature * change
            return Divergence.of_shift(self.weights[rows], shift, end_curvature, change)

        return Divergence.combine(self._by_rows(share))

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
        columns = self.slope_sizes(point)
        return 16 * _EPS * (point.value + float(columns @ np.abs(point.coef)))

    def slope_sizes(self, point: Evaluation) -> Vector:
        """Return Σ |slope · x| of each column, or more, in one read of X.

        Of the sums that the gradient at a point consists of; by the inequality of
        Cauchy and Schwarz.
        """
        slopes = np.abs(self.loss.derivatives(point.margins)[0]) * self.weights
        return np.sqrt(slopes.sum() * self.product_diagonal(slopes))

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

    def rows_of(self, rows: NDArray[np.intp]) -> Matrix:
        """Return some rows of X, dense, with a one for the bias where there is one."""
        part = self.design.part(rows, np.arange(self.design.n_features))
        return (
            np.column_stack([part, np.ones(len(part))]) if self.fit_intercept else part
        )

    def row_products(self, scale: Vector | None) -> Matrix:
        """Return X diag(scale)² Xᵀ, in one read of X; the upper triangle counts."""
        self.meter.reads += self._share
        with blas_threads():
            return self.design.row_products(scale)

    def combine_rows(self, u: Vector) -> Vector:
        """Return Xᵀ u, of shape (n_features,), in one read of X."""

        def share(block: Block) -> tuple[Vector]:
            return (block.rmatvec(u[block.rows]),)

        return self._map(share)[0]

    def over(self, design: Design, lift: Callable[[Vector], Vector]) -> "Objective":
        """Return the objective of the same rows over other features.

        All weights must be under the same penalty.

        Parameters
        ----------
        design : Design
            The other features.
        lift : callable
            Turns a point over them into one over these features.
        """
        other = copy(self)
        other.reduced = True
        other.lift = lambda coef: self.lift(lift(coef))
        other.design = design
        other.n_dof = design.n_features + self.fit_intercept
        bias = self._wide_strengths[self.design.n_features :]
        weights = np.full(design.n_features, self._wide_strengths[0])
        other._wide_strengths = np.append(weights, bias)
        other.strengths = other._wide_strengths.astype(np.float64)
        other._chunks = design.chunks(self._workers.n_threads)
        other._share = 0.0
        return other

    # ---------------------------------------------------------------- conversions

    def split(self, coef: Vector) -> tuple[Vector, float]:
        """Return the weights and the bias (0 where there is none)."""
        n_features = self.design.n_features
        return coef[:n_features], float(coef[n_features:].sum())

    def stated(
        self, point: Evaluation, dtype: Any, accuracy: float
    ) -> tuple[Vector, float, float]:
        """Return the user's coefficients at a minimum, in a floating-point format.

        Parameters
        ----------
        point : Evaluation
        dtype : dtype
            That of the coefficients.
        accuracy : float
            An excess of f that counts.

        Returns
        -------
        weights : ndarray of shape (n_features,), of `dtype`
        bias : float
        excess : float
            By how much f may be higher there, for the coefficients are rounded.
        """
        narrow = dtype != np.float64
        if self._coordinates is None and not narrow:
            return *self.split(point.coef), 0.0
        coordinates = self._coordinates or Coordinates.none(self.design.n_features)
        w, b = self.split(coordinates.outside(point.coef, dtype))
        exact, _ = self.split(point.coef)
        terms = np.abs(coordinates.centers) @ np.abs(w)
        change = abs(float(dtype.type(b)) - b) + _EPS * float(terms)
        changes = np.abs(w * coordinates.units - exact) if narrow else None
        return w.astype(dtype), b, self._excess_of(change, changes, point, accuracy)

    def _excess_of(
        self, change: float, changes: Vector | None, point: Evaluation, accuracy: float
    ) -> float:
        """Return by how much f may rise if coefficients at its minimum change.

        A bound by the inequality of Cauchy and Schwarz on the quadratic form of the
        Hessian: the slope is about zero. Where even many times the changes of a few
        rows are negligible, that is enough.

        Parameters
        ----------
        change : float
            That of the bias, in size.
        changes : ndarray of shape (n_features,) or None
            Those of the weights.
        point : Evaluation
            The minimum.
        accuracy : float
            An excess of f that counts.
        """
        seen = change
        if changes is not None:
            rows = np.linspace(0, self.design.n_samples - 1, _N_LOOKED_AT)
            columns = np.flatnonzero(changes)
            part = self.design.part(rows.astype(np.intp), columns)
            sizes = np.sqrt(np.einsum("ij,ij->j", part, part) / len(part))
            seen += _SURE * float(sizes @ changes[columns])
        about = 0.5 * self.loss.curvature_bound * seen**2
        if about <= _NEGLIGIBLE * accuracy:
            return about
        # No curvature changes by more than this factor along the change of the bias.
        curvature = np.abs(self.curvature(point.margins)) * np.exp(change)
        root = np.sqrt(curvature.sum()) * change
        if changes is not None:
            n_features = self.design.n_features
            diagonal = self.product_diagonal(curvature) + self.strengths
            root += np.sqrt(diagonal[:n_features]) @ changes
        return 0.5 * float(root) ** 2

    def in_user_units(self, value: float) -> float:
        """Return F, the objective as the user knows it, from a value of f."""
        return float(value * self._unit)

    @property
    def penalized(self) -> bool:
        """Whether there is a penalty on the weights."""
        return bool(self.strengths[:1].sum() > 0.0)

    @property
    def free_bias(self) -> bool:
        """Whether there is a bias, free of the penalty."""
        return self.fit_intercept and not self.strengths[-1] > 0.0

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
            blocks = self.design.blocks(rows, block_rows)
            return _sum(share(block) for block in blocks)

        return _sum(self._workers.map(over, self._chunks))

    def _by_rows(self, share: Callable[[slice], Any]) -> list[Any]:
        """Return, in order, what `share` does of stretches of rows, not reading X."""

        def over(rows: slice) -> list[Any]:
            starts = range(rows.start, rows.stop, _STRETCH)
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
        # No entry is larger than the diagonal ones.
        if not np.isfinite(matrix.diagonal()).all():
            raise NotFiniteError
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
