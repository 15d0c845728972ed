"""Make two labels of a target column."""

from collections.abc import Hashable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._cli._errors import CommandError, listing

if TYPE_CHECKING:
    import pandas as pd

HOLDS_LISTS = "{} holds lists or the like: name a column with two values"


def encode_target(
    column: "pd.Series[Any]",
    wanted: str | None,
    counts: NDArray[np.intp] | None = None,
) -> tuple[NDArray[Any], Any, str]:
    """Return the labels of a column, the positive one, and its meaning in words.

    If there are ``counts``, the column holds its distinct values only, and these are
    their numbers of rows.

    White space around a label is ignored; a label of white space only is missing. A
    column of two values keeps them, and ``wanted`` is the positive one, by default the
    second in sorted order. In a column of more values, all but ``wanted`` become
    ``"not <wanted>"``. Raises a CommandError if a value is missing, if there are not
    two, or none is ``wanted``.
    """
    target = f"the target {str(column.name)!r}"
    column = column.astype(object)
    if not column.map(lambda value: isinstance(value, Hashable)).all():
        raise CommandError(HOLDS_LISTS.format(target))
    column = column.map(_plain, na_action="ignore")
    rows = np.ones(column.size, dtype=np.intp) if counts is None else counts
    if missing := int(rows[column.isna()].sum()):
        raise CommandError(
            f"{target} is missing in {missing} of {rows.sum()} rows: "
            "fill it in, or take these rows out"
        )
    if column.map(type).nunique() > 1:
        column = column.map(str)
    labels = sorted(set(column))
    if len(labels) == 1:
        raise CommandError(
            f"{target} has one value only, {str(labels[0])!r}: name a column with two"
        )
    if len(labels) > 2 and wanted is None:
        raise CommandError(
            f"{target} has {len(labels)} values, not two ({listing(labels, most=4)}): "
            "choose the positive one with --positive LABEL"
        )
    positive = labels[1] if wanted is None else find_label(labels, wanted, target)
    if len(labels) == 2:
        return np.array(column.tolist()), positive, str(positive)
    y = np.where(column == positive, str(positive), f"not {positive}")
    return y, str(positive), f"{positive} (against all other values)"


def find_label(labels: list[Any], wanted: str, target: str) -> Any:
    """Return the label that ``wanted`` spells: '1' and '1.0' both spell 1."""
    spellings = [wanted.strip()]
    with suppress(ValueError):
        spellings.append(str(_plain(float(wanted))))
    label_of = {str(label): label for label in labels}
    for spelling in spellings:
        if spelling in label_of:
            return label_of[spelling]
    raise CommandError(
        f"--positive {spellings[0]!r} is no value of {target}: "
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
    return value if isinstance(value, bool | int) else str(value)
