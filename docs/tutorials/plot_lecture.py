r"""
The lecture, step by step
=========================

This page derives logistic regression as most lectures do. Each formula comes with its code and a
picture. The table compares the notation of lectures with that of scikit-learn.

======================================================  =================================
lecture                                                 this package
======================================================  =================================
:math:`X`, :math:`(n_x, m)`, one example per column     ``X``, one example per row,
                                                        ``(n_samples, n_features)``
:math:`Y`, shape :math:`(1, m)`, of 0 and 1             ``y``, shape ``(n_samples,)``
:math:`w`, :math:`b`                                    ``coef_``, ``intercept_``
:math:`W = [w_0 = b, w_1, \dots]`                       ``weights_``
:math:`z = w^T x + b`                                   ``decision_function``
:math:`\hat y = \sigma(z)`                              ``predict_proba[:, 1]``
:math:`L(\hat y, y)`                                    :mod:`sk_logreg.losses`
:math:`J = \frac1m \sum_i L`                            ``cost_``
======================================================  =================================
"""

# %%
# An image is a vector
# --------------------
# A color image of 64 × 64 pixels has three numbers per pixel: red, green and blue. Flattened, it is
# a vector x of :math:`n_x = 64 \cdot 64 \cdot 3 = 12288` numbers.
#
# The images here are patches of two photographs from scikit-learn, of a temple and of a flower. The
# task is to predict which photograph a patch is from.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_images

temple, flower = load_sample_images().images


def patches(photo, columns, step):
    """Return the patches of 64 × 64 whose left edge lies in a range of columns."""
    corners = [
        (i, j)
        for i in range(0, photo.shape[0] - 63, step)
        for j in range(columns.start, columns.stop - 63, step)
    ]
    return np.array([photo[i : i + 64, j : j + 64] for i, j in corners]) / 255.0


image = patches(temple, slice(192, 256), 64)[2]
x = image.reshape(-1)
print(image.shape, "->", x.shape)

fig, axes = plt.subplots(1, 4, figsize=(9.6, 2.7), layout="constrained")
axes[0].imshow(image)
axes[0].set_title("image, 64 × 64 × 3")
for k, channel in enumerate(["red", "green", "blue"]):
    axes[k + 1].imshow(image[:, :, k], cmap="gray", vmin=0, vmax=1)
    axes[k + 1].set_title(channel)
for ax in axes:
    ax.set_axis_off()

# %%
# The plot shows the first 192 numbers of the vector: the first row of pixels, with three numbers per
# pixel.

fig, ax = plt.subplots(figsize=(9.6, 2.4), layout="constrained")
for k, (color, marker) in enumerate(
    [("#D55E00", "o"), ("#009E73", "^"), ("#0072B2", "s")]
):
    places = np.arange(k, 192, 3)
    ax.plot(places, x[places], marker, color=color, markersize=4, label="RGB"[k])
ax.set(xlabel="index in x", ylabel="value")
ax.legend(ncols=3)

# %%
# All the examples
# ----------------
# In the lecture, the m examples are the columns of X, which has the shape :math:`(n_x, m)`. In
# scikit-learn they are the rows, so its X is the transpose.
#
# The training patches come from the left part of each photograph and the test patches from the right
# part, so that they do not overlap.


def examples(columns, step):
    parts = [patches(photo, columns, step) for photo in (temple, flower)]
    X = np.concatenate(parts).reshape(-1, 64 * 64 * 3)
    return X, np.repeat([0, 1], [len(part) for part in parts])


X, y = examples(slice(0, 400), 32)
X_test, y_test = examples(slice(400, 640), 32)
print("scikit-learn's X:", X.shape, "  y:", y.shape)
print("the lecture's X: ", X.T.shape, "  Y:", y[None, :].shape)

# %%
# The sigmoid
# -----------
# The model predicts the probability that y = 1. The linear function :math:`z = w^T x + b` can take
# any real value. The sigmoid maps it to a value between 0 and 1:
#
# .. math:: \sigma(z) = \frac{1}{1 + e^{-z}}

from scipy.special import expit as sigma

z = np.linspace(-8, 8, 400)
fig, ax = plt.subplots(figsize=(6.4, 2.8), layout="constrained")
ax.plot(z, sigma(z), color="#0072B2", linewidth=2)
ax.axhline(0.5, color="gray", linewidth=0.8)
ax.axvline(0.0, color="gray", linewidth=0.8)
ax.set(xlabel="z", ylabel="σ(z)")

# %%
# The model
# ---------
# .. math:: \hat y = \sigma(w^T x + b)
#
# The fit determines w and b. If there are more weights than examples, the default penalty makes the
# solution unique.

from sk_logreg import BinaryLogisticRegression

model = BinaryLogisticRegression(C=1e-2).fit(X, y)
w, b = model.coef_[0], model.intercept_[0]
print("w:", w.shape, "  b:", b.shape)

z = w.T @ x + b
print("by the formula:", sigma(z), "  by the model:", model.predict_proba([x])[0, 1])
print(
    f"accuracy: training {model.score(X, y):.3f}, test {model.score(X_test, y_test):.3f}"
)

# %%
# w has one number per number of the image, so it can be shown as an image. Where w is light, a light
# pixel is evidence for the flower. The color of w shows which color is evidence for the flower.

from sk_logreg.displays import CoefficientDisplay

CoefficientDisplay.from_images(model, X, y, image_shape=(64, 64, 3))

# %%
# Absorbing the bias
# ------------------
# Put :math:`x_0 = 1` in front of x, and :math:`w_0 = b` in front of w. Then the bias is one of the
# weights:
#
# .. math:: z = w^T x + b = \sum_{j=0}^{n_x} w_j x_j = W^T x

