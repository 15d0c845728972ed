"""
Approximate leave-one-out beside 10-fold
========================================

Ten-fold cross-validation fits ten models for each ``C``, to nine tenths of the rows each, and its
scores depend on how the rows are divided. Approximate leave-one-out fits one model to all rows, and
corrects the prediction of each row to that of the model without the row. Exact leave-one-out fits as
many models as there are rows. The approximation agrees with it to about half a percent in this
example, and takes less time than ten folds.

The data are ten measurements of 442 patients with diabetes, with their squares and products: 65
features. The penalty is the ridge.
"""

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sk_logreg import BinaryLogisticRegressionCV
from sklearn.datasets import load_diabetes
from sklearn.model_selection import LeaveOneOut, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

X, progression = load_diabetes(return_X_y=True, scaled=False)
y = progression > np.median(progression)
X = make_pipeline(
    StandardScaler(), PolynomialFeatures(2, include_bias=False), StandardScaler()
).fit_transform(X)

Cs = np.geomspace(1e-4, 10.0, 16)


def search(cv, Cs):
    """Return the mean loss at each C, and the time per value of C."""
    start = perf_counter()
    model = BinaryLogisticRegressionCV(Cs=Cs, cv=cv, refit=False).fit(X, y)
    seconds = perf_counter() - start
    return -model.scores_.mean(axis=0)[0], seconds / len(Cs)


fig, (left, right) = plt.subplots(
    1, 2, figsize=(10.4, 4.6), width_ratios=[5, 3], layout="constrained"
)
times = {}
for seed in range(3):
    folds = StratifiedKFold(10, shuffle=True, random_state=seed)
    losses, times["10 folds"] = search(folds, Cs)
    label = "10 folds, three divisions of the rows" if seed == 0 else None
    left.plot(Cs, losses, color="#E69F00", linewidth=1.0, label=label)
losses, times["approximate\nleave-one-out"] = search("alo", Cs)
left.plot(Cs, losses, color="#0072B2", linewidth=2.0, label="approximate leave-one-out")
few = Cs[[8, 13]]
losses, times["exact\nleave-one-out"] = search(LeaveOneOut(), few)
left.plot(few, losses, "o", color="black", label="exact leave-one-out")
left.set(xscale="log", xlabel="C (the penalty is weaker to the right)")
left.set(ylabel="mean log loss")
left.legend()

for (name, seconds), color in zip(
    times.items(), ["#E69F00", "#0072B2", "black"], strict=True
):
    right.plot(seconds, name, "o", color=color, markersize=9)
    right.annotate(
        f"{seconds:.2g} s",
        (seconds, name),
        (0, 10),
        textcoords="offset points",
        ha="center",
    )
right.grid(axis="x", color="0.9")
right.set(xscale="log", xlabel="time per value of C, in seconds")
right.margins(x=0.15, y=0.3)
right.invert_yaxis()
