"""Make two labels of a target column."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._cli._errors import CommandError, import_extra, listing

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Target:
    """Labels of the examples.

    Attributes
    ----------
    labels : ndarray of shape (n_samples,)
        Two distinct ones.
    positive : object
        The one that counts as positive.
    description : str
        The positive label, and what it means, in words.
    """

    labels: NDArray[Any]
    positive: Any
    description: str


def encode_target(column: "pd.Series[Any]", wanted: str | None) -> Target:
    """Return the labels of a column.

    White space around a label does not count, nor does a label of nothing else. A
    column of two values keeps them; one of more becomes ``wanted`` against
    ``"not <wanted>"``.

    Parameters
    ----------
    column : pandas.Series of shape (n_samples,)
        The target.
    wanted : str or None
        What the user calls positive; None for the second value in sorted order.

    Raises
    ------
    CommandError
        If a value is missing, if there are not two, or none is ``wanted``.
    """
    name = str(column.name)
    column = column.map(_strip, na_action="ignore")
    missing = int(column.isna().sum())
    if missing:
        raise CommandError(
            f"the target {name!r} is missing in {missing} of {column.size} rows: "
            "fill it in, or take these rows out"
        )
    codes, labels = _factorize(column)
    if len(labels) < 2:
        raise CommandError(
            f"the target {name!r} has one value only, {str(labels[0])!r}: "
            "name a column with two"
        )
    if len(labels) > 2 and wanted is None:
        raise CommandError(
            f"the target {name!r} has {len(labels)} values, not two "
            f"({listing(labels, most=4)}): choose the positive one with "
            "--positive LABEL"
        )
    positive = labels[1] if wanted is None else find_label(labels, wanted, name)
    if len(labels) == 2:
        return Target(np.asarray(labels)[codes], positive, str(positive))
    is_positive = codes == labels.index(positive)
    return Target(
        np.where(is_positive, str(positive), f"not {positive}"),
        str(positive),
        f"{positive} (against all other values)",
    )


def find_label(labels: list[Any], wanted: str, target: str) -> Any:
    """Return the label that ``wanted`` spells: '1' and '1.0' both spell 1."""
    wanted = wanted.strip()
    for label in labels:
        if str(label) == wanted:
            return label
    try:
        number = float(wanted)
    except ValueError:
        number = np.nan
    for label in labels:
        if type(label) is int and label == number:
            return label
    raise CommandError(
        f"--positive {wanted!r} is no value of the target {target!r}: "
        f"choose one of {listing(labels)}"
    )


def _factorize(column: "pd.Series[Any]") -> tuple[NDArray[np.intp], list[Any]]:
    """Return each row's place among the sorted labels, and these labels."""
    try:
        codes, values = import_extra("pandas").factorize(column)
    except TypeError as error:
        raise CommandError(
            f"the target {str(column.name)!r} holds lists or the like: "
            "name a column with two values"
        ) from error
    labels = [_plain(value) for value in values.tolist()]
    if len({type(label) for label in labels}) > 1:
        labels = [str(label) for label in labels]
    order = sorted(range(len(labels)), key=labels.__getitem__)
    return np.argsort(order)[codes], [labels[i] for i in order]


def _strip(value: Any) -> Any:
    """Return a text without white space around it, None if it is nothing else."""
    return value.strip() or None if isinstance(value, str) else value


def _plain(value: Any) -> bool | int | str:
    """Return a label as a bool, an int or a str: 1.0 is 1, and 0.5 is "0.5"."""
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return str(value)
