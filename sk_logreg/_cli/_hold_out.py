"""Fit the models to a table in parts, and score them on rows that are held out."""

from collections.abc import Sequence
from warnings import catch_warnings, simplefilter

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, roc_auc_score

from sk_logreg._cli._compare import Result
from sk_logreg._cli._errors import CommandError, import_dask
from sk_logreg._cli._models import Model, fit_model
from sk_logreg._cli._stream import Stream


def compare_held_out(models: Sequence[Model], stream: Stream) -> list[Result]:
    """Fit every model on all rows, and once more without those that are held out."""
    held_out, truth = stream.is_held_out, stream.scored
    for rows in (truth, stream.is_positive[~held_out]):
        if rows.all() or not rows.any():
            raise CommandError(
                "the rows that are held out, or those that are not, have one class "
                "only: take another --random-state"
            )
    rest, (X, _) = stream.source.arrays(~held_out), stream.source.arrays(held_out)
    fits, predictions = [], []
    with catch_warnings(), stream.source.parts.progress() as begin:
        simplefilter("ignore")  # what the fits warn of is kept with them
        try:
            for model in models:
                begin(model.name)
                data = (stream.X, stream.y), rest
                fits.append([fit_model(model, X, y, limit=np.inf) for X, y in data])
                fitted = fits[-1][1].estimator
                column = fitted.classes_.tolist().index(stream.positive)
                predictions.append(fitted.predict_proba(X)[:, column])
            begin("scores")
            probabilities = import_dask("dask").compute(*predictions)
        except ValueError as error:
            raise CommandError(f"{stream.name}: {error}") from error
    return [
        Result(
            model,
            both,
            cost=both[0].estimator.cost_,
            probability=np.empty((0, 2)),
            scores=_scores(truth, probability),
            held_out=probability,
        )
        for model, both, probability in zip(models, fits, probabilities, strict=True)
    ]


def _scores(
    truth: NDArray[np.bool_], probability: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return the metrics of `METRICS`, in its order; shape (1, n_metrics)."""
    return np.array(
        [
            [
                log_loss(truth, probability),
                brier_score_loss(truth, probability),
                accuracy_score(truth, probability > 0.5),
                roc_auc_score(truth, probability),
            ]
        ]
    )
