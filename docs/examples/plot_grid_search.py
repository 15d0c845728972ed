"""
A grid search over loss, C and bias
===================================

The loss and the treatment of the bias are parameters, so a grid search can choose them together
with ``C``. The values of squared error are smaller than those of cross entropy, so the same ``C``
means a stronger penalty. The best ``C`` of squared error is therefore larger.
"""

import matplotlib.pyplot as plt
import numpy as np
from sk_logreg import BinaryLogisticRegression
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X, y = load_breast_cancer(return_X_y=True)
strengths = np.logspace(-3, 3, 13)
search = GridSearchCV(
    make_pipeline(StandardScaler(), BinaryLogisticRegression()),
    {
        "binarylogisticregression__loss": ["cross_entropy", "squared_error"],
        "binarylogisticregression__absorb_bias": [False, True],
        "binarylogisticregression__C": strengths,
    },
    scoring="neg_brier_score",
).fit(X, y)

results = search.cv_results_
fig, ax = plt.subplots(figsize=(7.2, 4.4), layout="constrained")
for loss, color, marker in [
    ("cross_entropy", "#0072B2", "o"),
    ("squared_error", "#E69F00", "s"),
]:
    for absorb_bias in [False, True]:
        chosen = (results["param_binarylogisticregression__loss"] == loss) & (
            results["param_binarylogisticregression__absorb_bias"] == absorb_bias
        )
        bias = "absorbed" if absorb_bias else "free"
        ax.plot(
            strengths,
            -results["mean_test_score"][chosen],
            color=color,
            marker=marker,
            linestyle="--" if absorb_bias else "-",
            fillstyle="none" if absorb_bias else "full",
            label=f"{loss.replace('_', ' ')}, bias {bias}",
        )
ax.plot(
    search.best_params_["binarylogisticregression__C"],
    -search.best_score_,
    "*",
    color="black",
    markersize=15,
    label="best",
)
ax.set(xscale="log", yscale="log", xlabel="C", ylabel="Brier score in cross-validation")
ax.legend()
