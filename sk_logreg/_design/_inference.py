"""The functions of the map that the inference runs: scores, leverages, effects.

See `sk_logreg._design._map` for their form.
"""

from typing import Any

import numpy as np
from scipy.special import expit

from sk_logreg._arrays import Indices, Vector
from sk_logreg._design._base import Block, Points
from sk_logreg._design._products import (
    Out,
    Sums,
    column_tiles,
    gram,
    value_gradient_and_hessian,
)
from sk_logreg._design._vectors import RowPart
from sk_logreg._tolerances import NOISE
from sk_logreg.losses import Loss


def value_gradient_hessian_and_scores(
    block: Block,
    rows: RowPart,
    w: Any,
    b: float,
    loss: Loss,
    per_class: Vector,
    *,
    out: Out,
) -> Sums:
    """Sum the Gram matrix of the scores too, see `scores_gram`."""
    sums = value_gradient_and_hessian(block, rows, w, b, loss, out=out)
    squares = _score_squares(rows, out[-1], loss, per_class, 0.0, 0.0)
    return *sums, *gram(block, rows, squares)


def scores_gram(
    block: Block,
    rows: RowPart,
    m: Vector,
    loss: Loss,
    per_class: Vector,
    points: Points,
    power: float,
) -> Sums:
    """Sum the Gram matrix of the scores, over powers of 1 less the leverages.

    The score of a copy of a row is slope · x̃, and its leverage is curvature · q with q
    the sum of squares of the products with the points given. Both are multiplied by
    the class weight of its label.
    """
    q = np.empty(len(m))
    block.squared_norms(points, q)
    return gram(block, rows, _score_squares(rows, m, loss, per_class, q, power))


def _score_squares(
    rows: RowPart, m: Vector, loss: Loss, per_class: Vector, q: Any, power: float
) -> Vector:
    """Return the sum of squared slopes over the copies of each row."""
    positive = rows.signs > 0

    def of(label: Any, margin: Vector) -> Vector:
        slope, curvature = loss.derivatives(margin)
        factor = per_class[label.astype(np.intp)]
        left = 1.0 - factor * curvature * q
        left = np.where(left > NOISE, left, 0.0)  # a leverage of 1, up to rounding
        return np.asarray(factor * slope**2 / left**power)

    squares = of(positive, m)
    if rows.p_other is not None:
        squares += rows.p_other * (of(~positive, -m) - squares)
    squares *= rows.weights
    return squares


def leverages(
    block: Block,
    rows: RowPart,
    m: Vector,
    h: Vector,
    points: Points,
    *,
    out: Out,
) -> Sums:
    """Keep the leverage of each row, and sum half of its slope of log curvature.

    The leverage is the curvature times the sum of squares of the row's products with
    the points. The curvature is that of cross entropy, p (1 - p), whose logarithm has
    the slope 1 - 2p = -tanh(z / 2). The sum is that of -leverage · (½ - p) x.
    """
    [leverage] = out
    block.squared_norms(points, leverage)
    leverage *= h
    u = np.tanh(0.5 * m)
    u *= 0.5 * leverage
    u *= rows.signs
    return block.rmatvec(u), u.sum()


def not_binary(block: Block, rows: RowPart, centers: Vector, units: Vector) -> Sums:
    """Count the values of each column that are neither 0 nor 1, before any change.

    Of the rows of positive weight.
    """
    counts, used = [], rows.weights > 0.0
    for columns in column_tiles(np.arange(len(units))):
        x = block.columns(columns) * units[columns] + centers[columns]
        wrong = (x != 0.0) & (x != 1.0) & used[:, None]
        counts.append(np.count_nonzero(wrong, axis=0))
    return (np.concatenate(counts),)


def effects(
    block: Block,
    rows: RowPart,
    m: Vector,
    share: Vector,
    columns: Indices,
    changes: Vector,
    centers: Vector,
    units: Vector,
) -> Sums:
    """Sum the derivatives of the probability in z, and its changes by 0/1 columns.

    Each row counts by its share. First the sums of σ' and of σ'' x̃, where σ is at z.
    Then, with σ₀ and σ₁ at z where a column is 0 and 1, which changes z by `changes`:
    the sums of σ₁ - σ₀, of (σ₁' - σ₀') x̃, and of the one of σ₁' and σ₀' that is not σ'.
    """
    z = rows.signs * m
    p = expit(z)
    slope = p * expit(-z)
    bend = share * slope * (1.0 - 2.0 * p)
    nothing = np.zeros((3, 0))
    of_weights, scalars = [np.zeros((block.rmatvec(bend).shape[0], 0))], [nothing]
    for place in column_tiles(np.arange(len(columns))):
        tile, change = columns[place], changes[place]
        x = block.columns(tile) * units[tile] + centers[tile]
        # x is between 0 and 1 in a row that is a mean.
        low = z[:, None] - x * change
        p_low, p_high = expit(low), expit(low + change)
        slope_low, slope_high = p_low * (1.0 - p_low), p_high * (1.0 - p_high)
        moved = share[:, None] * (slope_high - slope_low)
        of_weights.append(block.rmatvec(moved))
        other = slope_high + (slope_low - slope_high) * x
        sums = share @ (p_high - p_low), moved.sum(axis=0), share @ other
        scalars.append(np.array(sums))
    of_all = share @ slope, block.rmatvec(bend), bend.sum()
    return *of_all, np.hstack(of_weights), np.hstack(scalars)


def weighted_offset(rows: RowPart, share: Vector) -> Sums:
    """Sum the offset, each row by its share."""
    assert rows.offset is not None
    return (float(share @ rows.offset),)
