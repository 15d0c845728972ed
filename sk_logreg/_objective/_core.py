"""The objective of a problem: value, gradient, Hessian, and products with it.

It is a map over the rows and a reduction. A solver sees coefficients, numbers, row
vectors that it does not look into, and arrays of the size of the coefficients.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._design import Coordinates, Costs, Extremes, Meter, RowVector, design_of
from sk_logreg._design import _products as products
from sk_logreg._execution import ThreadExecutor, blas_threads
from sk_logreg._problem import Problem
from sk_logreg._tolerances import NOISE, SUM_ROUNDING
from sk_logreg.losses import Loss
from sk_logreg.penalties import ElasticNet, Penalty

# At most this number of rows in partitions are gathered: the search for starts draws no
# sample from so few, and other ways to select rows need them all.
_FEW_ROWS = 1000

__all__ = ["Coordinates", "Evaluation", "NotFiniteError", "Objective", "RowVector"]


class NotFiniteError(ArithmeticError):
    """A gradient was not finite: X holds NaN or infinity, or values too large."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The objective at a point, with the derivatives that were asked for.

    The coefficients are the weights, then the bias where there is one. `value` is f,
    `loss` its first term: the weighted mean of the pointwise losses. `curvature` is the
    weighted curvature of each row's loss in z.
    """

    coef: Vector
    value: float
    loss: float
    gradient: Vector
    find_margins: Callable[[], RowVector]
    curvature: RowVector | None = None
    hessian: Matrix | None = None

    @cached_property
    def margins(self) -> RowVector:
        """(2y - 1) z of each row; may take a pass over X."""
        return self.find_margins()

    @property
    def scale(self) -> float:
        """What a bound on the suboptimality is relative to."""
        return self.value

    @property
    def terms(self) -> float:
        """The size of the terms of f, of which its rounding error is a small share."""
        return self.value


class Objective:
    """The objective of a problem, evaluated by an executor.

    To be used where NumPy's error state ignores overflow: the sums show it. A pass over
    the rows counts as `fraction` of a pass over the whole of X.
    """

    def __init__(
        self,
        problem: Problem,
        executor: ThreadExecutor,
        meter: Meter | None = None,
        fraction: float = 1.0,
    ):
        self.problem = problem
        self.meter = problem.rows.new_meter() if meter is None else meter
        self.executor = executor
        self._fraction = fraction
        self.rows = problem.rows
        self.loss: Loss = problem.loss
        self.penalty: Penalty = problem.penalty
        self.n_samples = problem.rows.design.n_samples
        self.n_features = problem.n_features
        self.n_dof = problem.n_dof
        self.costs: Costs = problem.rows.design.costs
        #: The largest number of rows that a sample has memory for.
        self.largest_sample = problem.rows.design.sample_share * self.n_samples
        self.weights = problem.rows.weight_vector()

    # ---------------------------------------------------------------- evaluation

    def evaluate(
        self, coef: Vector, *, hessian: bool = False, margins: bool = True
    ) -> Evaluation:
        """Return value and gradient, and the Hessian if asked, in one pass over X.

        Margins that are not kept take no memory, and a pass over X if asked for.
        """
        w, b = self.problem.split(coef)
        args = w if w.any() else None, b, self.loss
        if hessian:
            function, kept = products.value_gradient_and_hessian, 1 + margins
        else:
            function, kept = products.value_and_gradient, int(margins)
        options: Any = {"for_gram": hessian, "of_point": not hessian}
        sums, vectors = self.read(function, (), args, n_kept=kept, **options)
        return self.evaluation(coef, sums, vectors, margins=margins)

    def evaluation(
        self,
        coef: Vector,
        sums: Sequence[Any],
        kept: Sequence[RowVector],
        *,
        margins: bool = True,
    ) -> Evaluation:
        """Return the objective at a point from the sums over the rows.

        The sums of the Hessian follow those of value and gradient, if there is one. The
        row vectors that were kept are its curvature, and the margins if asked for.
        """
        loss, of_weights, of_bias, *of_gram = sums
        gradient = self.vector(of_weights, of_bias)
        gradient += self.penalty.gradient(coef)
        value = float(loss + self.penalty.value(coef))
        if not (isfinite(value) and np.isfinite(gradient).all()):
            raise NotFiniteError
        return Evaluation(
            coef,
            value,
            float(loss),
            gradient,
            partial(kept.__getitem__, -1) if margins else partial(self.margins, coef),
            kept[0] if of_gram else None,
            self.matrix(*of_gram) if of_gram else None,
        )

    @cached_property
    def value_at_zero(self) -> float:
        """The value of f at zero coefficients, without a pass over X."""
        if not (self.rows.has_offset or self.rows.has_soft_labels):
            return float(self.loss.at_margin(np.zeros(1)).value[0])
        [value], _ = self.scan(products.losses_at_offset, (), (self.loss,))
        return float(value)

    def gradient_longdouble(self, coef: Vector) -> Vector:
        """Return the gradient, computed in the widest floating-point format there is.

        This has 80 bits on most processors. Where it has 64, nothing is gained.
        """
        w, b = self.problem.split(coef)
        # Every product with a longdouble is one.
        wide = w.astype(np.longdouble), np.longdouble(b), self.loss
        sums, _ = self.read(products.gradient, (), wide)
        gradient = self.vector(*sums) + self.penalty.gradient_longdouble(coef)
        return gradient.astype(np.float64)

    def margins(self, coef: Vector) -> RowVector:
        """Return the margins at a point, in one pass over X."""
        args = self.problem.split(coef)
        return self.read(products.margins, (), args, n_kept=1)[1][0]

    def margin_change(self, direction: Vector) -> RowVector:
        """Return the change of the margins along a direction, in one pass over X."""
        args = self.problem.split(direction)
        return self.read(products.margin_change, (), args, n_kept=1)[1][0]

    def max_abs_change(self, direction: Vector) -> float:
        """Return the greatest change of any row's z along a direction, in one pass."""
        return self.margin_change(direction).extremes().size

    def line_derivatives(
        self, point: Evaluation, direction: Vector
    ) -> Callable[[float], tuple[float, float]]:
        """Return a function for f's slope and curvature on a line, for one pass over X.

        It takes a multiple of the direction, which is also the unit of the derivatives,
        and does not read X again.
        """
        start, change = point.margins, self.margin_change(direction)
        bent = float(direction @ (self.penalty.curvature * direction))

        def derivatives(length: float) -> tuple[float, float]:
            coef = point.coef + length * direction
            (slope, curvature), _ = self.scan(
                products.line_derivatives, (start, change), (self.loss, length)
            )
            slope += float(self.penalty.gradient(coef) @ direction)
            return slope, curvature + bent

        return derivatives

    # ------------------------------------------------------------------- curvature

    def curvature(
        self, margins: RowVector, shift: float = 0.0, *, absolute: bool = False
    ) -> RowVector:
        """Return the weighted curvature of each row's loss in z, or its size.

        With a shift, `shift` times its upper bound is added.
        """
        args = self.loss, shift * (self.loss.curvature_bound or 0.0), absolute
        return self.scan(products.curvature, (margins,), args, n_kept=1)[1][0]

    @property
    def curvature_bound(self) -> RowVector:
        """An upper bound of each row's weighted curvature."""
        assert self.loss.curvature_bound is not None
        return self.curvature_of(self.loss.curvature_bound)

    def curvature_of(self, curvature: float) -> RowVector:
        """Return the weighted curvature of rows whose losses have the one given."""
        return self.rows.weight_vector(curvature)

    def hessian(self, curvature: RowVector) -> Matrix:
        """Return Xᵀ diag(curvature) X, bias included, plus the penalty's curvature.

        In one pass over X. With the curvature at a point this is the Hessian there,
        and with an upper bound of it a majorizer of all Hessians.
        """
        sums, _ = self.read(products.gram, (curvature,), for_gram=True)
        return self.matrix(*sums)

    def hessian_float32(
        self, curvature: RowVector, scale: Vector
    ) -> NDArray[np.float32]:
        """Return a Hessian in single precision, in one pass over X.

        Its rows and columns are multiplied by `scale`. Only the lower triangle counts.
        No curvature may be negative.
        """
        self.count()
        total = self.rows.gram_float32(curvature, scale)
        total.flat[:: self.n_dof + 1] += self.penalty.curvature * scale**2
        return total

    def hessian_columns(self, curvature: RowVector, columns: Indices) -> Matrix:
        """Return the columns of some features of `hessian`, in one pass over X."""
        sums, _ = self.read(products.gram_columns, (curvature,), (columns,))
        matrix = np.vstack(sums)[: self.n_dof]
        matrix[columns, np.arange(len(columns))] += self.penalty.curvature[columns]
        return matrix

    def product(self, curvature: RowVector, v: Vector) -> Vector:
        """Return (Xᵀ diag(curvature) X) v, bias included, in one pass over X."""
        sums, _ = self.read(products.gram_product, (curvature,), self.problem.split(v))
        return self.vector(*sums)

    def change_and_residual(
        self,
        curvature: RowVector,
        direction: Vector,
        gradient: Vector,
        limit: RowVector | None = None,
    ) -> tuple[RowVector, Vector]:
        """Return what a Newton step changes, and the residual of its system.

        The change of the margins along a direction d, and g + H d with
        H = Xᵀ diag(curvature) X plus the penalty's curvature, in one pass over X. The
        part of a row in H d is limited to that in `limit`, if given.
        """
        vectors = (curvature,) if limit is None else (curvature, limit)
        sums, [change] = self.read(
            products.change_and_image, vectors, self.problem.split(direction), n_kept=1
        )
        image = self.vector(*sums) + self.penalty.curvature * direction
        return change, gradient + image

    def product_diagonal(self, curvature: RowVector) -> Vector:
        """Return the diagonal of Xᵀ diag(curvature) X, bias included, in one pass."""
        sums, _ = self.read(products.gram_diagonal, (curvature,))
        return self.vector(*sums)

    def diagonal_and_intercept_column(
        self, curvature: RowVector
    ) -> tuple[Vector, Vector]:
        """Return the diagonal of Xᵀ diag(|curvature|) X, and a last column, the bias's.

        In one pass over X. The column is that of Xᵀ diag(curvature) X.
        """
        sums, _ = self.read(products.diagonal_and_intercept, (curvature,))
        diagonal, corner, *column = sums
        if not np.isfinite(diagonal).all():
            raise NotFiniteError
        return self.vector(diagonal, corner), self.vector(*column)

    # --------------------------------------------------------------------- rounding

    def rounding(self, point: Evaluation) -> float:
        """Return by how much rounding may change f at a point, in one pass over X.

        The rounding error of z counts too: z is a sum whose terms may be far larger
        than z.
        """
        columns, offset = self.slope_sizes(point)
        terms = float(columns @ np.abs(point.coef)) + offset
        return SUM_ROUNDING * (point.terms + terms)

    def slope_sizes(self, point: Evaluation) -> tuple[Vector, float]:
        """Return an upper bound of Σ |slope · x| of each column, in one pass over X.

        These are the terms that the gradient at a point is the sum of; the bound is by
        the inequality of Cauchy and Schwarz. Also returns Σ |slope · offset|.
        """
        (total, offset), [sizes] = self.scan(
            products.slope_sizes, (point.margins,), (self.loss,), n_kept=1
        )
        return np.sqrt(total * self.product_diagonal(sizes)), offset

    # ------------------------------------------------------------------------- rows

    def weighted_extremes(self, vector: RowVector) -> Extremes:
        """Return the extremes of a row vector over the rows of positive weight."""
        if self.rows.all_positive:
            return vector.extremes()
        [found], _ = self.scan(products.weighted_extremes, (vector,))
        return found

    def mean_square(self, point: Evaluation) -> float:
        """Return the weighted mean of (z - offset)² at a point."""
        linear = point.margins
        if self.rows.has_offset:
            linear = self.margin_change(point.coef)
        return self.weights.dot(linear.squared())

    def vanishes(self, point: Evaluation) -> bool:
        """Return whether f is a sum of squares of rounding errors.

        So it may be if soft labels are fitted exactly, by a loss that is zero then.
        """
        exact = self.rows.has_soft_labels and self.loss.dual is None
        return exact and self.penalty.absent and point.value <= NOISE**2

    def in_convex_region(self, point: Evaluation, threshold: float) -> bool:
        """Return whether the margins of all rows of positive weight reach a threshold.

        There its loss is convex. A soft label has a part with the opposite margin.
        """
        [found], _ = self.scan(products.least_above, (point.margins,), (threshold,))
        return found.least >= 0.0

    def margin_change_between(self, before: Evaluation, after: Evaluation) -> float:
        """Return the largest change of a row's z between two points."""
        vectors = before.margins, after.margins
        [found], _ = self.scan(products.change_of_margins, vectors)
        return found.size

    def probability_change(self, before: Evaluation, after: Evaluation) -> float:
        """Return the largest change of a predicted probability between two points."""
        vectors = before.margins, after.margins
        [found], _ = self.scan(products.probability_change, vectors)
        return found.size

    def sample(
        self, rows: Indices, weights: Vector, *, copied: bool = False
    ) -> "Objective":
        """Return the objective over some rows, with other weights of sum one.

        Unless the rows are to be copied, large samples are gathered at each pass.
        """
        some = self.rows.take(rows, weights, self.executor, copied=copied)
        share = len(rows) / self.n_samples
        if self.rows.partitioned:  # the rows are in memory now
            share = 0.0
        return self.derive(share, rows=some)

    def in_memory(self) -> "Objective":
        """Return the same objective; rows in partitions are gathered if they are few.

        So they are if there are fewer than features, or too few to draw from, and they
        have room in memory.
        """
        rows = self.rows
        few = self.n_samples <= max(_FEW_ROWS, self.n_features)
        if not (rows.partitioned and few and rows.fits):
            return self
        every = np.arange(self.n_samples)
        gathered = rows.take(every, None, self.executor)
        return self.derive(rows=gathered)

    def recomputing_margins(self) -> "Objective":
        """Return the same objective; over partitions, margins are not kept at first.

        Suits a model that is of a sample in memory.
        """
        if not self.rows.partitioned:
            return self
        rows: Any = self.rows
        return self.derive(rows=rows.recomputing())

    def with_loss(self, loss: Loss) -> "Objective":
        """Return the same objective with another loss."""
        return self.derive(loss=loss)

    def reparametrized(
        self, values: Matrix, penalty: Penalty, lift: Callable[[Vector], Vector]
    ) -> "Objective":
        """Return the objective of the same rows over other features.

        `values` is dense, and `lift` turns their coefficients into those of these
        features. Passes over them do not count as passes over X.
        """
        outer = self.problem.lift
        return self.derive(
            0.0,
            rows=replace(self.rows, design=design_of(values)),
            penalty=penalty,
            lift=lambda coef: outer(lift(coef)),
            reduced=True,
        )

    def derive(self, share: float = 1.0, **changes: Any) -> "Objective":
        """Return the objective of the problem with some changes.

        A pass over its rows counts as a share of one over these.
        """
        problem = replace(self.problem, **changes)
        return Objective(problem, self.executor, self.meter, share * self._fraction)

    def restricted(
        self, columns: Indices, before: "Objective | None" = None
    ) -> "Objective":
        """Return the objective over some features, with the weights of others zero.

        Passes over their columns count by the share of the stored values. An objective
        over the same features from `before` shares their values.
        """
        kept, shared = columns, before and before.problem.rows
        rows = shared or self.rows.columns(columns, self.executor)
        if self.problem.fit_intercept:
            kept = np.append(columns, self.n_features)
        assert isinstance(self.penalty, ElasticNet)
        outer, n_dof = self.problem.lift, self.n_dof

        def lift(coef: Vector) -> Vector:
            full = np.zeros(n_dof)
            full[kept] = coef
            return outer(full)

        share = rows.design.costs.n_values / max(1, self.costs.n_values)
        penalty = self.penalty.take(kept)
        return self.derive(share, rows=rows, penalty=penalty, lift=lift)

    def gradient_of_losses(self, margins: RowVector) -> Vector:
        """Return the gradient of the losses, in one pass over X."""
        sums, _ = self.read(products.gradient_at, (margins,), (self.loss,))
        gradient = self.vector(*sums)
        if not np.isfinite(gradient).all():
            raise NotFiniteError
        return gradient

    def slope(self, point: Evaluation, direction: Vector) -> float:
        """Return the slope of f along a direction."""
        kinks = self.penalty.kink_slope(point.coef, direction)
        return float(point.gradient @ direction) + kinks

    def dense_rows(
        self,
        rows: Indices | None = None,
        columns: Indices | None = None,
        *,
        intercept: bool = False,
    ) -> Matrix:
        """Return some columns of some rows of X, copied, dense; by default all.

        With `intercept`, a column of ones for the bias follows, where there is one.
        """
        rows = np.arange(self.n_samples) if rows is None else rows
        columns = np.arange(self.n_features) if columns is None else columns
        values = self.rows.dense(rows, columns)
        if not (intercept and self.problem.fit_intercept):
            return values
        return np.column_stack([values, np.ones(len(values))])

    def predictions(self, direction: Vector, rows: Indices) -> Vector:
        """Return the change of z of some rows along a direction, in one pass over X."""
        change = self.margin_change(direction).values
        return change[rows] * self.rows.signs[rows]

    def row_gram(self, scale: Vector | None) -> Matrix:
        """Return X diag(scale)² Xᵀ, in one pass over X; the upper triangle counts."""
        self.count()
        with blas_threads():
            return self.rows.design.row_products(scale)

    def rmatvec(self, u: RowVector) -> Vector:
        """Return Xᵀ u, of shape (n_features,), in one pass over X."""
        [product], _ = self.read(products.rmatvec, (u,))
        return product

    # ---------------------------------------------------------------------- the map

    def count(self) -> None:
        if not self.rows.partitioned:  # partitions count by themselves
            self.meter.passes += self._fraction

    def read(self, *args: Any, **options: Any) -> tuple[list[Any], list[RowVector]]:
        self.count()
        return self.rows.read(self.executor, *args, **options)

    def scan(self, *args: Any, **options: Any) -> tuple[list[Any], list[RowVector]]:
        return self.rows.scan(self.executor, *args, **options)

    def matrix(self, of_weights: Matrix, column: Vector, corner: float) -> Matrix:
        """Return the penalized Hessian from the sums over the rows."""
        matrix = self.sum_matrix(of_weights, column, corner)
        matrix.reshape(-1)[:: self.n_dof + 1] += self.penalty.curvature
        # No entry is larger than the largest on the diagonal.
        if not np.isfinite(matrix.diagonal()).all():
            raise NotFiniteError
        return matrix

    def sum_matrix(self, of_weights: Matrix, column: Vector, corner: float) -> Matrix:
        """Return a matrix over the weights and, where there is one, the bias."""
        n_features = self.n_features
        matrix = np.empty((self.n_dof, self.n_dof))
        matrix[:n_features, :n_features] = of_weights
        if self.problem.fit_intercept:
            matrix[-1, :-1] = matrix[:-1, -1] = column
            matrix[-1, -1] = corner
        return matrix

    def vector(self, of_weights: Vector, of_bias: float) -> Vector:
        """Return a vector over the weights and, where there is one, the bias."""
        vector = np.empty(self.n_dof, dtype=of_weights.dtype)
        vector[: self.n_features] = of_weights
        vector[self.n_features :] = of_bias
        return vector
