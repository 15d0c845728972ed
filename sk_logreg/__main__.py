"""``python -m sk_logreg``: compare the losses and the biases on a table of data."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from sk_logreg._cli._arguments import parse_arguments
from sk_logreg._cli._errors import CommandError, reason
from sk_logreg._cli._output import check_output, write

if TYPE_CHECKING:
    from sk_logreg._cli._data import Dataset
    from sk_logreg._cli._stream import Stream

_MISTAKE = 2
_INTERRUPTED = 130
_READER_GONE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, by default those of the process.

    Returns the exit status: 0; 2 for a mistake that the user can correct, reported in
    one line on stderr; 130 if interrupted; 141 if the reader of the output is gone.
    """
    try:
        _run(parse_arguments(argv))
    except CommandError as error:
        write(f"python -m sk_logreg: {' '.join(str(error).split())}", sys.stderr)
        return _MISTAKE
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Python flushes stdout once more at exit, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _READER_GONE
    return 0


def _run(options: argparse.Namespace) -> None:
    # This import takes long: a mistake in the arguments is reported before it.
    from sk_logreg._cli._data import load_dataset

    for path in filter(None, [options.save, options.plot]):
        check_output(path)
    dataset = load_dataset(options)
    with dataset.workers():
        _report(dataset, options)


def _report(dataset: "Dataset", options: argparse.Namespace) -> None:
    """Compare the models on a dataset, and write what is asked for."""
    from sk_logreg._cli._models import build_models
    from sk_logreg._cli._plot import draw_plot
    from sk_logreg._cli._save import save_model
    from sk_logreg._cli._summary import summarize
    from sk_logreg._cli._table import format_report

    n_features = dataset.design.shape[1]
    models = build_models(options, n_features, in_memory=dataset.in_memory)
    if dataset.in_memory:
        from sk_logreg._cli._compare import compare

        results = compare(models, dataset, options.cv, options.random_state)
    else:
        from sk_logreg._cli._hold_out import compare_held_out

        results = compare_held_out(models, cast("Stream", dataset))
    write(format_report(results, dataset, options), sys.stdout)
    if options.summary:
        write(f"\n{summarize(results, dataset)}", sys.stdout)
    for path, produce in ((options.save, save_model), (options.plot, draw_plot)):
        if path:
            try:
                said = produce(path, results, dataset)
            except OSError as error:
                raise CommandError(
                    f"{path} cannot be written: {reason(error)}"
                ) from error
            write(f"\n{said}", sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
