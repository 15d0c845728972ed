"""The models that are compared."""

import argparse
import re
import time
import warnings
from dataclasses import dataclass, replace
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
# Both solvers bound the largest derivative of J, penalty included, by this, and
# newton-cholesky half the squared Newton decrement too, which estimates how far J is
# above its minimum: J is right to the four decimals that the table shows. Measured on
# 300,000 rows of 330 one-hot columns: J to 1e-9 with newton-cholesky, 1e-8 with lbfgs.
# Rounding often keeps a fit from 1e-12, and lbfgs then runs until it is stopped.
_REFERENCE_TOL = 1e-6
# The derivatives, summed in another order, may differ by rounding.
_ROUNDED = 1.01
# A fit of the reference may take this many times as long as the longest of the other
# fits: one that needs more is no rival, and the user should not wait for it.
TIME_RATIO = 10
# Minimum of that time limit: on a small table ten times a millisecond stops every fit.
LEAST_SECONDS = 2.0
# Minimum number of iterations of a round: newton-cholesky may spend one without moving
# before it resorts to lbfgs.
_FEWEST_ITERATIONS = 2
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
    """A fitted estimator.

    Attributes
    ----------
    estimator : estimator
        Fitted.
    seconds : float
        How long that took.
    warnings : tuple of str
        What it warned of.
    was_stopped : bool
        Whether it took the time allowed and did not converge.
    """

    estimator: Any
    seconds: float
    warnings: tuple[str, ...]
    was_stopped: bool = False


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
        tol=_REFERENCE_TOL,
    )
    return [*own, Model(REFERENCE, ("", "Logistic", "Regression"), reference)]


def fit_model(model: Model, X: Any, y: NDArray[Any], limit: float) -> Fit:
    """Fit a model; the reference is stopped after ``limit`` seconds."""
    if model.is_reference:
        return _fit_in_rounds(model.estimator, X, y, limit)
    return fit_quietly(model.estimator, X, y)


def fit_quietly(estimator: Any, X: Any, y: NDArray[Any]) -> Fit:
    """Fit a clone of ``estimator``, keeping the warnings worth telling."""
    return _continue_quietly(clone(estimator), X, y)


def _fit_in_rounds(estimator: Any, X: Any, y: NDArray[Any], limit: float) -> Fit:
    """Fit LogisticRegression until it converges or ``limit`` seconds have passed.

    No version before scikit-learn 1.9 can interrupt a fit, but all can continue one.
    Each round starts where the last one ended, and may take as many iterations as the
    time left allows at the last round's seconds per iteration.

    Convergence is measured by the derivatives. lbfgs also ends without a warning where
    an iteration hardly lowers J. On columns of very different scales that may be far
    from the minimum.
    """
    estimator = clone(estimator).set_params(warm_start=True)
    seconds, iterations, most = 0.0, 0, _FEWEST_ITERATIONS
    while True:
        estimator.set_params(max_iter=most)
        fit = _continue_quietly(estimator, X, y)
        done = int(estimator.n_iter_[0])
        seconds += fit.seconds
        iterations += done
        most = int((limit - seconds) / fit.seconds * max(done, 1))
        converged = _largest_derivative(estimator, X, y) <= _ROUNDED * estimator.tol
        if converged or most < _FEWEST_ITERATIONS:
            break
    estimator.n_iter_[0] = iterations
    # So that a clone of it can be fitted in one go, to be timed.
    estimator.set_params(warm_start=False, max_iter=2 * max(iterations, 1))
    if converged:
        return replace(fit, seconds=seconds)
    told = f"did not converge in the {limit:.1f} s allowed, so that fit is not compared"
    return Fit(estimator, seconds, (told,), was_stopped=True)


def _largest_derivative(fitted: Any, X: Any, y: NDArray[Any]) -> float:
    """Return the largest absolute derivative of what LogisticRegression minimizes.

    That is the mean loss plus ‖w‖² / (2 C n_samples).
    """
    residuals = fitted.predict_proba(X)[:, 1] - (y == fitted.classes_[1])
    slopes = X.T @ residuals + fitted.coef_[0] / fitted.C
    return float(max(np.abs(slopes).max(), abs(residuals.sum()))) / y.size


def _continue_quietly(estimator: Any, X: Any, y: NDArray[Any]) -> Fit:
    """Fit ``estimator`` itself, keeping the warnings worth telling."""
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
