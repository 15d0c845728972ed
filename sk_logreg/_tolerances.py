"""Tolerances that several modules share, each with the reason for its value."""

import numpy as np

#: Spacing of float64 at one.
EPS = float(np.finfo(np.float64).eps)
#: The smallest normal float64.
TINY = float(np.finfo(np.float64).tiny)
#: The largest cross entropy in a score, as in scikit-learn's.
LARGEST_LOSS = -float(np.log(EPS))
#: Relative rounding error of a sum over the rows, such as f. Pairwise summation loses
#: a few EPS; measured errors stay below 10 EPS up to 10 million rows.
SUM_ROUNDING = 16 * EPS
#: A number that is at most this share of what it is a difference, a sum or a product of
#: is rounding error.
NOISE = 64 * EPS
#: Eigenvalues above this share of the largest are known to several digits, since sums
#: over the rows are accurate to about 1e-14. Smaller ones count as zero where a proof
#: depends on them.
ACCURATE = 1e-10
#: Below this share of a column, the part that other columns do not explain is rounding.
DEPENDENT = 1e-12
#: A `tol` below this asks for the digits of the coefficients too, which are those of
#: the square root of the bound.
FINE = 1e-9


def negligible(n: int) -> float:
    """Return the share of the largest eigenvalue of an n × n matrix that is rounding.

    The usual bound on the backward error of a factor is n EPS times a small constant
    (N. J. Higham, 2002, Accuracy and Stability of Numerical Algorithms, 2nd edition,
    theorem 10.3. SIAM).
    """
    return 8 * n * EPS
