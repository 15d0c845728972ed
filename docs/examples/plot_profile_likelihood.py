"""
Profile likelihood and Wald intervals
=====================================

The Wald interval of a coefficient assumes that the log likelihood is a parabola. The profile likelihood
does not need this assumption: at each value of the coefficient, it is the maximum of the log likelihood
over all others. Both intervals end where their curve falls below the same cut-off.

The data are 32 students of economics [1]_. The label is whether their grades improved, and GPA is the
mean of their grades before. With all students, the intervals differ little. With the 18 who were not
taught by the new method, the Wald interval contains 0, and that of the profile likelihood does not: the
likelihood falls faster toward 0 than the parabola. With so few observations, prefer the profile
likelihood.

.. [1] L. C. Spector, M. Mazzeo (1980). Probit analysis and economic education. Journal of Economic
   Education 11(2), 37-44.
"""

import matplotlib.pyplot as plt
import numpy as np
from sk_logreg import BinaryLogisticRegression
from sk_logreg.displays import ProfileDisplay
from sk_logreg.inference import Inference
from statsmodels.datasets import spector

data = spector.load_pandas().data
groups = {
    "all students": (data, ["GPA", "TUCE", "PSI"]),
    "students without the new method": (data[data["PSI"] == 0], ["GPA"]),
}

fig, axes = plt.subplots(1, 2, figsize=(11.0, 4.8), sharey=True, layout="constrained")
for ax, (title, (students, features)) in zip(axes, groups.items(), strict=True):
    X, y = students[features], students["GRADE"]
    model = BinaryLogisticRegression(C=np.inf).fit(X, y)
    inference = Inference.from_estimator(model, X, y)
    ProfileDisplay.from_inference(inference, "GPA", ax=ax)
    ax.axvline(0.0, color="black", linewidth=0.8)
    ax.set_xlabel(f"coefficient of GPA: {title}")
