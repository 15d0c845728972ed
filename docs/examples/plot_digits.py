"""
Odd and even digits
===================

The 1,797 handwritten digits of 8 × 8 pixels, odd against even. Light coefficients speak
for odd, dark ones for even. A stronger penalty makes a smoother picture, and costs some
accuracy.
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
    part.suptitle(f"C = {C:g}: {score:.1%} right in cross validation")
