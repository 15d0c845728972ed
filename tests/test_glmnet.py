"""Published coefficients of R's glmnet.

glmnet minimizes (1/n) Σ L + λ (α ‖w‖₁ + ½ (1 - α) ‖w‖²) over w and a free bias: with
`l1_ratio` = α that is F for C = 1 / (n λ). Vectors with an L1 part whose data have been
published to all digits were not found; `test_l1` compares nine to two decimals.
"""

from pathlib import Path

import numpy as np
import pytest
from _reference import SOLVERS

from sk_logreg import BinaryLogisticRegression

every_solver = pytest.mark.parametrize("solver", SOLVERS)


@every_solver
def test_a_ridge_of_nine_rows(solver):
    # From scikit-learn's sklearn/linear_model/tests/test_logistic.py. In R:
    # glmnet(x, y, family="binomial", alpha=0, lambda=1, standardize=F, thresh=1e-10)
    X = np.column_stack([np.arange(-4.0, 5.0), [0, 0, 1, 0, 1, 1, 1, 0, 0]])
    y = np.array([0, 0, 0, 1, 1, 1, 1, 1, 1])
    model = BinaryLogisticRegression(C=1 / (9 * 1.0), tol=1e-12, solver=solver)
    known = [0.89230405539, 0.44464569182, 0.01457563448]
    np.testing.assert_allclose(model.fit(X, y).weights_, known, rtol=1e-6)


@pytest.mark.parametrize("case", range(9))
def test_glmnet_finds_no_lower_objective(case):
    # statsmodels holds the data rounded to two decimals, and R's vectors, without bias.
    module = pytest.importorskip("statsmodels.genmod.tests.results.glmnet_r_results")
    path = Path(module.__file__).with_name("enet_binomial.csv")
    if not path.exists():
        pytest.skip("statsmodels has no enet_binomial.csv here")
    y, X = np.split(np.loadtxt(path, delimiter=","), [1], axis=1)
    y = y[:, 0]
    l1_ratio, strength, *known = getattr(module, f"rslt_binomial_{case}")
    params = {"C": 1 / (len(y) * strength), "l1_ratio": l1_ratio}
    model = BinaryLogisticRegression(fit_intercept=False, **params).fit(X, y)
    w = np.array(known)
    penalty = l1_ratio * np.abs(w).sum() + (1 - l1_ratio) / 2 * w @ w
    loss = np.logaddexp(0.0, -(2 * y - 1) * (X @ w)).sum()
    theirs = params["C"] * loss + penalty
    assert model.objective_ <= theirs <= model.objective_ * (1 + 1e-3)
