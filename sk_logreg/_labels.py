"""The encoding of labels, hard or soft, and the weights of the rows."""

from collections.abc import Callable, Sequence
from functools import partial
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from sk_logreg._arguments import to_float64


def encode_labels(y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int8]]:
    """Return the two classes, sorted, and a sign for each row.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Labels of any type that can be sorted.

    Returns
    -------
    classes : ndarray of shape (2,)
    signs : ndarray of shape (n_samples,), of int8
        1 for the rows of the second class, -1 for the others.

    Raises
    ------
    ValueError
        If there are more than two labels, or only one, or if y holds no labels.
    """
    if y.dtype.kind in "biu" or (y.dtype.kind == "f" and not (y % 1.0).any()):
        # A few passes over y instead of the sort in `np.unique`.
        low, high = y.min(), y.max()
        is_positive = y == high
        # A single label is counted twice.
        if np.count_nonzero(is_positive) + np.count_nonzero(y == low) == len(y):
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
            f"only one class: {classes.tolist()[0]!r}"
        )
    return classes, _signs(codes == 1)


def _signs(is_positive: NDArray[np.bool_]) -> NDArray[np.int8]:
    signs = is_positive.view(np.int8)  # in place, which saves one byte per row
    signs *= 2
    signs -= 1
    return signs


def encode_soft_labels(y: NDArray[Any]) -> NDArray[np.float64]:
    """Return soft labels as float64, after checks.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Probabilities of the positive class.

    Returns
    -------
    ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If a label is not a number in [0, 1], or all are 0, or all are 1.
    """
    probabilities = checked_probabilities(y)
    if not probabilities.any() or (probabilities == 1.0).all():
        raise ValueError(
            "BinaryLogisticRegression needs both classes in y, but all soft labels are "
            f"{probabilities[0]:g}."
        )
    return probabilities


def checked_probabilities(y: NDArray[Any]) -> NDArray[np.float64]:
    """Return soft labels as float64; a ValueError if one is no number in [0, 1]."""
    try:
        probabilities = to_float64(y)
    except (TypeError, ValueError):
        raise ValueError(
            "With soft_labels=True, y must hold numbers, the probabilities of the "
            "positive class."
        ) from None
    wrong = ~((probabilities >= 0.0) & (probabilities <= 1.0))
    if wrong.any():
        raise ValueError(
            "With soft_labels=True, y must hold probabilities in [0, 1], got "
            f"{y[wrong][0]}. Counts k of n are y = k / n with sample_weight = n."
        )
    return probabilities


def soft_weights(
    class_weight: Any,
    sample_weight: NDArray[np.float64] | None,
    probabilities: NDArray[np.float64],
    *,
    free_bias: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.int8], NDArray[np.float64] | None]:
    """Return the weights of rows with soft labels, and the more probable labels.

    A row of weight s and label q is equivalent to a row of weight s q in the positive
    class and one of weight s (1 - q) in the other. Class weights multiply both weights.

    Parameters
    ----------
    class_weight, sample_weight, free_bias
        As for `total_weights`.
    probabilities : ndarray of shape (n_samples,)
        q, as `encode_soft_labels` returns it.

    Returns
    -------
    weights : ndarray of shape (n_samples,), or (1,) if all weights are one
    signs : ndarray of shape (n_samples,), of int8
        1 for rows whose positive class is more probable, -1 for the others.
    p_other : ndarray of shape (n_samples,) or None
        The probability of the less probable class, None if it is 0 for all rows.

    Raises
    ------
    ValueError
        As `total_weights` does.
    """
    classes, q = np.array([0, 1]), probabilities
    shares = 1.0 - q, q
    s = np.ones(1) if sample_weight is None else sample_weight
    largest = np.array([(s * share).max() for share in shares])
    _check_both_weighted(largest, classes, class_weight, free_bias)
    per_class = None
    if class_weight is not None:
        totals = partial(totals_of_labels, sample_weight, shares)
        per_class = class_factors(class_weight, classes, totals)
        _check_range(per_class, largest)
    both, signs, p_other = divided_labels(q, per_class)
    weights = s if both is None else both * s
    return weights, signs, p_other if p_other.any() else None


