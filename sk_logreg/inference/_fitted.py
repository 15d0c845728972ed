"""A fitted model together with the data that it was fitted to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted, validate_data

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._compat import naming
from sk_logreg._cv import BinaryLogisticRegressionCV
from sk_logreg._design import Rows, design_of
from sk_logreg._estimator import (
    BY_JEFFREYS_PRIOR,
    BinaryLogisticRegression,
    coefficients_of,
    data_of,
    on_problem,
)
from sk_logreg._execution import thread_executor
from sk_logreg._labels import class_factors, totals_of_labels
from sk_logreg._objective import Evaluation, Objective
from sk_logreg._problem import Data, Problem
from sk_logreg._solvers._factors import TOO_MANY
from sk_logreg.inference._kinds import covariance_kind, needs_scores

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
    positive : ndarray of shape (n_samples,)
        The label of each row, 0 or 1, or the probability of the positive class.
    frequencies : ndarray of shape (n_samples,)
        The sample weights: how often each row occurs.
    per_class : ndarray of shape (2,)
        The class weights.
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
    positive: Vector
    frequencies: Vector
    per_class: Vector
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

    @cached_property
    def n_obs(self) -> float:
        """The number of observations: the sum of the sample weights."""
        return float(self.frequencies.sum())

    @cached_property
    def total(self) -> float:
        """The sum of the weights of the losses."""
        C = self.estimator.C
        return float(self.problem.unit / (C if np.isfinite(C) else 1.0))

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
    def _order(self) -> Indices:
        """The coefficient of each term; the bias is the last of the coefficients."""
        return np.roll(np.arange(self.problem.n_dof), int(self.problem.fit_intercept))

    @cached_property
    def jacobian(self) -> Matrix:
        """The derivatives of the terms by the coefficients of the problem."""
        units = np.eye(self.problem.n_dof)
        if self.problem.coordinates is None:
            return units[self._order]
        lift, origin = self.problem.lift, self.origin
        return np.array([lift(unit)[self._order] - origin for unit in units]).T

    @cached_property
    def origin(self) -> Vector:
        """The terms where the coefficients of the problem are zero."""
        return self.terms_of(np.zeros(self.problem.n_dof))

    def at_rows(self, X: Any) -> Problem:
        """Return the problem over other rows, without labels."""
        n_rows = X.shape[0]
        rows = Rows(
            design_of(X, self.problem.coordinates),
            np.ones(n_rows, dtype=np.int8),
            np.full(n_rows, 1.0 / n_rows),
        )
        return replace(self.problem, rows=rows)

    def terms_of(self, coef: Vector) -> Vector:
        """Return the terms, given coefficients of the problem."""
        return np.asarray(self.problem.lift(coef)[self._order])


def fitted_model(
    estimator: Any, X: Any, y: Any, sample_weight: Any, offset: Any, covariance: str
) -> FittedModel:
    """Return a fitted model with its data, in one pass over X.

    Raises a ValueError if they do not belong together, or if the model does not allow
    inference with this covariance.
    """
    last, transform = _last_step(estimator)
    model = _model(last)
    X = last._validated(transform(X), reset=False, ensure_all_finite=False)
    with naming("y"):
        # Of another estimator, since this would forget the names of features.
        labels = validate_data(BinaryLogisticRegression(), y=y)
    data, classes = data_of(model, X, labels, sample_weight, offset)
    if not np.array_equal(classes, last.classes_):
        raise ValueError(
            f"y has the classes {classes.tolist()}, but those of the fit are "
            f"{last.classes_.tolist()}. Pass the X and y of the fit."
        )
    penalized = _is_penalized(model, data)
    if penalized and model.l1_ratio > 0.0:
        raise ValueError(
            f"The fit has an L1 penalty (l1_ratio={model.l1_ratio:g}), which selects "
            "features by the same data; standard errors that ignore this are too "
            "small. Select the features on one part of the rows and fit them to the "
            "other part with C=np.inf, or fit all of them with l1_ratio=0."
        )
    kind = covariance_kind(covariance, model, penalized=penalized)
    soft = model.soft_labels
    positive = labels.astype(np.float64) if soft else (data.signs > 0).astype(float)
    frequencies = np.ones(len(positive))
    if sample_weight is not None:
        frequencies *= np.asarray(sample_weight, dtype=np.float64)
    names = _names(estimator, last)
    if model.fit_intercept and INTERCEPT in names:
        raise ValueError(
            f"A feature is called {INTERCEPT!r}, as the bias is. Give it another name."
        )
    _check_bounds(model, data, names)

    def at_fit(problem: Problem) -> FittedModel:
        coef = problem.lower(coefficients_of(model))
        point, scores = evaluated(Objective(problem, executor), coef, kind, per_class)
        return FittedModel(
            estimator=model,
            searched=isinstance(last, BinaryLogisticRegressionCV),
            refitted=getattr(last, "refit", True),
            transform=transform,
            terms=(INTERCEPT, *names) if model.fit_intercept else names,
            data=data,
            problem=problem,
            positive=positive,
            frequencies=frequencies,
            per_class=per_class,
            covariance=kind,
            point=point,
            scores=scores,
        )

    totals = partial(totals_of_labels, frequencies, positive)
    per_class = class_factors(model.class_weight, classes, totals)
    with thread_executor() as executor, np.errstate(all="ignore"):
        return on_problem(model, data, executor, at_fit)


def evaluated(
    objective: Objective, coef: Vector, covariance: str, per_class: Vector
) -> tuple[Evaluation, Matrix | None]:
    """Return f with its Hessian, and the scores if the covariance needs them.

    In one pass over X.
    """
    if needs_scores(covariance):
        return objective.evaluate_with_scores(coef, per_class)
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
    check_is_fitted(last)
    if last.coef_.shape[1] >= TOO_MANY:
        raise ValueError(
            f"estimator has {last.coef_.shape[1]} features. The covariance matrix is "
            f"for fewer than {TOO_MANY}."
        )
    return last, transform


def _same(X: Any) -> Any:
    return X


def _model(last: BinaryLogisticRegression) -> BinaryLogisticRegression:
    """Return a copy of a fitted classifier, with the C and l1_ratio of its search."""
    params = last.get_params(deep=False)
    if isinstance(last, BinaryLogisticRegressionCV):
        params |= {"C": last.C_, "l1_ratio": last.l1_ratio_}
    names = BinaryLogisticRegression._get_param_names()
    model = BinaryLogisticRegression(
        **{name: params[name] for name in names if name in params}
    )
    fitted = {name: value for name, value in vars(last).items() if name[-1] == "_"}
    model.__dict__ |= fitted
    return model


def _names(estimator: Any, last: Any) -> tuple[str, ...]:
    """Return the names of the features that the classifier receives."""
    if estimator is not last and len(estimator) > 1:
        with suppress(AttributeError, ValueError):  # a step has no names
            return tuple(map(str, estimator[:-1].get_feature_names_out()))
    default = [f"x{j}" for j in range(last.n_features_in_)]
    return tuple(map(str, getattr(last, "feature_names_in_", default)))


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
