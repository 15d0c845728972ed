"""The models that are compared, and their fits."""

import argparse
import re
import time
import warnings
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from sk_logreg import BinaryLogisticRegression, BinaryLogisticRegressionCV
from sk_logreg._cli._arguments import AUTO, LOSSES

REFERENCE = "LogisticRegression"
# With more features, one Newton step takes longer than a whole fit with lbfgs.
_MAX_FEATURES_FOR_NEWTON = 1000
# A fit has converged if the largest derivative of J, penalty included, is at most this.
# newton-cholesky and lbfgs stop there. newton-cholesky also bounds half the squared
# Newton decrement by it, which estimates J minus its minimum. So J is right to the four
# decimals of the table. Measured on 300,000 rows of 330 one-hot columns: J to 1e-9 with
# newton-cholesky, 1e-8 with lbfgs. At 1e-12 rounding often prevents convergence, and
# lbfgs runs until it is stopped.
_REFERENCE_TOL = 1e-6
# saga stops when no weight changes by more than this share of the largest one in a pass
# over X. At 1e-6 the derivatives are often still above the bound.
_SAGA_TOL = 1e-8
# Tolerated ratio to that bound, for derivatives that are summed in another order.
_ROUNDING = 1.01
# Minimum number of iterations of a round: newton-cholesky may spend one without moving
# before it resorts to lbfgs.
_MIN_ITERATIONS = 2
_REPORTED_WARNINGS = (ConvergenceWarning, RuntimeWarning)


@dataclass(frozen=True)
class Model:
    """An unfitted estimator, its name, and the three lines of its column's heading."""

    name: str
    heading: tuple[str, str, str]
    estimator: Any
    #: Chooses the C of the estimator on the rows of each fit; None if C is given.
    search: BinaryLogisticRegressionCV | None = None


@dataclass(frozen=True)
class Fit:
    """A fitted estimator, the time that its fit took, and what the fit warned of."""

    estimator: Any
    seconds: float
    warnings: tuple[str, ...]
    was_stopped: bool = False  #: It did not converge in the time allowed.


def build_models(
    options: argparse.Namespace, n_features: int, *, in_memory: bool
) -> list[Model]:
    """Return the models that ``options`` ask for, LogisticRegression last.

    It is left out if the rows are not in memory.
    """
    losses = LOSSES if options.loss is None else (options.loss,)
    biases = (False, True) if options.absorb_bias is None else (options.absorb_bias,)
    penalty = {} if options.C == AUTO else {"C": options.C}
    models = []
    for loss, absorb_bias in product(losses, biases):
        first, second = loss.split("_")
        bias = "absorbed" if absorb_bias else "free"
        estimator = BinaryLogisticRegression(
            loss=loss,
            absorb_bias=absorb_bias,
            random_state=options.random_state,
            l1_ratio=options.l1_ratio,
            **penalty,
        )
        heading = (first, second, bias if absorb_bias else "bias free")
        of_model = {"loss": loss, "absorb_bias": absorb_bias}
        search = _search(options, in_memory, **of_model)
        name = f"{first} {second}, bias {bias}"
        models.append(Model(name, heading, estimator, search))
    if not in_memory:
        return models
    solver = "newton-cholesky" if n_features <= _MAX_FEATURES_FOR_NEWTON else "lbfgs"
    reference = LogisticRegression(solver=solver, tol=_REFERENCE_TOL, **penalty)
    if options.l1_ratio > 0:
        if reference.l1_ratio is None:  # before scikit-learn 1.8
            reference.set_params(penalty="elasticnet")
        # The only solver with an L1 penalty of the weights but not of the bias.
        reference.set_params(
            solver="saga",
            tol=_SAGA_TOL,
            l1_ratio=options.l1_ratio,
            random_state=options.random_state,
        )
    heading = ("", "Logistic", "Regression")
    return [*models, Model(REFERENCE, heading, reference, _search(options, in_memory))]


def _search(
    options: argparse.Namespace, in_memory: bool, **parameters: Any
) -> BinaryLogisticRegressionCV | None:
    """Return the estimator that chooses the C of a model; None if C is given."""
    if options.C != AUTO:
        return None
    seed = options.random_state
    shuffled = StratifiedKFold(options.cv, shuffle=True, random_state=seed)
    return BinaryLogisticRegressionCV(
        l1_ratios=[options.l1_ratio],
        # Rows that are not in memory are not shuffled.
        cv=shuffled if in_memory else options.cv,
        random_state=seed,
        **parameters,
    )


