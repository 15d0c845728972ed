"""From the data of a user and the parameters of an estimator to a solution."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_consistent_length, check_random_state

from sk_logreg._arguments import check_offset, column_parameters
from sk_logreg._arrays import Vector
from sk_logreg._compat import check_features, check_labels, check_sample_weight, naming
from sk_logreg._dask import is_dask, partitioned_data
from sk_logreg._execution import ThreadExecutor
from sk_logreg._labels import (
    encode_labels,
    encode_soft_labels,
    shrinkage,
    shrunk_by,
    soft_weights,
    total_weights,
)
from sk_logreg._log import Journal, Listener
from sk_logreg._objective import NotFiniteError, Objective
from sk_logreg._problem import Data, Problem, build_problem
from sk_logreg._solvers import SOLVERS, Solution, solve_from_starts, solve_jeffreys
from sk_logreg.losses import LOSSES

if TYPE_CHECKING:
    from sk_logreg._estimator import BinaryLogisticRegression

Result = TypeVar("Result")

#: The values of bias_reduction whose solver minimizes under Jeffreys' prior.
BY_JEFFREYS_PRIOR = ("firth", "flic")


def check_parameters(estimator: "BinaryLogisticRegression") -> None:
    """Raise a ValueError if parameters of an estimator contradict each other."""
    if estimator.absorb_bias and not estimator.fit_intercept:
        raise ValueError(
            "absorb_bias=True needs a bias to absorb, but fit_intercept=False. Set "
            "fit_intercept=True, or absorb_bias=False."
        )
    kinked = estimator.l1_ratio > 0.0 and np.isfinite(estimator.C)
    if (kinked or estimator.bounds is not None) and estimator.solver == "newton-cg":
        raise ValueError(
            "solver='newton-cg' takes no l1_ratio above 0 and no bounds. Use "
            "'auto' or 'newton-cholesky'."
        )
    if estimator.bias_reduction is not None:
        _check_bias_reduction(estimator)


def _check_bias_reduction(estimator: "BinaryLogisticRegression") -> None:
    """Raise a ValueError if parameters have no meaning with bias_reduction."""
    by_prior = estimator.bias_reduction in BY_JEFFREYS_PRIOR
    given = f"bias_reduction={estimator.bias_reduction!r}"
    for refused, reason in (
        (
            np.isfinite(estimator.C),
            f"takes the place of a penalty, but C={estimator.C:g}. Set C=np.inf",
        ),
        (
            estimator.loss != "cross_entropy",
            "corrects maximum likelihood estimates, but "
            f"loss={estimator.loss!r}. Set loss='cross_entropy'",
        ),
        (
            estimator.class_weight is not None,
            "takes weights as numbers of copies of rows, but class_weight is given. "
            "Set class_weight=None",
        ),
        (
            estimator.bias_reduction == "flic" and not estimator.fit_intercept,
            "refits the bias, but fit_intercept=False. Set fit_intercept=True, or "
            "bias_reduction='firth'",
        ),
        (
            by_prior and estimator.bounds is not None,
            "takes no bounds. Set bounds=None, or bias_reduction='mdypl'",
        ),
        (
            by_prior and estimator.solver == "newton-cg",
            "needs a factor of the Fisher information, but solver='newton-cg'. Use "
            "'auto' or 'newton-cholesky', or bias_reduction='mdypl'",
        ),
    ):
        if refused:
            raise ValueError(f"{given} {reason}, or leave bias_reduction=None.")


def validated_data(
    estimator: "BinaryLogisticRegression",
    X: Any,
    y: Any,
    sample_weight: Any,
    offset: Any,
    executor: ThreadExecutor,
) -> tuple[Data, NDArray[Any], Any]:
    """Return the data that an estimator is fitted to, the classes and the labels.

    X and y are those of a user, in memory or in partitions of dask.
    """
    if is_dask(X):
        given = {"X": X, "y": y, "sample_weight": sample_weight, "offset": offset}
        return *partitioned_data(estimator, given, executor), y
    labels = check_labels(y, estimator)
    # The first gradient shows whether X is finite, which saves a pass.
    X = check_features(X, estimator, reset=True, finite=False)
    return *data_of(estimator, X, labels, sample_weight, offset), labels


def data_of(
    estimator: "BinaryLogisticRegression",
    X: Any,
    labels: NDArray[Any],
    sample_weight: Any,
    offset: Any,
) -> tuple[Data, NDArray[Any]]:
    """Return the data that an estimator is fitted to, and the classes.

    X and labels are validated; the estimator's parameters say how labels and weights
    are read.
    """
    if X.shape[0] != len(labels):
        with naming("X and y"):
            check_consistent_length(X, labels)  # raises the error
    with naming("y"):
        if estimator.soft_labels:
            probabilities = encode_soft_labels(labels)
            classes = np.array([0, 1])
        else:
            classes, signs = encode_labels(labels)
    if sample_weight is not None:
        sample_weight = check_sample_weight(sample_weight, X)
    absorbed = estimator.absorb_bias and np.isfinite(estimator.C)
    free_bias = bool(estimator.fit_intercept and not absorbed)
    class_weight, p_other, shrunk = estimator.class_weight, None, 0.0
    if estimator.soft_labels:
        weights, signs, p_other = soft_weights(
            class_weight, sample_weight, probabilities, free_bias=free_bias
        )
    else:
        weights = total_weights(
            class_weight, sample_weight, classes, signs, free_bias=free_bias
        )
    n_samples, n_features = X.shape
    if estimator.bias_reduction == "mdypl":
        total = float(weights.sum()) * (n_samples / weights.size)
        shrunk = shrinkage(total, n_features)
        p_other = shrunk_by(shrunk, p_other, n_samples)
    offset = check_offset(offset, n_samples)
    of_columns = column_parameters(estimator, n_features)
    data = Data(X, signs, weights, offset, p_other, **of_columns, shrunk=shrunk)
    return data, classes


def problem_of(
    estimator: "BinaryLogisticRegression",
    data: Data,
    executor: ThreadExecutor,
    **options: Any,
) -> Problem:
    """Return the problem that an estimator solves on its data; see `build_problem`."""
    return build_problem(
        data,
        executor,
        loss=LOSSES[estimator.loss],
        C=estimator.C,
        l1_ratio=estimator.l1_ratio,
        fit_intercept=estimator.fit_intercept,
        absorb_bias=estimator.absorb_bias,
        **options,
    )


def on_problem(
    estimator: "BinaryLogisticRegression",
    data: Data,
    executor: ThreadExecutor,
    function: Callable[[Problem], Result],
) -> Result:
    """Return what a function returns for the problem of an estimator on its data.

    If values are so large that sums overflow, they are scaled down in a second try.
    """
    for every_row in (False, True):
        problem = problem_of(estimator, data, executor, every_row=every_row)
        try:
            return function(problem)
        except NotFiniteError:
            name = type(estimator).__name__
            data.assert_finite(name)
    raise ValueError(
        "X holds values so large that sums of their squares overflow. Divide its "
        "columns by their largest values."
    )


def solve(
    estimator: "BinaryLogisticRegression",
    data: Data,
    executor: ThreadExecutor,
    listeners: Sequence[Listener],
) -> tuple[Solution, Objective, Journal]:
    """Minimize the objective of an estimator on its data."""

    def solved(problem: Problem) -> tuple[Solution, Objective, Journal]:
        journal = Journal(estimator.max_iter, listeners)
        objective = Objective(problem, executor).in_memory()
        tol, previous = estimator.tol, _warm_start(estimator, problem)
        if estimator.bias_reduction in BY_JEFFREYS_PRIOR:
            solution = solve_jeffreys(
                objective,
                journal,
                tol=tol,
                previous=previous,
                refit_bias=estimator.bias_reduction == "flic",
            )
        else:
            solution = solve_from_starts(
                objective,
                SOLVERS[estimator.solver],
                journal,
                tol=tol,
                previous=previous,
                n_init=estimator.n_init,
                random_state=check_random_state(estimator.random_state),
            )
        return solution, objective, journal

    return on_problem(estimator, data, executor, solved)


def _warm_start(
    estimator: "BinaryLogisticRegression", problem: Problem
) -> Vector | None:
    """Return the coefficients of the last fit, if the fit starts from them."""
    if not (estimator.warm_start and hasattr(estimator, "coef_")):
        return None
    n_features = problem.n_features
    if estimator.coef_.shape != (1, n_features):
        raise ValueError(
            f"warm_start=True starts from coefficients of {estimator.coef_.shape[1]} "
            f"features, but X has {n_features}."
        )
    return problem.lower(coefficients_of(estimator))


def check_classes(classes: Any, estimator: "BinaryLogisticRegression") -> None:
    """Raise a ValueError if classes are not those that an estimator was fitted to."""
    if not np.array_equal(classes, estimator.classes_):
        raise ValueError(
            f"y has the classes {classes.tolist()}, but those of the fit are "
            f"{estimator.classes_.tolist()}. Pass the X and y of the fit."
        )


def coefficients_of(estimator: "BinaryLogisticRegression") -> Vector:
    """Return the weights, then the bias if there is one, in float64."""
    parts = [dense_weights(estimator.coef_)]
    if estimator.fit_intercept:
        parts.append(estimator.intercept_)
    return np.concatenate(parts).astype(np.float64)


def dense_weights(coef: Any) -> NDArray[np.floating]:
    """Return the weights, of shape (n_features,), also after `sparsify`."""
    return coef[0] if isinstance(coef, np.ndarray) else coef.toarray()[0]
