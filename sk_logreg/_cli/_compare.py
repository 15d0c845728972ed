"""Fit and cross-validate the models."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.metrics import check_scoring, log_loss
from sklearn.model_selection import StratifiedKFold

from sk_logreg._cli._data import Dataset
from sk_logreg._cli._models import (
    MIN_TIME_LIMIT,
    TIME_RATIO,
    Fit,
    Model,
    fit_model,
    fit_quietly,
)

#: scikit-learn's names of the metrics.
METRICS = {
    "log loss": "neg_log_loss",
    "Brier score": "neg_brier_score",
    "accuracy": "accuracy",
    "AUC": "roc_auc",
}
# A fit is repeated until one of these is reached. The median time of a short fit is
# then steady, and a long fit is made once only.
_MAX_REPEATS = 15
_MAX_SECONDS_OF_REPEATS = 0.3


@dataclass
class Result:
    """The fits of a model and their figures; nan after a fit that was stopped.

    Attributes
    ----------
    model : Model
        The model.
    fits : list of Fit
        The fit on all rows, its time the median of several, then one fit per fold.
        None follows a fit that was stopped.
    cost : float
        J, the mean loss over all rows.
    probability : ndarray of shape (n_samples, 2)
        Each row's probabilities by the fit on all rows.
    scores : dict of str to ndarray of shape (n_folds,)
        Each metric on the held-out rows of each fold.
    held_out : ndarray of shape (n_samples,)
        Each row's probability of the positive label, from the fit without that row.
    """

    model: Model
    fits: list[Fit]
    cost: float
    probability: NDArray[np.floating]
    scores: dict[str, NDArray[np.float64]]
    held_out: NDArray[np.float64]

    @property
    def fitted(self) -> Any:
        """The estimator that was fitted to the design matrix of all rows."""
        return self.fits[0].estimator


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
    """Fit every model on all rows, then on the training rows of each fold.

    Parameters
    ----------
    models : sequence of Model
        The last is the reference.
    dataset : Dataset
        The examples.
    design : array-like of shape (n_samples, n_features)
        The design matrix of all rows.
    n_folds, random_state : int
        Number of stratified folds, and the seed of the shuffle before them.

    Returns
    -------
    list of Result
        One per model, in the same order.
    """
    results: list[Result] = []
    with _progress(len(models) * (1 + n_folds)) as advance:
        for model in models:
            fit = _fit_and_time(model, design, dataset.y, _time_limit(results))
            results.append(_result(model, fit, dataset, design, n_folds))
            advance()
        folds = StratifiedKFold(n_folds, shuffle=True, random_state=random_state)
        _cross_validate(results, dataset, folds, advance)
    return results


def _time_limit(results: Sequence[Result]) -> float:
    """Return the seconds that a fit of the reference may take, given the others'."""
    times = [TIME_RATIO * result.fits[0].seconds for result in results]
    return max([MIN_TIME_LIMIT, *times])


def _fit_and_time(model: Model, design: Any, y: NDArray[Any], limit: float) -> Fit:
    """Fit a model, repeat a quick fit, and return the median time."""
    fit = fit_model(model, design, y, limit)
    seconds = [fit.seconds]
    while len(seconds) < _MAX_REPEATS and sum(seconds) < _MAX_SECONDS_OF_REPEATS:
        seconds.append(fit_quietly(clone(fit.estimator), design, y).seconds)
    return replace(fit, seconds=float(np.median(seconds)))


def _result(
    model: Model, fit: Fit, dataset: Dataset, design: Any, n_folds: int
) -> Result:
    """Return the result of a fit on all rows, without the scores of the folds."""
    n_samples = dataset.y.size
    cost, probability = np.nan, np.full((n_samples, 2), np.nan)
    if not fit.was_stopped:
        probability = fit.estimator.predict_proba(design)
        # LogisticRegression does not keep J.
        cost = (
            log_loss(dataset.y, probability)
            if model.is_reference
            else fit.estimator.cost_
        )
    return Result(
        model,
        [fit],
        float(cost),
        probability,
        scores={metric: np.full(n_folds, np.nan) for metric in METRICS},
        held_out=np.full(n_samples, np.nan),
    )


def _cross_validate(
    results: Sequence[Result],
    dataset: Dataset,
    folds: StratifiedKFold,
    advance: Callable[[], object],
) -> None:
    """Fit the models on each fold's training rows, and score the held-out rows.

    A model is not fitted again after a fit that was stopped. This is not
    scikit-learn's ``cross_validate`` of a pipeline per model, because one-hot encoding
    may take far longer than a fit: here all models share each fold's design matrix.
    """
    limit = _time_limit(results[:-1])
    score = check_scoring(scoring=METRICS)
    y = dataset.is_positive
    for fold, (train, test) in enumerate(folds.split(dataset.X, y)):
        train_design, test_design = _prepare_fold(dataset, train, test)
        for result in results:
            advance()
            if result.fits[-1].was_stopped:
                continue
            fit = fit_model(result.model, train_design, y[train], limit)
            result.fits.append(fit)
            if fit.was_stopped:
                continue
            result.held_out[test] = fit.estimator.predict_proba(test_design)[:, 1]
            for metric, value in score(fit.estimator, test_design, y[test]).items():
                # scikit-learn negates the losses, so that greater is better.
                result.scores[metric][fold] = abs(value)


def _prepare_fold(
    dataset: Dataset, train: NDArray[np.intp], test: NDArray[np.intp]
) -> tuple[Any, Any]:
    """Return the design matrices of the rows to fit and of those held out."""
    if dataset.preparation is None:
        return dataset.X[train], dataset.X[test]
    transformer = clone(dataset.preparation)
    with warnings.catch_warnings():
        # It is normal that only held-out rows have some category.
        warnings.filterwarnings("ignore", "Found unknown categories", UserWarning)
        return (
            transformer.fit_transform(dataset.X.iloc[train]),
            transformer.transform(dataset.X.iloc[test]),
        )


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], object]]:
    """Show a bar on stderr if that is a terminal and the fits take over a second."""
    try:
        from tqdm import tqdm
    except ImportError:
        yield lambda: None
        return
    with tqdm(
        total=total, desc="fitting", unit="fit", delay=1.0, leave=False, disable=None
    ) as bar:
        yield bar.update
