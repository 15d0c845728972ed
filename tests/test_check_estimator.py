"""scikit-learn's own checks, for every loss, bias, class weight and solver."""

from itertools import combinations, product

import pytest
from _reference import BIASES, LOSSES, SOLVERS
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_logreg import BinaryLogisticRegression

VALUES = (BIASES, LOSSES, (None, "balanced"), SOLVERS)


def _pairs(row):
    """Return all pairs of values in a combination, each value with its position."""
    return set(combinations(enumerate(row), 2))


def _pairwise(rows):
    """Choose combinations greedily until they cover every pair of values."""
    left, chosen = set().union(*map(_pairs, rows)), []
    while left:
        chosen.append(max(rows, key=lambda row: len(_pairs(row) & left)))
        left -= _pairs(chosen[-1])
    return chosen


PAIRWISE = _pairwise(list(product(*VALUES)))


def estimator(bias, loss, class_weight, solver):
    return BinaryLogisticRegression(
        loss=loss, class_weight=class_weight, solver=solver, **BIASES[bias]
    )


@parametrize_with_checks(
    [BinaryLogisticRegression(), *(estimator(*row) for row in PAIRWISE)]
)
def test_checks(estimator, check):
    check(estimator)


@pytest.mark.long
@parametrize_with_checks(
    [estimator(*row) for row in product(*VALUES) if row not in PAIRWISE]
)
def test_checks_of_the_remaining_combinations(estimator, check):
    check(estimator)
