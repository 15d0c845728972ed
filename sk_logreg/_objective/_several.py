"""The objective at several points, or over several groups of rows, in one pass."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._design import Points, RowVector
from sk_logreg._design import _products as products
from sk_logreg._objective._core import NotFiniteError, Objective


def losses_at(
    objective: Objective,
    coefs: Matrix,
    group: RowVector | None = None,
    without: Indices | None = None,
) -> tuple[Vector, Matrix]:
    """Return the losses and their gradient at several points, in one pass over X.

    For each row of `coefs`. With groups, each without the rows of one group:
    `group` holds the group of each row of X, and `without` those left out.
    """
    n_features = objective.n_features
    weights, biases = coefs[:, :n_features].T.copy(), coefs[:, n_features:].sum(1)
    args: tuple[Any, ...] = weights, biases, objective.loss
    if group is None:
        sums, _ = objective.read(products.losses_at, (), args)
    else:
        sums, _ = objective.read(products.losses_without, (group,), (*args, without))
    losses, *slopes = sums
    return losses, _gradients(objective, *slopes)


def losses_and_ratios(
    objective: Objective, coefs: Matrix, known: Matrix, shares: Matrix
) -> tuple[Vector, Matrix, Vector]:
    """Return the losses and their gradient at several points, and a ratio for each.

    In one pass over X. The points are the rows of `coefs`. At each of them the
    curvature of each row of X is approximated by a combination of its curvatures at the
    `known` points, with the coefficients in a row of `shares`. The ratio is the largest
    size of an approximated curvature, divided by the curvature itself.
    """
    points = Points.of(coefs.T, objective.n_features)
    args = points.weights, points.biases, objective.loss
    more = Points.of(known.T, objective.n_features), shares.T
    sums, _ = objective.read(products.losses_and_ratios, (), (*args, *more))
    losses, of_weights, of_biases, ratios = sums
    return losses, _gradients(objective, of_weights, of_biases), ratios.values


def changes_along(objective: Objective, directions: Matrix) -> Matrix:
    """Return the changes of the margins along the rows of an array, in one pass over X.

    The result, of shape (n_directions, n_samples), has a row per direction.
    """
    args = (Points.of(directions.T, objective.n_features),)
    shape = (len(directions),)
    _, [kept] = objective.read(products.changes_along, (), args, n_kept=1, shape=shape)
    return kept.values.T


def gradients_from(objective: Objective, slopes: Matrix) -> Matrix:
    """Return gradients of the losses, given the slopes of all rows, in one pass over X.

    Each row of `slopes`, of shape (n_points, n_samples), has the weighted slope of each
    loss in its margin.
    """
    sums, _ = objective.read(products.gradients_from, (RowVector(slopes.T),))
    return _gradients(objective, *sums)


def largest_sizes(objective: Objective) -> Matrix:
    """Return the largest absolute value in each column of X, in one pass.

    The rows of X are divided into stretches; the result has a row per stretch. The last
    column, of ones, is that of the bias.
    """
    columns = np.arange(objective.n_features)
    [largest], _ = objective.read(products.largest_sizes, (), (columns,))
    ones = np.ones((len(largest), objective.n_dof - objective.n_features))
    return np.column_stack([largest, ones])


def _gradients(objective: Objective, of_weights: Matrix, of_biases: Vector) -> Matrix:
    """Return a row per point of the gradients in weights and, if any, the bias."""
    if not objective.problem.fit_intercept:
        return of_weights.T
    return np.column_stack([of_weights.T, of_biases])


def mean_losses(objective: Objective, margins: Matrix) -> Vector:
    """Return the mean loss for each row of an array of margins without offset."""
    rows, p_other = objective.rows, objective.rows.p_other
    if rows.offset is not None:
        margins = margins + rows.signs * rows.offset
    return objective.loss.at_margin(margins, p_other).value @ rows.weights


def mean_losses_of(objective: Objective, basis: Matrix, factors: Matrix) -> Vector:
    """Return the mean loss at combinations of a few points, in single precision.

    In one pass over X. Each column of `factors` combines the columns of `basis`;
    its first entry is 1.
    """
    n_features = objective.n_features
    weights, biases = basis[:n_features].T.copy(), basis[n_features:].sum(axis=0)
    largest = objective.rows.weights.max()
    args = weights, biases, factors.astype(np.float32), objective.loss, largest
    [sums], _ = objective.read(products.losses_of_combinations, (), args)
    return sums * largest


def evaluate_groups(
    objective: Objective, coefs: Matrix, group: RowVector, n_groups: int
) -> tuple[Matrix, NDArray[np.float64], NDArray[np.float64]]:
    """Return the losses of the rows of each group at some points.

    With their gradients and Hessians, without the penalty, in one pass over X.

    Parameters
    ----------
    coefs : ndarray of shape (n_points, n_dof)
    group : RowVector
        The number of the group of each row.

    Returns
    -------
    losses : ndarray of shape (n_points, n_groups)
    gradients : ndarray of shape (n_points, n_groups, n_dof)
    hessians : ndarray of shape (n_points, n_groups, n_dof, n_dof)
    """
    objective.count()
    shape, n_dof = (len(coefs), n_groups), objective.n_dof
    losses, gradients = np.zeros(shape), np.zeros((*shape, n_dof))
    hessians = np.zeros((*shape, n_dof, n_dof))
    calls = [(*objective.problem.split(coef), objective.loss) for coef in coefs]
    function, args = products.value_gradient_and_hessian, [calls] * n_groups
    options: Any = {"n_kept": 1, "for_gram": True}
    found = objective.rows.read_groups(
        objective.executor, function, group, args, **options
    )
    for (k, j), (loss, of_weights, of_bias, *of_gram) in found.items():
        losses[j, k], gradients[j, k] = loss, objective.vector(of_weights, of_bias)
        hessians[j, k] = objective.sum_matrix(*of_gram)
    if not all(np.isfinite(sums).all() for sums in (losses, gradients, hessians)):
        raise NotFiniteError
    return losses, gradients, hessians


def penalty_at(objective: Objective, coefs: Matrix) -> Vector:
    """Return the penalty, in units of f, at each row of an array of points.

    They are user's coefficients, of features as they are.
    """
    center = objective.problem.center
    return objective.penalty.value(coefs if center is None else coefs - center)
