"""Count the correct digits of each coefficient on numerically difficult problems.

    python -m benchmarks.digits

The reference is the minimum by Newton's method in 50-digit arithmetic, computed from
the formula of the objective. The result, `benchmarks/results/digits.csv`, has one row
per problem: the number of correct digits of the worst coefficient, for this package and
for the best solver of scikit-learn.
"""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path

import mpmath
import numpy as np
from mpmath import mpf
from sklearn.linear_model import LogisticRegression

from sk_logreg import BinaryLogisticRegression

RESULT = Path(__file__).parent / "results" / "digits.csv"
SOLVERS = ("newton-cholesky", "newton-cg")
_PEERS = ("newton-cholesky", "lbfgs", "newton-cg", "liblinear")
_TOL = 1e-14
_N_SAMPLES = 120
_DIGITS = 50
# Extra digits of the arithmetic: solving a nearly singular Newton system may lose them.
_GUARD = 30
_MAX_STEPS = 50
_MOST = 16.0  # decimal digits of a float64
_HALF_ULP = 2.0**-53


def _gaussian(rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal((_N_SAMPLES, 4))


def _units(rng: np.random.Generator) -> np.ndarray:
    return _gaussian(rng) * np.array([1e-6, 1e-2, 1e2, 1e6])


def _offset(rng: np.random.Generator) -> np.ndarray:
    return _gaussian(rng) + np.array([1e4, 0.0, -1e4, 0.0])


def _collinear(rng: np.random.Generator) -> np.ndarray:
    X = _gaussian(rng)
    X[:, 1] = X[:, 0] + 1e-5 * X[:, 1]
    return X


#: Generator of the features and fraction of positive rows, by the source of difficulty.
DATA: dict[str, tuple[Callable[[np.random.Generator], np.ndarray], float]] = {
    "nothing": (_gaussian, 0.4),
    "units from 1e-6 to 1e6": (_units, 0.4),
    "offsets of 1e4": (_offset, 0.4),
    "columns 1e-5 apart": (_collinear, 0.4),
    "a rare class": (_gaussian, 0.04),
}
STRENGTHS = (1e-6, 1.0, 1e6)


@dataclass(frozen=True)
class Minimum:
    """The coefficients to 50 digits, the bias last.

    `defined` is the number of digits of each coefficient that do not change when every
    value of X changes by its largest possible rounding error in float64.
    """

    coef: np.ndarray
    defined: np.ndarray

    def digits(self, found: np.ndarray) -> np.ndarray:
        """Return the number of correct digits of each coefficient, at most 16."""
        with mpmath.workdps(_DIGITS):
            return _digits(_exact(found) - self.coef, self.coef)


@dataclass(frozen=True)
class Problem:
    """The data and the parameters of an objective."""

    data: str
    C: float
    absorb_bias: bool
    loss: str = "cross_entropy"

    @cached_property
    def X(self) -> np.ndarray:
        """The features."""
        make, _ = DATA[self.data]
        return make(np.random.default_rng(0))

    @cached_property
    def y(self) -> np.ndarray:
        """Labels, 0 or 1, drawn from a logistic model of the features."""
        _, share = DATA[self.data]
        rng = np.random.default_rng(1)
        scaled = (self.X - self.X.mean(axis=0)) / self.X.std(axis=0)
        z = scaled @ [0.5, 0.8, -0.7, 0.6] + rng.logistic(size=_N_SAMPLES)
        return (z > np.quantile(z, 1.0 - share)).astype(int)

    @property
    def design(self) -> np.ndarray:
        """The features, followed by a column of ones for the bias."""
        return np.column_stack([self.X, np.ones(_N_SAMPLES)])

    def fit(self, solver: str) -> np.ndarray:
        """Return the coefficients that this package finds, the bias last."""
        model = BinaryLogisticRegression(
            C=self.C,
            absorb_bias=self.absorb_bias,
            loss=self.loss,
            solver=solver,
            tol=_TOL,
        ).fit(self.X, self.y)
        return np.append(model.coef_, model.intercept_)

    def fit_peer(self, solver: str) -> np.ndarray:
        """Return the coefficients that a solver of scikit-learn finds, the bias last.

        An absorbed bias is fitted as the weight of a column of ones.
        """
        model = LogisticRegression(
            C=self.C,
            fit_intercept=not self.absorb_bias,
            solver=solver,
            tol=_TOL,
            max_iter=1_000,
            random_state=0,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it did not reach this tolerance
            model.fit(self.design if self.absorb_bias else self.X, self.y)
        return np.append(model.coef_, [] if self.absorb_bias else model.intercept_)

    @property
    def peers(self) -> tuple[str, ...]:
        """The solvers of scikit-learn that minimize this objective."""
        return _PEERS if self.absorb_bias else _PEERS[:3]

    def minimum(self, start: np.ndarray) -> Minimum:
        """Return the minimum near a start, by Newton's method in 50-digit arithmetic.

        Raises
        ------
        ValueError
            If the Hessian of an iterate is not positive definite.
        ArithmeticError
            If the method does not converge.
        """
        with mpmath.workdps(_DIGITS + _GUARD):
            rows = _exact((2.0 * self.y - 1.0)[:, None] * self.design)
            ridge = _exact(np.append(np.ones(self.X.shape[1]), self.absorb_bias * 1.0))
            C, coef = mpf(self.C), _exact(start)
            for _ in range(_MAX_STEPS):
                margins = rows @ coef
                hit, miss = _sigmoid(margins), _sigmoid(-margins)
                slope, curvature = -C * miss, C * hit * miss
                if self.loss == "squared_error":
                    slope, curvature = (
                        slope * hit * miss,
                        curvature * miss * (3 * hit - 1),
                    )
                inverse = _inverse(
                    rows.T @ (curvature[:, None] * rows) + np.diag(ridge)
                )
                step = -inverse @ (slope @ rows + ridge * coef)
                coef = coef + step
                if (abs(step) <= mpf(10) ** -_DIGITS * abs(coef)).all():
                    change = abs(slope) + abs(curvature) * (abs(rows) @ abs(coef))
                    moved = abs(inverse) @ (change @ abs(rows)) * _HALF_ULP
                    return Minimum(coef, _digits(moved, coef))
        raise ArithmeticError(f"Newton's method does not converge on {self}")


_exact = np.frompyfunc(mpf, 1, 1)
_sigmoid = np.frompyfunc(lambda z: 1 / (1 + mpmath.exp(-z)), 1, 1)


def _inverse(hessian: np.ndarray) -> np.ndarray:
    matrix = mpmath.matrix(hessian.tolist())
    mpmath.cholesky(matrix)  # raises if the point is a saddle point
    return np.array((matrix**-1).tolist()).reshape(hessian.shape)


def _digits(error: np.ndarray, coef: np.ndarray) -> np.ndarray:
    least = mpf(10) ** -_MOST
    shares = [max(least, share) for share in abs(error) / abs(coef)]
    return np.array([max(0.0, float(-mpmath.log10(share))) for share in shares])


def measure(data: str, C: float, absorb_bias: bool) -> dict[str, object]:
    """Return one row of the table: the correct digits of the worst coefficient.

    The row shows the worse of this package's two solvers, and the best of
    scikit-learn's.
    """
    row: dict[str, object] = {
        "features": data,
        "C": f"{C:g}",
        "bias": "absorbed" if absorb_bias else "free",
    }
    problem = Problem(data, C, absorb_bias)
    for loss in ("squared_error", "cross_entropy"):  # cross entropy last, for the peers
        problem = replace(problem, loss=loss)
        found = [problem.fit(solver) for solver in SOLVERS]
        minimum = problem.minimum(found[0])
        row[loss.replace("_", " ")] = min(minimum.digits(coef).min() for coef in found)
    peers = {
        solver: minimum.digits(problem.fit_peer(solver)).min()
        for solver in problem.peers
    }
    best = max(peers, key=lambda solver: peers[solver])
    row |= {
        "scikit-learn": peers[best],
        "its best solver": best,
        "the data define": minimum.defined.min(),
    }
    return row


def table() -> list[dict[str, object]]:
    """Return all rows of the table."""
    return [
        measure(data, C, absorb_bias)
        for data, C, absorb_bias in product(DATA, STRENGTHS, (False, True))
    ]


def main() -> None:
    """Compute the table and write it."""
    rows = table()
    with RESULT.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(
                {k: f"{v:.1f}" if isinstance(v, float) else v for k, v in row.items()}
            )


if __name__ == "__main__":
    main()
