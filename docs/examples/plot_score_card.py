"""
A monotone score card
=====================

A score card adds up points, and each risk factor should move the score in its known direction. The
data are ten measurements of 442 patients with diabetes. The label is whether the progression of the
disease after a year was above the median. Without bounds, cholesterol lowers the score by more points
than any other measurement, because it is correlated with the other blood lipids. ``bounds`` fix the
known signs. Age and sex have no bounds.

With the bounds, the loss in cross-validation does not increase, and four weights are exactly 0, so the
card is shorter. In the usual units of score cards, 20 points double the odds. The line on the right is
what the score predicts.
"""

import matplotlib.pyplot as plt
import numpy as np
from sk_logreg import BinaryLogisticRegression
from sklearn.datasets import load_diabetes
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

patients = load_diabetes(as_frame=True, scaled=False)
names = {"bp": "blood pressure", "s1": "cholesterol", "s2": "LDL", "s3": "HDL"}
names |= {"s4": "cholesterol/HDL", "s5": "log(triglycerides)", "s6": "glucose"}
X = patients.data.rename(columns=names)
y = patients.target > patients.target.median()

raises = ["bmi", "blood pressure", "cholesterol", "LDL", "cholesterol/HDL"]
raises += ["log(triglycerides)", "glucose"]
lower, upper = dict.fromkeys(raises, 0.0), {"HDL": 0.0}
points_per_log_odds = 20 / np.log(2)

fig, (left, right) = plt.subplots(1, 2, figsize=(10.4, 5.2), layout="constrained")
places = np.arange(len(X.columns))
for label, bounds, color, marker, shift in [
    ("without bounds", None, "#E69F00", "s", -0.15),
    ("with bounds", (lower, upper), "#0072B2", "o", 0.15),
]:
    model = make_pipeline(
        StandardScaler().set_output(transform="pandas"),
        BinaryLogisticRegression(C=np.inf, bounds=bounds),
    )
    z = cross_val_predict(model, X, y, cv=10, method="decision_function")
    loss = np.logaddexp(0.0, np.where(y, -z, z)).mean()
    points = points_per_log_odds * model.fit(X, y)[-1].coef_[0]
    style = {"color": color, "marker": marker, "linestyle": ""}
    left.plot(points, places + shift, **style)
    # Ten groups of equal size, by the score from the model that was fitted without them.
    groups = np.array_split(np.argsort(z), 10)
    scores = [points_per_log_odds * z[group].mean() for group in groups]
    shares = [y.iloc[group].mean() for group in groups]
    right.plot(scores, shares, label=f"{label}: log loss {loss:.3f}", **style)

left.set_xlim(-55, 55)
for place, name in enumerate(X.columns):  # gray: the values that the bounds exclude
    excluded = [-55, 0] if name in lower else [0, 55] if name in upper else [0, 0]
    left.fill_between(excluded, place - 0.5, place + 0.5, color="0.88", linewidth=0)
left.axvline(0.0, color="gray", linewidth=0.8, zorder=1)
left.set(yticks=places, yticklabels=X.columns, xlabel="points per standard deviation")
left.set_title("fits to all patients (gray: excluded by the bounds)")
left.invert_yaxis()

line = np.linspace(-110, 110, 201)
right.plot(line, 1 / (1 + 2 ** (-line / 20)), color="gray", linewidth=1.0, zorder=0)
right.set(xlabel="score", ylabel="proportion above the median", xlim=(-110, 110))
right.set_title("10-fold cross-validation, tenths of the patients")
right.legend(loc="upper left")