def divided_labels(
    q: NDArray[np.float64], per_class: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64] | None, NDArray[np.int8], NDArray[np.float64]]:
    """Return what soft labels, and weights of the classes, mean for each row.

    Returns
    -------
    both : ndarray of shape (n_samples,) or None
        The weight that the class weights give to the row, None if there are none.
    signs, p_other : ndarray of shape (n_samples,)
        As `soft_weights` returns them.
    """
    if per_class is None:
        return None, _signs(q > 0.5), np.where(q > 0.5, 1.0 - q, q)
    positive, negative = per_class[1] * q, per_class[0] * (1.0 - q)
    both = positive + negative
    # Of the smaller part, so that no digits cancel.
    return both, _signs(positive > negative), np.minimum(positive, negative) / both


def weights_of_classes(
    class_weight: Any,
    classes: NDArray[Any],
    largest: NDArray[np.float64],
    totals: NDArray[np.float64],
    *,
    free_bias: bool,
) -> NDArray[np.float64] | None:
    """Return the weight of each class, None without class weights.

    Parameters
    ----------
    class_weight, classes, free_bias
        As for `total_weights`.
    largest, totals : ndarray of shape (2,)
        The largest and the sum of the sample weights of each class. The sums may have
        another unit.

    Raises
    ------
    ValueError
        As `total_weights` does.
    """
    _check_both_weighted(largest, classes, class_weight, free_bias)
    if class_weight is None:
        return None
    per_class = class_factors(class_weight, classes, lambda: totals)
    _check_range(per_class, largest)
    return per_class


