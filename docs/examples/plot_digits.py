"""
Odd and even digits
===================

The model separates odd from even digits, in 1,797 images of 8 × 8 pixels. A light pixel in the
picture of the coefficients is evidence for an odd digit, and a dark pixel for an even one. A
stronger penalty makes the picture smoother and the accuracy slightly lower.
"""

import matplotlib.pyplot as plt
import numpy as np
from sk_logreg import BinaryLogisticRegression
from sk_logreg.displays import CoefficientDisplay
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score

X, digit = load_digits(return_X_y=True)
X /= 16.0
y = np.where(digit % 2, "odd", "even")

fig = plt.figure(figsize=(9.6, 7.6), layout="constrained")
for part, C in zip(fig.subfigures(2, 1), [1.0, 1e-3], strict=True):
    model = BinaryLogisticRegression(C=C).fit(X, y)
    score = cross_val_score(model, X, y).mean()
    CoefficientDisplay.from_images(
        model, X, y, image_shape=(8, 8), ax=part.subplots(1, 3)
    )
    part.suptitle(f"C = {C:g}: accuracy {score:.1%} in cross-validation")
