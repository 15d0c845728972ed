"""
Sparse text
===========

The model decides whether a sentence is from the documentation of NumPy or of SciPy. The sentences
are those of the installed docstrings. They form a sparse matrix with one column per word, which
is never converted to dense. The dots are the words with the largest coefficients.
"""

import inspect
import re

import numpy as np
import scipy.interpolate
import scipy.linalg
import scipy.optimize
import scipy.signal
import scipy.stats
from sk_logreg import BinaryLogisticRegression
from sk_logreg.displays import CoefficientDisplay
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline


def sentences(*modules):
    """Return the sentences of the modules' docstrings, without code."""
    texts = {
        inspect.getdoc(getattr(module, name)) or ""
        for module in modules
        for name in module.__all__
    }
    lines = (
        line
        for text in texts
        for line in re.split(r"\n\s*\n|(?<=\.)\s+", re.sub(r">>>.*|\.\. .*", "", text))
    )
    return sorted({line for line in lines if len(line.split()) > 6})


of_numpy = sentences(np, np.linalg, np.fft)
of_scipy = sentences(
    scipy.stats, scipy.optimize, scipy.linalg, scipy.signal, scipy.interpolate
)
texts = of_numpy + of_scipy
y = np.repeat(["NumPy", "SciPy"], [len(of_numpy), len(of_scipy)])

words = TfidfVectorizer(sublinear_tf=True, min_df=3, token_pattern=r"[a-z]{3,}")
model = make_pipeline(words, BinaryLogisticRegression(C=10.0, class_weight="balanced"))
score = cross_val_score(model, texts, y, scoring="roc_auc").mean()
model.fit(texts, y)
X = words.transform(texts)
print(
    f"{X.shape[0]:,} sentences × {X.shape[1]:,} words, {X.nnz / X.shape[0]:.0f} per sentence"
)
print(f"area under the ROC curve: {score:.3f}")

display = CoefficientDisplay.from_estimator(model, max_features=24)
