"""
Photograph patches
==================

The model separates patches of 64 × 64 pixels of two photographs, of a temple and of a flower. A
patch is a vector of 12,288 numbers, and so are the coefficients. The picture of the coefficients
shows, for each position, which color is evidence for the temple. The fit reduces the problem to
as many unknowns as there are patches.
"""

import numpy as np
from sk_logreg import BinaryLogisticRegression
from sk_logreg.displays import CoefficientDisplay
from sklearn.datasets import load_sample_images

rng = np.random.default_rng(0)
parts = []
for photo in load_sample_images().images:
    rows = rng.integers(0, photo.shape[0] - 63, 150)
    columns = rng.integers(0, photo.shape[1] - 63, 150)
    parts += [photo[i : i + 64, j : j + 64] for i, j in zip(rows, columns, strict=True)]
X = np.reshape(parts, (300, -1)) / 255.0
y = np.repeat(["temple", "flower"], 150)

model = BinaryLogisticRegression(C=1e-2).fit(X, y)
print(f"{X.shape}: {model.n_iter_[0]} iterations, accuracy {model.score(X, y):.0%}")
CoefficientDisplay.from_images(model, X, y, image_shape=(64, 64, 3))
