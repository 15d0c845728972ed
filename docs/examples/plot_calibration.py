"""
Calibration of the two losses
=============================

A model is calibrated if, for example, four of five rows with a predicted probability of 80 %
are positive. Both losses are proper: their expected value is lowest at the true probability, if
the model can represent it. Here it cannot, because the true boundary is curved and some labels
are wrong. In this case, cross entropy gives more weight to rows far from the boundary, and
squared error to rows near it.
"""

import matplotlib.pyplot as plt
import numpy as np
from sk_logreg import BinaryLogisticRegression
from sklearn.calibration import CalibrationDisplay
from sklearn.datasets import make_classification
from sklearn.metrics import brier_score_loss, log_loss
from sklearn.model_selection import train_test_split

X, y = make_classification(
    n_samples=20_000,
    n_features=10,
    n_informative=6,
    class_sep=1.5,
    flip_y=0.08,
    random_state=2,
)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

fig, axes = plt.subplots(
    2, 1, figsize=(6.4, 7.0), height_ratios=[3, 1], sharex=True, layout="constrained"
)
styles = {
    "cross_entropy": {"color": "#0072B2", "marker": "o"},
    "squared_error": {"color": "#E69F00", "marker": "s", "linestyle": "--"},
}
for loss, style in styles.items():
    model = BinaryLogisticRegression(loss=loss).fit(X_train, y_train)
    proba = model.predict_proba(X_test)[:, 1]
    name = loss.replace("_", " ")
    scores = f"Brier {brier_score_loss(y_test, proba):.4f}, log loss {log_loss(y_test, proba):.4f}"
    CalibrationDisplay.from_predictions(
        y_test, proba, n_bins=12, ax=axes[0], name=f"{name}: {scores}", **style
    )
    axes[1].hist(
        proba,
        bins=np.linspace(0, 1, 41),
        histtype="step",
        color=style["color"],
        linestyle=style.get("linestyle", "-"),
        linewidth=1.8,
    )
axes[0].set(xlabel="", ylabel="fraction of class 1")
axes[1].set(xlabel="predicted probability of class 1", ylabel="number of rows")
