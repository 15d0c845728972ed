"""The package as a whole: its layers, imports, public names and output."""

import subprocess
import sys
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

import sk_logreg

ROOT = Path(__file__).parents[1]


def python(code):
    """Run code in a new interpreter and return its output."""
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def test_layers_import_only_lower_layers():
    pytest.importorskip("importlinter")
    code = "from importlinter.cli import lint_imports_command as run; run()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_importing_loads_no_optional_dependency():
    heavy = {"matplotlib", "pandas", "polars", "pyarrow", "skops", "rich", "tqdm"}
    code = "import sys; before = set(sys.modules); import sk_logreg, sk_logreg.losses; "
    loaded = set(python(code + "print(*(set(sys.modules) - before))").split())
    # scikit-learn imports some of them itself if they are installed.
    code = "import sys, sklearn.linear_model, sklearn.utils.estimator_checks; "
    theirs = set(python(code + "print(*sys.modules)").split())
    assert not heavy & (loaded - theirs)
    assert "matplotlib" not in loaded


def test_fitting_does_not_import_matplotlib():
    code = (
        "import sys; from sk_logreg import BinaryLogisticRegression; "
        "BinaryLogisticRegression().fit([[0.0], [1.0]], [0, 1]).predict([[2.0]]); "
        "print('matplotlib' in sys.modules)"
    )
    assert python(code).strip() == "False"


def test_public_names():
    code = "from sk_logreg import *; print(*(n for n in dir() if n[:2] != '__'))"
    public = {name for name in sk_logreg.__all__ if not name.startswith("__")}
    assert set(python(code).split()) == public
    assert sk_logreg.__version__.count(".") >= 2
    assert (resources.files("sk_logreg") / "py.typed").is_file()


def test_fitting_prints_nothing(capfd):
    sk_logreg.BinaryLogisticRegression().fit(np.eye(4), [0, 1, 0, 1])
    assert capfd.readouterr() == ("", "")
