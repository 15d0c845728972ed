"""
Where the rows lie on the loss
==============================

The upper plot shows the loss, the lower one the margins of the rows in a fitted model. In the
shaded region squared error is not convex, and rows there have little influence on the fit. In
this example most of these rows have flipped labels.
"""

import numpy as np
from sk_logreg import BinaryLogisticRegression
from sk_logreg.displays import LossCurveDisplay
from sklearn.datasets import make_classification

X, y = make_classification(
    n_samples=2000, n_features=8, class_sep=1.5, flip_y=0.1, random_state=1
)
model = BinaryLogisticRegression(loss="squared_error").fit(X, y)
display = LossCurveDisplay.from_estimator(model, X, y)

share = np.mean(display.rows < -np.log(2))
print(f"{share:.1%} of the rows are in the shaded region")
