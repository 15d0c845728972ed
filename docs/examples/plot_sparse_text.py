"""
Sparse text
===========

Is a sentence from NumPy's documentation or from SciPy's? The sentences are those of the
docstrings installed on this machine. They become a sparse matrix of words, one column a
word, which is never made dense. The dots are the words that give it away.
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
    f"{X.shape[0]:,} sentences × {X.shape[1]:,} words, {X.nnz / X.shape[0]:.0f} a row"
)
print(f"area under the ROC curve: {score:.3f}")

display = CoefficientDisplay.from_estimator(model, max_features=24)
