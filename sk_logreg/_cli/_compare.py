"""Fit and cross-validate the models."""

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold

from sk_logreg._cli._data import Dataset
from sk_logreg._cli._models import (
    LEAST_SECONDS,
    TIME_RATIO,
    Fit,
    Model,
    fit_model,
    fit_quietly,
    predict_positive,
)

METRICS = ("log loss", "Brier score", "accuracy", "AUC")

# Enough repetitions for a steady median of a short fit, none of a long one.
_MOST_REPEATS = 15
_SECONDS_OF_REPEATS = 0.3


@dataclass(frozen=True)
class Result:
    """What the table and the pictures show of a model.

    A fit that the time limit stopped has no figures: they are nan, and so are those
    that need it.

    Attributes
    ----------
    model : Model
        The model.
    fitted : estimator
        Fitted to the design matrix of all rows.
    seconds : float
        Median time of that fit.
    cost : float
        J, the mean loss over all rows.
    difference : float
        Largest absolute difference, over all rows, between the fitted
        probability and LogisticRegression's.
    scores : dict of str to ndarray of shape (n_folds,)
        Each metric on the held-out rows of each fold.
    held_out : ndarray of shape (n_samples,)
        The probability of the positive label, each row predicted by the fit
        that had not seen it.
    warnings : tuple of str
        What the fits warned of.
    n_fits : int
        Number of fits that were made; none follows one that was stopped.
    """

    model: Model
    fitted: Any
    seconds: float
    cost: float
    difference: float
    scores: dict[str, NDArray[np.float64]]
    held_out: NDArray[np.float64]
    warnings: tuple[str, ...]
    n_fits: int


@dataclass(frozen=True)
class _Validation:
    """What the folds tell of a model: its fits, and as in Result what they score."""

    fits: list[Fit]
    scores: dict[str, NDArray[np.float64]]
    held_out: NDArray[np.float64]


def prepare(dataset: Dataset) -> tuple[Any, Any]:
    """Return the transformer fitted on all rows, if any, and their design matrix."""
    if dataset.preparation is None:
        return None, dataset.X
    transformer = clone(dataset.preparation)
    return transformer, transformer.fit_transform(dataset.X)


def compare(
    models: Sequence[Model],
    dataset: Dataset,
    design: Any,
    n_folds: int,
    random_state: int,
) -> list[Result]:
    """Fit every model on all rows, and on each fold's.

    Parameters
    ----------
    models : sequence of Model
        The last is the reference.
    dataset : Dataset
        The examples.
    design : array-like of shape (n_samples, n_features)
        The design matrix of all rows.
    n_folds, random_state : int
        How the rows are cut into stratified folds.

    Returns
    -------
    list of Result
        One a model, in the same order.
    """
    with _progress(len(models) * (1 + n_folds)) as advance:
        fits: list[Fit] = []
        for model in models:
            fits.append(_fit_and_time(model, design, dataset.y, _time_limit(fits)))
            advance()
        folds = StratifiedKFold(n_folds, shuffle=True, random_state=random_state)
        validations = _cross_validate(models, fits, dataset, folds, advance)
    probabilities = [
        np.full(dataset.y.size, np.nan)
        if fit.was_stopped
        else predict_positive(fit.estimator, design, dataset.target.positive)[0]
        for fit in fits
    ]
    return [
        _result(*each, dataset, probabilities[-1])
        for each in zip(models, fits, validations, probabilities, strict=True)
    ]


def _result(
    model: Model,
    fit: Fit,
    validation: _Validation,
    probability: NDArray[np.floating],
    dataset: Dataset,
    reference_probability: NDArray[np.floating],
) -> Result:
    """Gather what a fit on all rows, its probabilities and the folds tell."""
    fits = [fit, *validation.fits]
    return Result(
        model=model,
        fitted=fit.estimator,
        seconds=fit.seconds,
        cost=_cost(model, fit, dataset, probability),
        difference=float(np.abs(probability - reference_probability).max()),
        scores=validation.scores,
        held_out=validation.held_out,
        warnings=tuple(told for each in fits for told in each.warnings),
        n_fits=len(fits),
    )


