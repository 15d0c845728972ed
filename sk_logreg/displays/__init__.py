"""Displays of losses, costs, fits, coefficients and inferences.

They follow scikit-learn's convention: a class method ``from_…`` computes the data and
draws them, ``plot(ax=…)`` draws them again, and attributes hold the artists. Matplotlib
is imported only when something is drawn.
"""

from sk_logreg.displays._coefficients import CoefficientDisplay
from sk_logreg.displays._convergence import ConvergenceDisplay
from sk_logreg.displays._cost_surface import CostSurfaceDisplay
from sk_logreg.displays._cv import CVDisplay
from sk_logreg.displays._forest import ForestDisplay
from sk_logreg.displays._histories import ConvergenceCurve
from sk_logreg.displays._influence import InfluenceDisplay
from sk_logreg.displays._loss_curves import LossCurveDisplay
from sk_logreg.displays._path import PathDisplay
from sk_logreg.displays._profile import ProfileDisplay
from sk_logreg.displays._surfaces import CostSurface

__all__ = [
    "CVDisplay",
    "CoefficientDisplay",
    "ConvergenceCurve",
    "ConvergenceDisplay",
    "CostSurface",
    "CostSurfaceDisplay",
    "ForestDisplay",
    "InfluenceDisplay",
    "LossCurveDisplay",
    "PathDisplay",
    "ProfileDisplay",
]
