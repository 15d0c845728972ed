"""The objective and its minimum once more, computed without the package.

Dense, plain and in extended precision where the platform has it: nothing here is
shared with what it checks, except the formula of a loss that has no textbook one here,
whose derivatives `test_losses` checks by differences.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from scipy import sparse

from sk_logreg.losses import LOSSES as REGISTERED

EPS = np.finfo(np.float64).eps
#: Every registered loss: the tables of tests take new ones from here.
LOSSES = tuple(REGISTERED)
SOLVERS = ("newton-cholesky", "newton-cg")
#: The parameters of each way to treat the bias.
BIASES: dict[str, dict[str, bool]] = {
    "free": {},
    "absorbed": {"absorb_bias": True},
    "none": {"fit_intercept": False},
}


def sigmoid(z):
    """Return 1 / (1 + exp(-z)), right to the last bits on both sides."""
    decay = np.exp(-np.abs(z))
    return np.where(z > 0, 1, decay) / (1 + decay)


def pointwise(loss, z, y):
    """Return value, slope and curvature of the loss in z."""
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
    """F of a problem, as the documentation states it.

    `theta` is the weights followed by the bias, where there is one.
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
        # A soft label q stands for two rows, of weights s q and s (1 - q).
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
        # The expected squared error less ½ q (1 - q) is ½ (σ - q)².
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
        """Return the coefficients of a fitted model."""
        w, b = model.coef_[0], model.intercept_
        return np.concatenate([w, b] if self.fit_intercept else [w])

    def losses(self, theta):
        """Return value, slope and curvature of the loss of each row."""
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
        """Return the Hessian's eigenvalues once its units are taken away."""
        hessian = self.hessian(theta)
        scale = self._scale(theta)
        scaled = scale[:, None] * hessian * scale
        return np.linalg.eigvalsh(scaled.astype(np.float64))

    def _scale(self, theta):
        """Return one over the root of the diagonal of a majorizer of the Hessian."""
        theta = np.asarray(theta, dtype=np.longdouble)
        curvature = self.weights * np.abs(self.losses(theta)[2])
        diagonal = self.factor * (curvature @ self.design**2) + self.ridge
        return 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1))

    def newton_step(self, theta):
        """Return -H⁻¹g, of least norm where H is singular, as if H were convex."""
        scale = self._scale(theta)
        # The Hessian only guides the steps, the gradient decides where they end.
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
        """Return ½ gᵀH⁻¹g / F: how far F is from stationary, in relative terms.

        It has no units: the scale of X, of C and of the weights all cancel.
        """
        step = self.newton_step(theta)
        return float(-self.gradient(theta) @ step / 2 / self.value(theta))

    def minimum(self, start=None, n_steps=200):
        """Return the minimum that damped Newton steps reach, and F there."""
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
        """Assert that a fit reached a minimum, and says of it what is true.

        First that F is within `rtol` of the minimum and the bound, then that the
        gradient is about zero, then that what the model states is what this computes.
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
        """Assert that the gap bounds how far F is above a minimum, up to rounding."""
        value = self.value(self.theta(model))
        assert 0.0 <= model.optimality_gap_ <= 1.0
        excess = float((value - lowest) / value)
        assert excess <= model.optimality_gap_ * (1 + rtol) + 64 * EPS

    def separated(self, theta):
        """Return whether a hyperplane through theta has each row on its own side."""
        z = self.design @ theta
        return bool((np.where(self.target == 1, z, -z) > 0).all())


class CenteredReference(Reference):
    """The same, over columns that are centered and have a standard deviation of one.

    F and its minimum are the same, the penalty of each column being divided by the
    square of its standard deviation. What a fit returns, it returns for the columns as
    they are: what that makes of it here is computed exactly.
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
