"""The rows and columns of a matrix for an active set, and their inverse."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import blas, lapack

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._tolerances import ACCURATE, negligible

# The ridge of a factored matrix in units of `negligible`, and its growth where the
# matrix stays indefinite.
_RIDGE, _RIDGE_GROWTH = 4.0, 100.0
# A factor is changed, instead of computed anew, for active sets of at least this size,
# if at most this share of it is added or removed.
_LARGE, _CHANGED = 256, 1 / 8


@dataclass(frozen=True)
class WholeBlock:
    """The rows and columns of H of some coordinates, with a ridge, and their factor L.

    Attributes
    ----------
    active : ndarray of shape (n_active,), int
        The coordinates.
    root : ndarray of shape (n_active, n_active)
        The Cholesky factor; its upper triangle does not count.
    ridge : ndarray of shape (n_active,)
        What was added to the diagonal.
    """

    active: Indices
    root: Matrix
    ridge: Vector

    @classmethod
    def of(cls, hessian: Matrix, active: Indices) -> "WholeBlock":
        """Factor the rows and columns of an active set."""
        share = _RIDGE * negligible(len(active))
        while True:
            matrix = hessian.take(active, axis=0).take(active, axis=1)
            ridge = share * matrix.diagonal()
            matrix.flat[:: len(active) + 1] += ridge
            # Symmetric, so its transpose is the Fortran order that LAPACK takes.
            root, failed = lapack.dpotrf(matrix.T, lower=1, clean=0, overwrite_a=1)
            if not failed or share > 1.0:  # above 1 only if entries are not finite
                return cls(active, root, ridge)
            share *= _RIDGE_GROWTH

    @property
    def whole(self) -> "WholeBlock":
        """The block itself, of which it is the largest part."""
        return self

    def solve(self, rhs: Vector) -> Vector:
        """Return the product of the inverse with a vector."""
        return self.backward(self.forward(rhs))

    def forward(self, rhs: Vector) -> Vector:
        """Return L⁻¹ times a vector."""
        # `potrs` is slow with one vector.
        half: Vector = blas.dtrsv(self.root, rhs, lower=1)
        return half

    def backward(self, half: Vector) -> Vector:
        """Return L⁻ᵀ times a vector, which is overwritten."""
        end: Vector = blas.dtrsv(self.root, half, lower=1, trans=1, overwrite_x=1)
        return end

    def curvatures(self, steps: Matrix) -> Vector:
        """Return the quadratic form of each row."""
        half = blas.dtrmm(1.0, self.root, steps.T, lower=1, trans_a=1)
        return np.einsum("ij,ij->j", half, half)

    def over(self, hessian: Matrix, active: Indices) -> "Block | None":
        """Return the block of another active set by a change of the factor.

        None if they differ in many coordinates, or if the factor is inaccurate.
        """
        added = np.setdiff1d(active, self.active, assume_unique=True)
        n_changed = len(self.active) + 2 * len(added) - len(active)
        pivots = self.root.diagonal() ** 2 / hessian.diagonal()[self.active]
        if pivots.min() <= ACCURATE or n_changed > _CHANGED * len(active):
            return None
        whole = self._with(hessian, added) if len(added) else self
        return whole and BlockPart.of(whole, active)

    def _with(self, hessian: Matrix, added: Indices) -> "WholeBlock | None":
        """Return the block with more coordinates, None where that is inaccurate."""
        n_held, rows = len(self.active), hessian[added]
        half = blas.dtrsm(1.0, self.root, rows[:, self.active].T, lower=1)
        corner = rows[:, added]
        ridge = _RIDGE * negligible(n_held + len(added)) * corner.diagonal()
        corner.flat[:: len(added) + 1] += ridge
        corner -= half.T @ half
        corner, failed = lapack.dpotrf(corner.T, lower=1, clean=0, overwrite_a=1)
        if failed:
            return None
        active = np.append(self.active, added)
        root = np.empty((len(active), len(active)), order="F")
        root[:n_held, :n_held] = self.root
        root[n_held:, :n_held] = half.T
        root[n_held:, n_held:] = corner
        ridge = np.append(self.ridge, ridge)
        return WholeBlock(active, root, ridge)


@dataclass(frozen=True)
class BlockPart:
    """Some of the coordinates of a block, while the others are fixed.

    Attributes
    ----------
    active, ridge : ndarray of shape (n_active,)
        As those of the whole block.
    places : ndarray of shape (n_active,), int
        The places of the active coordinates in the block.
    fixed : ndarray of shape (n, n_fixed)
        An orthonormal basis Q of the range of L⁻¹ E, where E has the directions of the
        fixed coordinates as columns. The inverse is L⁻ᵀ (I - Q Qᵀ) L⁻¹.
    """

    active: Indices
    ridge: Vector
    whole: WholeBlock
    places: Indices
    fixed: Matrix

    @classmethod
    def of(cls, whole: WholeBlock, active: Indices) -> "BlockPart":
        """Return the part of an active set, in increasing order."""
        order = np.argsort(whole.active)
        among = np.isin(whole.active[order], active, assume_unique=True)
        places, others = order[among], order[~among]
        fixed = np.zeros((len(order), len(others)), order="F")
        if len(others):
            fixed[others, np.arange(len(others))] = 1.0
            fixed = blas.dtrsm(1.0, whole.root, fixed, lower=1, overwrite_b=1)
            fixed = np.linalg.qr(fixed)[0]
        return cls(active, whole.ridge[places], whole, places, fixed)

    def solve(self, rhs: Vector) -> Vector:
        """Return the product of the inverse with a vector."""
        half = self.whole.forward(self._spread(rhs))
        half -= self.fixed @ (half @ self.fixed)
        return self.whole.backward(half)[self.places]

    def curvatures(self, steps: Matrix) -> Vector:
        """Return the quadratic form of each row."""
        return self.whole.curvatures(self._spread(steps))

    def _spread(self, values: Any) -> Any:
        """Return values of the whole block, 0 where coordinates are fixed."""
        spread = np.zeros((*values.shape[:-1], len(self.fixed)))
        spread[..., self.places] = values
        return spread


Block = WholeBlock | BlockPart


class LastBlock:
    """The block of the last active set of a matrix, which is that of the next one too.

    Or saves a part of the work if the next one is large and differs in few coordinates.
    """

    def __init__(self) -> None:
        self.block: Block | None = None

    def over(self, hessian: Matrix, active: Indices) -> Block:
        """Return the block of an active set, in increasing order."""
        last, block = self.block, None
        if last is not None and np.array_equal(last.active, active):
            return last
        if last is not None and len(active) >= _LARGE:
            block = last.whole.over(hessian, active)
        self.block = block or WholeBlock.of(hessian, active)
        return self.block
