"""
Start here
==========

In a copy of the repository, install the package::

    python -m pip install .

It needs Python 3.11 or newer, and brings NumPy, SciPy and scikit-learn. For the pictures
install ``'.[plot]'``, for the pictures and tables of this page ``'.[cli]'``.
"""

# %%
# A first fit
# -----------
# :class:`~sk_logreg.BinaryLogisticRegression` is a scikit-learn classifier for two
# classes. The labels may be anything that sorts; here they are 0, malignant, and 1,
# benign.

from sk_logreg import BinaryLogisticRegression
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

model = BinaryLogisticRegression().fit(X_train, y_train)
print(f"accuracy on new rows: {model.score(X_test, y_test):.3f}")

# %%
# ``classes_[1]`` is the positive class, y = 1. ``predict_proba`` has a column a class.

print(model.classes_)
print(model.predict_proba(X_test[:3]).round(3))

# %%
# The features are not scaled here, and need not be for the fit to arrive. It says how
# far from the minimum it can be at most, relative to the objective:

print(model.status_)
print(f"{model.n_iter_[0]} iterations, bound {model.optimality_gap_:.0e}")
print(f"J = {model.cost_:.4f}, the mean loss of a training row")

# %%
# In a pipeline
# -------------
# The penalty does depend on the units of the features. A scaler in front makes it treat
# all alike.

from sk_logreg.displays import CoefficientDisplay
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

pipeline = make_pipeline(StandardScaler(), BinaryLogisticRegression())
pipeline.fit(X_train, y_train)
print(f"accuracy on new rows: {pipeline.score(X_test, y_test):.3f}")
CoefficientDisplay.from_estimator(pipeline, max_features=12)

# %%
# In a grid search
# ----------------
# The loss and the treatment of the bias are parameters like any other.

from sklearn.model_selection import GridSearchCV

search = GridSearchCV(
    pipeline,
    {
        "binarylogisticregression__loss": ["cross_entropy", "squared_error"],
        "binarylogisticregression__absorb_bias": [False, True],
        "binarylogisticregression__C": [0.1, 1.0, 10.0],
    },
    scoring="neg_brier_score",
)
search.fit(X_train, y_train)
for name, value in search.best_params_.items():
    print(f"{name.removeprefix('binarylogisticregression__')} = {value}")
print(f"Brier score on new rows: {-search.score(X_test, y_test):.4f}")

# %%
# On a CSV
# --------
# A table with columns of numbers and of words, a column of labels, and gaps. First such a
# file, so that this page needs no other:

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

rng = np.random.default_rng(0)
n_rows = 600
table = pd.DataFrame(
    {
        "age": rng.integers(18, 80, n_rows),
        "income": rng.lognormal(10, 0.5, n_rows).round(),
        "plan": rng.choice(["basic", "plus", "pro"], n_rows),
    }
)
score = 0.05 * (table["age"] - 45) + 1.5 * (table["plan"] == "pro")
table["left"] = np.where(score + rng.logistic(size=n_rows) > 0, "no", "yes")
table.loc[rng.random(n_rows) < 0.1, "income"] = np.nan
path = Path(tempfile.mkdtemp()) / "customers.csv"
table.to_csv(path, index=False)

# %%
# And this is how to read and fit one:

from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import OneHotEncoder

table = pd.read_csv(path)
X, y = table.drop(columns="left"), table["left"]

numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
words = OneHotEncoder(drop="first", handle_unknown="ignore")
columns = make_column_transformer(
    (numbers, make_column_selector(dtype_include="number")),
    (words, make_column_selector(dtype_exclude="number")),
    verbose_feature_names_out=False,
)
on_table = make_pipeline(columns, BinaryLogisticRegression())
scores = cross_val_score(on_table, X, y, scoring="roc_auc")
print(f"area under the ROC curve: {scores.mean():.3f}, from {scores.round(3)}")

# %%

CoefficientDisplay.from_estimator(on_table.fit(X, y))

# %%
# ``python -m sk_logreg`` does this on the command line, for both losses and both biases:
# see ``python -m sk_logreg --help``.
#
# Next: :doc:`/generated/tutorials/plot_lecture`, or the :doc:`/guide/index`.
