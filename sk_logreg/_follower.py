"""A solver for many rows that follows a path: all of its problems at once."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._execution import ThreadExecutor
from sk_logreg._log import Journal
from sk_logreg._objective import Evaluation, NotFiniteError, Objective
from sk_logreg._problem import Problem, with_C
from sk_logreg._records import CONVERGED
from sk_logreg._solvers._base import UNKNOWN_GAP, Goal, Solution, Solver, relative
from sk_logreg._solvers._factors import factor
from sk_logreg._solvers._newton._proximal import proximal_point
from sk_logreg._solvers._samples import nested_samples
from sk_logreg._tolerances import FINE, NOISE
from sk_logreg.losses._dual import EntropyDual
from sk_logreg.penalties import L2, ElasticNet

# With more columns than this, working sets of them pay.
_MANY_COLUMNS = 400
_LENGTH = 0.4
_MAX_STEPS = 4


def followable(
    problem: Problem, executor: ThreadExecutor, tol: float
) -> Problem | None:
    """Return a problem with a penalty that a `Follower` takes, None if it takes none.

    Its loss must have a dual, all weights a penalty that is not minute, and samples of
    its rows must pay.
    """
    penalty, coordinates = problem.penalty, problem.coordinates
    suits = problem.loss.dual is not None and problem.bounded
    if not suits or problem.n_features >= _MANY_COLUMNS or not isinstance(penalty, L2):
        return None
    if coordinates is not None and (coordinates.units != 1.0).any():
        return None
    objective = Objective(problem, executor)
    if next(nested_samples(objective, tol), None) is None:
        return None
    # A sample may lack the rows whose squares overflow.
    if not np.isfinite(objective.product_diagonal(objective.weights)).all():
        raise NotFiniteError
    if isinstance(penalty, ElasticNet):
        return problem
    none, infinite = np.zeros(problem.n_dof), np.full(problem.n_dof, np.inf)
    whole = ElasticNet(penalty.strengths, none, -infinite, infinite)
    return replace(problem, penalty=whole)


@dataclass(frozen=True)
class _Node:
    place: int
    coef: Vector
    gradient: Vector  # of the losses
    hessian: Matrix


class Follower:
    """Solves problems that differ in C alone, one after the other."""

    def __init__(
        self, solver: Solver, executor: ThreadExecutor, problem: Problem, Cs: Vector
    ):
        self._solver, self._executor = solver, executor
        self._problem, self._Cs, self._place = problem, Cs, 0
        self._found: dict[int, _Ahead] = {}

    def __call__(
        self, objective: Objective, start: Vector, journal: Journal, goal: Goal
    ) -> Solution:
        """Return the solution of the next problem."""
        ahead = self._found.pop(self._place, None)
        if ahead and not journal.closed:
            if ahead.gap <= goal.tol:
                self._place += 1
                return Solution(ahead.point, ahead.gap, CONVERGED)
            start = ahead.point.coef
        solution = self._solver(objective, start, journal, goal)
        if solution.status.converged:
            if self._place == 0 and goal.tol >= FINE and len(self._Cs) > 1:
                self._follow(objective, solution.point.coef, goal.tol)
            self._place += 1  # or it will be solved once more, from another start
        return solution

    def _follow(self, objective: Objective, start: Vector, tol: float) -> None:
        self._objectives = [objective]
        for C in self._Cs[1:]:
            problem = with_C(self._problem, C)
            self._objectives.append(
                Objective(problem, self._executor, objective.meter)
            )
        self._sizes = objective.largest_sizes()
        nodes = self._nodes(start)
        matrices = np.array([node.hessian for node in nodes])
        coefs = np.array([node.coef for node in nodes])
        moving = []
        k = 0
        for place in range(1, len(self._Cs)):
            while k < len(nodes) - 2 and nodes[k + 1].place <= place:
                k += 1
            a, b = nodes[k], nodes[min(k + 1, len(nodes) - 1)]
            moving.append(_Ahead.between(self._objectives[place], place, k, a, b, len(nodes)))
        self._found = {ahead.place: ahead for ahead in moving}
        evals = []
        for _ in range(_MAX_STEPS):
            ends = np.array([ahead.end for ahead in moving])
            shares = np.array([ahead.shares for ahead in moving])
            evals.append(len(moving))
            found = objective.losses_and_ratios(ends, coefs, shares)
            for ahead, loss, slope, ratio in zip(moving, *found, strict=True):
                matrix = np.tensordot(ahead.shares, matrices, 1)
                ahead.move(loss, slope)
                ahead.certify(matrix, ratio, self._sizes)
            import os
            if os.environ.get("DBG"):
                print("nodes", [n.place for n in nodes])
                print(" ".join("%d:%.0e/%.1f" % (a.place, a.gap, r) for a, r in zip(moving, found[2])))
            moving = [ahead for ahead in moving if ahead.gap > tol]
            if not moving:
                break
        if os.environ.get("DBG"): print("EVALS", evals)

    def _nodes(self, start: Vector) -> list[_Node]:
        node = self._node(0, start)
        nodes, last = [node], len(self._Cs) - 1
        while node.place < last:
            low, high = node.place + 1, last
            end = self._predicted(nodes, high)
            if self._length(node, end) > _LENGTH:
                while low < high:
                    middle = (low + high + 1) // 2
                    end = self._predicted(nodes, middle)
                    if self._length(node, end) <= _LENGTH:
                        low = middle
                    else:
                        high = middle - 1
                end = self._predicted(nodes, low)
                high = low
            node = self._node(high, end)
            nodes.append(node)
        return nodes

    @staticmethod
    def _length(node: _Node, end: Vector) -> float:
        moved = end - node.coef
        return float(np.sqrt(moved @ (node.hessian @ moved)))

    def _node(self, place: int, coef: Vector) -> _Node:
        objective = self._objectives[place]
        found = objective.evaluate(coef, hessian=True, margins=False)
        gradient = found.gradient - objective.penalty.gradient(coef)
        hessian = found.hessian - np.diag(objective.penalty.curvature)
        return _Node(place, coef, gradient, hessian)

    def _predicted(self, nodes: list[_Node], place: int) -> Vector:
        node = nodes[-1]
        objective = self._objectives[place]
        end = _model_end(objective, node.coef, node.gradient, node.hessian)
        if len(nodes) > 1:
            before = nodes[-2]
            ahead = self._length(node, end) / max(self._length(node, before.coef), 1e-300)
            matrix = node.hessian + 0.5 * min(ahead, 1.0) * (node.hessian - before.hessian)
            end = _model_end(objective, node.coef, node.gradient, matrix)
        return end


def _model_end(objective: Objective, coef: Vector, gradient: Vector, hessian: Matrix) -> Vector:
    penalty = objective.penalty
    gradient = gradient + penalty.gradient(coef)
    point = Evaluation(coef, 1.0, 1.0, gradient, lambda: None)
    return proximal_point(objective, hessian + np.diag(penalty.curvature), point)


@dataclass
class _Ahead:
    objective: Objective
    place: int
    shares: Vector
    end: Vector
    point: Evaluation | None = None
    gap: float = UNKNOWN_GAP

    @classmethod
    def between(cls, objective, place, k, a, b, n_nodes):
        shares = np.zeros(n_nodes)
        if b.place == a.place:
            raise ValueError
        chord = b.coef - a.coef
        t = (place - a.place) / (b.place - a.place)
        at_a, at_b = a.hessian @ chord, b.hessian @ chord
        for _ in range(2):
            base = a.coef + t * chord
            # Hermite
            u = 1 - t
            g = (
                (1 + 2 * t) * u * u * a.gradient
                + t * t * (3 - 2 * t) * b.gradient
                + t * u * u * at_a
                - t * t * u * at_b
            )
            matrix = u * a.hessian + t * b.hessian
            end = _model_end(objective, base, g, matrix)
            size = chord @ (matrix @ chord)
            if size > 0:
                t = float(np.clip(chord @ (matrix @ (end - a.coef)) / size, 0, 1))
        shares[k], shares[k + 1] = 1 - t, t
        return cls(objective, place, shares, end)

    def move(self, loss: float, slope: Vector) -> None:
        penalty, end = self.objective.penalty, self.end
        gradient = slope + penalty.gradient(end)
        if not np.isfinite(gradient).all():
            raise NotFiniteError
        value = float(loss + penalty.value(end))
        margins = partial(self.objective.margins, end)
        self.point = Evaluation(end, value, float(loss), gradient, margins)

    def certify(self, hessian: Matrix, ratio: float, sizes: Vector) -> None:
        point, penalty = self.point, self.objective.penalty
        coef = point.coef
        matrix = hessian + np.diag(penalty.curvature)
        end = proximal_point(self.objective, matrix, point)
        self.end = end
        step = end - coef
        diagonal = matrix.diagonal()
        residual = point.gradient + matrix @ step
        slopes = penalty.curvature * end - residual
        rounding = NOISE * float(np.sqrt(diagonal) @ np.abs(step))
        quadratic = ratio * float(step @ (hessian @ step))
        dual = EntropyDual(
            quadratic,
            ratio * float(sizes @ np.abs(step)),
            curvature_ratio=ratio,
        )
        free = penalty.free(end) & ~penalty.penalized
        norm = 0.0
        if free.any():
            block = factor(hessian[np.ix_(free, free)], semidefinite=True)
            if block is None or block.null_space is not None:
                return
            norm = block.norm(slopes[free])
        norm += rounding
        roots = np.sqrt(diagonal)
        gap = penalty.fenchel_gap(
            coef, np.where(free, 0.0, slopes), np.where(free, 0.0, norm * roots)
        )
        bound = dual.bound(gap.value, norm) + gap.share * point.value
        if os.environ.get("DBG2"): print(self.place, dual, gap, norm, bound)
        self.gap = relative(bound, point)
import os
