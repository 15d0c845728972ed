"""Pictures of the losses, of a cost, of a fit and of what it found.

They follow scikit-learn's convention for displays: a class method ``from_…`` computes
the data and draws them, ``plot(ax=…)`` draws them again, and the artists are kept as
attributes. Matplotlib is imported when something is drawn, not before.
"""

from sk_logreg.displays._coefficients import CoefficientDisplay
from sk_logreg.displays._convergence import ConvergenceDisplay
from sk_logreg.displays._cost_surface import CostSurfaceDisplay
from sk_logreg.displays._histories import ConvergenceCurve
from sk_logreg.displays._loss_curves import LossCurveDisplay
from sk_logreg.displays._surfaces import CostSurface

__all__ = [
    "CoefficientDisplay",
    "ConvergenceCurve",
    "ConvergenceDisplay",
    "CostSurface",
    "CostSurfaceDisplay",
    "LossCurveDisplay",
]
