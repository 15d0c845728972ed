"""Fit and cross-validate the models."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.metrics import check_scoring, log_loss
from sklearn.model_selection import StratifiedKFold

from sk_logreg._cli._data import Dataset
from sk_logreg._cli._models import REFERENCE, Fit, Model, fit_model, fit_quietly
from sk_logreg._cli._progress import progress

#: scikit-learn's names of the metrics.
METRICS = {
    "log loss": "neg_log_loss",
    "Brier score": "neg_brier_score",
    "accuracy": "accuracy",
    "AUC": "roc_auc",
}
# Maximum time of a fit of the reference, as a multiple of the longest other fit, so
# that the user does not wait for a much slower fit.
TIME_RATIO = 10
# Minimum of that limit: 10 times the milliseconds of a small table would stop any fit.
MIN_TIME_LIMIT = 2.0
# A fit is repeated until one of these is reached. The median time of a short fit is
# then steady, and a long fit is made once only.
_MAX_REPEATS = 15
_MAX_SECONDS_OF_REPEATS = 0.3


@dataclass
class Result:
    """The fits of a model and their figures; nan after a fit that was stopped."""

    model: Model
    #: The fit on all rows, its time the median of several, then one fit per fold. None
    #: follows a fit that was stopped.
    fits: list[Fit]
    cost: float  #: J, the mean loss over all rows.
    #: Probabilities by the fit on all rows; shape (n_samples, 2), or (0, 2) if the rows
    #: are not in memory.
    probability: NDArray[np.floating]
    #: Metrics on the held-out rows of each fold; shape (n_folds, n_metrics).
    scores: NDArray[np.float64]
    #: Probability of the positive label by the fit without the row; (n_scored,).
    held_out: NDArray[np.float64]

    @property
    def fitted(self) -> Any:
        """The estimator that was fitted to the design matrix of all rows."""
        return self.fits[0].estimator


def compare(
    models: Sequence[Model], dataset: Dataset, n_folds: int, random_state: int
) -> list[Result]:
    """Fit every model on all rows, then on the training rows of each stratified fold.

    The last model is the reference. This is not scikit-learn's ``cross_validate`` of a
    pipeline per model, because one-hot encoding may take far longer than a fit: here
    all models share each fold's design matrix.
    """
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=random_state)
    score, y = check_scoring(scoring=METRICS), dataset.is_positive
    results: list[Result] = []
    with progress(len(models) * (1 + n_folds), "fit") as advance:
        for model in models:
            # The limit that the last model gets holds in the folds too.
            times = [TIME_RATIO * result.fits[0].seconds for result in results]
            limit = max([MIN_TIME_LIMIT, *times])
            results.append(_fit_all_rows(model, dataset, limit, n_folds))
            advance("fitting")
        for fold, (train, test) in enumerate(folds.split(dataset.X, y)):
            train_design, test_design = _prepare_fold(dataset, train, test)
            for result in results:
                advance("fitting")
                if result.fits[-1].was_stopped:
                    continue
                fit = fit_model(result.model, train_design, y[train], limit)
                result.fits.append(fit)
                if not fit.was_stopped:
                    probability = fit.estimator.predict_proba(test_design)
                    result.held_out[test] = probability[:, 1]
                    scores = score(fit.estimator, test_design, y[test])
                    # scikit-learn negates the losses, so that greater is better.
                    result.scores[fold] = [abs(scores[metric]) for metric in METRICS]
    return results


def reference_of(results: Sequence[Result]) -> Result | None:
    """Return the result of LogisticRegression, None if it was not fitted."""
    last = results[-1]
    return last if last.model.name == REFERENCE else None


def _fit_all_rows(model: Model, dataset: Dataset, limit: float, n_folds: int) -> Result:
    """Fit a model on all rows, repeatedly if that is quick, to take the median time."""
    design, y = dataset.design, dataset.y
    fit = fit_model(model, design, y, limit)
    seconds = [fit.seconds]
    while len(seconds) < _MAX_REPEATS and sum(seconds) < _MAX_SECONDS_OF_REPEATS:
        seconds.append(fit_quietly(clone(fit.estimator), design, y).seconds)
    cost, probability = np.nan, np.full((y.size, 2), np.nan)
    if not fit.was_stopped:
        probability = fit.estimator.predict_proba(design)
        # LogisticRegression does not keep J.
        cost = getattr(fit.estimator, "cost_", log_loss(y, probability))
    return Result(
        model,
        [replace(fit, seconds=float(np.median(seconds)))],
        float(cost),
        probability,
        scores=np.full((n_folds, len(METRICS)), np.nan),
        held_out=np.full(y.size, np.nan),
    )


def _prepare_fold(
    dataset: Dataset, train: NDArray[np.intp], test: NDArray[np.intp]
) -> tuple[Any, Any]:
    """Return the design matrices of the rows to fit and of those held out."""
    transformer = clone(dataset.preparation)
    rows = getattr(dataset.X, "iloc", dataset.X)
    with warnings.catch_warnings():
        # It is normal that only held-out rows have some category.
        warnings.filterwarnings("ignore", "Found unknown categories", UserWarning)
        return transformer.fit_transform(rows[train]), transformer.transform(rows[test])