W = model.weights_
x_with_1 = np.concatenate([[1.0], x])
print("W:", W.shape, "  z:", W @ x_with_1, "  as before:", z)

# %%
# In the fit this affects only the penalty: an absorbed bias is penalized like the other weights.

absorbed = BinaryLogisticRegression(C=1e-2, absorb_bias=True).fit(X, y)
print(f"b free: {model.intercept_[0]:.4f}, absorbed: {absorbed.intercept_[0]:.4f}")

# %%
# A first loss: the squared error
# -------------------------------
# A loss measures the error of a prediction. The simplest loss is
#
# .. math:: L(\hat y, y) = \tfrac12 (\hat y - y)^2

from sk_logreg.losses import CrossEntropy, SquaredError

predicted = model.predict_proba(X)[:, 1]
by_formula = 0.5 * (predicted - y) ** 2
print(np.abs(by_formula - SquaredError().value(model.decision_function(X), y)).max())

# %%
# As a function of z it is not convex. In the shaded region on the left, where the error is largest,
# its second derivative is negative. Its slope tends to zero there, so the gradient gives a solver little
# information. Cross entropy, which is defined below, is convex everywhere.

from sk_logreg.displays import LossCurveDisplay

LossCurveDisplay.from_losses()

# %%
# Convex or not: the definition
# -----------------------------
# J is convex if no chord of its graph is below the graph: for all :math:`W_1`, :math:`W_2` and
# :math:`0 \le t \le 1`
#
# .. math:: J(t W_1 + (1 - t) W_2) \le t J(W_1) + (1 - t) J(W_2)
#
# One segment on which the inequality fails proves that J is not convex. The segment in this example
# goes from the fitted weights W to -8 W:

from sk_logreg.losses import convexity_violation

W_1, W_2 = W, -8 * W
for loss in (CrossEntropy(), SquaredError()):
    violation = convexity_violation(loss, X, y, W_1, W_2)
    print(
        f"{loss.name}: above its chord by {violation.amount:.3f} at t = {violation.t:.2f}"
    )

# %%

t = np.linspace(0, 1, 201)
fig, axes = plt.subplots(1, 2, figsize=(9.6, 3.6), layout="constrained")
z_1, z_2 = X @ W_1[1:] + W_1[0], X @ W_2[1:] + W_2[0]
for ax, loss in zip(axes, (CrossEntropy(), SquaredError()), strict=True):
    J = np.array([loss.value(s * z_1 + (1 - s) * z_2, y).mean() for s in t])
    chord = t * J[-1] + (1 - t) * J[0]
    ax.plot(t, J, color="#0072B2", linewidth=2, label="J")
    ax.plot(t, chord, "--", color="#E69F00", linewidth=2, label="chord")
    above = chord + 1e-9 < J
    ax.fill_between(
        t, chord, J, where=above, color="gray", alpha=0.4, label="J above the chord"
    )
    ax.set(title=loss.name.replace("_", " "), xlabel="t", ylabel="J(t W₁ + (1 − t) W₂)")
axes[1].legend()

# %%
# The loss of the lecture: cross entropy
# --------------------------------------
# .. math:: L(\hat y, y) = -\bigl(y \log \hat y + (1 - y) \log(1 - \hat y)\bigr)
#
# One of the two terms is zero:
#
# - If y = 1, :math:`L = -\log \hat y`. It is small if :math:`\hat y` is near 1, and tends to infinity
#   as :math:`\hat y` tends to 0.
# - If y = 0, :math:`L = -\log(1 - \hat y)`, which is the mirror image.

y_hat = np.linspace(0.002, 0.998, 500)
z = np.log(y_hat / (1 - y_hat))
fig, axes = plt.subplots(1, 2, figsize=(9.6, 3.4), sharey=True, layout="constrained")
for ax, label in zip(axes, (1, 0), strict=True):
    labels = np.full(len(z), label)
    ax.plot(
        y_hat,
        CrossEntropy().value(z, labels),
        color="#0072B2",
        linewidth=2,
        label="cross entropy",
    )
    ax.plot(
        y_hat,
        SquaredError().value(z, labels),
        "--",
        color="#E69F00",
        linewidth=2,
        label="squared error",
    )
    ax.set(title=f"y = {label}", xlabel="ŷ", ylabel="L(ŷ, y)")
axes[0].legend()

# %%
# Code that computes :math:`\hat y` and then its logarithm fails for large :math:`|z|`, because
# :math:`\hat y` is rounded to 0 or 1. The losses of this package are functions of z, and do not fail.

print(CrossEntropy().value([40.0, 800.0], [0, 0]))

# %%
# The cost
# --------
# The cost is the mean of the losses over the m examples:
#
# .. math:: J(w, b) = \frac1m \sum_{i=1}^m L(\hat y_i, y_i)

z = model.decision_function(X)
print(CrossEntropy().value(z, y).mean(), model.cost_)

# %%
# The plot shows J over two directions in the space of the 12,289 weights. They are the directions of
# largest curvature at the minimum. Cross entropy (left) is convex. Squared error (right) has
# plateaus, ridges and side valleys. The star is the fitted minimum.

from sk_logreg.displays import CostSurfaceDisplay

CostSurfaceDisplay.from_estimator(
    model,
    X,
    y,
    losses=["cross_entropy", "squared_error"],
    span=12.0,
    grid_resolution=60,
    kind="surface",
)

# %%
# The fit minimizes J plus a penalty on the weights. By default it is the ridge:
# :math:`F = C \, m \, J + \frac12 \|w\|^2`. See :doc:`/guide/what_c_means` and :doc:`/guide/which_penalty`.
