"""The arguments of ``python -m sk_logreg``."""

import argparse
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from sk_logreg import __version__
from sk_logreg._cli._errors import CommandError

LOSSES = ("cross_entropy", "squared_error")
SKOPS_ENDING = ".skops"

_DESCRIPTION = """\
Compare binary logistic regressions by cross-validation: both losses (cross entropy
and squared error), with the bias free and absorbed, beside scikit-learn's
LogisticRegression. Without DATA, the breast-cancer data are used, unscaled.
"""

_EPILOG = """\
Missing values of a numeric column are replaced by the median; a column of text or
categories is one-hot encoded. Both steps are part of the saved pipeline, so it takes
a data frame with the columns of DATA, read in the way that --save prints.

A column of text is read as numbers with missing values if its cells that are not
numbers hold few distinct texts without a digit, such as '?' or 'missing': one text in
at most half of the cells, or up to three in at most a tenth. The output names them.

examples:
  python -m sk_logreg
  python -m sk_logreg churn.csv --target churned --positive yes
  python -m sk_logreg churn.csv --target churned --drop customer_id signup_date
  python -m sk_logreg churn.csv --target churned --categorical month zip_code
  python -m sk_logreg churn.parquet --target churned --loss squared_error \\
      --no-absorb-bias --C 10 --save churn.skops --plot churn.png
"""


class _Parser(argparse.ArgumentParser):
    """A parser that reports an error in one line."""

    def error(self, message: str) -> NoReturn:
        raise CommandError(f"{message} (see {self.prog} --help)")


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse and validate the command line.

    Returns
    -------
    argparse.Namespace
        ``data``, ``target``, ``positive``, ``drop``, ``categorical``, ``decimal``,
        ``loss``, ``C``, ``absorb_bias``, ``cv``, ``random_state``, ``save`` and
        ``plot``.

    Raises
    ------
    CommandError
        If an argument is unknown, malformed, or needs another that is missing.
    """
    options = _build_parser().parse_args(argv)
    for name in ("target", "drop", "categorical", "decimal"):
        if options.data is None and getattr(options, name):
            raise CommandError(
                f"--{name} is about a file, and no file is named: "
                "python -m sk_logreg DATA.csv --target COLUMN"
            )
    return options


def _build_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m sk_logreg",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"sk_logreg {__version__}"
    )
    _add_data_arguments(parser)
    _add_model_arguments(parser)
    _add_output_arguments(parser)
    return parser


def _add_data_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the data")
    group.add_argument(
        "data",
        metavar="DATA",
        nargs="?",
        type=Path,
        help="a CSV, TSV or Parquet file with one row per example",
    )
    group.add_argument("--target", metavar="COLUMN", help="the column to predict")
    group.add_argument(
        "--positive",
        metavar="LABEL",
        help="the target's value to call positive; every other value is negative "
        "(default: the second of the target's two values, in sorted order)",
    )
    add_columns = partial(
        group.add_argument, metavar="COLUMN", nargs="+", action="extend", default=[]
    )
    add_columns("--drop", help="columns to leave out, such as an identifier")
    add_columns(
        "--categorical",
        help="columns to one-hot encode though they hold numbers, such as a code",
    )
    group.add_argument(
        "--decimal",
        metavar="MARK",
        choices=(".", ","),
        help="the decimal mark of a CSV or TSV file, '.' or ',' (default: the one "
        "that makes more columns numeric)",
    )


def _add_model_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the models")
    group.add_argument(
        "--loss", choices=LOSSES, help="show this loss only (default: both)"
    )
    group.add_argument(
        "--absorb-bias",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="show the absorbed bias only, or the free one only (default: both)",
    )
    group.add_argument(
        "--C",
        metavar="C",
        type=_positive_number,
        default=1.0,
        help="inverse strength of the L2 penalty; 'inf' for none (default: 1)",
    )
    group.add_argument(
        "--cv",
        metavar="FOLDS",
        type=partial(_whole_number, least=2, most=math.inf, words="from 2 up"),
        default=5,
        help="number of cross-validation folds (default: 5)",
    )
    group.add_argument(
        "--random-state",
        metavar="SEED",
        type=partial(
            _whole_number, least=0, most=2**32 - 1, words="from 0 to 2**32 - 1"
        ),
        default=0,
        help="seed of the shuffle before the folds are cut (default: 0)",
    )


def _add_output_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the output")
    group.add_argument(
        "--save",
        metavar="MODEL",
        type=partial(_path, endings=(".joblib", ".pkl", SKOPS_ENDING)),
        help="save the pipeline of the first model shown, fitted on all rows: "
        "with skops if the name ends in .skops, with joblib if in .joblib or .pkl",
    )
    group.add_argument(
        "--plot",
        metavar="FILE.png",
        type=partial(_path, endings=(".png",)),
        help="draw the reliability curves and the convergence of the fits",
    )


def _positive_number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number or 'inf'")
    return value


def _whole_number(text: str, least: int, most: float, words: str) -> int:
    if not (text.isdecimal() and least <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {words}")
    return int(text)


def _path(text: str, endings: Sequence[str]) -> Path:
    path = Path(text)
    if path.suffix.lower() not in endings:
        raise argparse.ArgumentTypeError(
            f"the name {text!r} must end in {', '.join(endings)}"
        )
    return path
