"""Fit and cross-validate the models."""

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold

from sk_logreg._cli._data import Dataset
from sk_logreg._cli._models import Fit, Model, fit_quietly, predict_positive

METRICS = ("log loss", "Brier score", "accuracy", "AUC")

# Enough repetitions for a steady median of a short fit, none of a long one.
_MOST_REPEATS = 15
_SECONDS_OF_REPEATS = 0.3


@dataclass(frozen=True)
class Result:
    """What the table and the pictures show of a model.

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
        Number of fits that could warn.
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
    scores: dict[str, NDArray[np.float64]]
    held_out: NDArray[np.float64]
    warnings: tuple[str, ...]


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
        fits = [_fit_and_time(model, design, dataset.y, advance) for model in models]
        validations = _cross_validate(models, dataset, n_folds, random_state, advance)
    probabilities = [
        predict_positive(fit.estimator, design, dataset.target.positive)[0]
        for fit in fits
    ]
    return [
        Result(
            model=model,
            fitted=fit.estimator,
            seconds=fit.seconds,
            cost=_cost(model, fit, dataset, probability),
            difference=float(np.abs(probability - probabilities[-1]).max()),
            scores=validation.scores,
            held_out=validation.held_out,
            warnings=fit.warnings + validation.warnings,
            n_fits=1 + n_folds,
        )
        for model, fit, validation, probability in zip(
            models, fits, validations, probabilities, strict=True
        )
    ]


def _fit_and_time(
    model: Model, design: Any, y: NDArray[Any], advance: Callable[[], object]
) -> Fit:
    """Fit, again while that is quick, and keep the median time."""
    fits = [fit_quietly(model.estimator, design, y)]
    seconds = [fits[0].seconds]
    while len(seconds) < _MOST_REPEATS and sum(seconds) < _SECONDS_OF_REPEATS:
        seconds.append(fit_quietly(model.estimator, design, y).seconds)
    advance()
    return Fit(fits[0].estimator, float(np.median(seconds)), fits[0].warnings)


def _cross_validate(
    models: Sequence[Model],
    dataset: Dataset,
    n_folds: int,
    random_state: int,
    advance: Callable[[], object],
) -> list[_Validation]:
    """Cross-validate all models on the same folds, preparing a fold's columns once."""
    n_samples = dataset.y.size
    scores = [{metric: np.empty(n_folds) for metric in METRICS} for _ in models]
    held_out = np.empty((len(models), n_samples))
    told: list[tuple[str, ...]] = [()] * len(models)
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=random_state)
    rows = np.zeros(n_samples)
    for fold, (train, test) in enumerate(folds.split(rows, dataset.y)):
        train_design, test_design = _prepare_fold(dataset, train, test)
        for i, model in enumerate(models):
            fit = fit_quietly(model.estimator, train_design, dataset.y[train])
            told[i] += fit.warnings
            probability, z = predict_positive(
                fit.estimator, test_design, dataset.target.positive
            )
            held_out[i, test] = probability
            values = _score(dataset.is_positive[test], probability, z)
            for metric, value in zip(METRICS, values, strict=True):
                scores[i][metric][fold] = value
            advance()
    return [_Validation(*each) for each in zip(scores, held_out, told, strict=True)]


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
