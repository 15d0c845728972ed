"""
A probability with its interval
===============================

The data are two measurements of cell nuclei for each of 569 breast tumors. The label is whether the tumor
is malignant. ``Inference.predict`` returns the probability of the model with its interval. The interval is
narrower with more rows. It is for the probability, not for the label: half of the tumors with a
probability of 0.5 are malignant, however narrow the interval is.

The interval assumes that the model is correct. On the right, the tumors of the test set are in ten groups
by their predicted probability. The bars are the mean ends of the intervals. The proportion of malignant
tumors in each group is close to the mean probability of the group, so the model is well calibrated.
"""

import matplotlib.pyplot as plt
import numpy as np
from sk_logreg import BinaryLogisticRegression
from sk_logreg.inference import Inference
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

tumors = load_breast_cancer(as_frame=True)
X, y = tumors.data[["mean perimeter", "mean texture"]], tumors.target == 0
X_train, X_test, y_train, y_test = train_test_split(
    X, y, random_state=0, train_size=0.5
)

fig, (left, right) = plt.subplots(1, 2, figsize=(10.4, 4.4), layout="constrained")
grid = X_train.median().to_frame().T.loc[np.zeros(101, dtype=int)]
grid["mean perimeter"] = np.linspace(45.0, 190.0, len(grid))
styles = {40: ("#E69F00", "--"), len(X_train): ("#0072B2", "-")}
for n_rows, (color, line) in styles.items():
    model = BinaryLogisticRegression(C=np.inf).fit(X_train[:n_rows], y_train[:n_rows])
    inference = Inference.from_estimator(model, X_train[:n_rows], y_train[:n_rows])
    curve = inference.predict(grid)
    at = grid["mean perimeter"]
    left.plot(
        at, curve["probability"], color=color, linestyle=line, label=f"{n_rows} tumors"
    )
    left.fill_between(at, curve["ci_low"], curve["ci_high"], color=color, alpha=0.2)
left.set(xlabel="mean perimeter", ylabel="probability of a malignant tumor")
left.set_title("at the median texture, with 95 % intervals")
left.legend(loc="lower right")

test = inference.predict(X_test)
order = np.argsort(test["probability"].to_numpy())
for group in np.array_split(order, 10):
    probability, low, high = test.iloc[group].mean()
    share = y_test.iloc[group].mean()
    right.plot([low, high], [share, share], color="#0072B2", linewidth=1.5)
    right.plot(probability, share, "o", color="#0072B2")
right.plot([0, 1], [0, 1], color="gray", linewidth=1.0, zorder=0)
right.set(xlabel="predicted probability", ylabel="proportion of malignant tumors")
right.set_title(f"{len(y_test)} tumors of the test set, in ten groups")
