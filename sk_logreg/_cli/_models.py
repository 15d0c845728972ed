"""The models that are compared."""

import argparse
import re
import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgWarning
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from sk_logreg import BinaryLogisticRegression
from sk_logreg._cli._arguments import LOSSES

REFERENCE = "LogisticRegression"
# Beyond this, a step of Newton's method costs more than lbfgs does in all.
_MOST_FEATURES_FOR_NEWTON = 1000
_WORTH_TELLING = (ConvergenceWarning, LinAlgWarning, RuntimeWarning)


@dataclass(frozen=True)
class Model:
    """An estimator and what to call it.

    Attributes
    ----------
    name : str
        For a sentence.
    heading : tuple of three str
        For the head of a column, line by line.
    estimator : estimator
        Unfitted.
    """

    name: str
    heading: tuple[str, str, str]
    estimator: Any

    @property
    def is_reference(self) -> bool:
        """Whether this is scikit-learn's LogisticRegression."""
        return self.name == REFERENCE


@dataclass(frozen=True)
class Fit:
    """A fitted estimator, how long it took and what it warned of."""

    estimator: Any
    seconds: float
    warnings: tuple[str, ...]


def build_models(options: argparse.Namespace, n_features: int) -> list[Model]:
    """Return the models asked for, LogisticRegression last.

    Parameters
    ----------
    options : argparse.Namespace
        ``loss`` and ``absorb_bias`` (None for both), ``C``, ``random_state``.
    n_features : int
        Number of columns of the design matrix, by which the reference's solver
        is chosen.
    """
    losses = LOSSES if options.loss is None else (options.loss,)
    biases = (False, True) if options.absorb_bias is None else (options.absorb_bias,)
    own = [_own_model(loss, absorb, options) for loss in losses for absorb in biases]
    use_newton = n_features <= _MOST_FEATURES_FOR_NEWTON
    reference = LogisticRegression(
        C=options.C,
        solver="newton-cholesky" if use_newton else "lbfgs",
        tol=1e-12 if use_newton else 1e-8,
        max_iter=1000,
    )
    return [*own, Model(REFERENCE, ("", "Logistic", "Regression"), reference)]


def fit_quietly(estimator: Any, X: Any, y: NDArray[Any]) -> Fit:
    """Fit a clone of ``estimator``, keeping the warnings worth telling."""
    estimator = clone(estimator)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        start = time.perf_counter()
        estimator.fit(X, y)
        seconds = time.perf_counter() - start
    told = [
        str(each.message)
        for each in caught
        if issubclass(each.category, _WORTH_TELLING)
    ]
    if told and hasattr(estimator, "status_"):
        told = [estimator.status_.sentence]
    return Fit(estimator, seconds, tuple(dict.fromkeys(map(_first_sentence, told))))


def positive_column(estimator: Any, positive: Any) -> int:
    """Return the column of ``predict_proba`` that is the positive label's."""
    return int(np.flatnonzero(estimator.classes_ == positive)[0])


def predict_positive(
    estimator: Any, X: Any, positive: Any
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return each row's probability of the positive label, and its logit z."""
    column = positive_column(estimator, positive)
    z = estimator.decision_function(X)
    return estimator.predict_proba(X)[:, column], z if column == 1 else -z


def _own_model(loss: str, absorb_bias: bool, options: argparse.Namespace) -> Model:
    first, second = loss.split("_")
    bias = "bias absorbed" if absorb_bias else "bias free"
    estimator = BinaryLogisticRegression(
        loss=loss,
        C=options.C,
        absorb_bias=absorb_bias,
        random_state=options.random_state,
    )
    heading = (first, second, "absorbed" if absorb_bias else "bias free")
    return Model(f"{first} {second}, {bias}", heading, estimator)


def _first_sentence(message: str) -> str:
    """Return what happened, without the advice that follows in a warning."""
    line = " ".join(message.split())
    return re.split(r"[.:](?:\s|$)", line, maxsplit=1)[0]
