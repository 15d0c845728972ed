"""Make two labels of a target column."""

from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._cli._errors import CommandError, listing

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Target:
    """Labels of the examples.

    Attributes
    ----------
    labels : ndarray of shape (n_samples,)
        Two distinct values.
    positive : object
        The label of the positive class.
    description : str
        The positive label and its meaning, in words.
    """

    labels: NDArray[Any]
    positive: Any
    description: str


def encode_target(column: "pd.Series[Any]", wanted: str | None) -> Target:
    """Return the labels of a column.

    White space around a label is ignored; a label of white space only is missing. A
    column of two values keeps them, and ``wanted`` is the positive one, by default the
    second in sorted order. In a column of more values, all but ``wanted`` become
    ``"not <wanted>"``.

    Raises
    ------
    CommandError
        If a value is missing, if there are not two, or none is ``wanted``.
    """
    name = str(column.name)
    column = column.astype(object).map(_plain, na_action="ignore")
    missing = int(column.isna().sum())
    if missing:
        raise CommandError(
            f"the target {name!r} is missing in {missing} of {column.size} rows: "
            "fill it in, or take these rows out"
        )
    try:
        values = set(column)
    except TypeError as error:
        raise CommandError(
            f"the target {name!r} holds lists or the like: "
            "name a column with two values"
        ) from error
    if len({type(value) for value in values}) > 1:
        column = column.map(str)
    labels = sorted(set(column))
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
        return Target(np.array(column.tolist()), positive, str(positive))
    return Target(
        np.where(column == positive, str(positive), f"not {positive}"),
        str(positive),
        f"{positive} (against all other values)",
    )


def find_label(labels: list[Any], wanted: str, target: str) -> Any:
    """Return the label that ``wanted`` spells: '1' and '1.0' both spell 1."""
    wanted = wanted.strip()
    spellings = [wanted]
    with suppress(ValueError):
        spellings.append(str(_plain(float(wanted))))
    for spelling in spellings:
        for label in labels:
            if str(label) == spelling:
                return label
    raise CommandError(
        f"--positive {wanted!r} is no value of the target {target!r}: "
        f"choose one of {listing(labels)}"
    )


def _plain(value: Any) -> Any:
    """Return a label as a bool, an int or a str, None for one of white space only.

    1.0 is 1 and 0.5 is "0.5", because a classifier takes no fractions as labels.
    """
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool | int) or not isinstance(value, Hashable):
        return value
    return str(value)
