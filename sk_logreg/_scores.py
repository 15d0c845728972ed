"""The scores of a cross-validation: losses of the rows, or scikit-learn's scorers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._design import RowPart
from sk_logreg._estimator import BinaryLogisticRegression
from sk_logreg._labels import encode_soft_labels, soft_weights
from sk_logreg._tolerances import LARGEST_LOSS
from sk_logreg.losses import LOSSES

#: The loss of each scorer that is computed as a loss.
LOSS_OF_SCORER = {"neg_log_loss": "cross_entropy", "neg_brier_score": "squared_error"}
#: The message about a fold without a score.
NO_WEIGHT = "sample_weight is 0 for all test rows of a fold."


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of some rows as the losses take them: signs, and `p_other` or None."""

    signs: NDArray[np.int8]
    p_other: Vector | None = None

    def take(self, rows: Indices) -> "Labels":
        """Return those of some rows."""
        p_other = self.p_other
        return Labels(self.signs[rows], None if p_other is None else p_other[rows])


def soft_labels(labels: NDArray[Any]) -> Labels:
    """Return soft labels as the losses take them."""
    _, signs, p_other = soft_weights(None, None, encode_soft_labels(labels))
    return Labels(signs, p_other)


@dataclass(frozen=True, eq=False)
class Fold:
    """The rows that are fitted, and those that are scored."""

    train: Indices
    test: Indices


class Score(Protocol):
    """Scores the test rows of a fold."""

    def __call__(self, fold: Fold, coefs: Matrix, /) -> Vector:
        """Return a score, higher for better, for each row of coefficients."""


def row_scores(loss: str, z: NDArray[Any], labels: Labels | RowPart) -> Vector:
    """Return minus the loss of each row; rows are the last axis of z.

    As scikit-learn's neg_log_loss and neg_brier_score: the squared error is not halved,
    and cross entropy is at most minus the logarithm of the spacing of float64.
    """
    margins: Any = labels.signs * z.astype(np.float64, copy=False)
    values = LOSSES[loss].at_margin(margins, labels.p_other).value
    if loss == "cross_entropy":
        values = np.minimum(values, LARGEST_LOSS)
    return -2.0 * values if loss == "squared_error" else -values


@dataclass(frozen=True, eq=False)
class LossScore:
    """Minus the mean loss, weighted; see `Score`."""

    loss: str
    X: Any
    labels: Labels
    offset: Vector | None
    sample_weight: Vector | None

    def __call__(self, fold: Fold, coefs: Matrix, /) -> Vector:
        test, n_features = fold.test, self.X.shape[1]
        z = (self.X[test] @ coefs[:, :n_features].T).T
        z = z + coefs[:, n_features:].sum(axis=1, keepdims=True)
        if self.offset is not None:
            z += self.offset[test]
        values = row_scores(self.loss, z, self.labels.take(test))
        weights = None if self.sample_weight is None else self.sample_weight[test]
        if weights is not None and not weights.any():
            raise ValueError(NO_WEIGHT)
        return np.average(values, axis=1, weights=weights)


class _WithOffset(BinaryLogisticRegression):
    """A fitted model whose predictions are for rows with the given offset."""

    def decision_function(
        self, X: Any, offset: ArrayLike | None = None
    ) -> NDArray[np.floating]:
        return super().decision_function(X, self._offset if offset is None else offset)


def with_offset(
    coef: Vector, n_features: int, classes: NDArray[Any], offset: Vector | None
) -> BinaryLogisticRegression:
    """Return a fitted model that adds an offset to its predictions by itself."""
    model = _WithOffset()
    model.coef_, model.intercept_ = coef[None, :n_features], np.zeros(1)
    model.intercept_ += coef[n_features:].sum()
    model.classes_, model.n_features_in_ = classes, n_features
    model._offset = offset
    return model


@dataclass(frozen=True, eq=False)
class ScorerScore:
    """The score of one of scikit-learn's scorers, or of a callable; see `Score`.

    `params` are its further arguments; those with an entry per row are subset too.
    """

    scorer: Callable[..., float]
    X: Any
    y: NDArray[Any]
    classes: NDArray[Any]
    offset: Vector | None
    params: dict[str, Any]

    def __call__(self, fold: Fold, coefs: Matrix, /) -> Vector:
        return np.array(list(self._scores(fold.test, coefs)), dtype=np.float64)

    def _scores(self, test: Indices, coefs: Matrix) -> Iterator[float]:
        X, y, n_features = self.X[test], self.y[test], self.X.shape[1]
        offset = None if self.offset is None else self.offset[test]
        params = {
            name: self._of_rows(value, test) for name, value in self.params.items()
        }
        for coef in coefs:
            model = with_offset(coef, n_features, self.classes, offset)
            yield self.scorer(model, X, y, **params)

    def _of_rows(self, value: Any, test: Indices) -> Any:
        if np.ndim(value) == 0 or len(value) != len(self.y):
            return value
        return np.asarray(value)[test]
