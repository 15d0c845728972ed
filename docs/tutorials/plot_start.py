"""
Start here
==========

Install the package from a copy of the repository::

    python -m pip install .

This requires Python 3.11 or newer, and installs NumPy, SciPy and scikit-learn. The pictures
require ``'.[plot]'`` in place of ``.``, and this page, with its tables, requires ``'.[cli]'``.
"""

# %%
# A first fit
# -----------
# :class:`~sk_logreg.BinaryLogisticRegression` is a scikit-learn classifier for two
# classes. The labels can have any type that can be sorted. Here they are 0 (malignant) and 1
# (benign).

from sk_logreg import BinaryLogisticRegression
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

model = BinaryLogisticRegression().fit(X_train, y_train)
print(f"accuracy on new rows: {model.score(X_test, y_test):.3f}")

# %%
# ``classes_[1]`` is the positive class, y = 1. ``predict_proba`` returns one column per class.

print(model.classes_)
print(model.predict_proba(X_test[:3]).round(3))

# %%
# The features are not scaled here, and the fit converges without scaling. It reports a bound on
# the distance from the minimum, relative to the objective:

print(model.status_)
print(f"{model.n_iter_[0]} iterations, bound {model.optimality_gap_:.0e}")
print(f"J = {model.cost_:.4f}, the mean loss of the training rows")

# %%
# In a pipeline
# -------------
# The effect of the penalty depends on the units of the features. A scaler before the model makes
# the penalty the same for all features.

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
# The loss and the treatment of the bias are parameters, so a grid search can choose them.

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
# On a CSV file
# -------------
# The table in this example has numeric and categorical columns, a column of labels, and missing
# values. This code generates it:

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
# This code reads the file and fits the model:

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
# ``python -m sk_logreg`` does the same on the command line, for both losses and both treatments of
# the bias. ``python -m sk_logreg --help`` lists the options.

# %%
# Saving a model
# --------------
# A fitted model holds its coefficients and no data. ``joblib`` saves it, or the pipeline that contains
# it. Loading such a file can run any code, so load only files that you trust. ``skops`` saves models
# without this risk. To load one, name the class of this package::
#
#     skops.io.load("model.skops", trusted=["sk_logreg._estimator.BinaryLogisticRegression"])
#
# For ``BinaryLogisticRegressionCV`` the name is ``"sk_logreg._cv.BinaryLogisticRegressionCV"``.

import joblib

joblib.dump(on_table, path.with_suffix(".joblib"))
loaded = joblib.load(path.with_suffix(".joblib"))
print(loaded.predict(X.head(3)))

# %%
# Next: :doc:`/generated/tutorials/plot_lecture`, or the :doc:`/guide/index`.
