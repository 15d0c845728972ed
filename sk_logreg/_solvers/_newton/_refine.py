"""Refinement of a minimum in extended precision, for a fine tolerance."""

from dataclasses import replace

import numpy as np

from sk_logreg._objective import Evaluation, Objective
from sk_logreg._solvers._newton._line_search import try_evaluate
from sk_logreg._solvers._newton._model import Model
from sk_logreg._tolerances import EPS

# Maximum number of refinement steps. Each adds as many digits as the Newton system can
# be solved to, so three reach those of float64 unless it is close to singular.
_MAX_STEPS = 3


def refined(objective: Objective, model: Model, point: Evaluation) -> Evaluation:
    """Return the minimum next to a point, to the accuracy of float64 if possible.

    The value of f no longer shows it, nor does its gradient, a small difference of
    large sums; computed in a wider format, the gradient does [1]_. Each step adds as
    many digits as the Newton system can be solved to.

    References
    ----------
    .. [1] N. J. Higham (2002). Accuracy and Stability of Numerical Algorithms, 2nd
       edition, chapter 12. SIAM.
    """
    noise = objective.rounding(point)
    for _ in range(_MAX_STEPS):
        exact = replace(point, gradient=objective.gradient_longdouble(point.coef))
        step = model.step(exact, EPS**2 * point.value, exact=True)
        if step is None:
            break
        trial = try_evaluate(model.evaluate, point.coef + step.direction)
        if trial is None or trial.value > point.value + noise:
            break  # the system was not solved well enough for a step
        point = trial
        if (np.abs(step.direction) <= 4 * EPS * np.abs(point.coef)).all():
            break
    return point
