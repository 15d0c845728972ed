"""What is computed from a block of X and its rows: the functions of the map.

See `sk_logreg._design._map` for their form. ``w`` are weights or None, for all zeros,
and ``b`` is the bias; a sum over the bias follows that over the weights.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._design._base import Block, Points, slices
from sk_logreg._design._vectors import Extremes, Largest, RowPart
from sk_logreg._tolerances import TINY
from sk_logreg.losses import Loss, Pointwise

Sums = tuple[Any, ...]
Out = Sequence[Vector]

# Margins per tile of a combination: their arrays, of 128 kB, stay in the cache and in
# the allocator's pool.
_TILE_ROWS, _TILE_POINTS = 256, 128
# Columns per tile of columns, or of losses and gradients at several points.
_TILE_COLUMNS = 32
# Number of points for which a part of a block has so few rows that a limit to the sizes
# of their values is tight.
_FEW_ROWS = 256


def _linear(block: Block, w: Any, b: Any) -> Any:
    """Return wᵀx + b of each row, as a new array."""
    if w is None:
        return np.full(block.rows.stop - block.rows.start, b)
    z = block.matvec(w)
    z += b
    return z


def _margins(block: Block, rows: RowPart, w: Any, b: Any, out: Out = ()) -> Any:
    """Return the margins, sign · z, in the last array given or a new one."""
    z = _linear(block, w, b)
    if rows.offset is not None:
        z += rows.offset
    return np.multiply(z, rows.signs, out=out[-1] if out else z)


def _gram(block: Block, h: Vector) -> tuple[Any, ...]:
    """Return Xᵀ diag(h) X: of the weights, of weights and bias, of the bias."""
    return block.gram(h), block.rmatvec(h), h.sum()


def column_tiles(columns: Indices) -> list[Indices]:
    """Return the columns some at a time, at least once."""
    return np.array_split(columns, range(_TILE_COLUMNS, len(columns), _TILE_COLUMNS))


# ------------------------------------------------------------- with a read of X


def margins(block: Block, rows: RowPart, w: Any, b: float, *, out: Out) -> None:
    """Keep the margins at a point."""
    _margins(block, rows, w, b, out)


def margin_change(
    block: Block, rows: RowPart, w: Vector, b: float, *, out: Out
) -> None:
    """Keep the change of the margins along a direction."""
    np.multiply(_linear(block, w, b), rows.signs, out=out[0])


def changes_along(block: Block, rows: RowPart, points: Points, *, out: Out) -> None:
    """Keep the changes of the margins along several directions."""
    z = block.matvec(points.weights)
    z += points.biases
    np.multiply(z, rows.signs[:, None], out=out[0])


def value_and_gradient(
    block: Block, rows: RowPart, w: Any, b: float, loss: Loss, *, out: Out = ()
) -> Sums:
    """Sum the losses and their gradient; keep the margins if asked."""
    sums, _ = _losses(block, rows, _margins(block, rows, w, b, out), loss)
    return sums


def value_gradient_and_hessian(
    block: Block, rows: RowPart, w: Any, b: float, loss: Loss, *, out: Out
) -> Sums:
    """Sum the losses, their gradient and Hessian; keep the curvature, and margins."""
    sums, h = _losses(block, rows, _margins(block, rows, w, b, out[1:]), loss)
    h = np.multiply(h, rows.weights, out=out[0])
    return *sums, *_gram(block, h)


def _losses(
    block: Block, rows: RowPart, m: Vector, loss: Loss
) -> tuple[tuple[Any, ...], Vector]:
    """Return the weighted sums of losses and gradients, and each row's curvature."""
    found: Pointwise = loss.at_margin(m, rows.p_other)
    value = np.dot(rows.weights, found.value)
    return (value, *_gradient(block, rows, found.slope)), found.curvature


def _gradient(block: Block, rows: RowPart, slope: Vector) -> tuple[Any, ...]:
    """Return the weighted sums of slopes in the margin, which are overwritten."""
    slope *= rows.signs
    slope *= rows.weights
    return block.rmatvec(slope), slope.sum()


def gradient(block: Block, rows: RowPart, w: Any, b: Any, loss: Loss) -> Sums:
    """Sum the gradient, in the precision of `w`."""
    return gradient_at(block, rows, _margins(block, rows, w, b), loss)


def gradient_at(block: Block, rows: RowPart, m: Vector, loss: Loss) -> Sums:
    """Sum the gradient, given the margins."""
    slope, _ = loss.derivatives(m, rows.p_other)
    return _gradient(block, rows, slope)


