"""Save a fitted pipeline."""

from pathlib import Path

import joblib
from sklearn.pipeline import Pipeline

from sk_logreg._cli._arguments import SKOPS_ENDING
from sk_logreg._cli._compare import Result
from sk_logreg._cli._data import Dataset
from sk_logreg._cli._errors import CommandError, import_extra, reason


def save_model(path: Path, result: Result, dataset: Dataset) -> str:
    """Save the pipeline of a result; return a text on what it is and how to load it.

    The ending of ``path`` chooses skops or joblib.
    """
    pipeline = Pipeline(
        [("columns", dataset.preparation), ("classifier", result.fitted)]
    )
    dump = _dump_skops if path.suffix.lower() == SKOPS_ENDING else _dump_joblib
    try:
        use = dump(pipeline, path)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {reason(error)}") from error
    if dataset.reading:
        use += f"\n    import pandas\n    X = {dataset.reading}"
    column = result.fitted.classes_.tolist().index(dataset.positive)
    return (
        f"Saved in {path}: {result.model.name}, fitted on all {dataset.y.size:,} rows. "
        f"To use it:\n{use}\n    model.predict_proba(X)[:, {column}]"
        f"  # the probability of {dataset.positive!r}"
    )


def _dump_joblib(pipeline: Pipeline, path: Path) -> str:
    joblib.dump(pipeline, path)
    return f"    import joblib\n    model = joblib.load({str(path)!r})"


def _dump_skops(pipeline: Pipeline, path: Path) -> str:
    skops_io = import_extra("skops.io")
    skops_io.dump(pipeline, path)
    trusted = skops_io.get_untrusted_types(file=path)
    names = "".join(f"\n        {name!r}," for name in trusted)
    return (
        "    import skops.io\n"
        f"    model = skops.io.load({str(path)!r}, trusted=[{names}\n    ])"
    )
