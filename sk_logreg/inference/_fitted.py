"""A fitted model together with the data that it was fitted to."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._compat import check_features, check_labels
from sk_logreg._cv import BinaryLogisticRegressionCV, chosen_model
from sk_logreg._dask import is_dask, partitioned_data
from sk_logreg._design import Clusters, Rows
from sk_logreg._design._map import Function
from sk_logreg._design._observations import Observations
from sk_logreg._estimator import BinaryLogisticRegression
from sk_logreg._execution import ThreadExecutor, thread_executor
from sk_logreg._fit import (
    BY_JEFFREYS_PRIOR,
    check_classes,
    coefficients_of,
    data_of,
    on_problem,
)
from sk_logreg._labels import class_factors, totals_of_labels
from sk_logreg._objective import Evaluation, Objective, RowVector, evaluate_with_scores
from sk_logreg._problem import Data, Problem
from sk_logreg._solvers._factors import TOO_MANY
from sk_logreg.inference._kinds import covariance_kind, needs_scores
from sk_logreg.inference._terms import clusters_in_memory

#: The name of the bias among the terms.
INTERCEPT = "intercept"


@dataclass(frozen=True, eq=False)
class FittedModel:
    """A fitted model, its data, and the objective at its coefficients.

    Attributes
    ----------
    estimator : BinaryLogisticRegression
        With the `C` and `l1_ratio` that a search chose, if there was one.
    searched : bool
        Whether a search chose C.
    refitted : bool
        Whether the coefficients are those of a fit to all rows.
    transform : callable
        Takes the X of the user and returns that of the estimator.
    terms : tuple of str
        "intercept", if there is one, and the names of the features.
    observed : Observations
        What the weights and the labels of the rows say of the observations.
    clusters : Clusters or None
        The clusters of the rows, if the covariance is over clusters.
    covariance : str
        The kind of the covariance matrix.
    point : Evaluation
        The objective of the problem at the coefficients, with its Hessian.
    scores : ndarray of shape (n_dof, n_dof) or None
        The Gram matrix of the scores, if the covariance needs it.
    """

    estimator: BinaryLogisticRegression
    searched: bool
    refitted: bool
    transform: Callable[[Any], Any]
    terms: tuple[str, ...]
    data: Data
    problem: Problem
    observed: Observations
    clusters: Clusters | None
    covariance: str
    point: Evaluation
    scores: Matrix | None

    @contextmanager
    def objective(self, problem: Problem | None = None) -> Iterator[Objective]:
        """Yield the objective of this problem, or of another, and its threads."""
        with thread_executor() as executor, np.errstate(all="ignore"):
            yield Objective(self.problem if problem is None else problem, executor)

    @property
    def hessian(self) -> Matrix:
        """The Hessian of the problem at the coefficients."""
        assert self.point.hessian is not None
        return self.point.hessian

    def over_rows(
        self,
        function: Function,
        vectors: Sequence[RowVector] = (),
        args: tuple[Any, ...] = (),
        *,
        n_kept: int = 0,
        read: bool = False,
    ) -> tuple[list[Any], list[RowVector]]:
        """Apply a function of a map to the rows, see `sk_logreg._design._map`.

        With `read`, the function also receives the blocks of X.
        """
        run = self.problem.rows.read if read else self.problem.rows.scan
        with thread_executor() as executor, np.errstate(all="ignore"):
            return run(executor, function, vectors, args, n_kept=n_kept)

    @property
    def partitioned(self) -> bool:
        """Whether the rows are in partitions, outside the memory of this process."""
        return self.problem.rows.partitioned

    @property
    def n_obs(self) -> float:
        """The number of observations: the sum of the sample weights."""
        return self.observed.n_obs

    @property
    def total(self) -> float:
        """The sum of the weights of the losses."""
        return self.observed.total

    @property
    def penalized(self) -> bool:
        """Whether some coefficient has a penalty."""
        return bool(self.problem.penalty.curvature.any())

    @property
    def by_likelihood(self) -> bool:
        """Whether the loss is the negative log likelihood of the labels."""
        return self.estimator.loss == "cross_entropy"

    @property
    def bias_reduction(self) -> str | None:
        """How the bias of the coefficients is reduced, None if it is not."""
        return self.estimator.bias_reduction

    @property
    def has_jeffreys_prior(self) -> bool:
        """Whether the likelihood is penalized as by D. Firth."""
        return self.bias_reduction in BY_JEFFREYS_PRIOR

    def is_refitted(self, terms: Any) -> bool:
        """Return whether the intercept is among some terms and was refitted."""
        first = self.terms[0] == INTERCEPT and 0 in terms
        return bool(first and self.bias_reduction == "flic")

    @cached_property
    def order(self) -> Indices:
        """The coefficient of each term; the bias is the last of the coefficients."""
        return np.arange(self.problem.n_dof) - self.problem.fit_intercept

    @cached_property
    def jacobian(self) -> Matrix:
        """The derivatives of the terms by the coefficients of the problem."""
        units = np.eye(self.problem.n_dof)
        if self.problem.coordinates is None:
            return units[self.order]
        lift, origin = self.problem.lift, self.origin
        return np.array([lift(unit)[self.order] - origin for unit in units]).T

    @cached_property
    def origin(self) -> Vector:
        """The terms where the coefficients of the problem are zero."""
        return self.terms_of(np.zeros(self.problem.n_dof))

    def terms_of(self, coef: Vector) -> Vector:
        """Return the terms, given coefficients of the problem."""
        return np.asarray(self.problem.lift(coef)[self.order])


@contextmanager
def fitted_model(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    offset: Any,
    groups: Any,
    covariance: str,
) -> Iterator[FittedModel]:
    """Yield a fitted model with its data, while BLAS is limited to one thread.

    In one pass over X, and one more over partitions, which are checked first. Raises a
    ValueError if they do not belong together, or if the model does not allow inference
    with this covariance.
    """
    last, transform = _last_step(estimator)
    model, names = chosen_model(last), _names(estimator, last)
    if model.fit_intercept and INTERCEPT in names:
        raise ValueError(
            f"A feature is called {INTERCEPT!r}, as the bias is. Give it another name."
        )
    given = {"X": transform(X), "y": y, "sample_weight": sample_weight}
    given |= {"offset": offset, "groups": groups}
    with thread_executor() as executor, np.errstate(all="ignore"):
        find = _in_partitions if is_dask(given["X"]) else _in_memory
        data, observed, clusters_of = find(last, model, given, executor)
        kind = _checked_kind(model, data, names, covariance)

        def at_fit(problem: Problem) -> FittedModel:
            total = problem.unit / (model.C if np.isfinite(model.C) else 1.0)
            seen = replace(observed, total=float(total), shrunk=data.shrunk)
            coef = problem.lower(coefficients_of(model))
            objective = Objective(problem, executor)
            point, scores = evaluated(objective, coef, kind, seen.per_class)
            return FittedModel(
                estimator=model,
                searched=isinstance(last, BinaryLogisticRegressionCV),
                refitted=getattr(last, "refit", True),
                transform=transform,
                terms=(INTERCEPT, *names) if model.fit_intercept else names,
                data=data,
                problem=problem,
                observed=seen,
                clusters=clusters_of(problem.rows),
                covariance=kind,
                point=point,
                scores=scores,
            )

        yield on_problem(model, data, executor, at_fit)


#: The data, what is known of the observations, and what finds the clusters of the rows.
_Found = tuple[Data, Observations, Callable[[Rows], Clusters | None]]


def _in_partitions(
    last: Any,
    model: BinaryLogisticRegression,
    given: dict[str, Any],
    executor: ThreadExecutor,
) -> _Found:
    """Return what is found of the partitions of dask collections."""
    data, classes = partitioned_data(model, given, executor, reset=False)
    check_classes(classes, last)
    assert data.observed is not None
    return data, data.observed, data.clusters


def _in_memory(
    last: Any,
    model: BinaryLogisticRegression,
    given: dict[str, Any],
    executor: ThreadExecutor,
) -> _Found:
    """Return what is found of data in memory."""
    del executor
    X, y, sample_weight, offset, groups = given.values()
    X = check_features(X, last, reset=False, finite=False)
    labels = check_labels(y, last)
    data, classes = data_of(model, X, labels, sample_weight, offset)
    check_classes(classes, last)
    weights, n_obs, weighted = None, float(len(labels)), False
    if sample_weight is not None:
        weights = np.ones(len(labels)) * np.asarray(sample_weight, dtype=np.float64)
        n_obs, weighted = float(weights.sum()), bool((weights != 1.0).any())

    def totals() -> Vector:
        q = labels if model.soft_labels else data.signs > 0
        return totals_of_labels(weights, (1.0 - q, q))

    per_class = class_factors(model.class_weight, classes, totals)
    find = partial(clusters_in_memory, groups, X)
    return data, Observations(n_obs, weighted, per_class), find


def _checked_kind(
    model: BinaryLogisticRegression, data: Data, names: tuple[str, ...], covariance: str
) -> str:
    """Return the kind of the covariance matrix.

    A ValueError if the penalty, the bounds or the covariance allow no inference.
    """
    penalized = _is_penalized(model, data)
    if penalized and model.l1_ratio > 0.0:
        raise ValueError(
            f"The fit has an L1 penalty (l1_ratio={model.l1_ratio:g}), which selects "
            "features by the same data; standard errors that ignore this are too "
            "small. Select the features on one part of the rows and fit them to the "
            "other part with C=np.inf, or fit all of them with l1_ratio=0."
        )
    kind = covariance_kind(covariance, model, penalized=penalized)
    _check_bounds(model, data, names)
    return kind


def evaluated(
    objective: Objective, coef: Vector, covariance: str, per_class: Vector
) -> tuple[Evaluation, Matrix | None]:
    """Return f with its Hessian, and the scores if the covariance needs them.

    In one pass over X.
    """
    if needs_scores(covariance):
        return evaluate_with_scores(objective, coef, per_class)
    return objective.evaluate(coef, hessian=True), None


def _last_step(estimator: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Return the classifier of a pipeline, or itself, and what transforms its X."""
    last, transform = estimator, _same
    if isinstance(estimator, Pipeline):
        last = estimator[-1]
        if len(estimator) > 1:
            transform = estimator[:-1].transform
    if not isinstance(last, BinaryLogisticRegression):
        raise TypeError(
            "estimator must be a BinaryLogisticRegression, a "
            "BinaryLogisticRegressionCV or a pipeline that ends in one, got "
            f"{type(last).__name__}. After a search, pass its best_estimator_."
        )
    if not hasattr(last, "coef_"):
        check_is_fitted(last)  # raises the error
    if last.coef_.shape[1] >= TOO_MANY:
        raise ValueError(
            f"estimator has {last.coef_.shape[1]} features. The covariance matrix is "
            f"for fewer than {TOO_MANY}."
        )
    return last, transform


