"""A reference implementation of the objective and its minimum.

It uses dense matrices, and extended precision where the platform has it. It shares no
code with the package, with one exception: a loss whose formula is not written out here
is taken from the package. `test_losses` checks the derivatives of such a loss by finite
differences.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from scipy import sparse

from sk_logreg.losses import LOSSES as REGISTERED

EPS = np.finfo(np.float64).eps
#: Every registered loss. The tests are parametrized with this tuple, so they cover
#: each newly registered loss.
LOSSES = tuple(REGISTERED)
SOLVERS = ("newton-cholesky", "newton-cg")
#: The parameters of the estimator for each treatment of the bias.
BIASES: dict[str, dict[str, bool]] = {
    "free": {},
    "absorbed": {"absorb_bias": True},
    "none": {"fit_intercept": False},
}


def sigmoid(z):
    """Return 1 / (1 + exp(-z)), with a small relative error for either sign of z."""
    decay = np.exp(-np.abs(z))
    return np.where(z > 0, 1, decay) / (1 + decay)


def pointwise(loss, z, y):
    """Return the value and the first two derivatives of the loss with respect to z."""
    sign = 2 * y - 1
    hit, miss = sigmoid(sign * z), sigmoid(-sign * z)
    if loss == "cross_entropy":
        value = np.log1p(np.exp(-np.abs(z))) + np.maximum(-sign * z, 0)
        return value, -sign * miss, hit * miss
    if loss == "squared_error":
        return miss**2 / 2, -sign * hit * miss**2, hit * miss**2 * (3 * hit - 1)
    value, slope, curvature = REGISTERED[loss].at_margin(np.asarray(sign * z))
    return value, sign * slope, curvature


@dataclass
class Reference:
    """The objective F of a problem, by the formula in the documentation.

    `theta` holds the feature coefficients, followed by the bias if there is one.
    """

    X: Any
    y: Any
    sample_weight: Any = None
    loss: str = "cross_entropy"
    C: float = 1.0
    fit_intercept: bool = True
    absorb_bias: bool = False
    class_weight: Any = None
    offset: Any = None
    penalty_factor: Any = None
    penalty_center: Any = None
    soft_labels: bool = False

    def __post_init__(self):
        X = self.X.toarray() if sparse.issparse(self.X) else np.asarray(self.X)
        X = X.astype(np.longdouble)
        ones = np.ones((len(X), 1), dtype=np.longdouble)
        self.design = np.hstack([X, ones]) if self.fit_intercept else X
        self.target = np.asarray(self.y).astype(np.longdouble)
        s = np.ones(len(X)) if self.sample_weight is None else self.sample_weight
        s = np.asarray(s, dtype=np.longdouble)
        # A soft label q is equivalent to two rows: a row of label 1 and weight s q, and
        # a row of label 0 and weight s (1 - q).
        positive, negative = s * self.target, s * (1 - self.target)
        if self.class_weight == "balanced":
            half = s.sum() / 2
            positive = positive * (half / positive.sum())
            negative = negative * (half / negative.sum())
        elif self.class_weight is not None:
            positive = positive * self.class_weight[1]
            negative = negative * self.class_weight[0]
        self.weights = positive + negative
        some = self.weights > 0
        self.target = np.where(
            some, positive / np.where(some, self.weights, 1), self.target
        )
        # The expected squared error minus ½ q (1 - q) equals ½ (σ - q)².
        square = self.soft_labels and self.loss == "squared_error"
        self.spread = self.target * (1 - self.target) / 2 * square
        self.added = np.zeros(len(X), dtype=np.longdouble)
        if self.offset is not None:
            self.added = np.asarray(self.offset, dtype=np.longdouble)
        self.factor = 1.0 if np.isinf(self.C) else self.C
        penalty = 0.0 if np.isinf(self.C) else 1.0
        self.ridge = np.full(self.design.shape[1], penalty, dtype=np.longdouble)
        if self.fit_intercept and not self.absorb_bias:
            self.ridge[-1] = 0.0
        n_features = X.shape[1]
        if self.penalty_factor is not None:
            factors = np.asarray(self.penalty_factor, dtype=np.longdouble)
            self.ridge[:n_features] *= factors
        self.center = np.zeros_like(self.ridge)
        if self.penalty_center is not None:
            self.center[:n_features] = self.penalty_center

    def theta(self, model):
        """Return `theta` of a fitted model."""
        w, b = model.coef_[0], model.intercept_
        return np.concatenate([w, b] if self.fit_intercept else [w])

    def losses(self, theta):
        """Return the loss of each row and its first two derivatives in z."""
        z = self.design @ theta + self.added
        if not self.soft_labels:
            return pointwise(self.loss, z, self.target)
        both = [pointwise(self.loss, z, np.full_like(z, y)) for y in (0, 1)]
        q = self.target
        value, *slopes = [(1 - q) * off + q * on for off, on in zip(*both, strict=True)]
        return value - self.spread, *slopes

    def cost(self, theta):
        """Return J, the weighted mean of the losses."""
        theta = np.asarray(theta, dtype=np.longdouble)
        return self.weights @ self.losses(theta)[0] / self.weights.sum()

    def value(self, theta):
        """Return F."""
        theta = np.asarray(theta, dtype=np.longdouble)
        loss = self.weights @ self.losses(theta)[0]
        return self.factor * loss + (self.ridge @ (theta - self.center) ** 2) / 2

    def gradient(self, theta):
        theta = np.asarray(theta, dtype=np.longdouble)
        slope = self.weights * self.losses(theta)[1]
        penalty = self.ridge * (theta - self.center)
        return self.factor * (slope @ self.design) + penalty

    def hessian(self, theta):
        theta = np.asarray(theta, dtype=np.longdouble)
        curvature = self.weights * self.losses(theta)[2]
        gram = self.design.T @ (curvature[:, None] * self.design)
        return self.factor * gram + np.diag(self.ridge)

    def scaled_eigenvalues(self, theta):
        """Return the eigenvalues of the Hessian, scaled so that they have no units."""
        hessian = self.hessian(theta)
        scale = self._scale(theta)
        scaled = scale[:, None] * hessian * scale
        return np.linalg.eigvalsh(scaled.astype(np.float64))

    def _scale(self, theta):
        """Return d^(-1/2), where d is the diagonal of a majorizer of the Hessian."""
        theta = np.asarray(theta, dtype=np.longdouble)
        curvature = self.weights * np.abs(self.losses(theta)[2])
        diagonal = self.factor * (curvature @ self.design**2) + self.ridge
        return 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1))

    def newton_step(self, theta):
        """Return the Newton step -H⁻¹g, with absolute values of the eigenvalues of H.

        If H is singular, the step is the one of least norm in scaled coordinates.
        """
        scale = self._scale(theta)
        # float64 suffices for the Hessian. Its rounding changes the steps, but not the
        # point where the gradient is zero.
        curvature = self.factor * self.weights * self.losses(theta)[2]
        design = (self.design * scale).astype(np.float64)
        scaled = design.T @ (curvature.astype(np.float64)[:, None] * design)
        scaled += np.diag((scale**2 * self.ridge).astype(np.float64))
        rhs = (scale * self.gradient(theta)).astype(np.float64)
        values, vectors = np.linalg.eigh(scaled)
        values = np.abs(values)
        kept = values > 1e-13 * values[-1]
        vectors = vectors[:, kept]
        return -scale * (vectors @ ((vectors.T @ rhs) / values[kept]))

    def residual(self, theta):
        """Return ½ gᵀH⁻¹g / F, a relative measure of the distance from stationarity.

        It has no units: the scales of X, of C and of the sample weights cancel.
        """
        step = self.newton_step(theta)
        return float(-self.gradient(theta) @ step / 2 / self.value(theta))

    def minimum(self, start=None, n_steps=200):
        """Return the minimizer that damped Newton steps reach, and F there."""
        n_dof = self.design.shape[1]
        theta = np.zeros(n_dof, np.longdouble) if start is None else start
        value = self.value(theta)
        for _ in range(n_steps):
            step = self.newton_step(theta)
            size = 1.0
            while size > 1e-6 and self.value(theta + size * step) >= value:
                size /= 2
            if size <= 1e-6:
                break
            theta = theta + size * step
            value = self.value(theta)
        return theta.astype(np.float64), value

    def assert_optimal(self, model, lowest, rtol=1e-8):
        """Assert that a fit reached a minimum and that its attributes are correct.

        The checks are, in this order: F is within `rtol` of the minimum and within the
        bound; the gradient is about zero; the reported objective and cost are correct.
        """
        theta = self.theta(model)
        value = self.value(theta)
        assert model.converged_
        assert abs(value - lowest) <= rtol * value
        self.assert_bounds(model, lowest)
        assert self.residual(theta) <= rtol
        assert abs(model.objective_ - value) <= rtol * value
        cost = self.cost(theta)
        assert abs(model.cost_ - cost) <= max(1e-6, rtol) * cost

    def assert_bounds(self, model, lowest, rtol=1e-6):
        """Assert that the gap bounds the relative suboptimality, up to rounding."""
        value = self.value(self.theta(model))
        assert 0.0 <= model.optimality_gap_ <= 1.0
        excess = float((value - lowest) / value)
        assert excess <= model.optimality_gap_ * (1 + rtol) + 64 * EPS

    def separated(self, theta):
        """Return whether the hyperplane z = 0 classifies every row correctly."""
        z = self.design @ theta
        return bool((np.where(self.target == 1, z, -z) > 0).all())


class CenteredReference(Reference):
    """Reference whose columns are centered and scaled to a standard deviation of one.

    F and its minimum do not change, because the penalty of each column is divided by
    the square of its standard deviation. A fit returns the coefficients of the original
    columns. `theta` converts them, and computes the bias in exact arithmetic.
    """

    def __post_init__(self):
        super().__post_init__()
        X = self.X.toarray() if sparse.issparse(self.X) else np.asarray(self.X)
        n_features = X.shape[1]
        X = X.astype(np.longdouble)
        self.centers = np.zeros(n_features)
        if self.fit_intercept and not (self.absorb_bias and np.isfinite(self.C)):
            self.centers = X.mean(axis=0).astype(np.float64)
        X = X - self.centers
        spreads = np.sqrt((X**2).mean(axis=0)).astype(np.float64)
        self.spreads = np.where(spreads > 0, spreads, 1.0)
        self.design[:, :n_features] = X / self.spreads
        self.ridge[:n_features] /= self.spreads.astype(np.longdouble) ** 2
        self.center[:n_features] *= self.spreads

    def theta(self, model):
        w = model.coef_[0].astype(np.float64)
        theta = w.astype(np.longdouble) * self.spreads
        if not self.fit_intercept:
            return theta
        pairs = zip(w.tolist(), self.centers.tolist(), strict=True)
        bias = sum(Fraction(a) * Fraction(c) for a, c in pairs)
        bias += Fraction(float(model.intercept_[0]))
        return np.append(theta, np.longdouble(float(bias)))
