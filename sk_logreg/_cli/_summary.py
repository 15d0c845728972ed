"""The summary of the first model's coefficients."""

from collections.abc import Sequence
from copy import copy

import numpy as np
from sklearn.pipeline import Pipeline

from sk_logreg._cli._compare import Result
from sk_logreg._cli._data import Dataset
from sk_logreg._cli._errors import CommandError, import_extra


def summarize(results: Sequence[Result], dataset: Dataset) -> str:
    """Return the summary of the first result's fit to all rows."""
    pandas = import_extra("pandas")
    from sk_logreg.inference import Inference

    classifier, X = copy(results[0].fitted), dataset.X
    if dataset.columns:
        classifier.feature_names_in_ = np.array(dataset.columns, dtype=object)
        X = pandas.DataFrame(X, columns=list(dataset.columns))
    pipeline = Pipeline([("columns", dataset.preparation), ("classifier", classifier)])
    try:
        summary = Inference.from_estimator(pipeline, X, dataset.y).summary()
    except ValueError as error:
        raise CommandError(f"--summary: {error}") from error
    return f"{results[0].model.name}, fitted on all rows\n{summary}"
