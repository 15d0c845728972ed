"""The estimator: its parameters and attributes, fits and predictions. No numerics."""

import warnings
from dataclasses import asdict, replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.special import expit, log_expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning, InconsistentVersionWarning
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_is_fitted

from sk_logreg import __version__
from sk_logreg._arguments import check_offset
from sk_logreg._arrays import Vector
from sk_logreg._compat import (
    CallbackSupportMixin,
    InspectedOnce,
    Interval,
    StrOptions,
    check_features,
    fit_context,
)
from sk_logreg._dask import is_dask, lazy_decision, per_row
from sk_logreg._execution import thread_executor
from sk_logreg._fit import check_parameters, dense_weights, solve, validated_data
from sk_logreg._log import Journal, listening
from sk_logreg._objective import Objective
from sk_logreg._records import (
    CONVERGED,
    IterationRecord,
    StartRecord,
    Status,
    ended_by_rounding,
)
from sk_logreg._solvers import SOLVERS, Solution, max_starts, stated
from sk_logreg.losses import LOSSES

# Maximum number of column names in the warning about separated classes.
_MAX_NAMES = 20


def _labels_at(z: Vector, classes: NDArray[Any]) -> NDArray[Any]:
    """Return the more probable labels."""
    return classes[(z > 0.0).astype(np.intp)]


def _probabilities(z: Vector) -> NDArray[np.floating]:
    """Return the probabilities of both classes."""
    return expit(np.column_stack([-z, z]))


def _log_probabilities(z: Vector) -> NDArray[np.floating]:
    """Return the logarithms of the probabilities of both classes."""
    return log_expit(np.column_stack([-z, z]))


