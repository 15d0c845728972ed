"""The problems with a ridge penalty or none: the grids "quick" and "full"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import data
from benchmarks.problems._base import FULL, QUICK, Problem, dense_sizes


def _tall() -> list[Problem]:
    found = []
    for n, p in ((1_000_000, 50), (300_000, 60)):
        for order in "CF":
            for dtype in ("float64", "float32"):
                name = f"tall_{n // 1000}k_{p}_{order}{dtype[-2:]}"
                sizes = dense_sizes(n, p, order=order, dtype=dtype)
                label = f"tall, {order}-order, {dtype}"
                found.append(
                    _row(name, label, "tall dense", FULL, 3, data.dense, sizes)
                )
    return found


def _text(name: str, grid: str, C: float, n: int, p: int, words: float) -> Problem:
    sizes = dense_sizes(n, p, words=words)
    label = f"sparse text, C = {C:g}"
    return _row(name, label, "sparse text", grid, 3.0, data.text, sizes, C)


def _squared(name: str, grid: str, n: int, p: int) -> Problem:
    sizes = dense_sizes(n, p)
    return Problem(
        name,
        "squared error",
        "squared error",
        grid,
        5.0,
        data.dense,
        sizes,
        loss="squared_error",
    )


def _benchopt(name: str, n: int, p: int, strength: float) -> Problem:
    return Problem(
        name,
        f"benchopt's simulated data, λ = {strength:g}",
        "benchopt simulated",
        FULL,
        1.0,
        data.separable_signs,
        dense_sizes(n, p),
        C=1.0 / strength,
        fit_intercept=False,
    )


def _row(
    name: str,
    label: str,
    regime: str,
    grid: str,
    target: float,
    make: Callable[..., tuple[Any, np.ndarray]],
    sizes: dict[str, Any],
    C: float = 1.0,
) -> Problem:
    return Problem(name, label, regime, grid, target, make, sizes, C)


_ILL = "badly conditioned"
_NARROW = "tall and narrow"
_WEAK = "nearly separable, weak penalty"
_NONE = "no penalty"
_SQUARE = "thousands by thousands"

RIDGE_PROBLEMS: tuple[Problem, ...] = (
    # The quick grid.
    _row(
        "tall_C64",
        "tall, C-order, float64",
        "tall dense",
        QUICK,
        3,
        data.dense,
        dense_sizes(100_000, 50),
    ),
    _row(
        "tall_F32",
        "tall, F-order, float32",
        "tall dense",
        QUICK,
        3,
        data.dense,
        dense_sizes(100_000, 50, order="F", dtype="float32"),
    ),
    _row(
        "ill_1e3",
        "tall, condition number 1e3",
        _ILL,
        QUICK,
        5,
        data.dense,
        dense_sizes(50_000, 50, condition=1e3, offset=-2.0),
    ),
    _row(
        "narrow_8",
        "tall and narrow",
        _NARROW,
        QUICK,
        3,
        data.dense,
        dense_sizes(200_000, 8),
    ),
    _row(
        "mid_200",
        "medium width",
        "100 k by 300",
        QUICK,
        5,
        data.dense,
        dense_sizes(15_000, 200),
    ),
    _row(
        "square_1000",
        "nearly square",
        _SQUARE,
        QUICK,
        2,
        data.dense,
        dense_sizes(1_500, 1_000),
    ),
    _row(
        "separable",
        "nearly separable, C = 10,000",
        _WEAK,
        QUICK,
        3,
        data.dense,
        dense_sizes(30_000, 30, signal=40.0),
        1e4,
    ),
    _row(
        "no_penalty",
        "no penalty",
        _NONE,
        QUICK,
        3,
        data.dense,
        dense_sizes(50_000, 30),
        np.inf,
    ),
    _row(
        "patches_100",
        "image patches",
        "wide, 200",
        QUICK,
        5,
        data.patches,
        {"n_samples": 100},
    ),
    _row("digits", "digits, 8 × 8 pixels", "digits", QUICK, 3, data.digits, {}),
    _row("breast_cancer", "breast cancer", "small", QUICK, 1.5, data.breast_cancer, {}),
    _row(
        "small_3000_10",
        "small",
        "small",
        QUICK,
        1.5,
        data.dense,
        dense_sizes(3_000, 10),
    ),
    _text("text_C1", QUICK, 1.0, 25_000, 15_000, 60.0),
    _text("text_C100", QUICK, 100.0, 25_000, 15_000, 60.0),
    _row(
        "one_hot",
        "one-hot, sparse",
        "one-hot",
        QUICK,
        3,
        data.one_hot,
        {"n_samples": 40_000, "n_columns": 1_000},
    ),
    _squared("squared_30", QUICK, 50_000, 30),
    _squared("squared_100", QUICK, 10_000, 100),
    # The full grid.
    *_tall(),
    _row(
        "ill_1e3_1000k_50",
        "tall, condition number 1e3",
        _ILL,
        FULL,
        5,
        data.dense,
        dense_sizes(1_000_000, 50, condition=1e3, offset=-3.0),
    ),
    _row(
        "ill_1e4_300k_60",
        "tall, condition number 1e4",
        _ILL,
        FULL,
        5,
        data.dense,
        dense_sizes(300_000, 60, condition=1e4, offset=-4.0),
    ),
    _row(
        "narrow_1000k_5",
        "tall and narrow",
        _NARROW,
        FULL,
        3,
        data.dense,
        dense_sizes(1_000_000, 5),
    ),
    _row(
        "narrow_1000k_10",
        "tall and narrow",
        _NARROW,
        FULL,
        3,
        data.dense,
        dense_sizes(1_000_000, 10),
    ),
    _row(
        "mid_100k_300",
        "medium width, condition number 100",
        "100 k by 300",
        FULL,
        5,
        data.dense,
        dense_sizes(100_000, 300, condition=1e2),
    ),
    _row(
        "square_5000_2000",
        "nearly square",
        _SQUARE,
        FULL,
        2,
        data.dense,
        dense_sizes(5_000, 2_000),
    ),
    _row(
        "square_3000_4000",
        "nearly square",
        _SQUARE,
        FULL,
        2,
        data.dense,
        dense_sizes(3_000, 4_000),
    ),
    _row(
        "separable_200k_30",
        "nearly separable, C = 10,000",
        _WEAK,
        FULL,
        3,
        data.dense,
        dense_sizes(200_000, 30, signal=100.0),
        1e4,
    ),
    _row(
        "no_penalty_200k_50",
        "no penalty",
        _NONE,
        FULL,
        3,
        data.dense,
        dense_sizes(200_000, 50),
        np.inf,
    ),
    _row(
        "patches_200_12288",
        "image patches",
        "wide, 200",
        FULL,
        5,
        data.patches,
        {"n_samples": 200},
    ),
    _row(
        "patches_2000_12288",
        "image patches",
        "wide, 2,000",
        FULL,
        3,
        data.patches,
        {"n_samples": 2_000},
    ),
    _row("digits_1797_64", "digits, 8 × 8 pixels", "digits", FULL, 3, data.digits, {}),
    _row(
        "digits_1500_784",
        "digits, 28 × 28 pixels",
        "digits",
        FULL,
        3,
        data.large_digits,
        {"n_samples": 1_500},
    ),
    _row(
        "breast_cancer_569_30",
        "breast cancer",
        "small",
        FULL,
        1.5,
        data.breast_cancer,
        {},
    ),
    _row(
        "small_5000_10", "small", "small", FULL, 1.5, data.dense, dense_sizes(5_000, 10)
    ),
    _text("text_200k_50k_C1", FULL, 1.0, 200_000, 50_000, 65.0),
    _text("text_200k_50k_C100", FULL, 100.0, 200_000, 50_000, 65.0),
    _text("text_700k_300k_C1", FULL, 1.0, 700_000, 300_000, 32.0),
    _text("text_700k_300k_C100", FULL, 100.0, 700_000, 300_000, 32.0),
    _row(
        "one_hot_1000k",
        "one-hot, sparse",
        "one-hot",
        FULL,
        3,
        data.one_hot,
        {"n_samples": 1_000_000, "n_columns": 4_000},
    ),
    _squared("squared_200k_30", FULL, 200_000, 30),
    _squared("squared_20k_200", FULL, 20_000, 200),
    _squared("squared_2000_10", FULL, 2_000, 10),
    _benchopt("benchopt_1000_10_1", 1_000, 10, 1.0),
    _benchopt("benchopt_200_500_0.01", 200, 500, 0.01),
    _benchopt("benchopt_100k_400_1", 100_000, 400, 1.0),
)
