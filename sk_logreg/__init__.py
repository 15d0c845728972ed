"""Binary logistic regression: exact, fast, and honest about what it found."""

__version__ = "0.1.0"

from sk_logreg._estimator import BinaryLogisticRegression

__all__ = ["BinaryLogisticRegression"]