def gradients_from(block: Block, rows: RowPart, slopes: Matrix) -> Sums:
    """Sum gradients, given several slopes of each row's loss in the margin."""
    signed = slopes * rows.signs[:, None]
    return block.rmatvec(signed), signed.sum(axis=0)


def gram(block: Block, rows: RowPart, h: Vector) -> Sums:
    """Sum the Gram matrix Xᵀ diag(h) X."""
    return _gram(block, h)


def gram_columns(block: Block, rows: RowPart, h: Vector, columns: Indices) -> Sums:
    """Sum some columns of the Gram matrix Xᵀ diag(h) X."""
    part = h[:, None] * block.columns(columns)
    return block.rmatvec(part), part.sum(axis=0)


def gram_product(block: Block, rows: RowPart, h: Vector, w: Vector, b: float) -> Sums:
    """Sum Xᵀ diag(h) X times a vector."""
    u = _linear(block, w, b)
    u *= h
    return block.rmatvec(u), u.sum()


def change_and_image(
    block: Block, rows: RowPart, h: Vector, *limits_and_direction: Any, out: Out
) -> Sums:
    """Sum Xᵀ diag(h) X times a direction; keep the change of the margins along it.

    A row's part is limited to a row vector, if one is passed before the direction.
    """
    *limits, w, b = limits_and_direction
    u = _linear(block, w, b)
    np.multiply(u, rows.signs, out=out[0])
    u *= h
    for limit in limits:
        np.clip(u, -limit, limit, out=u)
    return block.rmatvec(u), u.sum()


def gram_diagonal(block: Block, rows: RowPart, h: Vector) -> Sums:
    """Sum the diagonal of Xᵀ diag(h) X."""
    return block.gram_diagonal(h), h.sum()


def diagonal_and_intercept(block: Block, rows: RowPart, h: Vector) -> Sums:
    """Sum the diagonal of Xᵀ diag(|h|) X, and the bias's column of Xᵀ diag(h) X."""
    size = np.abs(h)
    return block.gram_diagonal(size), size.sum(), block.rmatvec(h), h.sum()


def losses_of_combinations(
    block: Block,
    rows: RowPart,
    weights: Matrix,
    biases: Vector,
    factors: NDArray[np.float32],
    loss: Loss,
    largest: float,
) -> Sums:
    """Sum the losses at combinations of a few points, in single precision.

    The offset belongs to the first point.
    """
    z = np.column_stack([block.matvec(w) for w in weights]) + biases
    if rows.offset is not None:
        z[:, 0] += rows.offset
    z *= rows.signs[:, None]
    z = z.astype(np.float32)
    # The largest is 1: single precision would flush the least to zero.
    row_weights = (rows.weights / largest).astype(np.float32)
    p_other = None if rows.p_other is None else rows.p_other.astype(np.float32)
    n_points = factors.shape[1]
    sums = np.zeros(n_points)
    tile = np.empty(_TILE_ROWS * _TILE_POINTS, dtype=np.float32)
    for part in slices(0, len(z), _TILE_ROWS):
        other = None if p_other is None else p_other[part, None]
        for some in slices(0, n_points, _TILE_POINTS):
            shape = part.stop - part.start, some.stop - some.start
            margins = tile[: shape[0] * shape[1]].reshape(shape)
            np.matmul(z[part], factors[:, some], out=margins)
            values = loss.at_margin(margins, other).value
            sums[some] += row_weights[part] @ values
    return (sums,)


def losses_at(
    block: Block, rows: RowPart, weights: Matrix, biases: Vector, loss: Loss
) -> Sums:
    """Sum the losses and their gradients at some points."""
    return _losses_at(block, rows, weights, biases, loss)


def losses_without(
    block: Block,
    rows: RowPart,
    group: Vector,
    weights: Matrix,
    biases: Vector,
    loss: Loss,
    without: Indices,
) -> Sums:
    """Sum the losses and their gradients at some points, each without a group."""

    def left_out(where: slice, some: slice) -> Any:
        return group[where, None] == without[some]

    return _losses_at(block, rows, weights, biases, loss, left_out)


def losses_and_ratios(
    block: Block,
    rows: RowPart,
    weights: Matrix,
    biases: Vector,
    loss: Loss,
    known: Points,
    shares: Matrix,
) -> Sums:
    """Sum the losses and their gradients at some points, and compare curvatures.

    At each point, the curvature of each row is approximated by a combination of its
    curvatures at the known points, with the coefficients in a column of `shares`. The
    largest ratio of the approximation to the curvature is found.
    """
    compared = known, shares
    return _losses_at(block, rows, weights, biases, loss, compared=compared)


