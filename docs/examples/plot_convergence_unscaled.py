"""
Convergence on unscaled data
============================

The features of the breast cancer data differ in scale by a factor of 100,000. Solvers
that work with gradients crawl on them; Newton's method does not see the scale.

scikit-learn's solvers keep no history, so each is fitted anew with one iteration more.
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
    """Return F, which all of these minimize."""
    losses = CrossEntropy().value(model.decision_function(X), y)
    return losses.sum() + 0.5 * np.sum(model.coef_**2)


histories = {}
for solver in ["lbfgs", "newton-cg", "newton-cholesky"]:
    values = []
    for max_iter in np.unique(np.geomspace(1, 200, 24).astype(int)):
        model = LogisticRegression(solver=solver, tol=1e-12, max_iter=max_iter)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X, y)
        values.append((max_iter, objective(model)))
    steps, found = np.transpose(values)
    # Iterations in between are not known.
    column = np.full(int(steps[-1]), np.nan)
    column[steps.astype(int) - 1] = found
    known = np.flatnonzero(np.isfinite(column))
    histories[f"scikit-learn, {solver}"] = column[: known[-1] + 1]

display = ConvergenceDisplay.from_estimator(ours, name="sk_logreg", optimum=exact)
for name, column in histories.items():
    steps = 1 + np.flatnonzero(np.isfinite(column))
    ConvergenceDisplay.from_histories(
        {name: {"objective": column[steps - 1], "seconds": steps}},
        x="seconds",
        optimum=exact,
        ax=display.ax_,
        markersize=4,
    )
display.ax_.set(xlabel="iteration", xscale="log", ylim=(1e-12, 1e7))
display.ax_.xaxis.set_major_formatter("{x:g}")
display.ax_.get_legend().set_loc("upper right")
display.ax_.set_title("breast cancer data, as they are")
