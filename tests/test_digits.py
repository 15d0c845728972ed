"""Every coefficient, against Newton's method in 50 digits."""

import pytest

from benchmarks.digits import DATA, STRENGTHS, measure


@pytest.mark.parametrize("absorb_bias", [False, True])
@pytest.mark.parametrize("C", STRENGTHS)
@pytest.mark.parametrize("data", DATA)
def test_digits(data, C, absorb_bias):
    row = measure(data, C, absorb_bias)
    assert row["cross entropy"] >= 9.0
    assert row["squared error"] >= 9.0
    # What the rounding of X leaves open is chance, for scikit-learn too.
    assert row["cross entropy"] >= min(row["scikit-learn"], row["the data define"])
