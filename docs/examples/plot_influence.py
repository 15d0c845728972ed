"""
Influential rows
================

A row can change the coefficients if its label is unexpected, so that its residual is large, or if its
features are far from those of the others, so that its leverage is high. Cook's distance combines both.
In the left panel it is the area of a marker, and the five rows with the largest Cook's distance have labels.

Rows 152 and 112 are benign tumors whose cells are more concave than those of most malignant tumors.
Without these two of 569 rows, the odds ratio of the concavity is twice as large, as the right panel
shows. That is no reason to drop them, but it shows how much the estimate depends on two tumors.
"""

import matplotlib.pyplot as plt
import numpy as np
from sk_logreg import BinaryLogisticRegression
from sk_logreg.displays import ForestDisplay, InfluenceDisplay
from sk_logreg.inference import Inference
from sklearn.datasets import load_breast_cancer

data = load_breast_cancer(as_frame=True)
y = data.target.map({0: "malignant", 1: "benign"})
measured = ["radius", "texture", "smoothness", "concavity", "symmetry"]
X = data.data[[f"mean {name}" for name in measured]]
X = (X - X.mean()) / X.std()  # an odds ratio is then that of a standard deviation


def inference_without(rows):
    left_X, left_y = X.drop(rows), y.drop(rows)
    model = BinaryLogisticRegression(C=np.inf).fit(left_X, left_y)
    return Inference.from_estimator(model, left_X, left_y)


inference = inference_without([])
rows = inference.diagnostics()["cooks_distance"].nlargest(2).index
others = inference_without(rows)

fig, (left, right) = plt.subplots(
    1, 2, figsize=(11.0, 4.8), width_ratios=[3, 2], layout="constrained"
)
InfluenceDisplay.from_inference(inference, ax=left)
ForestDisplay.from_inference({"all rows": inference, "without two": others}, ax=right)