def _losses_at(
    block: Block,
    rows: RowPart,
    weights: Matrix,
    biases: Vector,
    loss: Loss,
    left_out: Callable[[slice, slice], Any] | None = None,
    compared: tuple[Points, Matrix] | None = None,
) -> Sums:
    """Return the sums for some points, in tiles that stay in the cache.

    Of some rows and points, `left_out` tells which do not count. See
    `losses_and_ratios` for what is compared.
    """
    total: list[Any] = []
    n_points = len(biases)
    width = -(-n_points // -(-n_points // _TILE_COLUMNS))
    for where, piece in block.parts(width):
        part = rows.take(where)
        if compared is not None:
            points, shares = compared
            known = _found_at(piece, part, points.weights, points.biases, loss)
            curvature = known.curvature * (part.weights > 0.0)[:, None]
        signed, ones = part.weights * part.signs, np.ones(len(part.weights))
        tiles = []
        for some in slices(0, n_points, width):
            found = _found_at(piece, part, weights[:, some], biases[some], loss)
            slope, value = found.slope, found.value
            if left_out is not None:
                out = left_out(where, some)
                slope[out] = 0.0
                value[out] = 0.0
            slope *= signed[:, None]
            tiles.append([part.weights @ value, piece.rmatvec(slope), ones @ slope])
            if compared is not None:
                ratios = np.abs(curvature @ shares[:, some])
                ratios /= np.maximum(found.curvature, TINY)
                tiles[-1].append(_largest_of(ratios))
        parts: list[Any] = [np.hstack(part) for part in zip(*tiles, strict=True)]
        parts[3:] = map(Largest, parts[3:])
        total = [a + b for a, b in zip(total, parts, strict=True)] if total else parts
    return tuple(total)


def _largest_of(values: Matrix) -> Vector:
    """Return the largest of each column; halving takes less time than `max`."""
    while len(values) > 1:
        half = (len(values) + 1) // 2
        values = np.maximum(values[:half], values[-half:])
    return values[0]


def _found_at(
    block: Block, rows: RowPart, weights: Matrix, biases: Vector, loss: Loss
) -> Pointwise:
    """Return the loss of each row at some points."""
    m = block.matvec(weights)
    m += biases
    if rows.offset is not None:
        m += rows.offset[:, None]
    m *= rows.signs.astype(np.float64)[:, None]
    p_other = None if rows.p_other is None else rows.p_other[:, None]
    return loss.at_margin(m, p_other)


def sums_of(
    block: Block,
    rows: RowPart,
    points: Points,
    function: Callable[[Matrix, RowPart], Matrix],
) -> Sums:
    """Sum a function of z and of the labels of each row, weighted, at some points."""
    z = block.matvec(points.weights) + points.biases
    if rows.offset is not None:
        z += rows.offset[:, None]
    return (function(z.T, rows) @ rows.weights,)


def largest_sizes(block: Block, _rows: RowPart, columns: Indices) -> Sums:
    """List the largest absolute value in each column, for some rows at a time."""
    tiles = column_tiles(columns)
    found = []
    for _, piece in block.parts(_FEW_ROWS):
        found.append(
            np.hstack([abs(piece.columns(some)).max(axis=0) for some in tiles])
        )
    return (found,)


def squared_norms(block: Block, rows: RowPart, points: Points, *, out: Out) -> None:
    """Keep the sum of squares of each row's products with some points."""
    block.squared_norms(points, out[0])


def weighted_sum(block: Block, rows: RowPart, u: Vector) -> Sums:
    """Sum Xᵀ u, and u for the bias."""
    return block.rmatvec(u), u.sum()


def rmatvec(block: Block, rows: RowPart, u: Vector) -> Sums:
    """Sum Xᵀ u."""
    return (block.rmatvec(u),)


# ---------------------------------------------------------- without a read of X


def losses_at_offset(rows: RowPart, loss: Loss) -> Sums:
    """Sum the losses where all coefficients are zero."""
    m = rows.signs * (np.zeros(len(rows.signs)) if rows.offset is None else rows.offset)
    return (float(rows.weights @ loss.at_margin(m, rows.p_other).value),)


def saturated_loss(rows: RowPart, loss: Loss) -> Sums:
    """Sum the losses where each prediction is the label."""
    if rows.p_other is None:
        return (0.0,)
    soft = rows.p_other > 0.0
    p_other = rows.p_other[soft]
    losses = loss.at_margin(-logit(p_other), p_other).value
    return (float(losses @ rows.weights[soft]),)


def curvature(
    rows: RowPart, m: Vector, loss: Loss, added: float, absolute: bool, *, out: Out
) -> None:
    """Keep each row's curvature, or its size, plus a number, times its weight."""
    _, h = loss.derivatives(m, rows.p_other)
    if absolute:
        h = np.abs(h)
    if added:
        h += added
    np.multiply(h, rows.weights, out=out[0])


def slopes(rows: RowPart, m: Vector, loss: Loss, *, out: Out) -> None:
    """Keep the weighted slope of each row's loss in z."""
    slope, _ = loss.derivatives(m, rows.p_other)
    slope *= rows.signs
    np.multiply(slope, rows.weights, out=out[0])


def slope_sizes(rows: RowPart, m: Vector, loss: Loss, *, out: Out) -> Sums:
    """Keep the size of each row's weighted slope; sum them, and times the offset."""
    slope, _ = loss.derivatives(m, rows.p_other)
    size = np.multiply(np.abs(slope), rows.weights, out=out[0])
    offset = 0.0 if rows.offset is None else float(size @ np.abs(rows.offset))
    return float(size.sum()), offset


def weighted_variance(
    rows: RowPart, m: Vector, weights: Vector, loss: Loss, *, out: Out
) -> None:
    """Keep weight · α (1 - α), α the dual variable of each row."""
    _, variance = loss.derivatives(m, rows.p_other)
    np.multiply(variance, weights, out=out[0])


def dual_of_step(
    rows: RowPart,
    m: Vector,
    weights: Vector,
    h: Vector,
    change: Vector,
    loss: Loss,
    clip: bool,
) -> Sums:
    """Sum the part in the duality gap of dual variables that follow a Newton step."""
    assert loss.dual is not None
    _, variance = loss.derivatives(m, rows.p_other)
    return (loss.dual.of_step(weights, h, variance, change, clip),)


def dual_slope(
    rows: RowPart, m: Vector, h: Vector, change: Vector, loss: Loss, *, out: Out
) -> None:
    """Keep the weighted slope of each row's loss in z, where a Newton step leads."""
    slope, _ = loss.derivatives(m, rows.p_other)
    slope *= rows.weights
    slope += h * change
    np.multiply(slope, rows.signs, out=out[0])


def dual_after_step(rows: RowPart, before: Vector, after: Vector, loss: Loss) -> Sums:
    """Sum the part in the duality gap that a Newton step has left."""
    assert loss.dual is not None
    slope, h = loss.derivatives(before, rows.p_other)
    end_slope, end_h = loss.derivatives(after, rows.p_other)
    change = after - before
    shift = end_slope - slope - h * change
    return (loss.dual.of_shift(rows.weights, shift, end_h, change),)


def line_derivatives(
    rows: RowPart, m: Vector, change: Vector, loss: Loss, length: float
) -> Sums:
    """Sum slope and curvature of the losses along a direction."""
    slope, h = loss.derivatives(m + length * change, rows.p_other)
    weighted = rows.weights * change
    return float(weighted @ slope), float(weighted @ (h * change))


def weighted_extremes(rows: RowPart, v: Vector) -> Sums:
    """Find the extremes of a row vector over the rows of positive weight."""
    return (_extremes(rows, v),)


def _extremes(rows: RowPart, v: Vector) -> Extremes:
    """Return the extremes of some numbers over the rows of positive weight."""
    if not rows.weights.min() > 0.0:
        v = v[rows.weights > 0.0]
    return Extremes.of(v)


def least_above(rows: RowPart, m: Vector, threshold: float) -> Sums:
    """Find how far margins, and the opposite ones of soft labels, exceed a number."""
    m = m if rows.p_other is None else np.where(rows.p_other > 0.0, -np.abs(m), m)
    return (_extremes(rows, m - threshold),)


def change_of_margins(_rows: RowPart, before: Vector, after: Vector) -> Sums:
    """Find the extremes of the change of the margins."""
    return (Extremes.of(after - before),)


def probability_change(rows: RowPart, before: Vector, after: Vector) -> Sums:
    """Find the extremes of the change of the predicted probabilities."""
    change = 1.0 / (1.0 + np.exp(-after)) - 1.0 / (1.0 + np.exp(-before))
    return (Extremes.of(change),)
