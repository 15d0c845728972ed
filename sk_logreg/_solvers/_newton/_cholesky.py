"""The quadratic model by a Cholesky factor of a Hessian that serves many steps."""

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._objective import Evaluation, Objective, RowVector
from sk_logreg._solvers._factors import factor, most_negative_curvature
from sk_logreg._solvers._newton._factored_hessian import FactoredHessian
from sk_logreg._solvers._newton._lbfgs import Correction
from sk_logreg._solvers._newton._model import Curvature, Step
from sk_logreg._solvers._newton._reused_hessian import ReusedHessianModel


class CholeskyModel(ReusedHessianModel[FactoredHessian]):
    """A quadratic model by Cholesky factors, updated by L-BFGS between them."""

    def __init__(
        self,
        objective: Objective,
        sample_hessian: FactoredHessian | None = None,
        *,
        fine: bool = False,
        renewed: bool = True,
    ):
        super().__init__(objective, sample_hessian, fine=fine, renewed=renewed)
        self._correction = Correction()

    @property
    def null_space(self) -> Matrix | None:
        """The directions that the factor leaves out, one per column; None if none."""
        return None if self._current is None else self._current.factor.null_space

    def _add_pair(self, point: Evaluation) -> None:
        last = self._last
        if self._hessian_with_gradient or last is None or last[0] is point.coef:
            return
        known = None if self._current is None else self._current.factor
        self._correction.add(point.coef - last[0], point.gradient - last[1], known)

    def _known(
        self, _point: Evaluation, curvature: RowVector, hessian: Matrix, shift: float
    ) -> FactoredHessian | None:
        semidefinite = self._objective.loss.convex
        if shift > 0.0:
            hessian = hessian + shift * self._majorizer
            semidefinite = shift >= 1.0
        factored = factor(hessian, semidefinite=semidefinite)
        if factored is None:
            return None
        self._correction = Correction()
        rows = slice(None)
        return FactoredHessian(self._objective, rows, curvature, factored, shift=shift)

    def _step(self, point: Evaluation, accuracy: float) -> Step:
        direction = self.last_step(point)
        return Step(
            point,
            accuracy,
            direction,
            decrement2=-float(point.gradient @ direction),
            shift=self._held.shift,
            exact=self._known_at is point,
            extendable=self._objective.loss.convex,
        )

    def last_step(self, point: Evaluation) -> Vector:
        return -self._correction.solve(self._held.factor, point.gradient)

    def certify_after(self, step: Step, after: Evaluation) -> float:
        return self._held.certify_after(step.point, after, step.decrement2)

    def least_curvature(self, point: Evaluation) -> Curvature:
        self._renew(point)
        if self._held.shift == 0.0:
            return Curvature(self._held.factor.eigenvalue_ratio())
        _, hessian = self._hessian(point)
        direction = most_negative_curvature(hessian, self._majorizer)
        return Curvature(negative_direction=direction)
