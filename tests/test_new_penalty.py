"""A penalty is one class and one registration, as a loss is."""

from functools import cached_property

import numpy as np
import pytest
from _problems import sample
from _reference import LOSSES, Reference

from sk_logreg._execution import ThreadExecutor
from sk_logreg._log import Journal
from sk_logreg._objective import Objective
from sk_logreg._problem import Data, build_problem
from sk_logreg._solvers import SOLVERS, solve_from_starts
from sk_logreg.losses import LOSSES as REGISTERED
from sk_logreg.penalties import PENALTIES, Penalty


class Doubled(Penalty):
    """The sum of λⱼ wⱼ²: twice the ridge, written from scratch."""

    quadratic = True

    def __init__(self, strengths):
        self.strengths = strengths

    @classmethod
    def of(cls, strengths):
        return cls(strengths)

    @cached_property
    def curvature(self):
        return 2.0 * self.strengths.astype(np.float64)

    def value(self, coef):
        return 0.5 * (self.curvature * coef * coef).sum(axis=-1)

    def gradient(self, coef):
        return self.curvature * coef

    def gradient_longdouble(self, coef):
        return 2.0 * self.strengths * coef

    def gap(self, direction, residual):
        which = self.penalized
        slope = self.curvature * direction - residual
        return 0.5 * float((slope[which] ** 2 / self.curvature[which]).sum())

    def dual_norm(self, slope):
        which = self.penalized
        return float(np.sqrt((slope[which] ** 2 / self.curvature[which]).sum()))

    def reduction_over(self, directions, coef):
        return self.value(coef)  # no direction can lower it by more


class Cubic(Doubled):
    """A penalty that says of itself that it is not quadratic."""

    quadratic = False


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(PENALTIES, "doubled", Doubled)
    monkeypatch.setitem(PENALTIES, "cubic", Cubic)


def problem_of(X, y, loss, penalty):
    data = Data(X, np.where(y == 1, 1, -1).astype(np.int8), np.ones(1))
    flags = {"C": 1.0, "fit_intercept": True, "absorb_bias": False}
    executor = ThreadExecutor()
    problem = build_problem(
        data, executor, loss=REGISTERED[loss], penalty=penalty, **flags
    )
    return Objective(problem, executor)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("shape", [(150, 5), (30, 60)])
def test_a_new_penalty_is_minimized_and_certified(loss, solver, shape):
    X, y = sample(*shape)
    with np.errstate(all="ignore"):
        solution = solve_from_starts(
            problem_of(X, y, loss, "doubled"),
            SOLVERS[solver],
            Journal(100),
            tol=1e-8,
            previous=None,
            n_init=1,
            random_state=np.random.RandomState(0),
        )
    reference = Reference(X, y, loss=loss, C=0.5)  # half of F
    value = reference.value(solution.point.coef)
    _, lowest = reference.minimum(solution.point.coef, n_steps=5)
    assert solution.status.converged
    assert solution.gap <= 1e-8
    assert float((value - lowest) / value) <= max(1.1 * solution.gap, 1e-13)
    assert solution.point.value == pytest.approx(float(2 * value) / len(y))


def test_a_penalty_that_is_not_quadratic_is_refused_by_name():
    X, y = sample(50, 2)
    with pytest.raises(ValueError, match=r"'cubic' is not quadratic"):
        problem_of(X, y, "cross_entropy", "cubic")
