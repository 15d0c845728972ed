"""Save a fitted pipeline."""

from pathlib import Path
from typing import Any

import joblib
from sklearn.pipeline import Pipeline

from sk_logreg._cli._arguments import SKOPS_ENDING
from sk_logreg._cli._compare import Result
from sk_logreg._cli._data import Dataset
from sk_logreg._cli._errors import CommandError, check_writable, import_extra, reason


def check_save(path: Path) -> None:
    """Raise a CommandError if a model cannot be saved at ``path``."""
    check_writable(path)
    if path.suffix.lower() == SKOPS_ENDING:
        import_extra("skops.io")


def save_model(path: Path, result: Result, transformer: Any, dataset: Dataset) -> str:
    """Save the pipeline of a result; return a text on what it is and how to load it.

    The ending of ``path`` chooses skops or joblib. ``transformer``, fitted on all rows
    of ``dataset``, is the first step of the pipeline; None for none.
    """
    steps = [] if transformer is None else [("columns", transformer)]
    pipeline = Pipeline([*steps, ("classifier", result.fitted)])
    dump = _dump_skops if path.suffix.lower() == SKOPS_ENDING else _dump_joblib
    try:
        loading = dump(pipeline, path)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {reason(error)}") from error
    positive = dataset.target.positive
    column = result.fitted.classes_.tolist().index(positive)
    reading = (
        f"    import pandas\n    X = {dataset.reading}\n" if dataset.reading else ""
    )
    return (
        f"Saved in {path}: {result.model.name}, fitted on all {dataset.y.size:,} rows. "
        f"To use it:\n{loading}\n{reading}"
        f"    model.predict_proba(X)[:, {column}]  # the probability of {positive!r}"
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
