"""The estimator: validate, encode the labels, delegate, unpack. No numerics."""

import warnings
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, log_expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning, InconsistentVersionWarning
from sklearn.utils import (
    assert_all_finite,
    check_consistent_length,
    check_random_state,
)
from sklearn.utils.validation import check_is_fitted, validate_data

from sk_logreg import __version__
from sk_logreg._compat import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    check_sample_weight,
    fit_context,
    naming,
)
from sk_logreg._design import coordinates_of, design_of
from sk_logreg._labels import encode_labels, total_weights
from sk_logreg._listeners import listening
from sk_logreg._objective import NotFiniteError, Objective
from sk_logreg._solvers import (
    SOLVERS,
    Journal,
    Listener,
    Solution,
    choose_solver,
    most_starts,
    solve_from_starts,
)
from sk_logreg._status import CONVERGED, Status, ended_by_rounding
from sk_logreg._threads import Workers, workers
from sk_logreg.losses import LOSSES

# The more columns it takes to separate the classes, the less their names say.
_MOST_NAMES = 20


def has_free_bias(estimator: "BinaryLogisticRegression") -> bool:
    """Return whether an estimator has a bias, free of any penalty."""
    absorbed = estimator.absorb_bias and np.isfinite(estimator.C)
    return estimator.fit_intercept and not absorbed


def objective_of(
    estimator: "BinaryLogisticRegression",
    X: Any,
    signs: NDArray[np.int8],
    weights: NDArray[np.float64],
    team: Workers,
    *,
    as_given: bool = False,
    every_row: bool = False,
) -> Objective:
    """Return the objective that an estimator minimizes on validated data.

    Its points are coefficients of the features in coordinates that lose no digits:
    its `lower` and `lift` lead there and back.

    Parameters
    ----------
    estimator : BinaryLogisticRegression
        Whose parameters count.
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
    signs : ndarray of shape (n_samples,), of int8
        1 for the rows of the positive class, -1 for the others.
    weights : ndarray of shape (n_samples,) or (1,)
        Sample weight times class weight.
    team : Workers
        Who evaluates it.
    as_given : bool, default=False
        If True, its points are the coefficients of the features as they are.
    every_row : bool, default=False
        Whether to look for values too large in all rows, and not in a few.

    Returns
    -------
    Objective
    """
    coordinates = None
    if not as_given:
        coordinates = coordinates_of(
            X,
            weights,
            centered=has_free_bias(estimator),
            penalized=bool(np.isfinite(estimator.C)),
            every_row=every_row,
        )
    return Objective(
        design_of(X, coordinates),
        signs,
        weights,
        loss=LOSSES[estimator.loss],
        C=estimator.C,
        fit_intercept=estimator.fit_intercept,
        absorb_bias=estimator.absorb_bias,
        workers=team,
        coordinates=coordinates,
    )


