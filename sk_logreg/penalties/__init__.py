"""The penalties on the coefficients, one per file."""

from sk_logreg.penalties._base import FenchelGap, Penalty
from sk_logreg.penalties._elastic_net import ElasticNet
from sk_logreg.penalties._l2 import L2

#: The penalties by name.
PENALTIES: dict[str, type[Penalty]] = {"l2": L2}

__all__ = ["L2", "PENALTIES", "ElasticNet", "FenchelGap", "Penalty"]
