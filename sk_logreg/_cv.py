"""The estimator that chooses C and l1_ratio by cross-validation."""

import os
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import ArrayLike, NDArray
from sklearn import get_config
from sklearn.base import clone
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.parallel import Parallel, delayed

from sk_logreg._arguments import check_offset
from sk_logreg._arrays import Vector
from sk_logreg._compat import (
    Interval,
    StrOptions,
    check_features,
    check_labels,
    check_sample_weight,
    fit_context,
    naming,
)
from sk_logreg._dask import is_dask, look
from sk_logreg._estimator import BinaryLogisticRegression
from sk_logreg._execution import ThreadExecutor, thread_executor
from sk_logreg._fit import coefficients_of, data_of, dense_weights, problem_of
from sk_logreg._folds import fit_fold, fit_folds, fit_leave_one_out
from sk_logreg._log import Journal
from sk_logreg._objective import Objective
from sk_logreg._path import check_prototype, checked_grid
from sk_logreg._problem import Data
from sk_logreg._records import Status
from sk_logreg._scores import (
    LOSS_OF_SCORER,
    Labels,
    LossScore,
    Score,
    ScorerScore,
    row_scores,
    soft_labels,
    with_offset,
)
from sk_logreg._search import (
    Found,
    check_classes,
    check_two_rows,
    checked_ratios,
    folds_of,
    found_of_folds,
    found_of_rows,
    grid_of,
    warn_of,
)
from sk_logreg._solvers import UNKNOWN_GAP, Solution
from sk_logreg._splits import Folds, FoldsInMemory, PartitionedFolds, check_splitter

#: The data, the classes, and the search over values of C and of l1_ratio.
_Task = tuple[Data, NDArray[Any], Callable[[Vector, Vector], Found]]

_ALO = "alo"


