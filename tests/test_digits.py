"""Correct digits of the coefficients, against Newton's method in 50 digits."""

import numpy as np
import pytest

from benchmarks.digits import DATA, STRENGTHS, measure

# Where longdouble is no wider than float64, rounding costs some digits.
WIDE = np.finfo(np.longdouble).eps < np.finfo(np.float64).eps


@pytest.mark.parametrize("absorb_bias", [False, True])
@pytest.mark.parametrize("C", STRENGTHS)
@pytest.mark.parametrize("data", DATA)
def test_digits(data, C, absorb_bias):
    row = measure(data, C, absorb_bias)
    at_least = 13.0 if WIDE else 9.0
    assert row["cross entropy"] >= at_least
    assert row["squared error"] >= at_least
    # Agreement beyond the digits that the rounded data define is accidental.
    defined = np.inf if WIDE else row["the data define"]
    assert row["cross entropy"] >= min(row["scikit-learn"], defined)
