"""Inference from fitted models: standard errors, tests, intervals, diagnostics."""

from sk_logreg.inference._inference import Inference

__all__ = ["Inference"]
