"""
Odds ratios of a case-control study
===================================

In eight Chinese cities, patients with lung cancer and controls were asked whether they smoked [1]_. The
numbers of cases and controls were chosen by the investigators, so the data say nothing about the risk
itself, and the intercepts of the cities have no meaning. The odds ratio of smoking does not depend on these
numbers. Since lung cancer is rare, it is close to the ratio of the risks.

The data are counts, which are fitted as soft labels with weights. The upper model has an odds ratio for each
city. The lower model has one for all cities, 2.18 with the 95 % interval from 1.98 to 2.38. The method of
Mantel and Haenszel gives 2.17, with the same interval. The likelihood-ratio test compares the two
models: the differences between the odds ratios of the cities can be explained by chance.

.. [1] Z. Liu (1992). Smoking and lung cancer in China: combined analysis of eight case-control
   studies. International Journal of Epidemiology 21(2), 197-201.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import chi2
from sk_logreg import BinaryLogisticRegression
from sk_logreg.displays import ForestDisplay
from sk_logreg.inference import Inference
from statsmodels.datasets import china_smoking

study = china_smoking.load_pandas().data.rename(index={"Nanjng": "Nanjing"})
cases = study[["smoking_yes_cancer_yes", "smoking_no_cancer_yes"]].to_numpy().ravel()
controls = study[["smoking_yes_cancer_no", "smoking_no_cancer_no"]].to_numpy().ravel()
city = pd.get_dummies(np.repeat(study.index, 2), dtype=float)
smoking = np.tile([1.0, 0.0], len(study))

model = BinaryLogisticRegression(C=np.inf, fit_intercept=False, soft_labels=True)
designs = {
    "each": city.mul(smoking, axis=0).join(city.add_prefix("intercept of ")),
    "all": pd.DataFrame({"all cities": smoking}).join(city),
}
inferences = {}
for name, X in designs.items():
    data = {"y": cases / (cases + controls), "sample_weight": cases + controls}
    inferences[name] = Inference.from_estimator(model.fit(X, **data), X, **data)
difference = inferences["all"].deviance - inferences["each"].deviance
p_value = chi2.sf(difference, len(study) - 1)

fig, (top, bottom) = plt.subplots(
    2, 1, figsize=(7.6, 4.6), height_ratios=[8, 1.4], sharex=True, layout="constrained"
)
ForestDisplay.from_inference(
    inferences["each"], terms=list(city.columns), sort=True, ax=top
)
ForestDisplay.from_inference(inferences["all"], terms=["all cities"], ax=bottom)
top.set(xlim=(0.8, 5.0), xlabel="")
top.set_title(f"Smoking and lung cancer; test of equal odds ratios: p = {p_value:.2f}")
