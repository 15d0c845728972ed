"""The arguments of ``python -m sk_logreg``."""

import argparse
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from sk_logreg import __version__
from sk_logreg._cli._errors import CommandError

LOSSES = ("cross_entropy", "squared_error")
# The values of --C that choose it by cross-validation, and that drop the penalty.
AUTO = "auto"
NO_PENALTY = math.inf
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

Parquet files that would take more than half of the memory are read in parts, of one
or more row groups, as often as a fit needs them; `pip install 'sk_logreg[dask]'`. The
medians and the categories are then those of a sample of the rows. The models are fitted
once to all rows and once without those that are held out, on which they are scored.
LogisticRegression is left out.

examples:
  python -m sk_logreg
  python -m sk_logreg churn.csv --target churned --positive yes
  python -m sk_logreg churn.csv --target churned --drop customer_id signup_date
  python -m sk_logreg churn.csv --target churned --categorical month zip_code
  python -m sk_logreg churn.csv --target churned --loss cross_entropy \\
      --l1-ratio 1 --C auto
  python -m sk_logreg churn.csv --target churned --loss cross_entropy \\
      --no-absorb-bias --C inf --summary
  python -m sk_logreg churn.parquet --target churned --loss squared_error \\
      --no-absorb-bias --C 10 --save churn.skops --plot churn.png
"""


class _Parser(argparse.ArgumentParser):
    """A parser that reports an error in one line."""

    def error(self, message: str) -> NoReturn:
        raise CommandError(f"{message} (see {self.prog} --help)")


def _checked(
    convert: Callable[[str], Any], is_valid: Callable[[Any], bool], complaint: str
) -> Callable[[str], Any]:
    """Return a function that converts an argument and raises if it is not valid."""

    def parse(text: str) -> Any:
        with suppress(ValueError):
            value = convert(text)
            if is_valid(value):
                return value
        raise argparse.ArgumentTypeError(f"{text!r} {complaint}")

    return parse


def _path_ending_in(*endings: str) -> Callable[[str], Any]:
    complaint = f"must end in {', '.join(endings)}"
    return _checked(Path, lambda path: path.suffix.lower() in endings, complaint)


_COLUMNS = dict(metavar="COLUMN", nargs="+", action="extend", default=[])
#: The settings of each argument, as ``add_argument`` takes them, by group and name.
_GROUPS: dict[str, dict[str, dict[str, Any]]] = {
    "the data": {
        "data": dict(
            metavar="DATA",
            nargs="?",
            type=Path,
            help="a CSV, TSV or Parquet file, or a folder of Parquet files, with one "
            "row per example",
        ),
        "--target": dict(metavar="COLUMN", help="the column to predict"),
        "--positive": dict(
            metavar="LABEL",
            help="the target's value to call positive; every other value is negative "
            "(default: the second of the target's two values, in sorted order)",
        ),
        "--drop": dict(_COLUMNS, help="columns to leave out, such as an identifier"),
        "--categorical": dict(
            _COLUMNS,
            help="columns to one-hot encode though they hold numbers, such as a code",
        ),
        "--decimal": dict(
            metavar="MARK",
            choices=(".", ","),
            help="the decimal mark of a CSV or TSV file, '.' or ',' (default: the one "
            "that makes more columns numeric)",
        ),
    },
    "the models": {
        "--loss": dict(choices=LOSSES, help="show this loss only (default: both)"),
        "--absorb-bias": dict(
            action=argparse.BooleanOptionalAction,
            help="show the absorbed bias only, or the free one only (default: both)",
        ),
        "--C": dict(
            type=_checked(
                lambda text: text if text == AUTO else float(text),
                lambda C: C == AUTO or C > 0,
                f"is not a positive number, 'inf' or '{AUTO}'",
            ),
            default=1.0,
            help="inverse strength of the penalty; 'inf' for none; "
            f"'{AUTO}' chooses it by cross-validation, in each fold anew on the "
            "training rows, so that the held-out rows take no part (default: 1)",
        ),
        "--l1-ratio": dict(
            metavar="RATIO",
            type=_checked(
                float, lambda ratio: 0 <= ratio <= 1, "is not a number from 0 to 1"
            ),
            default=0.0,
            help="share of the L1 part in the penalty: 0 is ridge, 1 the lasso, which "
            "sets coefficients to 0 (default: 0)",
        ),
        "--cv": dict(
            metavar="FOLDS",
            type=_checked(int, lambda n: n >= 2, "is not a whole number from 2 up"),
            default=5,
            help="number of cross-validation folds, also of those that choose C; of a "
            "table in parts, the share 1/FOLDS of the rows is held out (default: 5)",
        ),
        "--random-state": dict(
            metavar="SEED",
            type=_checked(
                int,
                lambda seed: 0 <= seed < 2**32,
                "is not a whole number from 0 to 2**32 - 1",
            ),
            default=0,
            help="seed of the shuffle before the folds are cut, or of the choice of "
            "the rows that are held out (default: 0)",
        ),
    },
    "the output": {
        "--summary": dict(
            action="store_true",
            help="print the coefficients of the first model shown, fitted on all rows, "
            "with standard errors, tests and intervals",
        ),
        "--save": dict(
            metavar="MODEL",
            type=_path_ending_in(".joblib", ".pkl", SKOPS_ENDING),
            help="save the pipeline of the first model shown, fitted on all rows: "
            "with skops if the name ends in .skops, with joblib if in .joblib or .pkl",
        ),
        "--plot": dict(
            metavar="FILE.png",
            type=_path_ending_in(".png"),
            help="draw the reliability curves and the convergence of the fits",
        ),
    },
}


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse and check the command line; a mistake raises a CommandError."""
    parser = _Parser(
        prog="python -m sk_logreg",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    version = f"sk_logreg {__version__}"
    parser.add_argument("--version", action="version", version=version)
    for title, arguments in _GROUPS.items():
        group = parser.add_argument_group(title)
        for name, settings in arguments.items():
            group.add_argument(name, **settings)
    options = parser.parse_args(argv)
    for name in ("target", "drop", "categorical", "decimal"):
        if options.data is None and getattr(options, name):
            raise CommandError(
                f"--{name} is about a file, and no file is named: "
                "python -m sk_logreg DATA.csv --target COLUMN"
            )
    if options.C == NO_PENALTY and options.l1_ratio:
        raise CommandError(
            "--l1-ratio is about the penalty, and --C inf drops it: leave one out"
        )
    if options.summary and options.l1_ratio:
        raise CommandError(
            "--summary needs a fit without an L1 penalty, whose selection of columns "
            "its standard errors would ignore: leave out --l1-ratio"
        )
    return options
