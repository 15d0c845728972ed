"""
Flipped labels
==============

In this example, 10 % of the labels of the left class are wrong, far from the boundary. The cross
entropy of such a row grows with its distance from the boundary, so the boundary moves. The
squared error of a row is at most ½, so the boundary hardly changes.
"""

import matplotlib.pyplot as plt
import numpy as np
from sk_logreg import BinaryLogisticRegression
from sklearn.inspection import DecisionBoundaryDisplay

rng = np.random.default_rng(0)
X = np.concatenate(
    [rng.normal([-1.6, 0.0], 0.8, (100, 2)), rng.normal([1.6, 0.0], 0.8, (100, 2))]
)
truth = np.repeat([0, 1], 100)
y = truth.copy()
X[:10] = rng.normal([-6.0, 4.5], 0.5, (10, 2))
y[:10] = 1

fig, axes = plt.subplots(1, 2, figsize=(9.6, 4.4), sharey=True, layout="constrained")
for ax, loss in zip(axes, ["cross_entropy", "squared_error"], strict=True):
    model = BinaryLogisticRegression(loss=loss).fit(X, y)
    DecisionBoundaryDisplay.from_estimator(
        model,
        X,
        ax=ax,
        response_method="predict_proba",
        cmap="cividis",
        alpha=0.75,
        grid_resolution=200,
    )
    DecisionBoundaryDisplay.from_estimator(
        model,
        X,
        ax=ax,
        response_method="decision_function",
        plot_method="contour",
        levels=[0.0],
        colors="white",
        linewidths=2.5,
    )
    flipped = y != truth
    groups = [
        (truth == 0, "o", "#9ecae1", "class 0"),
        (truth == 1, "s", "#fee391", "class 1"),
    ]
    for group, marker, color, name in groups:
        rows = group & ~flipped
        ax.scatter(
            *X[rows].T, marker=marker, c=color, edgecolors="black", s=26, label=name
        )
    ax.scatter(
        *X[flipped].T,
        marker="X",
        c="#D55E00",
        edgecolors="black",
        s=70,
        label="flipped",
    )
    right = model.score(X, truth)
    ax.set_title(f"{loss.replace('_', ' ')}: {right:.0%} of true labels correct")
    ax.set(xlabel="x₁", ylabel="x₂")
axes[0].legend(loc="lower left")