def class_factors(
    class_weight: Any,
    classes: NDArray[Any],
    totals: Callable[[], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return the weight of each class, of shape (2,), by which rows are multiplied.

    Parameters
    ----------
    class_weight, classes
        As for `total_weights`.
    totals : callable
        Returns the sum of the sample weights of each class, in any unit.
    """
    if class_weight is None:
        return np.ones(2)
    if class_weight == "balanced":
        shares = totals()
        return np.asarray(0.5 * shares.sum() / shares)
    return _given_weights(class_weight, classes.tolist())


def totals_of_labels(
    sample_weight: NDArray[np.float64] | None, shares: Sequence[NDArray[Any]]
) -> NDArray[np.float64]:
    """Return the sum of the sample weights of each class, in units of the largest.

    `shares` are those of each row in each class.
    """
    # The sum of huge weights overflows.
    s = np.ones(1) if sample_weight is None else sample_weight / sample_weight.max()
    return np.array([np.sum(s * share) for share in shares])


def shrinkage(total: float, n_features: int) -> float:
    """Return the share by which labels are shrunk, given the sum of the weights.

    A label q becomes α q + (1 - α) / 2, with α = n / (n + p), n the sum of the weights
    and p the number of features; the share is 1 - α. Cross entropy of these labels is
    the negative log likelihood with the conjugate prior of Diaconis and Ylvisaker [1]_.

    References
    ----------
    .. [1] T. Rigon, E. Aliverti (2023). Conjugate priors and bias reduction for
       logistic regression models. Statistics & Probability Letters 202, 109901.
    """
    return n_features / (total + n_features)


def shrunk_by(
    share: float, p_other: NDArray[np.float64] | None, n_samples: int
) -> NDArray[np.float64]:
    """Return labels that are shrunk toward one half by a share, see `shrinkage`.

    A label is given by the probability of the less probable class; None if all are 0.
    """
    shrunk = np.full(n_samples, 0.5 * share)
    return shrunk if p_other is None else shrunk + (1.0 - share) * p_other


def total_weights(
    class_weight: Any,
    sample_weight: NDArray[np.float64] | None,
    classes: NDArray[Any],
    signs: NDArray[np.int8],
    *,
    free_bias: bool = False,
) -> NDArray[np.float64]:
    """Return the sample weights times the class weights.

    "balanced" gives both classes the same sum of weights and keeps the total sum of the
    sample weights. A row of weight 2 counts as two rows.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
    sample_weight : ndarray of shape (n_samples,) or None
        Not negative, and not 0 for all rows.
    classes : ndarray of shape (2,)
    signs : ndarray of shape (n_samples,), of int8
        As `encode_labels` returns them.
    free_bias : bool, default=False
        Whether the model has a bias without a penalty. If so, both classes must have a
        positive weight: otherwise the loss has no minimum in the bias.

    Returns
    -------
    ndarray of shape (n_samples,), or (1,) if all weights are one

    Raises
    ------
    ValueError
        If all rows of a class have weight 0, and `free_bias` is True or `class_weight`
        is "balanced". If `class_weight` has a key that is not a label, and a label has
        no key. If all products of sample weight and class weight in a class underflow,
        or one overflows.
    """
    if class_weight is None and sample_weight is None:
        return np.ones(1)
    largest = np.ones(2)  # the largest sample weight of each class
    members = signs < 0, signs > 0
    if sample_weight is not None:
        largest = np.array([sample_weight.max(where=m, initial=0.0) for m in members])
        _check_both_weighted(largest, classes, class_weight, free_bias)
        if class_weight is None:
            return sample_weight
    totals = partial(totals_of_labels, sample_weight, members)
    per_class = class_factors(class_weight, classes, totals)
    _check_range(per_class, largest)
    weights = per_class[members[1].astype(np.intp)]
    return weights if sample_weight is None else weights * sample_weight


def _check_range(per_class: NDArray[np.float64], largest: NDArray[np.float64]) -> None:
    """Raise a ValueError if the weights of a class underflow or overflow."""
    products = (per_class * largest)[largest > 0.0]
    if not (products.min() > 0.0 and products.max() < np.inf):
        raise ValueError(
            "The products of sample_weight and class_weight leave the range of "
            "float64. Divide sample_weight by its largest value and multiply C by it."
        )


def _check_both_weighted(
    largest: NDArray[np.float64],
    classes: NDArray[Any],
    class_weight: Any,
    free_bias: bool,
) -> None:
    """Raise a ValueError if a class that needs a positive weight has none."""
    if largest.all():
        return
    if class_weight == "balanced":
        remedy = "class_weight='balanced' needs a positive weight in both classes."
    elif free_bias:
        remedy = (
            "A bias without a penalty has no minimum then. Give both classes a "
            "positive weight, or set absorb_bias=True with a finite C, or "
            "fit_intercept=False with a finite C."
        )
    else:
        return
    label = classes.tolist()[int(largest.argmin())]
    raise ValueError(
        "sample_weight leaves rows of only one class: every row of class "
        f"{label!r} has weight 0. {remedy}"
    )


def _given_weights(
    class_weight: dict[Any, float], labels: list[Any]
) -> NDArray[np.float64]:
    """Return the weight of each label, 1 for a label without a key.

    Labels and keys are compared by equality: the key 1 matches the label 1.0, but not
    "1" or "01".
    """
    if not all(
        isinstance(w, Real) and 0.0 < float(w) < np.inf for w in class_weight.values()
    ):
        raise ValueError(
            f"class_weight must give each class a weight above 0, got {class_weight!r}."
        )
    missing = [label for label in labels if label not in class_weight]
    unknown = [key for key in class_weight if key not in labels]
    if missing and unknown:  # as in scikit-learn, which allows either alone
        raise ValueError(
            f"class_weight has the keys {unknown}, which are not labels in y, and no "
            f"keys for the labels {missing}."
        )
    return np.array([class_weight.get(label, 1.0) for label in labels], dtype=float)
