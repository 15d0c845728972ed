"""What is computed from a block of X and its rows: the functions of the map.

See `sk_logreg._design._map` for their form. ``w`` are weights or None, for all zeros,
and ``b`` is the bias; a sum over the bias follows that over the weights.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._design._base import Block, Points
from sk_logreg._design._vectors import Extremes, Largest, RowPart
from sk_logreg._tolerances import NOISE, TINY
from sk_logreg.losses import Loss, Pointwise

Sums = tuple[Any, ...]
Out = Sequence[Vector]

# Margins per tile of a combination: their arrays, of 128 kB, stay in the cache and in
# the allocator's pool.
_TILE_ROWS, _TILE_POINTS = 256, 128
# Columns per tile of columns, or of losses and gradients at several points, and margins
# per tile of those.
_TILE_COLUMNS, _TILE_VALUES = 32, 15_000
# Rows that share a limit to the sizes of their values. With more, it is less tight.
_PIECE_ROWS = 256


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


# ------------------------------------------------------------- with a read of X


def margins(block: Block, rows: RowPart, w: Any, b: float, *, out: Out) -> Sums:
    """Keep the margins at a point."""
    _margins(block, rows, w, b, out)
    return ()


def margin_change(
    block: Block, rows: RowPart, w: Vector, b: float, *, out: Out
) -> Sums:
    """Keep the change of the margins along a direction."""
    np.multiply(_linear(block, w, b), rows.signs, out=out[0])
    return ()


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
    return *sums, *_gram(block, squares)


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
    return _gram(block, _score_squares(rows, m, loss, per_class, q, power))


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


def _losses(
    block: Block, rows: RowPart, m: Vector, loss: Loss
) -> tuple[tuple[Any, ...], Vector]:
    """Return the weighted sums of losses and gradients, and each row's curvature."""
    found: Pointwise = loss.at_margin(m, rows.p_other)
    slope = found.slope
    slope *= rows.signs
    slope *= rows.weights
    value = np.dot(rows.weights, found.value)
    return (value, block.rmatvec(slope), slope.sum()), found.curvature


def gradient(block: Block, rows: RowPart, w: Any, b: Any, loss: Loss) -> Sums:
    """Sum the gradient, in the precision of `w`."""
    return gradient_at(block, rows, _margins(block, rows, w, b), loss)


def gradient_at(block: Block, rows: RowPart, m: Vector, loss: Loss) -> Sums:
    """Sum the gradient, given the margins."""
    slope, _ = loss.derivatives(m, rows.p_other)
    slope *= rows.signs
    slope *= rows.weights
    return block.rmatvec(slope), slope.sum()


