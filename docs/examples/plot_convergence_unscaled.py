"""
Convergence on unscaled data
============================

The features of the breast cancer data differ in scale by a factor of 200,000. Gradient-based
solvers converge slowly on such data, and so do the conjugate gradients of newton-cg. A Newton
step from a Cholesky factorization does not depend on the scale.

scikit-learn's solvers keep no history. Every point of their curves is therefore a separate fit
with another ``max_iter``.
"""

import warnings

import numpy as np
from sk_logreg import BinaryLogisticRegression
from sk_logreg.displays import ConvergenceDisplay
from sk_logreg.losses import CrossEntropy
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

X, y = load_breast_cancer(return_X_y=True)
ours = BinaryLogisticRegression().fit(X, y)
exact = BinaryLogisticRegression(tol=1e-14).fit(X, y).objective_


def objective(model):
    """Return F, the objective that all solvers minimize."""
    losses = CrossEntropy().value(model.decision_function(X), y)
    return losses.sum() + 0.5 * np.sum(model.coef_**2)


display = ConvergenceDisplay.from_estimator(ours, name="sk_logreg", optimum=exact)
steps = np.unique(
    np.concatenate([np.arange(1, 16), np.geomspace(16, 200, 12).astype(int)])
)
for solver in ["lbfgs", "newton-cg", "newton-cholesky"]:
    values = []
    for max_iter in steps:
        model = LogisticRegression(solver=solver, tol=1e-12, max_iter=max_iter)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values.append(objective(model.fit(X, y)))
    # The steps are not evenly spaced, so they are passed as the values of the x axis.
    ConvergenceDisplay.from_histories(
        {f"scikit-learn, {solver}": {"objective": values, "seconds": steps}},
        x="seconds",
        optimum=exact,
        ax=display.ax_,
        markersize=4,
    )
display.ax_.set(xlabel="iteration", xscale="log", ylim=(1e-12, 1e7))
display.ax_.xaxis.set_major_formatter("{x:g}")
display.ax_.get_legend().set_loc("upper right")
display.ax_.set_title("breast cancer data, unscaled")