class BinaryLogisticRegression(
    InspectedOnce, ClassifierMixin, CallbackSupportMixin, BaseEstimator
):
    r"""Logistic regression for two classes, fitted to a certified optimum.

    The probability of ``classes_[1]`` is modeled as
    :math:`\hat y = \sigma(w^T x + b)`, with w and b the minimum of

    .. math::
        F(w, b) = C \sum_i s_i L(\hat y_i, y_i)
                  + \sum_j v_j \Bigl(\rho\, |w_j - c_j|
                  + \tfrac{1 - \rho}2 (w_j - c_j)^2 \Bigr)

    where L is cross entropy, which is convex, or half the squared error (the Brier
    score, halved), which is not, and :math:`s_i` is the sample weight times the class
    weight. By default v is 1, c is 0 and ρ is 0, so that the penalty is
    :math:`\tfrac12 \|w\|^2`. With cross entropy this is the objective of
    :class:`~sklearn.linear_model.LogisticRegression`. The features need not be scaled
    for convergence. With an offset o, :math:`\hat y = \sigma(w^T x + b + o)`.

    Parameters
    ----------
    loss : {"cross_entropy", "squared_error"}, default="cross_entropy"
        The loss L, see :mod:`sk_logreg.losses`.
    C : float, default=1.0
        Weight of the losses against the penalty: smaller values penalize more. Must
        be positive; ``np.inf`` drops the penalty, but not the `bounds`. Where several
        coefficients then have the same predictions, as with collinear columns, those of
        least norm are found, in units in which columns have the same mean square.
    l1_ratio : float, default=0.0
        ρ in [0, 1], the share of the L1 part of the penalty (the elastic net). With 1
        it is the lasso. Weights that the L1 part leaves out are exactly 0.
    fit_intercept : bool, default=True
        Whether there is a bias b.
    absorb_bias : bool, default=False
        Whether the bias is absorbed into the weights, as :math:`w_0` with
        :math:`x_0 = 1`. It is then penalized like the others. Otherwise the bias is
        free. Without a penalty the two agree. It requires `fit_intercept`.
    class_weight : dict or "balanced", default=None
        Weights of the classes, ``{label: weight}``, each above 0. Labels and keys are
        compared by equality. A label without a key has the weight 1, but raises an
        error if another key is not a label. "balanced" gives both classes the same
        total weight. By default all weights are one.
    penalty_factor : array-like of shape (n_features,) or dict, default=None
        A factor :math:`v_j \ge 0` for the penalty of each feature; 0 leaves a feature
        unpenalized. A dict has names of features as keys, and 1 for other features. By
        default all are 1.
    penalty_center : array-like of shape (n_features,) or dict, default=None
        The weights :math:`c_j` to which the penalty shrinks. A dict has names of
        features as keys, and 0 for other features. By default all are 0.
    bounds : tuple (lower, upper), default=None
        The smallest and the largest allowed weights, also with ``C=np.inf``. Each is
        None, a number, array-like of shape (n_features,), or a dict with names of
        features as keys. Infinite entries, None and features that are not in a dict
        mean no bound. The bias has none.
    soft_labels : bool, default=False
        Whether y holds probabilities of the positive class, in [0, 1]. The loss of a
        row is then its expectation over both labels, and `classes_` is ``[0, 1]``.
        Counts k of n are ``y = k / n`` with ``sample_weight = n``.
    bias_reduction : {"firth", "flic", "mdypl"}, default=None
        A correction of the maximum likelihood estimates, whose coefficients are too
        large in size if there are few rows per feature, and infinite if the classes
        are separated. Corrected coefficients are always finite. It needs
        ``C=np.inf`` and takes the sample weights as numbers of copies of the rows.
        See Notes.

        - "firth" adds Jeffreys' prior to the likelihood [2]_ [3]_, which removes most
          of the bias of the coefficients. It is for at most 4,000 coefficients.
        - "flic" is the same with b refitted by maximum likelihood, given w, so that
          the mean prediction is the mean label [4]_.
        - "mdypl" shrinks the labels toward ½, which suits many features [5]_ [6]_.
    solver : {"auto", "newton-cholesky", "newton-cg"}, default="auto"
        "newton-cholesky" is Newton's method with Cholesky factors of the Hessian. With
        fewer rows than features, the Hessian is that of an equivalent problem with as
        many features as rows. "newton-cg" is Newton's method with preconditioned
        conjugate gradients. It suits very many features and sparse data, but accepts
        neither a penalty with `l1_ratio` above 0 nor `bounds`. With these the other two
        values select a proximal Newton method. "auto" chooses one of the two methods
        by its cost; for hundreds of features and more it can use both.
    tol : float, default=1e-8
        The fit ends when the bound on the relative suboptimality,
        :math:`(F - F^*) / F`, is at or below `tol`. It means the same for every
        solver, scale of X, C and number of rows. Below 1e-9 the coefficients are
        refined too, to nearly all of their digits.
    max_iter : int, default=100
        Maximum number of iterations per start. With 0 the start is returned.
    n_init : int, default=1
        Number of rounds of starting points for the squared error, which may have
        several minima. The first round is deterministic: zero, the minimum of cross
        entropy and, with up to 50 coefficients, fits to small subsets of the rows. Each
        further round adds up to four random starts. Cross entropy ignores this
        parameter, since all of its minima are global.
    warm_start : bool, default=False
        Whether to start from the coefficients of the last fit, if the objective is
        lower there than at zero (at `penalty_center`, if it is given).
    random_state : int, RandomState instance or None, default=None
        Draws the extra starts of `n_init`. Nothing else is random.
    verbose : int, default=0
        If positive, each iteration is logged to the logger ``"sk_logreg"``.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features)
        The weights w; float32 if X is, unless rounding to float32 would raise F by more
        than `tol`.
    intercept_ : ndarray of shape (1,)
        The bias b; 0 if `fit_intercept` is False.
    classes_ : ndarray of shape (2,)
        The labels; ``classes_[1]`` is the positive class, y = 1.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in `fit`. Defined only if all names are strings.
    n_iter_ : ndarray of shape (1,)
        Number of iterations, over all starts.
    converged_ : bool
        Whether the coefficients are those of a minimum, to within `tol` or to within
        rounding.
    status_ : Status
        How the fit ended: a ``word``, a ``sentence`` and, if one is needed, a
        ``remedy``.
    objective_ : float
        F at the solution; without a penalty, :math:`\sum_i s_i L_i`. With the
        `bias_reduction` "firth" or "flic" it includes the prior, and may be negative.
    cost_ : float
        J at the solution: the mean of the losses, weighted by s.
    optimality_gap_ : float
        Bound on :math:`(F - F^*) / F` at the solution; 1 if none is known. For
        cross entropy F* is the minimum, and the bound includes the residual of the last
        Newton system. For the squared error F* is the minimum over
        `optimality_scope_` and the bound is estimated by half the squared Newton
        decrement. At most `tol` if `converged_`, unless ``status_.word`` is
        "rounding". With the `bias_reduction` "firth" or "flic" it is such an estimate
        too, relative to :math:`\sum_i s_i L_i`, and that before the bias is refitted.
    optimality_scope_ : {"global", "region", "local"}
        How far global optimality is proven. "global": no coefficients give a lower F.
        "region": none that give every row a margin :math:`(2y - 1) z` of at least
        :math:`-\log 2` (with a soft label, :math:`|z| \le \log 2`), a region over
        which F is convex. "local": none nearby; `n_init` searches further.
    curvature_ratio_ : float
        For the squared error, the smallest eigenvalue of the Hessian at the solution
        over the largest, with rows and columns scaled to a unit diagonal: positive at
        a minimum. NaN if it is not known, and for cross entropy.
    starts_ : list of StartRecord
        For the squared error, a record per start. Empty for cross entropy.
    n_minima_ : int
        Number of different minima that the starts led to; 1 for cross entropy.
    history_ : list of IterationRecord
        A record per iteration.

    See Also
    --------
    BinaryLogisticRegressionCV : Chooses C and l1_ratio by cross-validation.
    regularization_path : Fits at many values of C.
    sk_logreg.inference.Inference : Standard errors, tests and intervals.
    sklearn.linear_model.LogisticRegression : For more than two classes.

    Notes
    -----
    Results are identical from run to run for a given number of threads.

    The optimality gap of cross entropy is a duality gap: a Newton step gives a feasible
    point of the dual problem [1]_, whose value is a lower bound of the minimum.

    Without a penalty there is no minimum if a hyperplane separates the classes,
    completely or with rows on it (quasi-separation). The same holds for a hyperplane
    over the features whose `penalty_factor` is 0. Linear programs decide whether there
    is such a hyperplane. If so, ``status_.word`` is "separable" or "quasi_separable",
    and the warning names columns that separate the classes by themselves.

    If columns are constant or combinations of others and there is no penalty, the
    probabilities are unique but the weights are not. Columns that are multiples of one
    another then contribute equal parts of z. A column of zeros, or a constant one in a
    model with a bias, gets the weight 0.

    With ``bias_reduction="firth"``,

    .. math::
        F(w, b) = \sum_i s_i L(\hat y_i, y_i) - \tfrac12 \log \det I(w, b), \qquad
        I(w, b) = \sum_i s_i \hat y_i (1 - \hat y_i) \tilde x_i \tilde x_i^T

    with I the Fisher information of the weights and the bias, :math:`\tilde x = (x, 1)`
    (:math:`\tilde x = x` if there is no bias). If columns are combinations of others, I
    is that of as many coefficients as are determined, and F is known up to a constant.
    With ``bias_reduction="mdypl"`` the labels :math:`y_i` are replaced by
    :math:`\alpha y_i + (1 - \alpha) / 2`, :math:`\alpha = n / (n + p)`, with n the sum
    of the weights and p the number of features.

    References
    ----------
    .. [1] H.-F. Yu, F.-L. Huang, C.-J. Lin (2011). Dual coordinate descent methods for
       logistic regression and maximum entropy models. Machine Learning 85, 41-75.
    .. [2] D. Firth (1993). Bias reduction of maximum likelihood estimates. Biometrika
       80(1), 27-38.
    .. [3] G. Heinze, M. Schemper (2002). A solution to the problem of separation in
       logistic regression. Statistics in Medicine 21(16), 2409-2419.
    .. [4] R. Puhr, G. Heinze, M. Nold, L. Lusa, A. Geroldinger (2017). Firth's logistic
       regression with rare events: accurate effect estimates and predictions?
       Statistics in Medicine 36(14), 2302-2317.
    .. [5] T. Rigon, E. Aliverti (2023). Conjugate priors and bias reduction for
       logistic regression models. Statistics & Probability Letters 202, 109901.
    .. [6] P. Sterzinger, I. Kosmidis (2024). Diaconis-Ylvisaker prior penalized
       likelihood for p/n → κ ∈ (0, 1) logistic regression. arXiv:2311.07419.

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

    coef_: Any

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "loss": [StrOptions(LOSSES.keys())],  # also those registered later
        "C": [Interval(Real, 0, None, closed="right")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "fit_intercept": ["boolean"],
        "absorb_bias": ["boolean"],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "penalty_factor": ["array-like", dict, None],
        "penalty_center": ["array-like", dict, None],
        "bounds": [tuple, list, None],
        "soft_labels": ["boolean"],
        "bias_reduction": [StrOptions({"firth", "flic", "mdypl"}), None],
        "solver": [StrOptions(set(SOLVERS))],
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
        l1_ratio: float = 0.0,
        fit_intercept: bool = True,
        absorb_bias: bool = False,
        class_weight: dict[Any, float] | str | None = None,
        penalty_factor: ArrayLike | dict[str, float] | None = None,
        penalty_center: ArrayLike | dict[str, float] | None = None,
        bounds: tuple[Any, Any] | None = None,
        soft_labels: bool = False,
        bias_reduction: str | None = None,
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
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.absorb_bias = absorb_bias
        self.class_weight = class_weight
        self.penalty_factor = penalty_factor
        self.penalty_center = penalty_center
        self.bounds = bounds
        self.soft_labels = soft_labels
        self.bias_reduction = bias_reduction
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.n_init = n_init
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        offset: ArrayLike | None = None,
    ) -> Self:
        """Fit the model.

        If an error or an interrupt ends the fit, the estimator is left as it was.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The examples, one per row. Float64 and float32 are used as they are, dense
            arrays in any memory layout without a copy, sparse ones as CSR. A dask array
            or data frame is read a few partitions at a time, by dask's scheduler; the
            other arguments are then dask arrays or series of the same partitions.
        y : array-like of shape (n_samples,)
            The labels, of two values; with `soft_labels`, probabilities.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative. By default each is one.
        offset : array-like of shape (n_samples,), default=None
            A known term that is added to z of each row. By default 0.

        Returns
        -------
        self : BinaryLogisticRegression
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument is invalid or not finite, if parameters contradict each
            other, if there are not two classes, if all rows of a class have weight 0
            although the bias is free, or if there are too many coefficients for
            `bias_reduction`.

        Warns
        -----
        ConvergenceWarning
            If no minimum was reached. The message says why, and what to do.
        """
        check_parameters(self)
        before = {k: v for k, v in vars(self).items() if k.endswith("_")}
        try:
            self._fit(X, y, sample_weight, offset)
            if not self.converged_:
                # The level of the caller, above scikit-learn's wrapper of this method.
                warnings.warn(self._complaint(), ConvergenceWarning, stacklevel=3)
        except BaseException:  # an interrupt too
            others = {k: v for k, v in vars(self).items() if not k.endswith("_")}
            self.__dict__ = others | before
            raise
        return self

    # NotFiniteError reports sums that are not finite. Other floating-point exceptions
    # are harmless, so the caller's error state must not report them.
    @np.errstate(all="ignore")
    def _fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        offset: ArrayLike | None,
    ) -> None:
        """Fit the model, setting attributes on the way."""
        others = {"sample_weight": sample_weight, "offset": offset}
        with thread_executor() as executor:
            data, classes, labels = validated_data(
                self, X, y, **others, executor=executor
            )
            if not is_dask(X):
                X = data.X
            n_starts = 1 if LOSSES[self.loss].convex else max_starts(self.n_init)
            most = self.max_iter * n_starts
            with listening(
                self, X, labels, others, classes=classes, max_iterations=most
            ) as listeners:
                solution, objective, journal = solve(self, data, executor, listeners)
                self.classes_ = classes
                dtype = data.X.dtype
                self._set_fitted_attributes(solution, objective, journal, dtype)

    def _set_fitted_attributes(
        self,
        solution: Solution,
        objective: Objective,
        journal: Journal,
        dtype: np.dtype[Any],
    ) -> None:
        """Set the other fitted attributes."""
        point, status, gap = solution.point, solution.status, solution.gap
        # Excesses are squares of norms, and norms add up.
        accuracy = max(0.0, np.sqrt(self.tol) - np.sqrt(gap)) ** 2 * point.scale
        w, b, excess = stated(objective, point, dtype, accuracy)
        if excess > accuracy:  # the format is too coarse
            dtype = np.dtype(np.float64)
            w, b, excess = stated(objective, point, dtype, accuracy)
        if excess > 0.0:
            gap = min(1.0, float(np.sqrt(gap) + np.sqrt(excess / point.scale)) ** 2)
        if status is CONVERGED and gap > self.tol:
            status = ended_by_rounding(gap)
        status = self._with_column_names(status, solution.columns)
        self.coef_ = w[None, :]
        self.intercept_ = np.array([b], dtype=w.dtype)
        self.n_iter_ = np.array([len(journal.records)], dtype=np.int32)
        self.converged_ = status.converged
        self.status_ = status
        self.objective_ = objective.problem.rescale(point.value)
        self.cost_ = point.loss
        self.optimality_gap_ = gap
        self.optimality_scope_ = solution.scope
        self.curvature_ratio_ = solution.curvature_ratio
        self.starts_ = list(solution.starts)
        self.n_minima_ = 1 + max((s.minimum for s in solution.starts), default=0)
        self.history_ = journal.records

    def _complaint(self) -> str:
        """Return the text of the warning that the fit did not converge."""
        return (
            f"{type(self).__name__} did not converge. {self.status_.sentence} (After "
            f"{self.n_iter_[0]} iterations, the bound is {self.optimality_gap_:.1e} "
            f"and tol={self.tol:g}.) {self.status_.remedy}"
        )

    def _with_column_names(self, status: Status, columns: tuple[int, ...]) -> Status:
        """Return a status whose sentence names the columns behind it."""
        if not columns:
            return status
        known = getattr(self, "feature_names_in_", None)
        names = [str(j) if known is None else repr(str(known[j])) for j in columns]
        listed = ", ".join(names[:_MAX_NAMES])
        if len(names) > _MAX_NAMES:
            listed += f" and {len(names) - _MAX_NAMES} more"
        which = (
            "This column alone does" if len(names) == 1 else "These columns alone do"
        )
        sentence = f"{status.sentence} {which} it: {listed}."
        return replace(status, sentence=sentence)

    @property
    def weights_(self) -> NDArray[np.floating]:
        """Ndarray of shape (n_features + 1,): the bias w₀ = b, then the weights."""
        check_is_fitted(self)
        return np.concatenate([self.intercept_, dense_weights(self.coef_)])

    def sparsify(self) -> Self:
        """Turn `coef_` into a sparse matrix, which saves memory after an L1 penalty.

        It takes less memory if more than half of the weights are zero. A later fit
        makes it dense again.

        Returns
        -------
        self : BinaryLogisticRegression
            The fitted estimator.
        """
        check_is_fitted(self)
        self.coef_ = sparse.csr_matrix(self.coef_)
        return self

    def densify(self) -> Self:
        """Turn `coef_` back into an array.

        Returns
        -------
        self : BinaryLogisticRegression
            The fitted estimator.
        """
        check_is_fitted(self)
        self.coef_ = dense_weights(self.coef_)[None, :]
        return self

    @np.errstate(under="ignore")
    def decision_function(
        self, X: Any, offset: ArrayLike | None = None
    ) -> NDArray[np.floating]:
        """Return the linear prediction, z = wᵀx + b + offset.

        Parameters
        ----------
        X : {array-like, sparse matrix, dask} of shape (n_samples, n_features)
            The examples, one per row. The result for a dask array or data frame is a
            lazy dask array.
        offset : array-like of shape (n_samples,), default=None
            A known term that is added to z of each row. By default 0.

        Returns
        -------
        z : ndarray of shape (n_samples,)
            The log odds of ``classes_[1]``: positive if it is the more probable label.
        """
        check_is_fitted(self)
        if is_dask(X):
            w, b = dense_weights(self.coef_).copy(), self.intercept_[0]
            return lazy_decision(self, X, w, b, offset)
        X = check_features(X, self, reset=False, finite=True)
        z = X @ dense_weights(self.coef_) + self.intercept_[0]
        added = check_offset(offset, X.shape[0])
        return z if added is None else z + added

    def predict(self, X: Any, offset: ArrayLike | None = None) -> NDArray[Any]:
        """Return the more probable label.

        Parameters
        ----------
        X : {array-like, sparse matrix, dask} of shape (n_samples, n_features)
            The examples, one per row. The result for a dask array or data frame is a
            lazy dask array.
        offset : array-like of shape (n_samples,), default=None
            A known term that is added to z of each row. By default 0.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Labels out of `classes_`; ``classes_[0]`` if both are equally probable.
        """
        z, classes = self.decision_function(X, offset), self.classes_
        return per_row(_labels_at, z, classes, dtype=classes.dtype)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy: the share of the rows whose label is predicted.

        Parameters
        ----------
        X : {array-like, sparse matrix, dask} of shape (n_samples, n_features)
            The examples, one per row. For dask collections, the labels and the
            predictions are loaded into memory.
        y : array-like of shape (n_samples,)
            The labels, as in `classes_`: with `soft_labels`, 0 and 1.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows. By default each is one.

        Returns
        -------
        score : float
            The accuracy, between 0 and 1.
        """
        labels, weights = (
            np.asarray(each) if is_dask(each) else each for each in (y, sample_weight)
        )
        predicted = np.asarray(self.predict(X))
        return float(accuracy_score(labels, predicted, sample_weight=weights))

    def predict_proba(
        self, X: Any, offset: ArrayLike | None = None
    ) -> NDArray[np.floating]:
        """Return the probability of each class.

        Each is computed from z, not as one minus the other, so that small probabilities
        are accurate.

        Parameters
        ----------
        X : {array-like, sparse matrix, dask} of shape (n_samples, n_features)
            The examples, one per row. The result for a dask array or data frame is a
            lazy dask array.
        offset : array-like of shape (n_samples,), default=None
            A known term that is added to z of each row. By default 0.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, 2)
            Columns in the order of `classes_`.
        """
        return per_row(_probabilities, self.decision_function(X, offset), n_columns=2)

    def predict_log_proba(
        self, X: Any, offset: ArrayLike | None = None
    ) -> NDArray[np.floating]:
        """Return the logarithm of the probability of each class.

        They are finite for every finite z, since they are computed from z.

        Parameters
        ----------
        X : {array-like, sparse matrix, dask} of shape (n_samples, n_features)
            The examples, one per row. The result for a dask array or data frame is a
            lazy dask array.
        offset : array-like of shape (n_samples,), default=None
            A known term that is added to z of each row. By default 0.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, 2)
            Columns in the order of `classes_`.
        """
        z = self.decision_function(X, offset)
        return per_row(_log_probabilities, z, n_columns=2)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: the attributes as plain data, and the version."""
        state = {**super().__getstate__(), "_sk_logreg_version": __version__}
        if "status_" in state:
            state["status_"] = asdict(state["status_"])
            state["history_"] = [asdict(record) for record in state["history_"]]
            state["starts_"] = [asdict(record) for record in state["starts_"]]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what was pickled; warn, as scikit-learn does, of another version."""
        state = dict(state)
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
        if "status_" in state:
            state["status_"] = Status(**state["status_"])
            state["history_"] = [IterationRecord(**r) for r in state["history_"]]
            state["starts_"] = [
                StartRecord(**{**r, "status": Status(**r["status"])})
                for r in state["starts_"]
            ]
        super().__setstate__(state)

    def __sklearn_tags__(self) -> Any:
        """Say what the estimator takes."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_class = False
        # Without a bias the boundary goes through the origin, wherever the classes lie.
        tags.classifier_tags.poor_score = not self.fit_intercept
        return tags
