"""Binary logistic regression with a certified optimum."""

__version__ = "0.1.0"

from sk_logreg._cv import BinaryLogisticRegressionCV
from sk_logreg._estimator import BinaryLogisticRegression
from sk_logreg._path import RegularizationPath, regularization_path
from sk_logreg._records import IterationRecord, StartRecord, Status

# Their home is this package, for pickles and the documentation.
for _record in (IterationRecord, RegularizationPath, StartRecord, Status):
    _record.__module__ = __name__

__all__ = [
    "BinaryLogisticRegression",
    "BinaryLogisticRegressionCV",
    "IterationRecord",
    "RegularizationPath",
    "StartRecord",
    "Status",
    "regularization_path",
]
