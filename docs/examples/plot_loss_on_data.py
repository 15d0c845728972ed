"""
Where the rows lie on the loss
==============================

The loss of a fitted model, and below it the margins of the rows. Rows in the shaded part
are those on which squared error is not convex: the ones it gives up on. Here they are the
flipped labels, and few others.
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
print(f"{share:.1%} of the rows lie in the shaded part")
