"""Two labels of any kind, and the weights that come with them."""

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target


def encode_labels(y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int8]]:
    """Return the two classes, sorted, and a sign for each row.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Labels of any kind that sorts.

    Returns
    -------
    classes : ndarray of shape (2,)
    signs : ndarray of shape (n_samples,), of int8
        1 for the rows of the second class, -1 for the others.

    Raises
    ------
    ValueError
        If there are more than two labels, or only one, or if they are no labels.
    """
    if y.dtype.kind in "biu" or (y.dtype.kind == "f" and not (y % 1.0).any()):
        # Two passes rather than the sort that `np.unique` takes.
        low, high = y.min(), y.max()
        is_positive = y == high
        if low != high and (is_positive | (y == low)).all():
            return np.array([low, high], dtype=y.dtype), _signs(is_positive)
    check_classification_targets(y)
    kind = type_of_target(y, input_name="y", raise_unknown=True)
    if kind != "binary":
        raise ValueError(
            "Only binary classification is supported. The type of the target is "
            f"{kind}. For more than two classes, use "
            "OneVsRestClassifier(BinaryLogisticRegression())."
        )
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            "BinaryLogisticRegression needs samples of 2 classes in y, but y contains "
            f"only one class: {classes[0]!r}"
        )
    return classes, _signs(codes == 1)


def _signs(is_positive: NDArray[np.bool_]) -> NDArray[np.int8]:
    signs = is_positive.view(np.int8)  # in place: an entry a row is dear for narrow X
    signs *= 2
    signs -= 1
    return signs


def total_weights(
    class_weight: Any,
    sample_weight: NDArray[np.float64] | None,
    classes: NDArray[Any],
    signs: NDArray[np.int8],
) -> NDArray[np.float64]:
    """Return the sample weights times the class weights.

    "balanced" gives both classes the same sum of weights, and the sum over both that
    the sample weights have: a row of weight 2 counts as two rows.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
    sample_weight : ndarray of shape (n_samples,) or None
    classes : ndarray of shape (2,)
    signs : ndarray of shape (n_samples,), of int8
        As `encode_labels` returns them.

    Returns
    -------
    ndarray of shape (n_samples,) or, where all weights are one, (1,)

    Raises
    ------
    ValueError
        If the weights leave rows of fewer than two classes.
    """
    if sample_weight is not None:
        shares = [sample_weight[signs == sign].sum() for sign in (-1, 1)]
        for share, label in zip(shares, classes, strict=True):
            if not share > 0.0:
                raise ValueError(
                    "sample_weight leaves rows of only one class: every row of class "
                    f"{label!r} has weight 0."
                )
    else:
        n_positive = np.count_nonzero(signs > 0)
        shares = [len(signs) - n_positive, n_positive]
    if class_weight is None:
        return np.ones(1) if sample_weight is None else sample_weight
    if class_weight == "balanced":
        per_class = 0.5 * (shares[0] + shares[1]) / np.array(shares)
    else:
        given = class_weight.values()
        if not all(isinstance(w, Real) and 0.0 < float(w) < np.inf for w in given):
            raise ValueError(
                "class_weight must give each class a weight above 0, got "
                f"{class_weight!r}."
            )
        per_class = compute_class_weight(class_weight, classes=classes, y=classes)
    weights = per_class[(signs > 0).astype(np.intp)]
    return weights if sample_weight is None else weights * sample_weight
