"""The kinds of covariance matrices, and which suit a model."""

from sk_logreg._estimator import BinaryLogisticRegression

#: The kinds in the order in which errors name them.
ROBUST = ("HC0", "HC1", "HC2", "HC3")
KINDS = ("auto", "model", *ROBUST, "cluster", "bayesian", "frequentist")
#: Powers of 1 less the leverage, by which the scores are divided.
LEVERAGE_POWERS = {"HC2": 1.0, "HC3": 2.0}


def needs_scores(kind: str) -> bool:
    """Return whether a covariance needs the scores, without leverages."""
    return kind in ("HC0", "HC1")


def covariance_kind(
    covariance: str, model: BinaryLogisticRegression, *, penalized: bool
) -> str:
    """Return the kind of covariance that an argument asks for.

    Raises a ValueError if the loss, the penalty or bias_reduction does not suit it.
    """
    if covariance not in KINDS:
        known = ", ".join(map(repr, KINDS))
        raise ValueError(f"covariance must be one of {known}, got {covariance!r}.")
    likelihood = model.loss == "cross_entropy"
    if covariance == "auto":
        if not likelihood:
            return "HC0"
        return "bayesian" if penalized else "model"
    if not likelihood and covariance not in ("HC0", "cluster"):
        raise ValueError(
            f"covariance={covariance!r} is for loss='cross_entropy'. The squared error "
            "is no likelihood; use 'HC0', its sandwich, or 'cluster'."
        )
    if covariance in ("bayesian", "frequentist") and not penalized:
        raise ValueError(
            f"covariance={covariance!r} is for a fit with a penalty, but this one has "
            "none. Use 'model', one of 'HC0' to 'HC3', or 'cluster'."
        )
    if covariance == "model" and penalized:
        raise ValueError(
            "covariance='model' is for a fit without a penalty. Use 'bayesian' or "
            "'frequentist', or fit with C=np.inf."
        )
    if model.bias_reduction == "mdypl" and covariance != "model":
        raise ValueError(
            f"covariance={covariance!r} is not known for bias_reduction='mdypl', whose "
            "labels are shrunk. Use 'model', or bias_reduction='firth'."
        )
    return covariance
