"""
A rare exposure
===============

Six of 120 patients are exposed, and all six become ill. The exposure separates the classes, and its
maximum likelihood estimate is infinite. ``bias_reduction`` gives finite coefficients: "firth" multiplies
the likelihood by Jeffreys' prior, and "mdypl" shrinks the labels toward ½ (the Diaconis-Ylvisaker
prior). "mdypl" is made for many features; here it shrinks little.

The left panel shows the profile log likelihoods of the exposure. The 95 % intervals end where the curves
cross the dashed line. The interval of maximum likelihood has a lower end, but no upper end, because its
curve does not fall again. The right panel shows the estimates for 100 other data sets of this kind, in
which the true coefficient is 2. For some data sets the maximum likelihood estimate is infinite. The mean
of Firth's estimates is close to the true coefficient.

The classic example is a study of 79 patients with endometrial cancer [1]_. All 13 patients with
neovasculation had a tumor of high grade. The published Firth estimate of the coefficient is 2.93, with the
standard error 1.55 and the profile interval from 0.61 to 7.85. This package computes 2.9293, 1.5508,
0.6097 and 7.8546.

.. [1] G. Heinze, M. Schemper (2002). A solution to the problem of separation in logistic
   regression. Statistics in Medicine 21(16), 2409-2419.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import chi2
from sk_logreg import BinaryLogisticRegression
from sk_logreg.inference import Inference
from sklearn.exceptions import ConvergenceWarning

warnings.simplefilter("ignore", ConvergenceWarning)  # the classes are separated


def patients(seed):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"age": rng.normal(60.0, 10.0, 120), "exposed": 0.0})
    X.loc[:5, "exposed"] = 1.0
    z = 0.03 * (X["age"] - 60.0) + 2.0 * X["exposed"] - 1.0
    return X, rng.random(len(X)) < expit(z)


styles = {
    None: ("maximum likelihood", "#009E73", "-"),
    "firth": ('"firth"', "#0072B2", "--"),
    "mdypl": ('"mdypl"', "#E69F00", "-."),
}
fig, (left, right) = plt.subplots(1, 2, figsize=(10.4, 4.4), layout="constrained")
X, y = patients(11)  # all exposed patients are ill
values = np.linspace(-1.0, 9.0, 61)
for place, (reduction, (label, color, line)) in enumerate(styles.items()):
    model = BinaryLogisticRegression(C=np.inf, bias_reduction=reduction).fit(X, y)
    inference = Inference.from_estimator(model, X, y)
    curve = inference.profile("exposed", values)
    low, high = inference.profile_intervals(["exposed"]).loc["exposed"]
    label = f"{label}: {low:.2f} to {high:.2f}".replace("inf", "∞")
    left.plot(curve.index, curve, color=color, linestyle=line, label=label)

    found = []
    for seed in range(100, 200):
        model.fit(*patients(seed))
        infinite = model.status_.word in ("separable", "quasi_separable")
        found.append(np.inf if infinite else model.coef_[0, 1])
    found = np.array(found)
    finite = found[np.isfinite(found)]
    jitter = place + np.random.default_rng(0).uniform(-0.25, 0.25, len(finite))
    right.plot(finite, jitter, ".", color=color, alpha=0.6)
    right.plot(finite.mean(), place, "D", color="black", markersize=7)
    if len(finite) < len(found):
        text = f"∞ in {len(found) - len(finite)} data sets"
        right.text(8.9, place, text, ha="right", va="center", color=color)

left.axhline(-0.5 * chi2.ppf(0.95, 1), color="gray", linestyle="--", linewidth=1.0)
left.set(xlabel="coefficient of the exposure", ylabel="profile log likelihood")
left.set(ylim=(-6.0, 0.3))
left.legend(loc="lower right", title="95 % interval")
right.axvline(2.0, color="gray", linewidth=1.0, zorder=0)
right.set(yticks=range(3), yticklabels=[label for label, *_ in styles.values()])
right.set(xlabel="estimates and their mean (diamond; of the finite ones)", xlim=(-1, 9))
right.invert_yaxis()
