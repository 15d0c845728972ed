"""scikit-learn's own checks, for every loss, bias, class weight and solver."""

from itertools import combinations, product

import pytest
from _reference import BIASES, LOSSES, SOLVERS
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_logreg import BinaryLogisticRegression

CLASS_WEIGHTS = (None, "balanced")
#: Every pair of values of two parameters is in one of these.
PAIRWISE = [
    ("cross_entropy", "free", "balanced", "newton-cg"),
    ("squared_error", "free", None, "newton-cholesky"),
    ("cross_entropy", "absorbed", None, "newton-cholesky"),
    ("squared_error", "absorbed", "balanced", "newton-cg"),
    ("cross_entropy", "none", "balanced", "newton-cholesky"),
    ("squared_error", "none", None, "newton-cg"),
]
VALUES = (LOSSES, BIASES, CLASS_WEIGHTS, SOLVERS)


def estimator(loss, bias, class_weight, solver):
    return BinaryLogisticRegression(
        loss=loss, class_weight=class_weight, solver=solver, **BIASES[bias]
    )


def test_every_pair_of_values_is_covered():
    for first, second in combinations(range(4), 2):
        covered = {(row[first], row[second]) for row in PAIRWISE}
        assert covered == set(product(VALUES[first], VALUES[second]))


@parametrize_with_checks(
    [BinaryLogisticRegression(), *(estimator(*row) for row in PAIRWISE)]
)
def test_checks(estimator, check):
    check(estimator)


@pytest.mark.long
@parametrize_with_checks(
    [estimator(*row) for row in product(*VALUES) if row not in PAIRWISE]
)
def test_checks_of_all_the_others(estimator, check):
    check(estimator)
