"""
The cost surfaces
=================

The figure shows the cost J of the same rows over the same two weights, for both losses. The surface
of cross entropy is convex. The surface of squared error has plateaus, with regions of negative
curvature next to them. The line is the path of the fit.
"""

import numpy as np
from sk_logreg import BinaryLogisticRegression
from sk_logreg.displays import CostSurfaceDisplay

rng = np.random.default_rng(3)
X = rng.normal(size=(60, 2)) @ [[1.5, 0.4], [0.0, 1.0]]
y = X @ [1.5, -1.0] + 1.5 * rng.logistic(size=60) > 0

model = BinaryLogisticRegression(C=100.0, fit_intercept=False).fit(X, y)
CostSurfaceDisplay.from_estimator(
    model,
    X,
    y,
    directions=(0, 1),
    losses=["cross_entropy", "squared_error"],
    limits=((-12.0, 14.0), (-13.0, 13.0)),
    kind="both",
)
