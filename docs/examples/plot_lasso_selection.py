"""
Selection by the lasso and one standard error
=============================================

The data are ten measurements of 442 patients with diabetes, with their squares and products: 64
features. The label is whether the progression of the disease after a year was above the median. The
lasso selects features, and 10-fold cross-validation scores the values of ``C``. The smallest ``C``
within one standard error of the best mean score leaves out most of the features that the best ``C``
selects. Four measurements remain, without squares and products. The difference of the mean
scores is less than the standard error, so these folds cannot tell which of the two models predicts
better.
"""

import matplotlib.pyplot as plt
import numpy as np
from sk_logreg import BinaryLogisticRegression, BinaryLogisticRegressionCV
from sk_logreg.displays import CVDisplay
from sklearn.datasets import load_diabetes
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

patients = load_diabetes(as_frame=True, scaled=False)
y = patients.target > patients.target.median()
names = {"bp": "pressure", "s1": "cholesterol", "s2": "LDL", "s3": "HDL"}
names |= {"s4": "cholesterol/HDL", "s5": "log(triglycerides)", "s6": "glucose"}
measurements = patients.data.rename(columns=names)

expand = make_pipeline(
    StandardScaler(), PolynomialFeatures(2, include_bias=False), StandardScaler()
).set_output(transform="pandas")
X = expand.fit_transform(measurements).drop(columns="sex^2")  # sex has two values

simple = BinaryLogisticRegressionCV(
    Cs=np.geomspace(0.01, 1.0, 30), l1_ratios=[1.0], cv=10, selection="1se"
).fit(X, y)
place = simple.scores_.mean(axis=0)[0].argmax()
best = BinaryLogisticRegression(C=simple.Cs_[place], l1_ratio=1.0).fit(X, y)

fig, (top, bottom) = plt.subplots(
    2, 1, figsize=(8.4, 9.2), height_ratios=[4, 5], layout="constrained"
)
CVDisplay.from_estimator(simple, ax=top)
top.set_ylim(-0.62, -0.46)

selected = np.flatnonzero(best.coef_[0])
selected = selected[np.argsort(np.abs(best.coef_[0, selected]))]
places = np.arange(len(selected))
labels = [name.replace("^2", "²").replace(" ", " × ") for name in X.columns[selected]]
styles = {
    "best mean": (best, {"marker": "s", "color": "#E69F00"}),
    "within one standard error": (simple, {"marker": "o", "color": "#0072B2"}),
}
for label, (model, style) in styles.items():
    coef = model.coef_[0, selected]
    used = coef != 0
    label += f": {np.count_nonzero(model.coef_)} features"
    bottom.plot(coef[used], places[used], linestyle="", label=label, **style)
bottom.axvline(0.0, color="gray", linewidth=0.8, zorder=0)
bottom.set(
    yticks=places, yticklabels=labels, xlabel="coefficient, per standard deviation"
)
bottom.grid(axis="y", color="0.9")
bottom.set_axisbelow(True)
bottom.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