class BinaryLogisticRegression(ClassifierMixin, CallbackSupportMixin, BaseEstimator):
    r"""Logistic regression for two classes, fitted to a certified optimum.

    The probability of ``classes_[1]`` is modelled as
    :math:`\hat y = \sigma(w^T x + b)`, with w and b the minimum of

    .. math::
        F(w, b) = C \sum_i s_i L(\hat y_i, y_i) + \tfrac12 \|w\|^2

    where L is cross entropy, which is convex, or half the squared error (the Brier
    score, halved), which is not, and :math:`s_i` is the sample weight times the class
    weight. With cross entropy this is the objective of
    :class:`~sklearn.linear_model.LogisticRegression`. No scaling of the features is
    needed for convergence.

    Parameters
    ----------
    loss : {"cross_entropy", "squared_error"}, default="cross_entropy"
        The loss L, see :mod:`sk_logreg.losses`.
    C : float, default=1.0
        Weight of the losses against the penalty: smaller values penalize more. Must
        be positive; ``np.inf`` drops the penalty.
    fit_intercept : bool, default=True
        Whether there is a bias b.
    absorb_bias : bool, default=False
        Whether the bias is absorbed into the weights, as :math:`w_0` with
        :math:`x_0 = 1`, and so falls under the penalty like the others. Otherwise the
        bias is free. Without a penalty the two agree.
    class_weight : dict or "balanced", default=None
        Weights of the classes, ``{label: weight}``, each above 0. Labels and keys are
        compared by equality; a label without a key weighs 1. "balanced" gives both
        classes the same total weight. By default all weights are one.
    solver : {"auto", "newton-cholesky", "newton-cg"}, default="auto"
        Newton's method with a Cholesky factor of the Hessian, for up to a few
        thousand features, or with preconditioned conjugate gradients, for more and
        for wide sparse data. "auto" picks by the cost of each.
    tol : float, default=1e-8
        The fit ends when the bound on the relative suboptimality,
        :math:`(F - F^*) / F`, is at or below `tol`. It means the same for every
        solver, scale of X, C and number of rows. Below 1e-9 the coefficients are
        refined too, to nearly all of their digits.
    max_iter : int, default=100
        Iterations allowed from each start. With 0 the start is returned.
    n_init : int, default=1
        How hard to look for the lowest minimum of the squared error, which may have
        several. With 1 it starts from zero, from the minimum of cross entropy and from
        other points that promise well; each further one draws directions at random
        and starts from the best of them, at several lengths. Cross entropy has one
        minimum and ignores it.
    warm_start : bool, default=False
        Whether to start from the coefficients of the last fit, if the objective is
        lower there than at zero.
    random_state : int, RandomState instance or None, default=None
        Draws the extra starts of `n_init`. Nothing else is random.
    verbose : int, default=0
        If positive, each iteration is logged to the logger ``"sk_logreg"``.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features)
        The weights w; float32 if X is, unless its columns are so far from zero that
        this would cost more than `tol`.
    intercept_ : ndarray of shape (1,)
        The bias b; 0 if `fit_intercept` is False.
    classes_ : ndarray of shape (2,)
        The labels; ``classes_[1]`` is the positive class, y = 1.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in `fit`, where all are strings.
    n_iter_ : ndarray of shape (1,)
        Number of iterations, over all starts.
    converged_ : bool
        Whether the coefficients are those of a minimum, to within `tol` or to within
        rounding.
    status_ : Status
        How the fit ended: a ``word``, a ``sentence`` and, if need be, a ``remedy``.
    objective_ : float
        F at the solution; without a penalty, :math:`\sum_i s_i L_i`.
    cost_ : float
        J at the solution: the mean of the losses, weighted by s.
    optimality_gap_ : float
        Bound on :math:`(F - F^*) / F` at the solution; 1 where none is known. For
        cross entropy F* is the minimum, and the bound charges all that the last step
        left of its Newton system. For the squared error F* is the minimum over
        `optimality_scope_` and the bound is estimated by half the squared Newton
        decrement. At most `tol` if `converged_`, unless ``status_.word`` is
        "rounding".
    optimality_scope_ : {"global", "region", "local"}
        What the minimum is known to be the lowest of. "global": of all, for F is
        convex, or as good as that. "region": of all coefficients that give no row a
        margin :math:`(2y - 1) z` below :math:`-\log 2`, over which F is convex.
        "local": of those nearby; `n_init` looks further.
    curvature_ratio_ : float
        For the squared error, the smallest eigenvalue of the Hessian at the solution
        over the largest, with rows and columns scaled to a unit diagonal: positive at
        a minimum. NaN where that is not known, and for cross entropy.
    starts_ : list of StartRecord
        For the squared error, each start: its ``origin``, F there
        (``start_objective``), and the ``objective``, ``coef`` (the bias last) and
        ``status`` where it ended, and which ``minimum`` that is, by number.
    n_minima_ : int
        Number of different minima that the starts led to.
    history_ : list of IterationRecord
        A record an iteration: ``objective``, ``gradient_norm``, ``decrement``,
        ``step``, ``rows_used``, ``reads`` of X so far, ``seconds``.

    See Also
    --------
    sklearn.linear_model.LogisticRegression : More classes, more penalties.

    Notes
    -----
    Results are identical from run to run for a given number of threads.

    The optimality gap of cross entropy is a duality gap. From a Newton step follows a
    feasible point of the dual problem, as in [1]_, which bounds the minimum from
    below.

    Without a penalty there is no minimum where a hyperplane separates the classes, be
    it but for rows on the hyperplane. Linear programs decide whether one does; then
    ``status_.word`` is "separable" or "quasi_separable", and the warning names columns
    that do it by themselves. Where columns are constant or combinations of others the
    probabilities are unique but the weights are not; columns that repeat one another
    then get equal parts of z, a column of zeros, or a constant one beside a bias, the
    weight 0.

    References
    ----------
    .. [1] H.-F. Yu, F.-L. Huang, C.-J. Lin (2011). Dual coordinate descent methods for
       logistic regression and maximum entropy models. Machine Learning 85, 41-75.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sk_logreg import BinaryLogisticRegression
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = BinaryLogisticRegression().fit(X, y)
    >>> model.converged_, model.optimality_gap_ <= 1e-8
    (True, True)
    >>> round(model.score(X, y), 3)
    0.958
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "loss": [StrOptions(set(LOSSES))],
        "C": [Interval(Real, 0, None, closed="right")],
        "fit_intercept": ["boolean"],
        "absorb_bias": ["boolean"],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "solver": [StrOptions({"auto", *SOLVERS})],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        loss: str = "cross_entropy",
        C: float = 1.0,
        fit_intercept: bool = True,
        absorb_bias: bool = False,
        class_weight: dict[Any, float] | str | None = None,
        solver: str = "auto",
        tol: float = 1e-8,
        max_iter: int = 100,
        n_init: int = 1,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        self.loss = loss
        self.C = C
        self.fit_intercept = fit_intercept
        self.absorb_bias = absorb_bias
        self.class_weight = class_weight
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.n_init = n_init
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the model.

        A fit that an error or an interrupt breaks off leaves the estimator as it was.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The examples, one a row. Float64 and float32 are used as they are, dense
            arrays in any memory layout without a copy, sparse ones as CSR.
        y : array-like of shape (n_samples,)
            The labels, of two values.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative. By default each is one.

        Returns
        -------
        self : BinaryLogisticRegression
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument does not have the form asked for, or X, y or the weights
            are not finite, or there are not two classes, or a class has no weight
            where the bias is free.

        Warns
        -----
        ConvergenceWarning
            If no minimum was reached; the message says why and what to do.
        """
        if self.absorb_bias and not self.fit_intercept:
            raise ValueError(
                "absorb_bias=True needs a bias to absorb, but fit_intercept=False. Set "
                "fit_intercept=True, or absorb_bias=False."
            )
        before = {k: v for k, v in vars(self).items() if k.endswith("_")}
        try:
            self._fit(X, y, sample_weight)
            if not self.converged_:
                # The level of the caller, above scikit-learn's wrapper of this method.
                warnings.warn(self._complaint(), ConvergenceWarning, stacklevel=3)
        except BaseException:  # an interrupt too
            others = {k: v for k, v in vars(self).items() if not k.endswith("_")}
            self.__dict__ = others | before
            raise
        return self

    # A sum that is not finite raises an error of its own, see `_solved`. The rest of
    # what the caller's error state would raise or warn of is harmless.
    @np.errstate(all="ignore")
    def _fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None) -> None:
        """Fit the model, setting attributes on the way."""
        with naming("y"):
            labels = validate_data(self, y=y)
        # Checked to be finite by the first gradient, not by a pass of its own.
        X = self._validated(X, ensure_all_finite=False)
        with naming("X and y"):
            check_consistent_length(X, labels)
        with naming("y"):
            classes, signs = encode_labels(labels)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X)
        weights = total_weights(
            self.class_weight,
            sample_weight,
            classes,
            signs,
            free_bias=has_free_bias(self),
        )
        loss = LOSSES[self.loss]
        n_runs = 1 if loss.convex else most_starts(self.n_init)
        with (
            workers() as team,
            listening(
                self,
                X,
                labels,
                sample_weight,
                classes=classes,
                max_iterations=self.max_iter * n_runs,
                verbose=self.verbose,
            ) as listeners,
        ):
            objective, solution, journal = self._solved(
                X, signs, weights, team, listeners
            )
            self.classes_ = classes
            self._unpack(solution, objective, journal, X.dtype)

    def _solved(
        self,
        X: Any,
        signs: NDArray[np.int8],
        weights: NDArray[np.float64],
        team: Workers,
        listeners: list[Listener],
    ) -> tuple[Objective, Solution, Journal]:
        """Return the objective on validated data, where it is least, and the log.

        Values so large that sums overflow are scaled down and tried again.
        """
        for every_row in (False, True):
            journal = Journal(self.max_iter, listeners)
            objective = objective_of(self, X, signs, weights, team, every_row=every_row)
            name = choose_solver(objective) if self.solver == "auto" else self.solver
            try:
                solution = solve_from_starts(
                    objective,
                    SOLVERS[name],
                    journal,
                    tol=self.tol,
                    previous=self._previous(objective),
                    n_init=self.n_init,
                    random_state=check_random_state(self.random_state),
                )
            except NotFiniteError:
                assert_all_finite(X, estimator_name=type(self).__name__, input_name="X")
            else:
                return objective, solution, journal
        raise ValueError(
            "X holds values so large that sums of their squares overflow. Divide its "
            "columns by their largest values."
        )

    def _validated(self, X: Any, **options: bool) -> Any:
        """Return X as an array or CSR, of float64 or float32."""
        precisions = [np.float64, np.float32]
        with naming("X"):
            return validate_data(
                self, X, accept_sparse="csr", dtype=precisions, **options
            )

    def _previous(self, objective: Objective) -> NDArray[np.float64] | None:
        """Return the coefficients of the last fit, if it is to be gone on from."""
        if not (self.warm_start and hasattr(self, "coef_")):
            return None
        n_features = objective.design.n_features
        if self.coef_.shape != (1, n_features):
            raise ValueError(
                f"warm_start=True goes on from coefficients of {self.coef_.shape[1]} "
                f"features, but X has {n_features}."
            )
        parts = (self.coef_[0], self.intercept_) if self.fit_intercept else self.coef_
        return objective.lower(np.concatenate(parts).astype(np.float64))

    def _unpack(
        self,
        solution: Solution,
        objective: Objective,
        journal: Journal,
        dtype: np.dtype[Any],
    ) -> None:
        """Set the fitted attributes."""
        point, status, gap = solution.point, solution.status, solution.gap
        # Excesses add up as norms do, whose squares they are.
        accuracy = max(0.0, np.sqrt(self.tol) - np.sqrt(gap)) ** 2 * point.value
        w, b, excess = objective.stated(point, dtype, accuracy)
        if excess > accuracy:  # too coarse a format
            w, b, excess = objective.stated(point, np.dtype(np.float64), accuracy)
        if excess > 0.0:
            gap = min(1.0, float(np.sqrt(gap) + np.sqrt(excess / point.value)) ** 2)
        if status is CONVERGED and gap > self.tol:
            status = ended_by_rounding(gap)
        status = self._naming(status, solution.columns)
        self.coef_ = w[None, :]
        self.intercept_ = np.array([b], dtype=w.dtype)
        self.n_iter_ = np.array([len(journal.records)], dtype=np.int32)
        self.converged_ = status.converged
        self.status_ = status
        self.objective_ = objective.in_user_units(point.value)
        self.cost_ = point.loss
        self.optimality_gap_ = gap
        self.optimality_scope_ = solution.scope
        self.curvature_ratio_ = solution.curvature_ratio
        self.starts_ = list(solution.starts)
        self.n_minima_ = 1 + max((s.minimum for s in solution.starts), default=0)
        self.history_ = journal.records

    def _complaint(self) -> str:
        """Return what a fit that did not converge warns of."""
        return (
            f"{type(self).__name__} did not converge. {self.status_.sentence} (After "
            f"{self.n_iter_[0]} iterations, the bound is {self.optimality_gap_:.1e} "
            f"and tol={self.tol:g}.) {self.status_.remedy}"
        )

    def _naming(self, status: Status, columns: tuple[int, ...]) -> Status:
        """Return a status whose sentence names the columns behind it."""
        if not columns:
            return status
        known = getattr(self, "feature_names_in_", None)
        names = [str(j) if known is None else repr(str(known[j])) for j in columns]
        listed = ", ".join(names[:_MOST_NAMES])
        if len(names) > _MOST_NAMES:
            listed += f" and {len(names) - _MOST_NAMES} more"
        which = (
            "This column alone does" if len(names) == 1 else "These columns alone do"
        )
        sentence = f"{status.sentence} {which} it: {listed}."
        return replace(status, sentence=sentence)

    @property
    def weights_(self) -> NDArray[np.floating]:
        """Ndarray of shape (n_features + 1,): the bias w₀ = b, then the weights."""
        check_is_fitted(self)
        return np.concatenate([self.intercept_, self.coef_[0]])

    @np.errstate(under="ignore")
    def decision_function(self, X: Any) -> NDArray[np.floating]:
        """Return the linear prediction, z = wᵀx + b.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        z : ndarray of shape (n_samples,)
            Positive where ``classes_[1]`` is the more probable: its log odds.
        """
        check_is_fitted(self)
        X = self._validated(X, reset=False)
        return X @ self.coef_[0] + self.intercept_[0]

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the more probable label.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Labels out of `classes_`; ``classes_[0]`` where both are as probable.
        """
        positive = self.decision_function(X) > 0.0
        return self.classes_[positive.astype(np.intp)]

    def predict_proba(self, X: Any) -> NDArray[np.floating]:
        """Return the probability of each class.

        Each is computed from z itself, so that small ones keep all their digits.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        probabilities : ndarray of shape (n_samples, 2)
            Columns in the order of `classes_`.
        """
        z = self.decision_function(X)
        return expit(np.column_stack([-z, z]))

    def predict_log_proba(self, X: Any) -> NDArray[np.floating]:
        """Return the logarithm of the probability of each class.

        Finite for every finite z, since no probability is formed on the way.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, 2)
            Columns in the order of `classes_`.
        """
        z = self.decision_function(X)
        return log_expit(np.column_stack([-z, z]))

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: the attributes, and the version they come from."""
        return {**super().__getstate__(), "_sk_logreg_version": __version__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what was pickled; warn, as scikit-learn does, of another version."""
        version = state.pop("_sk_logreg_version", "unknown")
        if version != __version__:
            warnings.warn(
                InconsistentVersionWarning(
                    estimator_name=type(self).__name__,
                    current_sklearn_version=__version__,
                    original_sklearn_version=version,
                ),
                stacklevel=2,
            )
        super().__setstate__(state)

    def __sklearn_tags__(self) -> Any:
        """Say what the estimator takes."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_class = False
        # Without a bias the boundary goes through the origin, wherever the classes lie.
        tags.classifier_tags.poor_score = not self.fit_intercept
        return tags
