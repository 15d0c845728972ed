"""Starting points from elemental subsets of the rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._objective import Objective, mean_losses
from sk_logreg._tolerances import ACCURATE, EPS


class Start(NamedTuple):
    """Coefficients to start from: from where, and f there (on the rows screened)."""

    origin: str
    coef: Vector
    value: float


@dataclass(frozen=True)
class ElementalOptions:
    """The parameters of elemental starts."""

    #: Number of directions drawn per round.
    n_drawn: int = 100
    #: The lengths at which they are tried: the root mean square of z. Short ones lead
    #: to probabilities, long ones to counting errors.
    lengths: tuple[float, ...] = (1.0, 3.0, 9.0, 27.0)
    #: Number of rounds for the fixed starts.
    n_rounds: int = 3


ELEMENTAL = ElementalOptions()


class ElementalStarts:
    """Tries many directions on few rows; the lowest are good starts.

    Even if many labels are wrong, some small subset of the rows has right labels, or
    wrong ones that agree, and the least-squares fit of its margins to one gives a good
    direction [1]_. The coordinates are such that the rows have unit covariance, so the
    units and the correlations of the features do not matter.

    References
    ----------
    .. [1] P. J. Rousseeuw, A. M. Leroy (1987). Robust Regression and Outlier
       Detection, chapter 5. Wiley.
    """

    def __init__(self, objective: Objective):
        self._objective = objective
        rows = objective.dense_rows(intercept=True)
        units = np.sqrt(np.square(rows).mean(axis=0))
        empty = units == 0.0
        units[empty] = 1.0
        left, scales, right = np.linalg.svd(rows / units, full_matrices=False)
        kept = scales > ACCURATE * scales[0]
        n_rows = np.sqrt(len(rows))
        # The rows are multiplied by the signs only now, so that exchanging the labels
        # changes signs and nothing else.
        signs = objective.problem.rows.signs[:, None]
        #: Rows in the new coordinates, and the coefficients of each coordinate.
        self._rows: Matrix = left[:, kept] * n_rows * signs
        self._coef: Matrix = (right[kept] / scales[kept, None] * n_rows) / units
        self._coef[:, empty] = 0.0

    @property
    def kurtosis(self) -> float:
        """Mardia's kurtosis of the rows, relative to that of a normal distribution."""
        squares = np.square(self._rows).sum(axis=1)
        rank = self._rows.shape[1]
        return float(np.square(squares).mean() / (rank * (rank + 2)))

    def fixed(self) -> Iterator[Start]:
        """Yield the fixed starts, the same each time."""
        rng = np.random.default_rng(0)
        for _ in range(ELEMENTAL.n_rounds):
            yield from self.lowest_per_length("chosen", rng)

    def lowest_per_length(
        self, origin: str, rng: np.random.Generator
    ) -> Iterator[Start]:
        """Draw directions, and yield the lowest at each length."""
        directions = self._directions(rng)
        coefs = directions @ self._coef
        margins = directions @ self._rows.T
        for length in ELEMENTAL.lengths:
            values = mean_losses(self._objective, length * margins)
            values += self._objective.penalty.value(length * coefs)
            least = int(values.argmin())
            if np.isfinite(values[least]):
                yield Start(origin, length * coefs[least], float(values[least]))

    def _directions(self, rng: np.random.Generator) -> Matrix:
        """Return the least-squares fits of random subsets, each of unit length."""
        (n_rows, n_coefs), n_drawn = self._rows.shape, ELEMENTAL.n_drawn
        n_members = rng.integers(n_coefs + 1, 3 * n_coefs + 2, size=(n_drawn, 1))
        members = (rng.random((n_drawn, n_rows)) * n_rows < n_members).astype(float)
        members *= self._objective.problem.rows.weights > 0.0
        pairs = self._rows[:, :, None] * self._rows[:, None, :]
        grams = members @ pairs.reshape(n_rows, n_coefs**2)
        grams = grams.reshape(n_drawn, n_coefs, n_coefs)
        grams += np.sqrt(EPS) * np.eye(n_coefs)  # some do not determine a fit
        fits = np.linalg.solve(grams, (members @ self._rows)[:, :, None])[:, :, 0]
        lengths = np.linalg.norm(fits, axis=1, keepdims=True)
        return fits / np.where(lengths > 0.0, lengths, 1.0)