class BinaryLogisticRegressionCV(BinaryLogisticRegression):
    """Logistic regression for two classes that chooses C by cross-validation.

    A :class:`BinaryLogisticRegression` is fitted at each C, and each `l1_ratio`, to all
    folds but one, and scored on the rows of that fold. Then it is fitted to all rows
    with the parameters of the best mean score. Each fit starts from the one at the next
    smaller C. By default the score is minus the loss of the model, so that the choice
    is that of the best probabilities. Parameters and attributes are those of
    :class:`~sklearn.linear_model.LogisticRegressionCV` with
    ``use_legacy_attributes=False``.

    Parameters
    ----------
    Cs : int or array-like of shape (n_Cs,), default=10
        The values of C, finite and above 0; or the number of values of a geometric
        grid. The grid spans 1e-4 to 1e4 if all `l1_ratios` are 0. Otherwise it begins
        with the largest C at which, for some ratio above 0, the fit to all rows has all
        penalized weights at their centers, and ends at 1,000 times that. C must be
        finite: for a model without a penalty there is nothing to choose.
    l1_ratios : array-like of shape (n_l1_ratios,), default=(0.0,)
        The values of `l1_ratio`, each in [0, 1].
    cv : int, splitter, iterable or "alo", default=None
        The number of folds, which are stratified and not shuffled; a splitter such as
        :class:`~sklearn.model_selection.KFold`; or an iterable of pairs of arrays of
        indices. None is 5. "alo" is approximate leave-one-out [2]_: the fits are to all
        rows, and the prediction of each row is corrected to that of the model without
        the row. See Notes.
    scoring : str or callable, default=None
        The score, higher for better. None is minus the loss of the model,
        "neg_log_loss" or "neg_brier_score", weighted by `sample_weight`. Other names
        are those of scikit-learn's scorers, with ``classes_[1]`` as the positive class;
        with `soft_labels` only these two names are allowed. A callable is called as
        ``scoring(estimator, X, y)``.
    selection : {"best", "1se"}, default="best"
        "best" chooses the best mean score. "1se" chooses the smallest C, at the same
        `l1_ratio`, whose mean score is within one standard error of it [1]_; it
        requires `refit`.
    refit : bool, default=True
        Whether to fit the model to all rows at the choice. If False, `C_`, `l1_ratio_`
        and the coefficients are the means over the folds of those with the best score
        of the fold. ``status_.word`` is then "averaged", and `optimality_gap_` is 1,
        since no bound is known.
    n_jobs : int, default=None
        Number of folds that are fitted at the same time, by threads unless joblib is
        told otherwise. They share the threads of a fit. None is 1, and -1 is all CPUs.
        It has no effect if all folds are fitted together; see Notes.
    loss : {"cross_entropy", "squared_error"}, default="cross_entropy"
        This parameter and the following ones are those of
        :class:`BinaryLogisticRegression`, unless stated otherwise.
    fit_intercept : bool, default=True
        Whether there is a bias.
    absorb_bias : bool, default=False
        Whether the bias is penalized like the weights.
    class_weight : dict or "balanced", default=None
        Weights of the classes. "balanced" weights are computed from all rows.
    penalty_factor : array-like of shape (n_features,) or dict, default=None
        A factor for the penalty of each feature. By default all are 1.
    penalty_center : array-like of shape (n_features,) or dict, default=None
        The weights to which the penalty shrinks. By default all are 0.
    bounds : tuple (lower, upper), default=None
        The smallest and the largest allowed weights. By default there are none.
    soft_labels : bool, default=False
        Whether y holds probabilities of the positive class.
    solver : {"auto", "newton-cholesky", "newton-cg"}, default="auto"
        The solver of each fit.
    tol : float, default=1e-8
        The tolerance of each fit. The fits of the search use `tol`, or a tenth of it
        with an L1 part, bounds or more than 500 coefficients, but at least 1e-9. With
        up to 500 coefficients they end with an additional Newton step, since scores
        depend on the square root of the suboptimality.
    max_iter : int, default=100
        Maximum number of iterations of each fit, per start.
    n_init : int, default=1
        Number of rounds of starting points for the squared error.
    warm_start : bool, default=False
        Whether the fits at the smallest C start from the coefficients of the last fit.
    random_state : int, RandomState instance or None, default=None
        Draws the extra starts of `n_init`.
    verbose : int, default=0
        If positive, each iteration of the last fit is logged to the logger
        ``"sk_logreg"``.

    Attributes
    ----------
    C_, l1_ratio_ : float
        The values chosen.
    Cs_ : ndarray of shape (n_Cs,)
        The values of C, ascending.
    l1_ratios_ : ndarray of shape (n_l1_ratios,)
        The values of `l1_ratio`.
    scores_ : ndarray of shape (n_folds, n_l1_ratios, n_Cs)
        The score on each fold; with ``cv="alo"`` there is one fold, of all rows.
    standard_errors_ : ndarray of shape (n_l1_ratios, n_Cs)
        The standard errors of the mean scores: the standard deviation over the folds,
        or with ``cv="alo"`` the rows, divided by the square root of their number. NaN
        for a single fold.
    loo_scores_ : ndarray of shape (n_samples,)
        With ``cv="alo"``, the score of each row at the choice.
    n_iter_ : ndarray of shape (n_folds, n_l1_ratios, n_Cs)
        The number of iterations of each fit; 0 if the fit was found from the one at the
        last C without an iteration of the solver.
    coefs_paths_ : ndarray of shape (n_folds, n_l1_ratios, n_Cs, 1, n_features + 1)
        The weights of each fit and its bias, if there is one.
    coef_, intercept_, classes_, status_, converged_, optimality_gap_, history_, ...
        Those of :class:`BinaryLogisticRegression`, of the last fit.

    See Also
    --------
    regularization_path : The fits at many values of C, without folds.
    sk_logreg.displays.CVDisplay : Draws the scores.

    Notes
    -----
    With the cross entropy, folds that leave out each row at most once are fitted
    together if every weight has a penalty, if there are at most 500 coefficients, fewer
    than rows, and if the Hessians of all fits have at most 17 million entries. The fits
    start near the minima over all rows at some values of C, with their Hessians minus
    those of the rows left out. One pass over X serves the fits of all folds at all
    values of C. Where the minimum without a fold is far from that over all rows, each
    fit starts from those at the next smaller values of C.

    ``cv="alo"`` takes one factor of a Hessian per value of C instead of `n_folds` fits,
    and its score has no variance from a choice of folds. The approximation is rough for
    rows of leverage above 0.3. For the roughest of them, at most 300 per C, or 50 with
    an L1 part or bounds, the model without the row is fitted instead. With an L1 part
    or bounds, the approximation assumes that the same weights stay at 0 or at their
    bounds; rows whose loss would change much count as rough, too. Leave-one-out assumes
    that rows are independent: if rows repeat one another or come in groups, its scores
    are too good; use ``GroupKFold``. The scores must be losses, and there can be at
    most 4,000 coefficients that are not 0 (or rows, if those are fewer).

    If X is a dask collection, no rows apart from samples reach this process. `cv` is
    then None, an int, or a :class:`~sklearn.model_selection.KFold` or
    :class:`~sklearn.model_selection.StratifiedKFold` that does not shuffle, with the
    folds that scikit-learn makes in memory, and the score is a loss. Other splitters,
    "alo" and other scores need a number per row in one place, and are refused. Folds
    that are not fitted together are fitted one after the other.

    References
    ----------
    .. [1] L. Breiman, J. Friedman, R. Olshen, C. Stone (1984). Classification and
       Regression Trees. Wadsworth, section 3.4.3.
    .. [2] K. Rahnama Rad, A. Maleki (2020). A scalable estimate of the out-of-sample
       prediction error via approximate leave-one-out cross-validation. Journal of the
       Royal Statistical Society B 82(4), 965-996.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from sk_logreg import BinaryLogisticRegressionCV
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = BinaryLogisticRegressionCV(cv="alo").fit(scale(X), y)
    >>> round(model.C_, 3), round(float(model.loo_scores_.mean()), 3)
    (0.359, -0.077)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **{
            name: allowed
            for name, allowed in BinaryLogisticRegression._parameter_constraints.items()
            # The last takes the place of a penalty, whose strength is chosen here.
            if name not in ("C", "l1_ratio", "bias_reduction")
        },
        "Cs": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "l1_ratios": ["array-like"],
        "cv": ["cv_object", StrOptions({_ALO})],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "selection": [StrOptions({"best", "1se"})],
        "refit": ["boolean"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        *,
        Cs: int | ArrayLike = 10,
        l1_ratios: ArrayLike = (0.0,),
        cv: Any = None,
        scoring: str | Callable[..., float] | None = None,
        selection: str = "best",
        refit: bool = True,
        n_jobs: int | None = None,
        loss: str = "cross_entropy",
        fit_intercept: bool = True,
        absorb_bias: bool = False,
        class_weight: dict[Any, float] | str | None = None,
        penalty_factor: ArrayLike | dict[str, float] | None = None,
        penalty_center: ArrayLike | dict[str, float] | None = None,
        bounds: tuple[Any, Any] | None = None,
        soft_labels: bool = False,
        solver: str = "auto",
        tol: float = 1e-8,
        max_iter: int = 100,
        n_init: int = 1,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        self.Cs = Cs
        self.l1_ratios = l1_ratios
        self.cv = cv
        self.scoring = scoring
        self.selection = selection
        self.refit = refit
        self.n_jobs = n_jobs
        self.loss = loss
        self.fit_intercept = fit_intercept
        self.absorb_bias = absorb_bias
        self.class_weight = class_weight
        self.penalty_factor = penalty_factor
        self.penalty_center = penalty_center
        self.bounds = bounds
        self.soft_labels = soft_labels
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
        **params: Any,
    ) -> Self:
        """Choose C and l1_ratio, and fit the model.

        If an error or an interrupt ends the fit, the estimator is left as it was.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The examples, one per row. If it is a dask array or data frame, the other
            arguments are dask arrays or series of the same partitions; see Notes of
            the class for what `cv` and `scoring` can then be.
        y : array-like of shape (n_samples,)
            The labels, of two values; with `soft_labels`, probabilities.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, not negative, for fits and for scores. By default each
            is one.
        offset : array-like of shape (n_samples,), default=None
            A known term that is added to z of each row, in fits and in scores. By
            default 0.
        **params : dict
            Arguments of the splitter and of the scorer, such as ``groups``, with
            scikit-learn's metadata routing.

        Returns
        -------
        self : BinaryLogisticRegressionCV
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument is invalid, as in `BinaryLogisticRegression.fit`, if
            parameters contradict each other, if the training rows of a fold hold one
            class, or if X is a dask collection and `cv` or `scoring` need all rows in
            memory.

        Warns
        -----
        ConvergenceWarning
            If some fits reached no minimum. The message says how many, and why.
        """
        for_split, for_score = self._routed(params, sample_weight)
        Cs, l1_ratios = checked_grid(self.Cs), checked_ratios(self.l1_ratios)
        self._check_choices()
        model = self._model(l1_ratio=float(l1_ratios.max()))
        check_prototype(model)
        given = X, y, sample_weight, offset
        # In memory each fit limits BLAS by itself: some give it back its threads.
        with thread_executor() if is_dask(X) else nullcontext() as executor:
            data, classes, search = (
                self._in_memory(model, given, for_split, for_score)
                if executor is None
                else self._in_partitions(model, given, executor)
            )
            if isinstance(Cs, int):
                Cs = grid_of(model, data, Cs, l1_ratios)
            found = search(Cs, l1_ratios)
            warn_of(found, Cs, type(self).__name__)
            self._choose(model, found, Cs, l1_ratios, given, data, classes)
        return self

    def _in_memory(
        self,
        model: BinaryLogisticRegression,
        given: tuple[Any, ...],
        for_split: dict[str, Any],
        for_score: dict[str, Any],
    ) -> _Task:
        """Return the data, the classes and the search, for arrays in memory."""
        X, y, sample_weight, offset = given
        labels = check_labels(y, model)
        # The first gradient shows whether X is finite, which saves a pass over X.
        rows = check_features(X, model, reset=True, finite=False)
        data, classes = data_of(model, rows, labels, sample_weight, offset)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, rows)
        raw = soft_labels(labels) if self.soft_labels else Labels(data.signs)
        if isinstance(self.cv, str):
            check_two_rows(model, data)
            rest = partial(self._leave_one_out, model, data, raw, sample_weight)
            return data, classes, rest
        score = self._score(data, labels, classes, raw, sample_weight, for_score)
        stratified = raw.signs if self.soft_labels else labels
        pairs = folds_of(self.cv, data, stratified, for_split)
        folds = FoldsInMemory(data, pairs, score)
        check_classes(model, folds)
        return data, classes, partial(self._search, model, folds)

    @np.errstate(all="ignore")
    def _in_partitions(
        self,
        model: BinaryLogisticRegression,
        given: tuple[Any, ...],
        executor: ThreadExecutor,
    ) -> _Task:
        """Return the data, the classes and the search, for dask collections."""
        loss = self._loss_of_score()
        if loss is None:
            raise ValueError(
                f"scoring={self.scoring!r} needs all rows in memory. For dask "
                "collections, scoring must be None, 'neg_log_loss' or "
                "'neg_brier_score'. Or pass X and y as arrays in memory, such as "
                "X.compute()."
            )
        splitter = check_splitter(self.cv)
        names = "X", "y", "sample_weight", "offset"
        looked = look(model, dict(zip(names, given, strict=True)), executor)
        data, classes = looked.data(model)
        plain = data
        if self.class_weight is not None:
            plain, _ = looked.data(clone(model).set_params(class_weight=None))
        folds = PartitionedFolds.of(data, plain, splitter, loss)
        check_classes(model, folds)
        return data, classes, partial(self._search, model, folds)

    def _routed(
        self, params: dict[str, Any], sample_weight: Any, method: str = "fit"
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the further arguments of the splitter and of the scorer."""
        given = {} if sample_weight is None else {"sample_weight": sample_weight}
        if get_config().get("enable_metadata_routing"):
            routed = process_routing(self, method, **given, **params)
            parts = routed.get("splitter"), routed.get("scorer")
            return (
                parts[0]["split"] if parts[0] else {},
                parts[1]["score"] if parts[1] else {},
            )
        if params:
            raise ValueError(
                f"{type(self).__name__}.{method} takes {sorted(params)} only with "
                "metadata routing: call "
                "sklearn.set_config(enable_metadata_routing=True)."
            )
        return {}, given

    def _check_choices(self) -> None:
        """Raise a ValueError if parameters of the search contradict each other."""
        as_loss = self._loss_of_score() is not None
        if isinstance(self.cv, str) and not as_loss:
            raise ValueError(
                "cv='alo' corrects the loss of each row: scoring must be None, "
                f"'neg_log_loss' or 'neg_brier_score', got {self.scoring!r}."
            )
        if self.soft_labels and isinstance(self.scoring, str) and not as_loss:
            raise ValueError(
                "With soft_labels=True, scoring must be None, 'neg_log_loss', "
                f"'neg_brier_score' or a callable, got {self.scoring!r}."
            )
        if self.selection == "1se" and not self.refit:
            raise ValueError(
                "selection='1se' needs refit=True: the best score of a single fold has "
                "no standard error."
            )

    def _model(self, **params: Any) -> BinaryLogisticRegression:
        """Return an unfitted model with the parameters of this one."""
        names = BinaryLogisticRegression._get_param_names()
        ours = {name: getattr(self, name) for name in names if hasattr(self, name)}
        return BinaryLogisticRegression(**{**ours, "warm_start": False, **params})

    def _score(
        self,
        data: Data,
        labels: NDArray[Any],
        classes: NDArray[Any],
        raw: Labels,
        sample_weight: Vector | None,
        params: dict[str, Any],
    ) -> Score:
        """Return the function that scores the test rows of a fold."""
        loss = self._loss_of_score()
        if loss is not None:
            return LossScore(loss, data.X, raw, data.offset, sample_weight)
        scorer = get_scorer(self.scoring)
        if isinstance(
            self.scoring, str
        ):  # so that the second class is the positive one
            labels, classes = (raw.signs > 0).astype(np.intp), np.array([0, 1])
        return ScorerScore(scorer, data.X, labels, classes, data.offset, params)

    def _loss_of_score(self) -> str | None:
        """Return the loss that the score is, or None if it is another."""
        if self.scoring is None:
            return self.loss
        return (
            LOSS_OF_SCORER.get(self.scoring) if isinstance(self.scoring, str) else None
        )

    def _starting(
        self, model: BinaryLogisticRegression, l1_ratios: Vector
    ) -> list[BinaryLogisticRegression]:
        """Return the model at each l1_ratio, with coefficients for a warm start."""
        known: dict[str, Any] = {}
        if self.warm_start and hasattr(self, "coef_"):
            if self.coef_.shape[1] != model.n_features_in_:
                raise ValueError(
                    "warm_start=True starts from coefficients of "
                    f"{self.coef_.shape[1]} features, but X has {model.n_features_in_}."
                )
            known["coef_"] = dense_weights(self.coef_)[None, :]
            known["intercept_"] = self.intercept_
        if hasattr(model, "feature_names_in_"):  # for parameters by name
            known["feature_names_in_"] = model.feature_names_in_
        seed = check_random_state(self.random_state).randint(2**31)
        found = []
        for l1_ratio in l1_ratios.tolist():
            each = clone(model).set_params(l1_ratio=l1_ratio, random_state=seed)
            each.__dict__ |= known
            found.append(each)
        return found

    def _search(
        self,
        model: BinaryLogisticRegression,
        folds: Folds,
        Cs: Vector,
        l1_ratios: Vector,
    ) -> Found:
        """Return the fits of all folds and their scores."""
        models = self._starting(model, l1_ratios)
        jobs = self.n_jobs if folds.concurrent else 1
        n_jobs = min(effective_n_jobs(jobs), len(folds) * len(models))
        together = [fit_folds(each, folds, Cs) for each in models]
        tasks = [
            delayed(fit_fold)(each, folds, k, Cs, n_jobs, os.getpid())
            for each, found in zip(models, together, strict=True)
            if found is None
            for k in range(len(folds))
        ]
        rest = iter(Parallel(n_jobs=jobs, prefer="threads")(tasks))
        return found_of_folds(
            [found or [next(rest) for _ in range(len(folds))] for found in together],
            folds,
        )

    def _leave_one_out(
        self,
        model: BinaryLogisticRegression,
        data: Data,
        raw: Labels,
        sample_weight: Vector | None,
        Cs: Vector,
        l1_ratios: Vector,
    ) -> Found:
        """Return the fits to all rows, and their scores by approximation."""
        loss = self._loss_of_score()
        assert loss is not None
        results = [
            fit_leave_one_out(each, data, Cs, loss, raw)
            for each in self._starting(model, l1_ratios)
        ]
        return found_of_rows(results, sample_weight)

    def _choose(
        self,
        model: BinaryLogisticRegression,
        found: Found,
        Cs: Vector,
        l1_ratios: Vector,
        given: tuple[Any, ...],
        data: Data,
        classes: NDArray[Any],
    ) -> None:
        """Choose C and l1_ratio, fit the model there and set the attributes."""
        r, c = found.choice(self.selection)
        if self.refit:
            C, l1_ratio = float(Cs[c]), float(l1_ratios[r])
            coef = found.coefs[:, r, c].mean(axis=0)
        else:
            best = found.best_per_fold()
            C, l1_ratio = float(Cs[best[1]].mean()), float(l1_ratios[best[0]].mean())
            coef = found.coefs[np.arange(len(found.coefs)), *best].mean(axis=0)
        n_features = model.n_features_in_
        last = self._model(C=C, l1_ratio=l1_ratio, warm_start=True)
        last.coef_, last.intercept_ = coef[None, :n_features], np.zeros(1)
        last.intercept_ += coef[n_features:].sum()
        if self.refit:
            if hasattr(self, "_skl_callbacks"):
                last._skl_callbacks = self._skl_callbacks
            last.fit(*given)
        else:
            for name in ("n_features_in_", "feature_names_in_"):
                if hasattr(model, name):
                    setattr(last, name, getattr(model, name))
            _set_averaged(last, data, coef, found.converged)
            last.classes_ = classes
        fitted = {k: v for k, v in vars(last).items() if k.endswith("_")}
        fitted |= {"C_": C, "l1_ratio_": l1_ratio, "Cs_": Cs, "l1_ratios_": l1_ratios}
        fitted |= {"scores_": found.scores, "standard_errors_": found.errors}
        fitted |= {"n_iter_": found.n_iter, "coefs_paths_": found.coefs[..., None, :]}
        if found.rows is not None:
            fitted["loo_scores_"] = found.rows[r, c]
        others = {k: v for k, v in vars(self).items() if not k.endswith("_")}
        self.__dict__ = others | fitted

    def score(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        offset: ArrayLike | None = None,
        **params: Any,
    ) -> float:
        """Return the score by `scoring`, by default minus the loss.

        Parameters
        ----------
        X : {array-like, sparse matrix, dask} of shape (n_samples, n_features)
            The examples, one per row.
        y : array-like of shape (n_samples,)
            The labels, as in `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows. By default each is one.
        offset : array-like of shape (n_samples,), default=None
            A known term that is added to z of each row. By default 0.
        **params : dict
            Arguments of the scorer, with scikit-learn's metadata routing.

        Returns
        -------
        score : float
            Higher for better.
        """
        _, for_score = self._routed(params, sample_weight, "score")
        loss = self._loss_of_score()
        z = np.asarray(self.decision_function(X, offset))  # dask's are lazy
        with naming("y"):
            labels = column_or_1d(y)
        raw = labels
        if self.soft_labels:
            raw = soft_labels(labels)
        elif loss is not None or isinstance(self.scoring, str):
            unknown = np.setdiff1d(labels, self.classes_)
            if len(unknown):
                raise ValueError(f"y holds labels not seen in fit: {unknown.tolist()}.")
            raw = Labels(np.where(labels == self.classes_[1], 1, -1).astype(np.int8))
        if loss is not None:
            weights = sample_weight
            if weights is not None:
                weights = check_sample_weight(weights, z[:, None])
            return float(np.average(row_scores(loss, z, raw), weights=weights))
        classes = self.classes_
        if isinstance(self.scoring, str):
            labels, classes = (raw.signs > 0).astype(np.intp), np.array([0, 1])
        coef = coefficients_of(self)
        added = check_offset(offset, len(z))
        model = with_offset(coef, self.n_features_in_, classes, added)
        rows = check_features(X, self, reset=False, finite=True)
        return get_scorer(self.scoring)(model, rows, labels, **for_score)

    def get_metadata_routing(self) -> MetadataRouter:
        """Return which arguments of `fit` and `score` go where.

        Returns
        -------
        MetadataRouter
            `sample_weight` and `offset` are for the estimator itself; others are for
            the splitter and for the scorer.
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        if not isinstance(self.cv, str):
            mapping = MethodMapping().add(caller="fit", callee="split")
            router.add(splitter=self.cv, method_mapping=mapping)
        if self._loss_of_score() is None:
            mapping = MethodMapping().add(caller="fit", callee="score")
            mapping.add(caller="score", callee="score")
            router.add(scorer=get_scorer(self.scoring), method_mapping=mapping)
        return router


def chosen_model(fitted: BinaryLogisticRegression) -> BinaryLogisticRegression:
    """Return a copy of a fitted estimator, with the C and l1_ratio of its search."""
    names = BinaryLogisticRegression._get_param_names()
    params = {name: getattr(fitted, name) for name in names if hasattr(fitted, name)}
    if isinstance(fitted, BinaryLogisticRegressionCV):
        params |= {"C": fitted.C_, "l1_ratio": fitted.l1_ratio_}
    model = BinaryLogisticRegression(**params)
    model.__dict__ |= {k: v for k, v in vars(fitted).items() if k.endswith("_")}
    return model


@np.errstate(all="ignore")
def _set_averaged(
    model: BinaryLogisticRegression, data: Data, coef: Vector, converged: bool
) -> None:
    """Set the attributes of a model whose coefficients are averages over the folds."""
    status = Status(
        "averaged",
        "The coefficients are averages over the folds, not those of a minimum.",
        converged=converged,
        remedy="" if converged else "Set refit=True to see which fit fails.",
    )
    with thread_executor() as executor:
        problem = problem_of(model, data, executor, every_row=True)
        objective = Objective(problem, executor)
        point = objective.evaluate(problem.lower(coef))
        solution = Solution(point, UNKNOWN_GAP, status, scope="local")
        model._set_fitted_attributes(
            solution, objective, Journal(0), np.dtype(np.float64)
        )
