"""Run the examples of the pages as doctests, once, before Sphinx reads the pages."""

import doctest
import os
import tempfile
from pathlib import Path

from sphinx.util import logging

logger = logging.getLogger(__name__)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class _Runner(doctest.DocTestRunner):
    def report_failure(self, _out, test, example, got):
        expected = self._checker.output_difference(example, got, FLAGS)
        place = f"{test.filename}:{test.lineno + example.lineno + 1}"
        logger.warning("%s\n%s", example.source.strip(), expected, location=place)

    def report_unexpected_exception(self, _out, test, example, exc_info):
        place = f"{test.filename}:{test.lineno + example.lineno + 1}"
        logger.warning("%s: %r", example.source.strip(), exc_info[1], location=place)


def run(app) -> None:
    """Run the examples of each page as one session, in a temporary folder."""
    here = Path.cwd()
    for path in sorted(Path(app.srcdir).rglob("*.rst")):
        if "generated" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        test = doctest.DocTestParser().get_doctest(text, {}, path.name, str(path), 0)
        if not test.examples:
            continue
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            try:
                _Runner(optionflags=FLAGS).run(test)
            finally:
                os.chdir(here)


def setup(app):
    app.connect("builder-inited", run)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
