"""The problems with a lasso or an elastic net: the grids "l1" and "l1_quick".

Each C leaves about a third to a half of the coefficients at zero, or more where X is
wide or sparse.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import data
from benchmarks.problems._base import L1, L1_QUICK, Problem, dense_sizes

_LASSO = 1.0
_ELASTIC_NET = 0.5


def _pair(
    name: str,
    target: float,
    label: str,
    make: Callable[..., tuple[Any, np.ndarray]],
    full: tuple[float, dict[str, Any]],
    quick: tuple[float, dict[str, Any]],
    l1_ratio: float = _LASSO,
    fit_intercept: bool = True,
) -> list[Problem]:
    """One regime in both grids; `full` and `quick` are C and the sizes.

    `target` is the ratio of the best peer's time to ours that is aimed at.
    """
    kind = "lasso" if l1_ratio == _LASSO else f"elastic net {l1_ratio:g}"
    return [
        Problem(
            name=f"{grid}_{name}",
            label=f"{kind}, {label}",
            regime=f"l1 {name}",
            grid=grid,
            target=target,
            make=make,
            sizes=sizes,
            C=C,
            fit_intercept=fit_intercept,
            l1_ratio=l1_ratio,
        )
        for grid, (C, sizes) in ((L1, full), (L1_QUICK, quick))
    ]


_ILL = {"condition": 1e3, "offset": -2.0}
_TEXT = dense_sizes(100_000, 60_000, words=60.0)
_LITTLE_TEXT = dense_sizes(20_000, 12_000, words=60.0)

_PAIRS = (
    _pair(
        "tall",
        2.0,
        "tall",
        data.dense,
        (9e-5, dense_sizes(500_000, 40)),
        (9e-4, dense_sizes(50_000, 40)),
    ),
    _pair(
        "ill",
        5.0,
        "tall, condition number 1e3",
        data.dense,
        (1e-2, dense_sizes(500_000, 40, **_ILL)),
        (1e-1, dense_sizes(50_000, 40, **_ILL)),
    ),
    _pair(
        "mid",
        5.0,
        "medium width",
        data.dense,
        (1.6e-3, dense_sizes(50_000, 300)),
        (1.2e-2, dense_sizes(5_000, 150)),
    ),
    _pair(
        "wide",
        1.0,
        "wide, correlated blocks",
        data.blocks,
        (0.3, dense_sizes(400, 8_000)),
        (0.3, dense_sizes(200, 1_500)),
    ),
    _pair(
        "square",
        1.0,
        "nearly square",
        data.dense,
        (0.05, dense_sizes(3_000, 2_000)),
        (0.1, dense_sizes(600, 400)),
    ),
    _pair(
        "text_large",
        2.0,
        "sparse text",
        data.text,
        (1.0, dense_sizes(670_000, 340_000, words=32.0)),
        (1.0, dense_sizes(30_000, 15_000, words=32.0)),
    ),
    _pair("text", 1.5, "sparse text", data.text, (1.0, _TEXT), (1.0, _LITTLE_TEXT)),
    # A column of ones stands for the bias: every solver penalizes it like a weight.
    _pair(
        "text_absorbed",
        1.0,
        "sparse text, absorbed bias",
        data.text_with_ones,
        (1.0, _TEXT),
        (1.0, _LITTLE_TEXT),
        fit_intercept=False,
    ),
    _pair(
        "one_hot",
        2.0,
        "one-hot, sparse",
        data.one_hot,
        (0.02, {"n_samples": 300_000, "n_columns": 2_000}),
        (0.1, {"n_samples": 20_000, "n_columns": 400}),
    ),
    _pair(
        "images",
        2.0,
        "digits, 28 × 28 pixels",
        data.large_digits,
        (0.01, {"n_samples": 1_000}),
        (0.01, {"n_samples": 300}),
    ),
    _pair(
        "breast_cancer", 5.0, "breast cancer", data.breast_cancer, (1.0, {}), (1.0, {})
    ),
    _pair(
        "breast_cancer_standardized",
        1.5,
        "breast cancer, standardized",
        data.breast_cancer,
        (1.0, {"standardized": True}),
        (1.0, {"standardized": True}),
    ),
    _pair(
        "net_tall",
        2.0,
        "tall",
        data.dense,
        (5e-5, dense_sizes(500_000, 40)),
        (5e-4, dense_sizes(50_000, 40)),
        _ELASTIC_NET,
    ),
    _pair(
        "net_text",
        1.5,
        "sparse text",
        data.text,
        (1.0, _TEXT),
        (1.0, _LITTLE_TEXT),
        _ELASTIC_NET,
    ),
)

L1_PROBLEMS: tuple[Problem, ...] = tuple(
    pair[place] for place in (1, 0) for pair in _PAIRS
)
