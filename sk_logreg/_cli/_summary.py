"""The summary of the first model's coefficients."""

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from sk_logreg._cli._compare import Result
from sk_logreg._cli._data import Dataset
from sk_logreg._cli._errors import CommandError, import_dask, import_extra


def summarize(results: Sequence[Result], dataset: Dataset) -> str:
    """Return the summary of the first result's fit to all rows."""
    pandas = import_extra("pandas")
    from sk_logreg.inference import Inference

    model, X = copy(results[0].fitted), dataset.X
    if not dataset.in_memory:
        # The names of the columns stand in a data frame.
        names = dataset.preparation.get_feature_names_out()
        model.feature_names_in_ = names.astype(object)
        X = import_dask("dask.dataframe").from_dask_array(X.map_blocks(_dense), names)
    else:
        if dataset.columns:
            model.feature_names_in_ = np.array(dataset.columns, dtype=object)
            X = pandas.DataFrame(X, columns=list(dataset.columns))
        model = Pipeline([("columns", dataset.preparation), ("classifier", model)])
    try:
        summary = Inference.from_estimator(model, X, dataset.y).summary()
    except ValueError as error:
        raise CommandError(f"--summary: {error}") from error
    return f"{results[0].model.name}, fitted on all rows\n{summary}"


def _dense(block: Any) -> Any:
    return block.toarray() if hasattr(block, "toarray") else block