def _time_limit(fits: Sequence[Fit]) -> float:
    """Return how many seconds a fit of the reference may take beside these fits."""
    longest = max((fit.seconds for fit in fits), default=0.0)
    return max(LEAST_SECONDS, TIME_RATIO * longest)


def _fit_and_time(model: Model, design: Any, y: NDArray[Any], limit: float) -> Fit:
    """Fit, again while that is quick, and keep the median time."""
    fit = fit_model(model, design, y, limit)
    seconds = [fit.seconds]
    while len(seconds) < _MOST_REPEATS and sum(seconds) < _SECONDS_OF_REPEATS:
        seconds.append(fit_quietly(fit.estimator, design, y).seconds)
    return replace(fit, seconds=float(np.median(seconds)))


def _cross_validate(
    models: Sequence[Model],
    fits: Sequence[Fit],
    dataset: Dataset,
    folds: StratifiedKFold,
    advance: Callable[[], object],
) -> list[_Validation]:
    """Cross-validate all models on the same folds, preparing a fold's columns once.

    A model that was stopped, in ``fits`` on all rows or on a fold, is not fitted again.
    """
    limit = _time_limit(fits[:-1])
    n_samples, n_folds = dataset.y.size, folds.get_n_splits()
    validations = [
        _Validation(
            [],
            {metric: np.full(n_folds, np.nan) for metric in METRICS},
            np.full(n_samples, np.nan),
        )
        for _ in models
    ]
    rows = np.zeros(n_samples)
    for fold, (train, test) in enumerate(folds.split(rows, dataset.y)):
        train_design, test_design = _prepare_fold(dataset, train, test)
        for model, first, validation in zip(models, fits, validations, strict=True):
            advance()
            if any(fit.was_stopped for fit in (first, *validation.fits)):
                continue
            fit = fit_model(model, train_design, dataset.y[train], limit)
            validation.fits.append(fit)
            if not fit.was_stopped:
                _score_fold(validation, fold, test, test_design, dataset)
    return validations


def _score_fold(
    validation: _Validation,
    fold: int,
    test: NDArray[np.intp],
    test_design: Any,
    dataset: Dataset,
) -> None:
    """Keep the figures of a validation's last fit on the rows held out."""
    probability, z = predict_positive(
        validation.fits[-1].estimator, test_design, dataset.target.positive
    )
    validation.held_out[test] = probability
    values = _score(dataset.is_positive[test], probability, z)
    for metric, value in zip(METRICS, values, strict=True):
        validation.scores[metric][fold] = value


def _prepare_fold(
    dataset: Dataset, train: NDArray[np.intp], test: NDArray[np.intp]
) -> tuple[Any, Any]:
    """Return the design matrices of the rows to fit and of those held out."""
    if dataset.preparation is None:
        return dataset.X[train], dataset.X[test]
    transformer = clone(dataset.preparation)
    with warnings.catch_warnings():
        # A category that only held-out rows have is a matter of course here.
        warnings.filterwarnings("ignore", "Found unknown categories", UserWarning)
        return (
            transformer.fit_transform(dataset.X.iloc[train]),
            transformer.transform(dataset.X.iloc[test]),
        )


def _score(
    is_positive: NDArray[np.bool_],
    probability: NDArray[np.floating],
    z: NDArray[np.floating],
) -> tuple[float, ...]:
    """Return the metrics of held-out rows, in the order of ``METRICS``."""
    return (
        log_loss(is_positive, probability, labels=[False, True]),
        brier_score_loss(is_positive, probability),
        accuracy_score(is_positive, z > 0),
        roc_auc_score(is_positive, z),
    )


def _cost(
    model: Model, fit: Fit, dataset: Dataset, probability: NDArray[np.floating]
) -> float:
    """Return J, which LogisticRegression does not keep."""
    if fit.was_stopped:
        return np.nan
    if model.is_reference:
        return float(log_loss(dataset.is_positive, probability, labels=[False, True]))
    return float(fit.estimator.cost_)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], object]]:
    """Show a bar on stderr if that is a terminal and the fits take over a second."""
    try:
        from tqdm import tqdm
    except ImportError:
        yield lambda: None
        return
    with tqdm(
        total=total,
        desc="fitting",
        unit="fit",
        delay=1.0,
        leave=False,
        file=sys.stderr,
        disable=None,
    ) as bar:
        yield bar.update
