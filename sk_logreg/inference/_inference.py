"""The inference from a fitted model: the class that users see."""

import warnings
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri
from scipy.stats import chi2
from sklearn.exceptions import ConvergenceWarning

from sk_logreg._arguments import to_float64
from sk_logreg._arrays import Matrix, Vector
from sk_logreg._compat import import_pandas
from sk_logreg.inference._covariance import quadratic_form
from sk_logreg.inference._diagnostics import dfbetas_frame, diagnostics_frame
from sk_logreg.inference._effects import KINDS, marginal_effects
from sk_logreg.inference._estimate import Estimate, estimate_of
from sk_logreg.inference._fitted import fitted_model
from sk_logreg.inference._likelihoods import Likelihoods, likelihoods_of
from sk_logreg.inference._notes import notes_of
from sk_logreg.inference._predictions import Predictor
from sk_logreg.inference._ratios import likelihood_ratios
from sk_logreg.inference._summary import Summary, number, p_value
from sk_logreg.inference._terms import (
    check_groups,
    check_level,
    check_values,
    index_of,
    places_of,
)

if TYPE_CHECKING:
    from pandas import DataFrame, Series

# A hypothesis is about determined combinations of terms if undetermined directions
# change it by no more than this share.
_NOISE = 1e-9


class Inference:
    r"""Standard errors, tests, intervals and diagnostics of a fitted model.

    Use :meth:`from_estimator` to create one. The terms of the model are the intercept,
    if there is one, and the features that the classifier received. Sample weights are
    frequencies: every member is what it would be if a row of weight 2 were two rows. A
    row with a soft label q and the weight n stands for n q rows of the positive class
    and n (1 - q) of the other. `notes` say what the numbers assume, and what is wrong
    with a fit.

    Attributes
    ----------
    covariance : str
        The kind of `covariance_matrix`: "model", "HC0" to "HC3", "cluster", "bayesian"
        or "frequentist".
    level : float
        The confidence level of intervals.
    terms : list of str
        "intercept", if there is one, and the names of the features.
    n_obs : float
        The number of observations: the sum of the sample weights.
    edf : float
        The effective degrees of freedom: the trace of :math:`(I + \Lambda)^{-1} I`,
        with I the Fisher information and Λ the diagonal matrix of the penalty factors
        divided by C. Without a penalty it is the rank of X, the intercept included.
    notes : list of str
        What the numbers assume, what was left out, and what is wrong with the fit:
        separation with its columns, collinear columns, many coefficients per
        observation, a fit that did not converge, data that are not those of the fit.

    See Also
    --------
    sk_logreg.displays.ForestDisplay : Draws coefficients or odds ratios.
    sk_logreg.displays.ProfileDisplay : Draws a profile likelihood.
    sk_logreg.displays.InfluenceDisplay : Draws leverages and residuals.

    References
    ----------
    .. [1] A. Agresti (2013). Categorical Data Analysis, 3rd edition. Wiley.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sk_logreg import BinaryLogisticRegression
    >>> from sk_logreg.inference import Inference
    >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    >>> X = X[["mean radius", "mean texture"]]
    >>> model = BinaryLogisticRegression(C=float("inf")).fit(X, y)
    >>> Inference.from_estimator(model, X, y).table[["coef", "std_err"]].round(3)
                    coef  std_err
    intercept     19.849    1.774
    mean radius   -1.057    0.101
    mean texture  -0.218    0.037
    """

    def __init__(self, estimate: Estimate, level: float, index: Any):
        fitted, covariance = estimate.fitted, estimate.covariance
        self._estimate, self._fitted, self._index = estimate, fitted, index
        self.level = level
        self.covariance = fitted.covariance
        self.terms = list(fitted.terms)
        self.n_obs = fitted.n_obs
        self.edf = covariance.edf
        self.notes = list(notes_of(estimate))

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        offset: ArrayLike | None = None,
        covariance: str = "auto",
        groups: ArrayLike | None = None,
        level: float = 0.95,
    ) -> Self:
        """Compute the inference from a fitted model and the data of its fit.

        Parameters
        ----------
        estimator : BinaryLogisticRegression, BinaryLogisticRegressionCV or Pipeline
            A fitted model without an L1 penalty, or a pipeline that ends in one. The
            terms are then the features that the last step receives.
        X : {array-like, sparse matrix, dask} of shape (n_samples, n_features)
            The X of the fit. A dask array or data frame is read in two passes, or in
            three for "HC2", "HC3" and "cluster". The other arguments with an entry per
            row are then dask arrays or series of the same partitions.
        y : array-like of shape (n_samples,)
            The y of the fit.
        sample_weight : array-like of shape (n_samples,), default=None
            The weights of the fit, taken as frequencies. By default each is one.
        offset : array-like of shape (n_samples,), default=None
            The offset of the fit. By default 0.
        covariance : {"auto", "model", "HC0", "HC1", "HC2", "HC3", "cluster", \
"bayesian", "frequentist"}, default="auto"
            The kind of covariance matrix of the coefficients. "model" is the inverse of
            the Fisher information, "HC0" to "HC3" are sandwiches that do not assume the
            variance of the model, and "cluster" is one that allows for dependence
            within groups (CR1). With a penalty, "bayesian" is that of the posterior in
            which the penalty is the prior, and "frequentist" is the sampling covariance
            of the penalized estimate. "auto" is "model" without a penalty, "bayesian"
            with one, and "HC0" for the squared error.
        groups : array-like of shape (n_samples,), default=None
            The group of each row, which ``covariance="cluster"`` requires. In dask
            collections a group may have rows in several partitions. The sums over such
            groups, of shape (n_groups, n_terms), are gathered.
        level : float, default=0.95
            The confidence level of intervals, between 0 and 1.

        Returns
        -------
        Inference

        Raises
        ------
        ImportError
            If pandas is not installed.
        ValueError
            If an argument is invalid, if X or y do not have the features or classes of
            the fit, if the covariance does not suit the loss or the penalty, if the fit
            has an L1 penalty, weights at their bounds, or 4,000 features or more; or if
            dask collections do not have the same partitions.
        """
        import_pandas(f"{cls.__name__}.from_estimator")
        level = check_level(level)
        check_groups(groups, covariance)
        per_row = X, y, sample_weight, offset, groups
        with fitted_model(estimator, *per_row, covariance) as fitted:
            return cls(estimate_of(fitted), level, index_of(X))

    # ------------------------------------------------------------------ coefficients

    @cached_property
    def table(self) -> "DataFrame":
        """DataFrame of shape (n_terms, 6), a row per term.

        Columns `coef`, `std_err`, `z`, `p_value` (two-sided, of z), `ci_low` and
        `ci_high` (of Wald, at `level`). With a penalty, `z` is a ratio only and
        `p_value` is NaN. Coefficients that diverge are infinite, those that the data
        leave undetermined are NaN, and the standard errors of both are infinite.
        """
        coef, std_err = self._estimate.coef, self._estimate.covariance.std_err
        return self._wald(coef, std_err, self.terms, ("coef", "std_err"))

    @cached_property
    def odds_ratios(self) -> "DataFrame":
        """DataFrame of shape (n_terms, 3): the exponentials of `table`.

        Columns `odds_ratio`, `ci_low` and `ci_high`.
        """
        table = self.table[["coef", "ci_low", "ci_high"]]
        table.columns = ["odds_ratio", "ci_low", "ci_high"]
        with np.errstate(over="ignore"):
            return table.apply(np.exp)

    @cached_property
    def covariance_matrix(self) -> "DataFrame":
        """DataFrame of shape (n_terms, n_terms); NaN for undetermined terms."""
        covariance = self._estimate.covariance
        matrix = covariance.of_terms.copy()
        matrix[covariance.undetermined] = np.nan
        matrix[:, covariance.undetermined] = np.nan
        return self._pandas.DataFrame(matrix, self.terms, self.terms)

    @cached_property
    def penalty_bias(self) -> "Series":
        r"""Series by term: the estimated bias that the penalty causes, 0 without one.

        That is :math:`-(I + \Lambda)^{-1} \Lambda (w - c)`, c the penalty's center
        [1]_. It belongs to ``covariance="frequentist"``.

        References
        ----------
        .. [1] S. le Cessie, J. C. van Houwelingen (1992). Ridge estimators in logistic
           regression. Applied Statistics 41(1), 191-201.
        """
        fitted = self._fitted
        slope = fitted.problem.penalty.gradient(fitted.point.coef)
        bias = -fitted.jacobian @ self._estimate.covariance.hessian.solve(slope)
        return self._pandas.Series(bias, self.terms, name="penalty_bias")

    # -------------------------------------------------------------------- likelihood

    @property
    def log_likelihood(self) -> float:
        """The Bernoulli log likelihood of the labels at the coefficients."""
        return self._likelihoods.log_likelihood

    @property
    def null_log_likelihood(self) -> float:
        """The log likelihood of the model without features."""
        return self._likelihoods.null

    @property
    def deviance(self) -> float:
        """Twice the difference of the saturated log likelihood and `log_likelihood`.

        The saturated log likelihood is 0 for hard labels. With soft labels it is that
        of probabilities equal to the labels, as for grouped data in R's `glm`.
        """
        found = self._likelihoods
        return 2.0 * (found.saturated - found.log_likelihood)

    @property
    def aic(self) -> float:
        """-2 log likelihood + 2 `edf`; NaN for the squared error."""
        return self._criterion(2.0)

    @property
    def bic(self) -> float:
        """-2 log likelihood + log(`n_obs`) `edf`; NaN for the squared error."""
        return self._criterion(float(np.log(self.n_obs)))

    @cached_property
    def pseudo_r2(self) -> "Series":
        """Series: `mcfadden`, `cox_snell`, `nagelkerke` and `tjur`.

        With ℓ and ℓ₀ the log likelihoods of the model and of the null model: 1 - ℓ/ℓ₀,
        1 - exp(2 (ℓ₀ - ℓ) / n), the latter over 1 - exp(2 ℓ₀ / n), and the difference
        between the mean probabilities of both classes [1]_. For the squared error the
        first three are NaN.

        References
        ----------
        .. [1] T. Tjur (2009). Coefficients of determination in logistic regression
           models. The American Statistician 63(4), 366-372.
        """
        found = self._likelihoods
        names = ("mcfadden", "cox_snell", "nagelkerke", "tjur")
        return self._pandas.Series(found.pseudo_r2(self.n_obs), names, name="pseudo_r2")

    def likelihood_ratio_tests(self, terms: Any = None) -> "DataFrame":
        """Test each term by the fit without it.

        Parameters
        ----------
        terms : list, default=None
            Names of terms. An entry may be a list of names, which are then tested
            together, such as the columns of one categorical feature. By default each
            term.

        Returns
        -------
        DataFrame
            A row per test, with columns `chi2`, `df` and `p_value`. With the
            `bias_reduction` "firth" or "flic", the tests are those of the penalized
            likelihood [1]_, and with "mdypl" those of the shrunk labels.

        Raises
        ------
        ValueError
            If the fit has a penalty, class weights or the squared error as its loss, or
            if a term is unknown.

        References
        ----------
        .. [1] G. Heinze, M. Schemper (2002). A solution to the problem of separation in
           logistic regression. Statistics in Medicine 21(16), 2409-2419.
        """
        self._check_likelihood("likelihood_ratio_tests")
        asked = self.terms if terms is None else _listed(terms)
        places = [places_of(names, self.terms) for names in asked]
        with likelihood_ratios(self._estimate) as ratios:
            found = np.array([ratios.drop(some) for some in places]).reshape(-1, 2)
        self._warn_of(np.isnan(found[:, 0]), places, "The refits")
        labels = [name if isinstance(name, str) else ", ".join(name) for name in asked]
        statistic, degrees = found.T
        columns = {
            "chi2": statistic,
            "df": degrees.astype(np.int64),
            "p_value": _tail(statistic, degrees),
        }
        return self._pandas.DataFrame(columns, labels)

    def profile_intervals(
        self, terms: Sequence[str] | None = None, level: float | None = None
    ) -> "DataFrame":
        """Return the confidence intervals of the profile likelihood.

        They hold the values at which a likelihood-ratio test does not reject [1]_.

        Parameters
        ----------
        terms : list of str, default=None
            Names of terms. By default each term.
        level : float, default=None
            The confidence level, between 0 and 1. By default that of the inference.

        Returns
        -------
        DataFrame
            A row per term, with columns `ci_low` and `ci_high`; infinite if the
            likelihood never falls enough. With the `bias_reduction` "firth" or "flic",
            the intervals are those of the penalized likelihood, and with "mdypl" those
            of the shrunk labels. With "flic" the interval of the intercept is NaN.

        Raises
        ------
        ValueError
            If the fit has a penalty, class weights or the squared error as its loss, or
            if a term is unknown.

        References
        ----------
        .. [1] D. J. Venzon, S. H. Moolgavkar (1988). A method for computing
           profile-likelihood-based confidence intervals. Applied Statistics 37(1),
           87-94.
        """
        self._check_likelihood("profile_intervals")
        level = self.level if level is None else check_level(level)
        asked = self.terms if terms is None else _listed(terms)
        fall = 0.5 * float(chi2.ppf(level, 1))
        places = [int(place) for place in places_of(asked, self.terms)]
        with likelihood_ratios(self._estimate) as ratios:
            found = np.array([ratios.interval(place, fall) for place in places])
        self._warn_of(np.isnan(found).any(axis=1), places, "The profile intervals")
        columns = ["ci_low", "ci_high"]
        return self._pandas.DataFrame(found, asked, columns)

    def profile(self, term: str, values: ArrayLike) -> "Series":
        """Return the profile log likelihood of a term.

        At each value of the coefficient of the term, it is the maximum of the log
        likelihood over all other coefficients, minus the overall maximum.

        Parameters
        ----------
        term : str
            The name of a term.
        values : array-like of shape (n_values,)
            The values of its coefficient.

        Returns
        -------
        Series
            By value, in ascending order: 0 at the estimate and negative elsewhere.

        Raises
        ------
        ValueError
            If the fit has a penalty, class weights or the squared error as its loss, if
            the term is unknown, or if a value is not finite.
        """
        self._check_likelihood("profile")
        [place] = places_of(term, self.terms)
        at = np.sort(check_values(values))
        with likelihood_ratios(self._estimate) as ratios:
            fall = ratios.profile(int(place), at)
        return self._pandas.Series(-fall, at, name=term)

    def wald_test(self, R: Any, q: Any = 0) -> "Series":
        """Test linear hypotheses R β = q by their Wald statistic.

        Parameters
        ----------
        R : array-like of shape (n_hypotheses, n_terms) or (n_terms,), or list of str
            The hypotheses, in the order of `terms`; or names of terms, whose
            coefficients are tested together.
        q : float or array-like of shape (n_hypotheses,), default=0
            The right sides.

        Returns
        -------
        Series
            `chi2`, `df`, the rank of the hypotheses, and `p_value`, which is NaN with a
            penalty.

        Raises
        ------
        ValueError
            If R or q have the wrong shape, if a term is unknown, undetermined or
            infinite, or if there are as many hypotheses as groups.
        """
        matrix = self._hypotheses(R)
        right = to_float64(q)
        if right.shape not in ((), (len(matrix),)) or not np.isfinite(right).all():
            raise ValueError(
                f"q must be a finite number, or {len(matrix)} of them, one right side "
                f"per hypothesis, got {q!r}."
            )
        covariance, coef = self._estimate.covariance, self._estimate.any_coef
        directions = covariance.null_space
        null_parts = np.abs(matrix @ directions)
        if np.any(null_parts > _NOISE * np.abs(matrix) @ np.abs(directions)):
            raise ValueError(
                "R tests terms that the data leave undetermined; see notes."
            )
        excess = matrix @ coef - right
        image = matrix @ covariance.of_terms @ matrix.T
        statistic, degrees = quadratic_form(image, excess)
        if covariance.n_groups is not None and degrees >= covariance.n_groups:
            raise ValueError(
                f"R tests {degrees} hypotheses, but with {covariance.n_groups} groups "
                "fewer can be tested. Use more groups, or covariance='HC0'."
            )
        p = np.nan if self._fitted.penalized else float(_tail(statistic, degrees))
        found = {"chi2": statistic, "df": degrees, "p_value": p}
        return self._pandas.Series(found, name="wald_test")

    # ------------------------------------------------------- effects and predictions

    def marginal_effects(self, kind: str = "average") -> "DataFrame":
        """Return how much the probability changes with each feature.

        The effect is the derivative of the probability or, for a column of zeros and
        ones, the difference between them. Standard errors are by the delta method.

        Parameters
        ----------
        kind : {"average", "mean"}, default="average"
            "average" is the mean of the effects over the observations, "mean" is the
            effect where all features are at their means.

        Returns
        -------
        DataFrame
            A row per feature, with columns `effect`, `std_err`, `z`, `p_value`,
            `ci_low` and `ci_high`. The effects of features whose coefficients are
            undetermined or diverge are NaN. With "mean", all are NaN if z diverges at
            the means.

        Raises
        ------
        ValueError
            If `kind` is unknown.
        """
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {KINDS}, got {kind!r}.")
        found = marginal_effects(self._estimate, kind)
        root = self._estimate.covariance.root_of_matrix
        spread = np.linalg.norm(found.derivatives @ root, axis=1)
        first = len(self.terms) - len(spread)
        undetermined = self._estimate.undetermined[first:] | np.isnan(found.values)
        effects = np.where(undetermined, np.nan, found.values)
        spread = np.where(undetermined, np.inf, spread)
        return self._wald(effects, spread, self.terms[first:], ("effect", "std_err"))

    def predict(self, X: Any, offset: ArrayLike | None = None) -> "DataFrame":
        """Return the probability of the positive class, with its interval.

        The interval is that of Wald for z, mapped to probabilities. It is for the
        probability of the model, not for a future label.

        Parameters
        ----------
        X : {array-like, sparse matrix, dask} of shape (n_samples, n_features)
            The examples, one per row. The result for a dask array or data frame is a
            lazy dask data frame.
        offset : array-like of shape (n_samples,), default=None
            A known term that is added to z of each row. By default 0.

        Returns
        -------
        DataFrame
            A row per row of X, with columns `probability`, `ci_low` and `ci_high`.
        """
        predictor = Predictor.of(self._estimate, self._quantile)
        return predictor.frame(self._fitted.transform(X), offset, index_of(X))

    # ------------------------------------------------------------------- diagnostics

    def diagnostics(self) -> "DataFrame":
        """Return leverages, residuals and Cook's distances of the rows.

        They describe one copy of each row. The leverage of all copies is the leverage
        times the weight of the row. Rows of weight 0 have the leverage 0.

        Returns
        -------
        DataFrame
            A row per row of X, with columns `leverage`, the diagonal of the hat matrix;
            `pearson` and `deviance`, the residuals; and `cooks_distance`, the squared
            change of the coefficients without the row, in the metric of the information
            divided by `edf`, approximated by one Newton step. A lazy dask data frame if
            the inference is from dask collections.
        """
        return self._diagnostics.drop(columns=["label", "step"])

    def dfbetas(self) -> "DataFrame":
        """Return how much the coefficients change with each row, in standard errors.

        Returns
        -------
        DataFrame of shape (n_samples, n_terms)
            The coefficient minus its value without one copy of the row, by one Newton
            step, divided by its standard error. A lazy dask data frame if the inference
            is from dask collections.
        """
        return dfbetas_frame(self._fitted, self._estimate.covariance, self._index)

    # ----------------------------------------------------------------------- summary

    def summary(self) -> str:
        """Return a summary as text.

        Returns
        -------
        str
            At most 80 columns wide, unless names of terms are too long.
        """
        return self._summary().as_text()

    def _repr_html_(self) -> str:
        return self._summary().as_html()

    def __repr__(self) -> str:
        return (
            f"<Inference: {len(self.terms)} terms, {self.n_obs:g} observations, "
            f"covariance={self.covariance!r}, level={self.level:g}>"
        )

    def _summary(self) -> Summary:
        model = self._fitted.estimator
        facts = [
            ("Observations", f"{self.n_obs:,g}"),
            ("Degrees of freedom", f"{self.edf:.4g}"),
            ("Covariance", self.covariance),
            ("Converged", "yes" if model.converged_ else "no"),
            ("Log likelihood", number(self.log_likelihood, 7)),
            ("Null log likelihood", number(self.null_log_likelihood, 7)),
            ("AIC", number(self.aic, 6)),
            ("McFadden R²", number(self.pseudo_r2["mcfadden"])),
        ]
        tail = 50.0 * (1.0 - self.level)
        ends = f"{tail:.4g} %", f"{100.0 - tail:.4g} %"
        head = ("", "coef", "std err", "z", "P>|z|", *ends)
        rows = [
            (
                str(term),
                number(coef),
                number(std_err),
                _two(z),
                p_value(p),
                *map(number, ci),
            )
            for term, coef, std_err, z, p, *ci in self.table.itertuples(name=None)
        ]
        positive = model.classes_.tolist()[1]
        title = (
            f"Logistic regression, positive class {positive!r}, "
            f"{100.0 * self.level:.4g} % intervals"
        )
        return Summary(title, facts, head, rows, self.notes)

    # ----------------------------------------------------------------------- helpers

    @cached_property
    def _pandas(self) -> Any:
        return import_pandas("Inference")

    @cached_property
    def _quantile(self) -> float:
        return float(ndtri(0.5 + 0.5 * self.level))

    @cached_property
    def _likelihoods(self) -> Likelihoods:
        return likelihoods_of(self._estimate)

    @cached_property
    def _diagnostics(self) -> Any:
        covariance = self._estimate.covariance
        return diagnostics_frame(self._fitted, covariance, self._index)

    def _criterion(self, price: float) -> float:
        if not self._fitted.by_likelihood:
            return np.nan
        return -2.0 * self.log_likelihood + price * self.edf

    def _wald(
        self,
        values: Vector,
        std_err: Vector,
        names: Sequence[str],
        columns: tuple[str, str],
    ) -> "DataFrame":
        """Return a table of values with their tests and intervals."""
        with np.errstate(divide="ignore", invalid="ignore"):
            half = self._quantile * std_err
            known = np.isfinite(half)
            z = np.where(known, values / std_err, np.nan)
            low = np.where(known, values - half, -np.inf)
            high = np.where(known, values + half, np.inf)
        p = np.full(len(z), np.nan)
        if not self._fitted.penalized:
            p = 2.0 * ndtr(-np.abs(z))
        found = np.array([values, std_err, z, p, low, high]).T
        header = (*columns, "z", "p_value", "ci_low", "ci_high")
        return self._pandas.DataFrame(found, _labels(tuple(names)), _labels(header))

    def _hypotheses(self, R: Any) -> Matrix:
        """Return hypotheses as an array of shape (n_hypotheses, n_terms)."""
        given = np.asarray(R)
        if isinstance(R, dict):
            raise ValueError(f"R must be an array or a list of terms, got {R!r}.")
        if given.dtype.kind in "OUS" and all(isinstance(name, str) for name in R):
            return np.eye(len(self.terms))[places_of(R, self.terms)]
        try:
            matrix = np.atleast_2d(to_float64(given))
        except (TypeError, ValueError):
            raise ValueError(f"R must hold numbers or terms, got {R!r}.") from None
        if matrix.ndim != 2 or matrix.shape[1] != len(self.terms):
            raise ValueError(
                f"R must have {len(self.terms)} columns, one per term, but has shape "
                f"{np.shape(R)}."
            )
        if not (np.isfinite(matrix).all() and matrix.any(axis=1).all()):
            raise ValueError("R must hold finite numbers, and no row of zeros.")
        return matrix

    def _warn_of(self, failed: Any, places: Sequence[Any], what: str) -> None:
        """Warn of results that were not found."""
        names = [
            self.terms[int(np.atleast_1d(place)[0])]
            for place, wrong in zip(places, failed, strict=True)
            if wrong and not self._fitted.is_refitted(np.atleast_1d(place))
        ]
        if names:
            warnings.warn(
                f"{what} of {', '.join(names)} did not converge and are NaN, since the "
                "likelihood is almost flat. Use a smaller level, or bias_reduction.",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _check_likelihood(self, member: str) -> None:
        """Raise a ValueError if likelihood ratios do not have their distribution."""
        model, reason = self._fitted.estimator, ""
        if not self._fitted.by_likelihood:
            reason = "the squared error is no likelihood. Use wald_test"
        elif self._fitted.penalized:
            reason = (
                "with a penalty the likelihood ratio does not have a χ² distribution. "
                "Fit with C=np.inf"
            )
        elif model.class_weight is not None:
            reason = (
                "with class_weight the likelihood is not that of the observations. "
                "Use covariance='HC0' and wald_test"
            )
        if reason:
            raise ValueError(f"{member} is not available: {reason}.")


def _labels(names: tuple[str, ...]) -> Any:
    """Return the labels of rows or columns; a view, since callers may rename it."""
    return _index(names).view()


@lru_cache(maxsize=8)
def _index(names: tuple[str, ...]) -> Any:
    """Return an index, which takes as long to build as a pass over small data."""
    return import_pandas("Inference").Index(names)


def _tail(statistic: Any, degrees: Any) -> Any:
    """Return the p-values of χ² statistics, NaN without degrees of freedom."""
    return np.where(np.asarray(degrees) > 0, chi2.sf(statistic, degrees), np.nan)


def _listed(terms: Any) -> list[Any]:
    alone = isinstance(terms, str) or not isinstance(terms, Iterable)
    return [terms] if alone else list(terms)


def _two(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.2f}"
