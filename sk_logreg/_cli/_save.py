"""Save a fitted pipeline."""

from pathlib import Path
from typing import Any

from sk_logreg._cli._arguments import SKOPS_ENDING
from sk_logreg._cli._compare import Result
from sk_logreg._cli._data import Dataset
from sk_logreg._cli._errors import CommandError, import_extra, reason
from sk_logreg._cli._files import check_writable
from sk_logreg._cli._models import positive_column


def check_save(path: Path) -> None:
    """Raise a CommandError if a model cannot be saved at ``path``."""
    check_writable(path)
    if path.suffix.lower() == SKOPS_ENDING:
        import_extra("skops.io")


def save_model(path: Path, result: Result, transformer: Any, dataset: Dataset) -> str:
    """Save the pipeline of a result, and say what it is and how to load it.

    Parameters
    ----------
    path : pathlib.Path
        Where; the ending chooses skops or joblib.
    result : Result
        Of the model to save.
    transformer : transformer or None
        Fitted on all rows; the pipeline's first step.
    dataset : Dataset
        What it was fitted on.

    Returns
    -------
    str
        For the user.
    """
    from sklearn.pipeline import Pipeline

    steps = [] if transformer is None else [("columns", transformer)]
    pipeline = Pipeline([*steps, ("classifier", result.fitted)])
    dump = _dump_skops if path.suffix.lower() == SKOPS_ENDING else _dump_joblib
    try:
        loading = dump(pipeline, path)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {reason(error)}") from error
    positive = dataset.target.positive
    column = positive_column(result.fitted, positive)
    reading = (
        f"    import pandas\n    X = {dataset.reading}\n" if dataset.reading else ""
    )
    return (
        f"Saved in {path}: {result.model.name}, fitted on all {dataset.y.size:,} rows. "
        f"To use it:\n{loading}\n{reading}"
        f"    model.predict_proba(X)[:, {column}]  # the probability of {positive!r}"
    )


def _dump_joblib(pipeline: Any, path: Path) -> str:
    import joblib

    joblib.dump(pipeline, path)
    return f"    import joblib\n    model = joblib.load({str(path)!r})"


def _dump_skops(pipeline: Any, path: Path) -> str:
    skops_io = import_extra("skops.io")
    skops_io.dump(pipeline, path)
    trusted = skops_io.get_untrusted_types(file=path)
    names = "".join(f"\n        {name!r}," for name in trusted)
    return (
        "    import skops.io\n"
        f"    model = skops.io.load({str(path)!r}, trusted=[{names}\n    ])"
    )