def fit_model(model: Model, X: Any, y: NDArray[Any], limit: float) -> Fit:
    """Choose C if it is not given, and fit a model.

    The fit of the reference is stopped after ``limit`` seconds.
    """
    estimator = clone(model.estimator)
    notes: list[str] = []
    if model.search is not None:
        choice = fit_quietly(clone(model.search), X, y)
        C, Cs = choice.estimator.C_, choice.estimator.Cs_
        estimator.set_params(C=C)
        if choice.warnings:
            notes.append("some fits of the choice of C did not converge")
        if C in (Cs[0], Cs[-1]):
            notes.append("C is at an end of the values tried")
    if isinstance(estimator, LogisticRegression):
        fit = _fit_in_rounds(estimator, X, y, limit)
    else:
        fit = fit_quietly(estimator, X, y)
    return replace(fit, warnings=(*notes, *fit.warnings))


def fit_quietly(estimator: Any, X: Any, y: NDArray[Any]) -> Fit:
    """Fit ``estimator`` itself; catch its warnings, and keep those to report."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        start = time.perf_counter()
        estimator.fit(X, y)
        seconds = time.perf_counter() - start
    messages = [
        str(each.message)
        for each in caught
        if issubclass(each.category, _REPORTED_WARNINGS)
    ]
    if messages and hasattr(estimator, "status_"):
        messages = [estimator.status_.sentence]
    first_sentences = [
        re.split(r"[.:](?:\s|$)", " ".join(message.split()), maxsplit=1)[0]
        for message in messages
    ]
    return Fit(estimator, seconds, tuple(dict.fromkeys(first_sentences)))


def _fit_in_rounds(estimator: Any, X: Any, y: NDArray[Any], limit: float) -> Fit:
    """Fit LogisticRegression until it converges or ``limit`` seconds have passed.

    Versions before scikit-learn 1.9 cannot interrupt a fit, but all can continue one.
    Each round starts at the end of the last one. Its maximum number of iterations is
    the time left, divided by the last round's time per iteration.

    Convergence is judged by the derivatives and not by the warnings, because lbfgs also
    ends without a warning when an iteration hardly lowers J. On columns of very
    different scales that may be far from the minimum. And saga warns of `max_iter` when
    the last round ends near the minimum.
    """
    estimator.set_params(warm_start=True)
    seconds, iterations, max_iter = 0.0, 0, _MIN_ITERATIONS
    converged = False
    while not converged and max_iter >= _MIN_ITERATIONS:
        estimator.set_params(max_iter=max_iter)
        fit = fit_quietly(estimator, X, y)
        done = int(estimator.n_iter_[0])
        seconds += fit.seconds
        iterations += done
        max_iter = int((limit - seconds) / fit.seconds * max(done, 1))
        converged = _largest_derivative(estimator, X, y) <= _ROUNDING * _REFERENCE_TOL
    estimator.n_iter_[0] = iterations
    # A clone can then be fitted in one go, to be timed.
    estimator.set_params(warm_start=False, max_iter=2 * max(iterations, 1))
    if converged:
        return Fit(estimator, seconds, ())
    said = f"did not converge in the {limit:.1f} s allowed, so that fit is not compared"
    return Fit(estimator, seconds, (said,), was_stopped=True)


def _largest_derivative(fitted: Any, X: Any, y: NDArray[Any]) -> float:
    """Return the largest absolute derivative of J, penalty included.

    That is mean loss + (l1_ratio ‖w‖₁ + ½ (1 - l1_ratio) ‖w‖²) / (C n_samples). Where a
    weight is 0, the subgradient closest to 0 stands for the derivative.
    """
    coef, l1_ratio = fitted.coef_[0], fitted.l1_ratio or 0.0
    residuals = fitted.predict_proba(X)[:, 1] - (y == fitted.classes_[1])
    gradient = X.T @ residuals + (1 - l1_ratio) / fitted.C * coef
    l1 = l1_ratio / fitted.C
    kink = np.where(coef == 0, np.clip(-gradient, -l1, l1), l1 * np.sign(coef))
    return float(max(np.abs(gradient + kink).max(), abs(residuals.sum()))) / y.size