def gram(block: Block, rows: RowPart, h: Vector) -> Sums:
    """Sum the Gram matrix Xᵀ diag(h) X."""
    return _gram(block, h)


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
    for i in range(0, len(z), _TILE_ROWS):
        part = slice(i, i + _TILE_ROWS)
        other = None if p_other is None else p_other[part, None]
        for j in range(0, n_points, _TILE_POINTS):
            some = factors[:, j : j + _TILE_POINTS]
            shape = len(z[part]), some.shape[1]
            margins = tile[: shape[0] * shape[1]].reshape(shape)
            np.matmul(z[part], some, out=margins)
            values = loss.at_margin(margins, other).value
            sums[j : j + _TILE_POINTS] += row_weights[part] @ values
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

    The curvature of a row at each point is compared with a combination of those at the
    known points, by a column of `shares`: the largest ratio to it is found.
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
    for piece in block.pieces(_TILE_VALUES // width):
        first = piece.rows.start - block.rows.start
        where = slice(first, first + piece.rows.stop - piece.rows.start)
        part = rows.take(where)
        if compared is not None:
            points, shares = compared
            known = _found_at(piece, part, points.weights, points.biases, loss)
            curvature = known.curvature * (part.weights > 0.0)[:, None]
        signed, ones = part.weights * part.signs, np.ones(len(part.weights))
        tiles = []
        for start in range(0, n_points, width):
            some = slice(start, start + width)
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


def squared_norms(block: Block, rows: RowPart, points: Points, *, out: Out) -> Sums:
    """Keep the sum of squares of each row's products with some points."""
    block.squared_norms(points, out[0])
    return ()


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


def largest_sizes(block: Block, _rows: RowPart, columns: Indices) -> Sums:
    """List the largest size of each column in some rows at a time."""
    tiles = _column_tiles(columns)
    found = []
    for piece in block.pieces(_PIECE_ROWS):
        found.append(
            np.hstack([abs(piece.columns(some)).max(axis=0) for some in tiles])
        )
    return (found,)


def not_binary(block: Block, rows: RowPart, centers: Vector, units: Vector) -> Sums:
    """Count the values of each column that are neither 0 nor 1, before any change.

    Of the rows of positive weight.
    """
    counts, used = [], rows.weights > 0.0
    for columns in _column_tiles(np.arange(len(units))):
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
    for place in _column_tiles(np.arange(len(columns))):
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


def _column_tiles(columns: Indices) -> list[Indices]:
    """Return the columns some at a time, at least once."""
    return np.array_split(columns, range(_TILE_COLUMNS, len(columns), _TILE_COLUMNS))


def unit_margins(
    block: Block,
    rows: RowPart,
    columns: Indices,
    centers: Vector,
    scales: Vector,
    direction: Vector,
    *,
    out: Out,
) -> Sums:
    """Keep the products of a direction with rows of unit length and their signs.

    The rows are ±(x, 1) over some columns, centered and scaled; the direction ends with
    an entry for the bias, if there is one. A soft label has both signs, of which the
    lesser product counts. A row of weight zero has the product infinity.
    """
    [m] = out
    m[:] = direction[len(columns) :].sum()
    squares = np.full(len(m), float(len(direction) - len(columns)))
    for place in _column_tiles(np.arange(len(columns))):
        tile = columns[place]
        part = (block.columns(tile) - centers[tile]) / scales[tile]
        m += part @ direction[place]
        squares += np.einsum("ij,ij->i", part, part)
    m /= np.sqrt(np.where(squares > 0.0, squares, 1.0))
    m *= rows.signs
    if rows.p_other is not None:
        np.copyto(m, -np.abs(m), where=rows.p_other > 0.0)
    m[rows.weights <= 0.0] = np.inf
    return ()


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


def weighted_offset(rows: RowPart, share: Vector) -> Sums:
    """Sum the offset, each row by its share."""
    assert rows.offset is not None
    return (float(share @ rows.offset),)


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
) -> Sums:
    """Keep each row's curvature, or its size, plus a number, times its weight."""
    _, h = loss.derivatives(m, rows.p_other)
    if absolute:
        h = np.abs(h)
    if added:
        h += added
    np.multiply(h, rows.weights, out=out[0])
    return ()


def slopes(rows: RowPart, m: Vector, loss: Loss, *, out: Out) -> Sums:
    """Keep the weighted slope of each row's loss in z."""
    slope, _ = loss.derivatives(m, rows.p_other)
    slope *= rows.signs
    np.multiply(slope, rows.weights, out=out[0])
    return ()


def slope_sizes(rows: RowPart, m: Vector, loss: Loss, *, out: Out) -> Sums:
    """Keep the size of each row's weighted slope; sum them, and times the offset."""
    slope, _ = loss.derivatives(m, rows.p_other)
    size = np.multiply(np.abs(slope), rows.weights, out=out[0])
    offset = 0.0 if rows.offset is None else float(size @ np.abs(rows.offset))
    return float(size.sum()), offset


def weighted_variance(
    rows: RowPart, m: Vector, weights: Vector, loss: Loss, *, out: Out
) -> Sums:
    """Keep weight · α (1 - α), α the dual variable of each row."""
    _, variance = loss.derivatives(m, rows.p_other)
    np.multiply(variance, weights, out=out[0])
    return ()


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
) -> Sums:
    """Keep the weighted slope of each row's loss in z, where a Newton step leads."""
    slope, _ = loss.derivatives(m, rows.p_other)
    slope *= rows.weights
    slope += h * change
    np.multiply(slope, rows.signs, out=out[0])
    return ()


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


def on_hyperplane(
    rows: RowPart, m: Vector, other: Vector, nearest: float, *, out: Out
) -> Sums:
    """Keep minus the size of a row vector where another is nearly 0, and 0 elsewhere.

    The other, `m`, is infinite for rows that do not count.
    """
    out[0][:] = np.where(np.abs(m) <= nearest, -np.abs(other), 0.0)
    return ()


def excess(
    rows: RowPart,
    m: Vector,
    other: Vector,
    nearest: float,
    least: float,
    slack: float,
    *,
    out: Out,
) -> Sums:
    """Keep by how much a row vector exceeds what it has to.

    That is `least` where the first is above a limit, and minus the slack elsewhere.
    """
    np.subtract(other, np.where(m > nearest, least, -slack), out=out[0])
    return ()


def probability_change(rows: RowPart, before: Vector, after: Vector) -> Sums:
    """Find the extremes of the change of the predicted probabilities."""
    change = 1.0 / (1.0 + np.exp(-after)) - 1.0 / (1.0 + np.exp(-before))
    return (Extremes.of(change),)