def _same(X: Any) -> Any:
    return X


def _names(estimator: Any, last: Any) -> tuple[str, ...]:
    """Return the names of the features that the classifier receives."""
    if estimator is not last and len(estimator) > 1:
        with suppress(AttributeError, ValueError):  # a step has no names
            return tuple(map(str, estimator[:-1].get_feature_names_out()))
    if hasattr(last, "feature_names_in_"):
        return tuple(map(str, last.feature_names_in_))
    return tuple(f"x{j}" for j in range(last.n_features_in_))


def _is_penalized(model: BinaryLogisticRegression, data: Data) -> bool:
    """Return whether some coefficient has a penalty."""
    factor = data.penalty_factor
    some = factor is None or factor.any() or model.absorb_bias
    return bool(np.isfinite(model.C) and some)


def _check_bounds(
    model: BinaryLogisticRegression, data: Data, names: tuple[str, ...]
) -> None:
    """Raise a ValueError if a weight is at a bound."""
    if data.bounds is None:
        return
    w, (lower, upper) = coefficients_of(model)[: data.X.shape[1]], data.bounds
    at_bound = np.flatnonzero((w <= lower) | (w >= upper))
    if len(at_bound):
        raise ValueError(
            f"The weights of {', '.join(names[j] for j in at_bound)} are at their "
            "bounds, where standard errors mean nothing. Drop these features or widen "
            "bounds."
        )
