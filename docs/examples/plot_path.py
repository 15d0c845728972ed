"""
The path of the lasso
=====================

With ``l1_ratio=1`` and a strong penalty, all coefficients are 0. As C grows, features enter the model one
after the other. The axis at the top counts them. Three measurements of the cells explain most of the
deviance. Those that enter last have large coefficients of opposite signs, and explain little more.
"""

import matplotlib.pyplot as plt
from sk_logreg import BinaryLogisticRegression, regularization_path
from sk_logreg.displays import PathDisplay
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X = StandardScaler().set_output(transform="pandas").fit_transform(X)
path = regularization_path(BinaryLogisticRegression(l1_ratio=1.0), X, y)

fig, (top, bottom) = plt.subplots(2, 1, figsize=(8.4, 9.6), layout="constrained")
PathDisplay.from_path(path, ax=top)
PathDisplay.from_path(path, x="deviance", ax=bottom)
