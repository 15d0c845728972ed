"""Save a fitted pipeline."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import indent

import joblib
from sklearn.pipeline import Pipeline

from sk_logreg._cli._arguments import SKOPS_ENDING
from sk_logreg._cli._compare import Result
from sk_logreg._cli._data import Dataset
from sk_logreg._cli._errors import import_extra


def save_model(path: Path, results: Sequence[Result], dataset: Dataset) -> str:
    """Save the pipeline of the first result; return how to load and use it."""
    classifier = results[0].fitted
    pipeline = Pipeline([("columns", dataset.preparation), ("classifier", classifier)])
    if path.suffix.lower() == SKOPS_ENDING:
        skops_io = import_extra("skops.io")
        skops_io.dump(pipeline, path)
        trusted = skops_io.get_untrusted_types(file=path)
        names = "".join(f"\n    {name!r}," for name in trusted)
        load = f"skops.io.load({str(path)!r}, trusted=[{names}\n])"
        lines = ["import skops.io", f"model = {load}"]
    else:
        joblib.dump(pipeline, path)
        lines = ["import joblib", f"model = joblib.load({str(path)!r})"]
    if dataset.reading:
        module = dataset.reading.partition("(")[0].rpartition(".")[0]
        lines += [f"import {module}", f"X = {dataset.reading}"]
    column = classifier.classes_.tolist().index(dataset.positive)
    comment = f"# the probability of {dataset.positive!r}"
    lines.append(f"model.predict_proba(X)[:, {column}]  {comment}")
    use = indent("\n".join(lines), "    ")
    return (
        f"Saved in {path}: {results[0].model.name}, fitted on all "
        f"{dataset.is_positive.size:,} rows. To use it:\n{use}"
    )
