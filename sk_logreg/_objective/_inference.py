"""Passes over X that the inference takes: scores, leverages, marginal effects."""

import numpy as np

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._design import (
    Clusters,
    Coordinates,
    Points,
    Rows,
    RowVector,
    _inference,
    _products,
    design_of,
)
from sk_logreg._objective._core import Evaluation, Objective


def evaluate_with_scores(
    objective: Objective, coef: Vector, per_class: Vector
) -> tuple[Evaluation, Matrix]:
    """Return value, gradient and Hessian, and the Gram matrix of the scores.

    In one pass over X; see `scores_gram`.
    """
    args = *objective.problem.split(coef), objective.loss, per_class
    sums, kept = objective.read(
        _inference.value_gradient_hessian_and_scores,
        (),
        args,
        n_kept=2,
        for_gram=True,
    )
    return objective.evaluation(coef, sums[:6], kept), objective.sum_matrix(*sums[6:])


def scores_gram(
    objective: Objective,
    margins: RowVector,
    per_class: Vector,
    root: Matrix,
    power: float,
) -> Matrix:
    """Return the Gram matrix of the scores, in one pass over X.

    That is Σ s ψ² x̃x̃ᵀ with ψ the slope of the loss in z and s the weights of the
    copies of the rows, each over a power of 1 less its leverage. The leverage is
    curvature · ‖rootᵀx̃‖². `per_class` are the weights of the two classes, by which
    the scores and leverages of the copies are multiplied.
    """
    points = Points.of(root, objective.n_features)
    args = (objective.loss, per_class, points, power)
    sums, _ = objective.read(_inference.scores_gram, (margins,), args, for_gram=True)
    return objective.sum_matrix(*sums)


def clustered_scores_gram(
    objective: Objective, margins: RowVector, clusters: Clusters
) -> Matrix:
    """Return the Gram matrix of sums of scores over clusters, in one pass over X.

    The score of a row is s ψ x̃ with ψ the slope of the loss in z and s the weight.
    """
    objective.count()
    [slopes] = objective.scan(
        _products.slopes, (margins,), (objective.loss,), n_kept=1
    )[1]
    gram = objective.rows.cluster_gram(slopes, clusters)
    return objective.sum_matrix(gram[:-1, :-1], gram[:-1, -1], gram[-1, -1])


def squared_norms(objective: Objective, root: Matrix) -> RowVector:
    """Return ‖rootᵀ x̃‖² of each row x̃, bias included, in one pass over X.

    With ``root @ root.T`` the inverse of a Hessian, of shape (n_dof, rank), that is
    x̃ᵀ H⁻¹ x̃: the leverage of each row, divided by its weighted curvature.
    """
    args = (Points.of(root, objective.n_features),)
    return objective.read(_products.squared_norms, (), args, n_kept=1)[1][0]


def leverages_and_gradient(
    objective: Objective, point: Evaluation, root: Matrix
) -> tuple[RowVector, Vector]:
    """Return the leverage of each row, and the gradient of -½ log det I.

    In one pass over X. I is Xᵀ diag(curvature) X, bias included, of cross entropy
    at a point that was evaluated with its Hessian, and ``root @ root.T`` is its
    inverse. The gradient is in units of F.
    """
    vectors = point.margins, point.curvature
    args = (Points.of(root, objective.n_features),)
    sums, [found] = objective.read(_inference.leverages, vectors, args, n_kept=1)
    return found, objective.vector(*sums)


def binary_columns(objective: Objective) -> Indices:
    """Return the columns of X all of whose values are 0 or 1, in one pass."""
    [counts], _ = objective.read(
        _inference.not_binary, (), _centers_and_units(objective)
    )
    return np.flatnonzero(counts == 0)


def effect_sums(
    objective: Objective,
    margins: RowVector,
    share: RowVector,
    columns: Indices,
    changes: Vector,
) -> tuple[float, Vector, Vector, Matrix, Vector]:
    """Return the sums that marginal effects consist of, in one pass over X.

    Over the rows, each by its share: of σ'(z); of σ''(z) x̃; and for each of some
    0/1 columns, whose changes change z by `changes`: of the change of σ, of the
    change of σ' times x̃, of shape (n_columns, n_dof), and of σ' at the value that
    the column does not have.
    """
    args = (columns, changes, *_centers_and_units(objective))
    sums, _ = objective.read(_inference.effects, (margins, share), args)
    slope, of_weights, of_bias, moved, (change, moved_bias, other) = sums
    bend = objective.vector(of_weights, of_bias)
    if objective.problem.fit_intercept:
        moved = np.vstack([moved, moved_bias])
    return float(slope), bend, change, moved.T, other


def at_mean_row(objective: Objective, share: RowVector) -> Objective:
    """Return the objective of one row, the mean of all; in one pass over X.

    Each row, and its offset, counts by its share.
    """
    offset = None
    if objective.rows.has_offset:
        [mean], _ = objective.scan(_inference.weighted_offset, (share,))
        offset = np.array([mean])
    row = objective.rmatvec(share)[None, :]
    rows = Rows(design_of(row), np.ones(1, dtype=np.int8), np.ones(1), offset)
    return objective.derive(0.0, rows=rows)


def _centers_and_units(objective: Objective) -> tuple[Vector, Vector]:
    found = objective.problem.coordinates or Coordinates.none(objective.n_features)
    return found.centers, found.units
