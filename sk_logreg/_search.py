"""The search for C and l1_ratio: the folds, the grid, all fits and their scores."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import check_cv

from sk_logreg._arguments import to_float64
from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._estimator import BinaryLogisticRegression
from sk_logreg._execution import thread_executor
from sk_logreg._fit import problem_of
from sk_logreg._folds import FoldResult
from sk_logreg._objective import NotFiniteError, Objective
from sk_logreg._path import geometric_grid, null_fit
from sk_logreg._problem import Data
from sk_logreg._records import Status
from sk_logreg._scores import Fold
from sk_logreg._splits import Folds, rows_per_class


@dataclass(frozen=True, eq=False)
class Found:
    """The fits of a search, by fold, l1_ratio and C.

    `rows` holds the leave-one-out score of each row, of shape (n_l1_ratios, n_Cs,
    n_samples); None for folds.
    """

    coefs: NDArray[np.float64]
    scores: NDArray[np.float64]
    errors: Matrix
    n_iter: NDArray[np.int32]
    statuses: list[list[Status]]
    rows: NDArray[np.float64] | None = None

    @property
    def converged(self) -> bool:
        """Whether all fits converged."""
        return all(status.converged for some in self.statuses for status in some)

    def choice(self, selection: str) -> tuple[int, int]:
        """Return the positions of the l1_ratio and of the C chosen."""
        means = self.scores.mean(axis=0)
        # Among equals the smallest C.
        c, r = np.unravel_index(np.argmax(means.T), means.T.shape)
        if selection == "1se":
            if np.isnan(self.errors[r, c]):
                raise ValueError(
                    "selection='1se' needs at least two folds for a standard error."
                )
            least = means[r, c] - self.errors[r, c]
            c = np.flatnonzero(means[r] >= least)[0]
        return int(r), int(c)

    def best_per_fold(self) -> tuple[Indices, Indices]:
        """Return the positions of the best l1_ratio and C of each fold."""
        n_folds, n_ratios, n_values = self.scores.shape
        flat = self.scores.swapaxes(1, 2).reshape(n_folds, -1)
        c, r = np.unravel_index(flat.argmax(axis=1), (n_values, n_ratios))
        return r, c


def found_of_folds(results: list[list[FoldResult]], folds: Folds) -> Found:
    """Return the fits of folds at each ratio, with their scores."""
    n_folds, n_ratios = len(folds), len(results)
    every = [of_ratio[k] for k in range(n_folds) for of_ratio in results]
    coefs = np.array([result.coefs for result in every])
    scores = folds.scores(coefs.reshape(n_folds, -1, coefs.shape[-1]))
    scores = scores.reshape(n_folds, n_ratios, -1)
    errors = np.full(scores.shape[1:], np.nan)
    if n_folds > 1:
        errors = scores.std(axis=0, ddof=1) / np.sqrt(n_folds)
    return _found(every, scores, errors)


def found_of_rows(results: list[FoldResult], weights: Vector | None) -> Found:
    """Return the fits to all rows at each ratio, whose scores are those of each row."""
    rows = np.array([r.rows for r in results])
    if weights is None:
        weights = np.ones(rows.shape[-1])
    shares, n_rows = weights / weights.sum(), int(np.count_nonzero(weights))
    means, errors = rows @ shares, np.empty(rows.shape[:-1])
    for place, mean in np.ndenumerate(means):
        errors[place] = np.linalg.norm((rows[place] - mean) * shares)
    errors *= np.sqrt(n_rows / max(1, n_rows - 1))
    return _found(results, means[None], errors, rows)


def _found(
    results: list[FoldResult],
    scores: NDArray[np.float64],
    errors: Matrix,
    rows: NDArray[np.float64] | None = None,
) -> Found:
    coefs = np.array([result.coefs for result in results])
    n_iter = np.array([result.n_iter for result in results])
    return Found(
        coefs.reshape(*scores.shape, -1),
        scores,
        errors,
        n_iter.reshape(scores.shape),
        [result.statuses for result in results],
        rows,
    )


def checked_ratios(l1_ratios: Any) -> Vector:
    """Return the values of l1_ratio; a ValueError if one is wrong."""
    try:
        values = to_float64(l1_ratios)
    except (TypeError, ValueError):
        raise ValueError(f"l1_ratios must hold numbers, got {l1_ratios!r}.") from None
    if values.ndim != 1 or not len(values):
        raise ValueError(f"l1_ratios must be a list of numbers, got {l1_ratios!r}.")
    wrong = values[~((values >= 0.0) & (values <= 1.0))]
    if len(wrong):
        raise ValueError(f"l1_ratios must hold numbers in [0, 1], got {wrong[0]}.")
    return values


def folds_of(
    cv: Any, data: Data, labels: NDArray[Any], params: dict[str, Any]
) -> list[Fold]:
    """Return the folds; their rows by position."""
    splitter, rows = check_cv(cv, labels, classifier=True), np.arange(data.X.shape[0])
    folds = [
        Fold(rows[train], rows[test])
        for train, test in splitter.split(data.X, labels, **params)
    ]
    if not folds:
        raise ValueError("cv yields no folds.")
    return folds


def check_classes(model: BinaryLogisticRegression, folds: Folds) -> None:
    """Raise a ValueError if a free bias has no minimum on some training rows."""
    absorbed = model.absorb_bias or not model.fit_intercept
    for k, counts in enumerate(folds.class_counts()):
        if not counts.any() or not (absorbed or counts.all()):
            raise ValueError(
                f"The training rows of fold {k} hold only one class, or weights of 0, "
                "so that the bias has no minimum. Use fewer or stratified folds, or "
                "absorb_bias=True."
            )


def check_two_rows(model: BinaryLogisticRegression, data: Data) -> None:
    """Raise a ValueError if a free bias has no minimum without some row."""
    if model.absorb_bias or not model.fit_intercept:
        return
    if rows_per_class(data, np.arange(data.X.shape[0])).min() < 2:
        raise ValueError(
            "cv='alo' needs two rows of each class, since without the only one of a "
            "class the bias has no minimum."
        )


@np.errstate(all="ignore")
def grid_of(
    model: BinaryLogisticRegression, data: Data, n_values: int, l1_ratios: Vector
) -> Vector:
    """Return the geometric grid of C, see the parameter `Cs`."""
    largest: list[float] = []
    with thread_executor() as executor:
        for l1_ratio in l1_ratios[l1_ratios > 0.0].tolist():
            start = clone(model).set_params(l1_ratio=l1_ratio)
            try:
                problem = problem_of(start, data, executor)
                problem = Objective(problem, executor).in_memory().problem
                largest.append(null_fit(start, problem, executor).largest)
            except NotFiniteError:
                data.assert_finite(type(model).__name__)
    known = [C for C in largest if np.isfinite(C)]
    if not known:
        return geometric_grid(n_values, np.inf)
    if len(set(known)) == 1:
        return geometric_grid(n_values, known[0])
    return np.geomspace(
        geometric_grid(2, min(known))[0], geometric_grid(2, max(known))[1], n_values
    )


def warn_of(found: Found, Cs: Vector, name: str) -> None:
    """Warn of the fits of the search that did not converge."""
    failed = [
        (C, status)
        for statuses in found.statuses
        for C, status in zip(Cs.tolist(), statuses, strict=True)
        if not status.converged
    ]
    if not failed:
        return
    least, greatest = min(C for C, _ in failed), max(C for C, _ in failed)
    n_fits = len(Cs) * len(found.statuses)
    status = failed[0][1]
    warnings.warn(
        f"{name}: {len(failed)} of {n_fits} fits of the search did not converge, at C "
        f"from {least:.4g} to {greatest:.4g}. {status.sentence} {status.remedy}",
        ConvergenceWarning,
        stacklevel=4,
    )
