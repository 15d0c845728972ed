"""What the rows of a problem say of the observations, and each row's diagnostics."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import entr, expit, log_expit

from sk_logreg._arrays import Vector
from sk_logreg._design import _products as products
from sk_logreg._design._base import Block, Points
from sk_logreg._design._products import Out, Sums
from sk_logreg._design._vectors import Extremes, RowPart
from sk_logreg._tolerances import NOISE
from sk_logreg.losses import Loss


@dataclass(frozen=True, eq=False)
class Observations:
    """The observations that rows stand for: a sample weight is a number of copies.

    Attributes
    ----------
    n_obs : float
        Their number, the sum of the sample weights.
    weighted : bool
        Whether some sample weight is not one.
    per_class : ndarray of shape (2,)
        The class weights.
    total : float
        The sum of the weights of the losses, sample weight times class weight.
    shrunk : float
        The share by which labels are shrunk toward one half.
    """

    n_obs: float
    weighted: bool
    per_class: Vector
    total: float = 1.0
    shrunk: float = 0.0

    def labels(self, rows: RowPart) -> Vector:
        """Return the share of the positive class in the weight of each row."""
        if rows.p_other is None:
            return (rows.signs > 0).astype(np.float64)
        p_other = (rows.p_other - 0.5 * self.shrunk) / (1.0 - self.shrunk)
        return np.where(rows.signs > 0, 1.0 - p_other, p_other)

    def of_copies(self, labels: Vector) -> tuple[Vector, Vector]:
        """Return the label of a copy of each row, and its class weight.

        `labels` are those of `labels`, in which class weights have their part. The
        class weight of a soft label is a mean.
        """
        positive = labels / self.per_class[1]
        both = positive + (1.0 - labels) / self.per_class[0]
        return positive / both, 1.0 / both


def log_likelihoods(z: Vector, q: Vector) -> Vector:
    """Return q log σ(z) + (1 - q) log σ(-z) of each row, for any z."""
    with np.errstate(invalid="ignore"):  # 0 times infinity
        positive = np.where(q > 0.0, q * log_expit(z), 0.0)
        return positive + np.where(q < 1.0, (1.0 - q) * log_expit(-z), 0.0)


def saturated(q: Vector) -> Vector:
    """Return the greatest log likelihood of each row, 0 where q is 0 or 1."""
    return -np.asarray(entr(q) + entr(1.0 - q))


# ---------------------------------------------------------- without a read of X


def likelihoods(rows: RowPart, m: Vector, observed: Observations) -> Sums:
    """Sum the log likelihoods, the greatest ones, and what the null model needs.

    This is the sum of the weights of each class, negative first, and the extremes of
    the offset. Then the sums of the predicted probability over each class follow.
    """
    labels = observed.labels(rows)
    weights = observed.total * rows.weights
    z = rows.signs * m
    of_classes = np.array([weights * (1.0 - labels), weights * labels])
    offset = np.zeros(1) if rows.offset is None else rows.offset
    return (
        weights @ log_likelihoods(z, labels),
        weights @ saturated(labels),
        of_classes.sum(axis=1),
        Extremes.of(offset),
        of_classes @ expit(z),
    )


def null_likelihood(rows: RowPart, bias: float, observed: Observations) -> Sums:
    """Sum the log likelihoods where z is a bias plus the offset."""
    used = rows.weights > 0.0
    z = np.full(len(rows.weights), bias)
    if rows.offset is not None:
        z += rows.offset
    found = log_likelihoods(z[used], observed.labels(rows)[used])
    return (observed.total * (rows.weights[used] @ found),)


def null_excess(rows: RowPart, bias: float, observed: Observations) -> Sums:
    """Sum the predicted probabilities less the labels, with z as above."""
    offset = 0.0 if rows.offset is None else rows.offset
    excess = expit(offset + bias) - observed.labels(rows)
    return (observed.total * (rows.weights @ excess),)


def shares(rows: RowPart, observed: Observations, *, out: Out) -> None:
    """Keep the share of each row in the observations."""
    _, factor = observed.of_copies(observed.labels(rows))
    np.multiply(rows.weights / factor, observed.total / observed.n_obs, out=out[0])


def without_separated(rows: RowPart, m: Vector, nearest: float, *, out: Out) -> None:
    """Keep the weights, and 0 where margins along a direction exceed a limit."""
    out[0][:] = np.where(m > nearest, 0.0, rows.weights)


# ------------------------------------------------------------- with a read of X


class Diagnostics(NamedTuple):
    """Diagnostics of one copy of each row, see `Inference.diagnostics`.

    Attributes
    ----------
    label : ndarray of shape (n_samples,)
        0, 1, or the probability of the positive class.
    step : ndarray of shape (n_samples,)
        What x̃ᵀ H⁻¹ is multiplied by to give the change of the coefficients.
    """

    leverage: Vector
    pearson: Vector
    deviance: Vector
    cooks_distance: Vector
    label: Vector
    step: Vector


def diagnostics(
    block: Block,
    rows: RowPart,
    w: Vector,
    b: float,
    loss: Loss,
    root: Points,
    edf: float,
    observed: Observations,
    *,
    out: Out,
) -> None:
    """Keep the `Diagnostics` of the rows, with `root` that of the inverse Hessian.

    Cook's distance is that of one Newton step [1]_.

    References
    ----------
    .. [1] D. Pregibon (1981). Logistic regression diagnostics. Annals of Statistics
       9(4), 705-724.
    """
    found, (q, factor) = Diagnostics(*out), observed.of_copies(observed.labels(rows))
    m, norms = np.empty(len(q)), np.empty(len(q))
    products.margins(block, rows, w, b, out=[m])
    block.squared_norms(root, norms)
    norms /= observed.total
    slope, curvature = loss.derivatives(m, rows.p_other)
    factor = np.where(rows.weights > 0.0, factor, 0.0)
    leverage = factor * curvature * norms
    # A leverage of 1, up to rounding, is one: the row is fitted exactly.
    leverage = np.where(leverage < 1.0 - NOISE, leverage, 1.0)
    left = np.where(leverage < 1.0, 1.0 - leverage, np.nan)
    found.leverage[:] = leverage
    found.step[:] = -factor * slope * rows.signs / left
    found.cooks_distance[:] = found.step**2 * norms / edf
    z, found.label[:] = rows.signs * m, q
    # (q - p) / √(p (1 - p)), also where p rounds to 0 or 1
    found.pearson[:] = np.where(q > 0.0, q * np.exp(-0.5 * z), 0.0)
    found.pearson[:] -= np.where(q < 1.0, (1.0 - q) * np.exp(0.5 * z), 0.0)
    excess = np.maximum(saturated(q) - log_likelihoods(z, q), 0.0)
    found.deviance[:] = np.sign(found.pearson) * np.sqrt(2.0 * excess)


def dfbetas(
    block: Block,
    rows: RowPart,
    changes: Points,
    *of_diagnostics: object,
    out: Out,
) -> None:
    """Keep what leaving out one copy of each row changes, a row vector per term.

    The products of a row with the points `changes` are the changes per unit of its
    step, see `Diagnostics`.
    """
    kept = np.empty((len(Diagnostics._fields), len(rows.weights)))
    diagnostics(block, rows, *of_diagnostics, out=kept)  # type: ignore[arg-type]
    found = block.matvec(changes.weights) + changes.biases
    found *= Diagnostics(*kept).step[:, None]
    for k, column in enumerate(out):
        column[:] = found[:, k]
