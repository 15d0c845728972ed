"""The only module that uses the version or the private names of scikit-learn."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from numbers import Number
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import _fit_context as fit_context
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import Interval, StrOptions, make_constraint
from sklearn.utils.validation import (
    _check_n_features,
    _check_sample_weight,
    _check_y,
    validate_data,
)

try:  # scikit-learn >= 1.9
    from sklearn.callback import CallbackSupportMixin
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """A replacement in versions of scikit-learn without callbacks."""


if TYPE_CHECKING:
    from sklearn.base import BaseEstimator


class InspectedOnce:
    """Inspects the signature of an estimator and its constraints once, not in each fit.

    That is a tenth of the time of a small fit.
    """

    @classmethod
    def _get_param_names(cls) -> list[str]:
        return list(cls._inspected())  # a copy, since callers may change it

    @classmethod
    @cache
    def _inspected(cls) -> tuple[str, ...]:
        return tuple(super()._get_param_names())  # type: ignore[misc]

    @classmethod
    @cache
    def _constraints(cls) -> dict[str, list[Any]]:
        stated: dict[str, Any] = cls._parameter_constraints  # type: ignore[attr-defined]
        return {name: list(map(make_constraint, some)) for name, some in stated.items()}

    def _validate_params(self) -> None:
        for name, constraints in self._constraints().items():
            value = getattr(self, name)
            for constraint in constraints:
                if constraint.is_satisfied_by(value):
                    break
            else:
                super()._validate_params()  # type: ignore[misc] # raises the error


__all__ = [
    "CallbackSupportMixin",
    "InspectedOnce",
    "Interval",
    "StrOptions",
    "callback_context",
    "check_features",
    "check_labels",
    "check_matplotlib_support",
    "check_sample_weight",
    "fit_context",
    "import_pandas",
    "naming",
]


def import_pandas(caller: str) -> Any:
    """Return pandas; an ImportError that says how to install it if it is missing."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            f"{caller} needs pandas. Install it with: pip install "
            "'sk_logreg[inference]'"
        ) from error
    return pandas


@contextmanager
def naming(argument: str) -> Iterator[None]:
    """Add the name of an argument to errors of scikit-learn that do not contain it."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if re.search(rf"\b{argument}\b", str(error)):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{argument}: {error}") from error


def check_features(
    X: Any, estimator: "BaseEstimator", *, reset: bool, finite: bool
) -> Any:
    """Return X as an array or CSR, of float64 or float32, after scikit-learn's checks.

    With `reset`, the number and the names of the features are those of the estimator
    from now on. With `finite`, all values must be.
    """
    precisions = [np.float64, np.float32]
    with naming("X"):
        plain = type(X) is np.ndarray and X.dtype in precisions and X.ndim == 2
        named = hasattr(estimator, "feature_names_in_")
        if plain and X.size and not (named or finite):
            # Nothing else to check, which takes scikit-learn longer than a pass.
            _check_n_features(estimator, X, reset=reset)
            return X
        return validate_data(
            estimator,
            X,
            reset=reset,
            accept_sparse="csr",
            dtype=precisions,
            ensure_all_finite=finite,
        )


def check_labels(y: Any, estimator: "BaseEstimator") -> NDArray[Any]:
    """Return labels as an array of one dimension, after scikit-learn's own checks."""
    with naming("y"):
        if y is None:
            raise ValueError(
                f"This {type(estimator).__name__} estimator requires y to be passed, "
                "but the target y is None."
            )
        if type(y) is np.ndarray and y.ndim == 1 and y.dtype.kind in "biu":
            return y  # nothing to check, which takes scikit-learn longer than a pass
        return np.asarray(_check_y(y, estimator=estimator))


def check_sample_weight(sample_weight: Any, X: Any) -> NDArray[np.float64]:
    """Return the sample weights as float64 after scikit-learn's own checks."""
    if isinstance(sample_weight, Number):  # scikit-learn checks it less
        sample_weight = np.full(X.shape[0], sample_weight)
    with naming("sample_weight"):
        weights = _check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
        if not weights.any():  # allowed by older versions of scikit-learn
            raise ValueError("Sample weights must not all be 0.")
    return weights


def callback_context(estimator: "BaseEstimator", max_subtasks: int) -> Any:
    """Return the root callback context of a fit, or None if there are no callbacks."""
    # Creating a context takes as long as a small fit.
    if not getattr(estimator, "_skl_callbacks", None):
        return None
    return estimator._init_callback_context(max_subtasks=max_subtasks)
