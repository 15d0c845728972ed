"""The command line: its table, its files, and what it says of a mistake."""

import contextlib
import io
import itertools
import re
import shlex
import subprocess
import sys
import textwrap

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from matplotlib.figure import Figure
from sklearn.calibration import calibration_curve
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer, log_loss
from sklearn.model_selection import (
    StratifiedKFold,
    cross_val_predict,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, scale

from sk_logreg import (
    BinaryLogisticRegression,
    BinaryLogisticRegressionCV,
    __version__,
)
from sk_logreg.__main__ import main
from sk_logreg._cli import _models, _parts
from sk_logreg.inference import Inference

SCORERS = {
    "log loss": "neg_log_loss",
    "Brier score": "neg_brier_score",
    "accuracy": "accuracy",
    "AUC": "roc_auc",
}
ONE_MODEL = ["--loss", "cross_entropy", "--no-absorb-bias"]
CHURN = ["--target", "churned", *ONE_MODEL]


@pytest.fixture(scope="session")
def customers():
    """A table of mixed columns with gaps."""
    rng = np.random.default_rng(0)
    n_samples = 200
    age = rng.normal(40, 10, n_samples)
    member = rng.random(n_samples) < 0.3
    city = rng.choice(["Bern", "Basel", "Zürich"], n_samples).astype(object)
    z = (age - 40) / 5 - member + (city == "Bern")
    churned = np.where(rng.random(n_samples) < 1 / (1 + np.exp(-z)), "yes", "no")
    age[rng.random(n_samples) < 0.1] = np.nan
    city[rng.random(n_samples) < 0.1] = None
    return pd.DataFrame(
        {
            "age": age,
            "income": np.exp(rng.normal(10, 1, n_samples)),
            "city": city,
            "plan": rng.choice(["basic", "full"], n_samples),
            "member": member,
            "churned": churned,
        }
    )


@pytest.fixture(scope="session")
def scaled():
    """A small table of columns of one scale, three of which are noise."""
    X, y = (each[:120] for each in load_breast_cancer(return_X_y=True))
    noise = np.random.default_rng(0).normal(size=(len(X), 3))
    frame = pd.DataFrame(np.hstack([scale(X[:, :3]), noise]))
    return frame.rename(columns="x{}".format).assign(y=y)


@pytest.fixture(scope="session")
def numbers():
    """A table of five columns without gaps; the labels depend on their place."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 5)) * [1, 2, 3, 4, 5] + np.linspace(0, 1, 4000)[:, None]
    z = X @ [1, 0.5, -0.3, 0.2, 0] + np.linspace(-1, 1, 4000)
    labels = np.where(z + rng.logistic(size=4000) > 0, "yes", "no")
    return pd.DataFrame(X).rename(columns="x{}".format).assign(y=labels)


@pytest.fixture
def write(tmp_path):
    """Write a table to a CSV or Parquet file and return its path."""

    def write(frame, name="data.csv", **options):
        path = tmp_path / name
        write = frame.to_parquet if path.suffix == ".parquet" else frame.to_csv
        write(path, index=False, **options)
        return path

    return write


@pytest.fixture
def reject(capsys):
    """Run the command, expect a mistake, and return the one line that it says."""

    def run(*argv):
        assert main([str(each) for each in argv]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        (line,) = captured.err.splitlines()
        assert captured.err == f"{line}\n"
        assert line.startswith("python -m sk_logreg: ")
        return line

    return run


@pytest.fixture
def report(capsys):
    """Run the command, expect success, and return all that it says."""

    def run(*argv):
        assert main([str(each) for each in argv]) == 0
        captured = capsys.readouterr()
        assert captured.err == ""
        return captured.out

    return run


@pytest.fixture
def saved_figures(monkeypatch):
    """The figures that matplotlib saves."""
    figures = []

    def save(figure, *args, **kwargs):
        figures.append(figure)
        savefig(figure, *args, **kwargs)

    savefig = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", save)
    return figures


def parse_table(text):
    """Return {row: {model: cell}}, a standard deviation under (row, "sd")."""
    lines = text.splitlines()
    rule = next(i for i, line in enumerate(lines) if re.fullmatch("─+", line))
    parts = [re.split(" {2,}", line.strip()) for line in lines[rule - 3 : rule]]
    # LogisticRegression's name, the last, has no first line.
    models = [*zip(*(part[: len(parts[0])] for part in parts), strict=True)]
    names = [*map(" ".join, models)]
    if len(parts[1]) > len(parts[0]):
        names.append("LogisticRegression")
    table = {}
    label = None
    for line in lines[rule + 1 :]:
        if not line:
            return table
        cells = re.split(" {2,}", line)
        is_deviation = line.startswith(" ")
        label = label if is_deviation else cells[0]
        numbers = [cell.strip("± †‡§¶") for cell in cells[1:]]
        key = (label, "sd") if is_deviation else label
        table[key] = dict(zip(names, numbers, strict=True))
    raise AssertionError("the table does not end")


def figures(text):
    """Return the table without the times, which differ from run to run."""
    table = parse_table(text)
    del table["fit time"]
    return table


def sentences(text):
    """Return what a report says before the table, on one line."""
    return " ".join(text.partition("\n\n")[0].split())


def advice(text):
    """Return the program that a report says to load a saved model with."""
    return textwrap.dedent(text.partition("To use it:\n")[2]).strip()


def assert_scores(table, model, pipeline, X, y, tolerance=6e-5):
    """Check a model's column against scikit-learn's own cross-validation."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    expected = cross_validate(pipeline, X, y, cv=folds, scoring=SCORERS)
    for metric in SCORERS:
        scores = np.abs(expected[f"test_{metric}"])
        assert float(table[metric][model]) == pytest.approx(
            scores.mean(), abs=tolerance
        )
        assert float(table[metric, "sd"][model]) == pytest.approx(
            scores.std(), abs=tolerance
        )


def reference(**parameters):
    return LogisticRegression(
        solver="newton-cholesky", tol=1e-12, max_iter=1000, **parameters
    )


def prepared(classifier):
    """Return a pipeline that fits the columns of `customers`."""
    columns = make_column_transformer(
        (SimpleImputer(strategy="median"), ["age", "income", "member"]),
        (OneHotEncoder(drop="if_binary"), ["city", "plan"]),
    )
    return make_pipeline(columns, classifier)


def look(line):
    return line.get_color(), line.get_linestyle(), line.get_marker()


def lines_of(axes):
    """Return the lines of a panel that its legend names, by these names."""
    handles, names = axes.get_legend_handles_labels()
    return dict(zip(names, handles, strict=True))


def run_python(*argv, **options):
    return subprocess.run(
        [sys.executable, *argv],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        **options,
    )


class TestSummary:
    def test_first_model(self, report):
        """It is the inference from the first model shown, with names of columns."""
        _, _, summary = report("--summary", "--cv", 2).partition(
            "cross entropy, bias free, fitted on all rows\n"
        )
        X, y = load_breast_cancer(return_X_y=True, as_frame=True)
        model = BinaryLogisticRegression().fit(X, y)
        assert summary.strip() == Inference.from_estimator(model, X, y).summary()

    def test_file(self, customers, write, report):
        path = write(customers, "customers.csv")
        argv = ("--target", "churned", "--loss", "squared_error", "--summary")
        text = report(path, *argv, "--C", "inf", "--cv", 2)
        summary = text.partition("squared error, bias free, fitted on all rows\n")[2]
        assert re.search(r"^age +-?[\d.]+ +[\d.]+ ", summary, re.MULTILINE)
        assert "Covariance" in summary

    def test_not_asked_for(self, report):
        assert "std err" not in report("--cv", 2)

    def test_l1(self, reject):
        assert "--l1-ratio" in reject("--summary", "--l1-ratio", 0.5)


class TestTable:
    def test_breast_cancer(self, report):
        text = report()
        table = parse_table(text)
        X, y = load_breast_cancer(return_X_y=True)
        assert set(table["cost J"]) == {
            "cross entropy bias free",
            "cross entropy absorbed",
            "squared error bias free",
            "squared error absorbed",
            "LogisticRegression",
        }
        assert_scores(table, "LogisticRegression", reference(), X, y)
        assert_scores(table, "cross entropy bias free", reference(), X, y)
        probability = reference().fit(X, y).predict_proba(X)
        for model in ("LogisticRegression", "cross entropy bias free"):
            assert float(table["cost J"][model]) == pytest.approx(
                log_loss(y, probability), abs=6e-5
            )
        estimator = BinaryLogisticRegression(loss="squared_error", absorb_bias=True)
        estimator.fit(X, y)
        expected = {
            "cost J": estimator.cost_,
            "iterations": estimator.n_iter_[0],
            "optimality gap": estimator.optimality_gap_,
            "largest difference": np.abs(
                estimator.predict_proba(X) - probability
            ).max(),
        }
        for row, value in expected.items():
            cell = float(table[row]["squared error absorbed"])
            assert cell == pytest.approx(value, rel=0.05, abs=6e-5)
        assert float(table["largest difference"]["cross entropy bias free"]) < 1e-4
        assert table["optimality gap"]["LogisticRegression"] == "–"
        for gap in [*table["optimality gap"].values()][:-1]:
            assert 0 <= float(gap) <= 1e-8
        for cell in table["fit time"].values():
            assert re.fullmatch(r"\d+\.?\d* m?s", cell)

    def test_fits_80_columns_and_says_what_it_shows(self, report):
        text = report()
        assert max(map(len, text.splitlines())) <= 80
        assert sentences(text) == (
            "breast cancer: 569 rows, 30 columns; positive: 1 (benign), 62.7% of rows; "
            "C = 1; 5 folds"
        )
        for term in ("cost J: ", "AUC: ", "optimality gap", "largest difference: "):
            assert term in text.partition("─\n")[2]
        assert (
            'LogisticRegression: solver="newton-cholesky", tol=1e-06; each fit may '
            "take 10 times as long as the longest of the other models' on all rows, or "
            "2 s if that is more."
        ) in " ".join(text.split())

    @pytest.mark.parametrize(
        ("argv", "expected"),
        [
            (
                ["--loss", "squared_error"],
                {"squared error bias free", "squared error absorbed"},
            ),
            (["--absorb-bias"], {"cross entropy absorbed", "squared error absorbed"}),
            (ONE_MODEL, {"cross entropy bias free"}),
        ],
    )
    def test_narrowed(self, argv, expected, report):
        table = parse_table(report(*argv, "--cv", "2"))
        assert set(table["cost J"]) == {*expected, "LogisticRegression"}

    def test_mixed_columns(self, customers, write, report):
        path = write(customers)
        text = report(path, "--target", "churned", "--C", "3", *ONE_MODEL)
        assert "200 rows, 5 columns (8 once encoded)" in text
        assert "positive: churned = yes" in text
        X, y = customers.drop(columns="churned"), customers["churned"] == "yes"
        for model in ("LogisticRegression", "cross entropy bias free"):
            assert_scores(parse_table(text), model, prepared(reference(C=3)), X, y)

    def test_parquet_is_csv(self, customers, write, report):
        names = ("data.parquet", "data.csv")
        first, second = (figures(report(write(customers, x), *CHURN)) for x in names)
        assert first == second

    def test_same_from_run_to_run(self, report):
        first, second = (figures(report(*ONE_MODEL)) for _ in range(2))
        assert first == second

    def test_no_penalty(self, customers, write, report):
        path = write(customers[["age", "member", "churned"]])
        text = report(path, "--target", "churned", "--C", "inf", "--cv", "3")
        cost = parse_table(text)["cost J"]
        assert "C = inf" in text
        assert cost["cross entropy bias free"] == cost["cross entropy absorbed"]
        assert cost["cross entropy bias free"] == cost["LogisticRegression"]

    def test_warnings_are_footnotes(self, write, report):
        separable = pd.DataFrame({"x": np.arange(40.0), "y": np.arange(40) >= 20})
        text = report(write(separable), "--target", "y", "--C", "inf")
        iterations = next(x for x in text.splitlines() if x.startswith("iterations"))
        assert iterations.count("†") == 4
        note = " ".join(text.split("\n\n")[-1].split()).partition("‡")[0]
        assert note.startswith("† cross entropy, bias free; cross entropy, bias abs")
        assert "perfectly separated" in note
        assert "(6 of 6 fits)." in note

    def test_few_of_a_category(self, customers, write, report):
        """A category or the one value of a column that only held-out rows have."""
        rare = customers.assign(once=np.nan)
        rare.loc[0, "city"] = "Chur"
        rare.loc[0, "once"] = 1.0
        report(write(rare), *CHURN)

    def test_ascii(self, write, monkeypatch):
        """A terminal without Unicode gets the same table, still aligned."""
        frame = pd.DataFrame({"x": np.arange(40.0), "y": np.arange(40) >= 20})
        frame = frame.assign(**{f"c{i}": ["a", "b"] * 20 for i in range(9)})
        path = write(frame, "Zürich.csv")
        printed = {}
        for encoding in ("utf-8", "ascii"):
            stream = io.TextIOWrapper(io.BytesIO(), encoding, newline="")
            with contextlib.redirect_stdout(stream):
                argv = [str(path), "--target", "y", "--C", "inf", *ONE_MODEL]
                assert main(argv) == 0
            lines = stream.buffer.getvalue().decode(encoding).split("\n")
            printed[encoding] = [line for line in lines if line[:8] != "fit time"]
        stand_ins = {"ü": r"\xfc", "†": "*", "‡": "#", "…": "..."}
        stand_ins = str.maketrans({**stand_ins, **dict.fromkeys("–─", "-")})
        for plain, line in zip(printed["ascii"], printed["utf-8"], strict=True):
            assert plain == line.replace("± ", "+-").translate(stand_ins)
        written = " ".join(" ".join(printed["ascii"]).split())
        for used in (
            "+-0.0000",
            "---",
            r"Z\xfcrich",
            "* cross entropy",
            "... (9 in all)",
        ):
            assert used in written


class TestPenalty:
    @pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
    def test_l1_ratio(self, l1_ratio, scaled, write, report):
        asked = ["--C", "0.1", "--l1-ratio", str(l1_ratio), *ONE_MODEL]
        text = report(write(scaled), "--target", "y", *asked)
        table = parse_table(text)
        X, y = scaled.drop(columns="y"), scaled["y"]
        model = BinaryLogisticRegression(C=0.1, l1_ratio=l1_ratio).fit(X, y)
        n_nonzero = np.count_nonzero(model.coef_)
        assert 0 < n_nonzero < 6
        for name in ("cross entropy bias free", "LogisticRegression"):
            assert int(table["coefficients not 0"][name]) == n_nonzero
            assert float(table["cost J"][name]) == pytest.approx(model.cost_, abs=6e-5)
            assert_scores(table, name, model, X, y)
        assert float(table["largest difference"]["cross entropy bias free"]) < 1e-4
        assert f"C = 0.1, l1_ratio = {l1_ratio:g}; 5 folds" in sentences(text)
        legend = " ".join(text.split())
        assert "coefficients not 0: of 6, the bias not counted." in legend
        assert 'LogisticRegression: solver="saga"' in legend

    def test_not_converged_has_no_number_of_coefficients(self, report):
        """On unscaled columns saga is far from the minimum after seconds."""
        table = parse_table(report("--l1-ratio", "1", *ONE_MODEL, "--cv", "2"))
        assert table["coefficients not 0"]["LogisticRegression"] == "–"
        assert 0 < int(table["coefficients not 0"]["cross entropy bias free"]) < 30

    def test_without_l1_part(self, report):
        text = report("--C", "0.5", *ONE_MODEL, "--cv", "2")
        assert "; C = 0.5; 2 folds" in sentences(text)
        assert not {"C", "coefficients not 0"} & set(parse_table(text))

    @pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
    def test_chosen(self, l1_ratio, scaled, write, report, tmp_path):
        """In each fold the choice is made without the held-out rows."""
        path = tmp_path / "model.joblib"
        asked = ["--C", "auto", "--l1-ratio", l1_ratio, "--save", path]
        text = report(write(scaled), "--target", "y", *ONE_MODEL, *asked)
        table = parse_table(text)
        X, y = scaled.drop(columns="y"), scaled["y"]
        model = BinaryLogisticRegressionCV(
            l1_ratios=[l1_ratio],
            cv=StratifiedKFold(5, shuffle=True, random_state=0),
        ).fit(X, y)
        for name in ("cross entropy bias free", "LogisticRegression"):
            assert table["C"][name] == f"{model.C_:.4g}"
            assert float(table["cost J"][name]) == pytest.approx(model.cost_, abs=6e-5)
        assert_scores(table, "cross entropy bias free", model, X, y)
        saved = joblib.load(path)[-1]
        assert (saved.C, saved.l1_ratio) == (model.C_, l1_ratio)
        assert "C chosen by cross-validation" in sentences(text)
        legend = " ".join(text.split())
        assert "C: of 10 values, the one with the best mean log loss" in legend
        assert "in a cross-validation with 5 folds." in legend

    def test_chosen_by_the_loss_of_each_model(self, scaled, write, report):
        """LogisticRegression has the C of the cross entropy, also if that is hidden."""
        asked = ["--loss", "squared_error", "--absorb-bias", "--C", "auto", "--cv", "3"]
        table = parse_table(report(write(scaled), "--target", "y", *asked))
        X, y = scaled.drop(columns="y"), scaled["y"]
        folds = StratifiedKFold(3, shuffle=True, random_state=0)
        models = {
            "LogisticRegression": BinaryLogisticRegressionCV(cv=folds),
            "squared error absorbed": BinaryLogisticRegressionCV(
                cv=folds, loss="squared_error", absorb_bias=True
            ),
        }
        Cs = {name: f"{model.fit(X, y).C_:.4g}" for name, model in models.items()}
        assert table["C"] == Cs
        assert len(set(Cs.values())) == 2

    def test_choice_at_an_end_is_a_footnote(self, report):
        text = report("--l1-ratio", "1", "--C", "auto", "--cv", "2", *ONE_MODEL)
        note = " ".join(text.split("\n\n")[-1].split()).partition("‡")[0]
        assert note == (
            "† cross entropy, bias free: C is at an end of the values tried "
            "(3 of 3 fits). "
        )

    def test_choice_that_does_not_converge_is_a_footnote(self):
        X, y = load_breast_cancer(return_X_y=True)
        search = BinaryLogisticRegressionCV(Cs=[0.1, 1.0, 10.0], cv=2, max_iter=1)
        model = _models.Model("", ("", "", ""), BinaryLogisticRegression(), search)
        fit = _models.fit_model(model, X, y, limit=0.0)
        assert "some fits of the choice of C did not converge" in fit.warnings

    @pytest.mark.parametrize("cv", [2, 3, 5])
    def test_fewest_rows_that_can_choose(self, cv, write, report, reject):
        """Each class then has as many training rows as the inner folds."""
        for n in (cv + 1, cv + 2):
            x = np.random.default_rng(0).normal(size=2 * n)
            path = write(pd.DataFrame({"x": x, "y": [0, 1] * n}))
            asked = [path, "--target", "y", "--C", "auto", "--cv", cv]
            if n > cv + 1:
                report(*asked, *ONE_MODEL)
            else:
                advice = f"use --cv {cv - 1}" if cv > 2 else "add examples of it"
                said = f"too few to choose C in {cv} folds: {advice}"
                assert said in reject(*asked)


class TestReference:
    @pytest.fixture
    def dated(self):
        """A table on which LogisticRegression ends far from the minimum.

        The Hessian is singular to rounding, and lbfgs ends without a warning.
        """
        rng = np.random.default_rng(0)
        date = 20_130_000 + rng.integers(0, 1000, 400)
        x = rng.normal(size=400)
        z = 2 * x + (date - 20_130_500) / 500
        late = rng.random(400) < 1 / (1 + np.exp(-z))
        return pd.DataFrame({"date": date, "year": 2013, "x": x, "late": late})

    def test_not_converged_is_not_compared(
        self, dated, write, report, tmp_path, saved_figures
    ):
        arguments = [write(dated), "--target", "late", *ONE_MODEL, "--cv", "2"]
        text = report(*arguments, "--plot", tmp_path / "plot.png")
        (figure,) = saved_figures
        assert set(lines_of(figure.axes[0])) == {
            "Perfectly calibrated",
            "cross entropy, bias free",
        }
        table = parse_table(text)
        for row in ("cost J", *SCORERS, *((metric, "sd") for metric in SCORERS)):
            assert table[row]["LogisticRegression"] == "–"
            assert float(table[row]["cross entropy bias free"]) < 1
        assert set(table["largest difference"].values()) == {"–"}
        assert (
            "† LogisticRegression: did not converge in the 2.0 s allowed, so that fit "
            "is not compared (1 of 1 fits)."
        ) in " ".join(text.split())

    @pytest.mark.parametrize("solver", ["newton-cholesky", "lbfgs"])
    def test_limit(self, solver):
        X, y = load_breast_cancer(return_X_y=True)
        X = (X - X.mean(axis=0)) / X.std(axis=0)
        estimator = LogisticRegression(solver=solver, tol=1e-6)
        model = _models.Model(_models.REFERENCE, ("", "", ""), estimator)
        stopped = _models.fit_model(model, X, y, limit=0.0)
        assert stopped.was_stopped
        assert stopped.estimator.n_iter_[0] <= 2
        finished = _models.fit_model(model, X, y, limit=60.0)
        assert not finished.was_stopped
        assert finished.warnings == ()
        expected = reference().fit(X, y)
        np.testing.assert_allclose(
            finished.estimator.predict_proba(X),
            expected.predict_proba(X),
            rtol=0,
            atol=1e-4,
        )


class TestTarget:
    def test_one_against_the_rest(self, write, report, tmp_path):
        iris = load_iris(as_frame=True).frame
        iris["target"] = iris["target"].map({0: "setosa", 1: "versicolor", 2: "other"})
        path, model = write(iris), tmp_path / "model.joblib"
        arguments = ["--target", "target", "--positive", "versicolor", *ONE_MODEL]
        text = report(path, *arguments, "--save", model)
        assert "versicolor (against all other values), 33.3%" in " ".join(text.split())
        X, y = iris.drop(columns="target"), iris["target"] == "versicolor"
        assert_scores(parse_table(text), "LogisticRegression", reference(), X, y)
        fitted = joblib.load(model)
        assert set(fitted.classes_) == {"versicolor", "not versicolor"}

    @pytest.mark.parametrize(
        ("values", "positive", "labels", "share"),
        [
            ([0, 1], "0", [0, 1], "25.0%"),
            ([0, 1], "1.0", [0, 1], "75.0%"),
            ([1.0, 2.0], "2", [1, 2], "75.0%"),
            ([0.5, 1.5], "0.5", ["0.5", "1.5"], "25.0%"),
            ([False, True], "True", [False, True], "75.0%"),
            (["no", "yes"], None, ["no", "yes"], "75.0%"),
        ],
    )
    def test_labels(self, values, positive, labels, share, write, report, tmp_path):
        rng = np.random.default_rng(0)
        target = np.repeat(values, [10, 30])
        frame = pd.DataFrame({"x": rng.normal(size=40), "y": target})
        path, model = write(frame), tmp_path / "model.pkl"
        wanted = [] if positive is None else ["--positive", positive]
        text = report(path, "--target", "y", *wanted, *ONE_MODEL, "--save", model)
        assert f"{share} of rows" in " ".join(text.split())
        fitted = joblib.load(model)
        assert fitted.classes_.tolist() == labels
        column = int(re.search(r"predict_proba\(X\)\[:, (\d)\]", text)[1])
        expected = labels[1] if positive is None else positive
        assert str(labels[column]) == str(expected).removesuffix(".0")

    @pytest.mark.parametrize("positive", ["Yes", " Yes"])
    @pytest.mark.parametrize("dtype", [object, "category", "string"])
    def test_white_space_around_a_label(self, positive, dtype, write, report):
        labels = ["Yes", " Yes", "Yes ", "No", " No"] * 8
        frame = pd.DataFrame(
            {"x": np.arange(40.0), "y": pd.Series(labels, dtype=dtype)}
        )
        path = write(frame, "data.parquet")
        text = report(path, "--target", "y", "--positive", positive, *ONE_MODEL)
        assert "positive: y = Yes, 60.0% of rows" in sentences(text)

    def test_breast_cancer_the_other_way_round(self, report):
        benign = parse_table(report(*ONE_MODEL))
        malignant = parse_table(report(*ONE_MODEL, "--positive", "0"))
        for metric in (*SCORERS, "cost J", "largest difference"):
            assert float(malignant[metric]["cross entropy bias free"]) == pytest.approx(
                float(benign[metric]["cross entropy bias free"]), abs=1e-4
            )

    @pytest.mark.parametrize(
        ("values", "argv", "said"),
        [
            (["a", "b", "c", "d", "e"], [], "5 values, not two ('a', 'b', 'c', 'd', …"),
            (["a", "b", "c"], [], "choose the positive one with --positive LABEL"),
            (["a", "b", "c"], ["--positive", "z"], "choose one of 'a', 'b', 'c'"),
            (["a", "b"], ["--positive", "c"], "'c' is no value of the target 'y'"),
            (["a", "a"], [], "one value only, 'a'"),
            (["a", "b", None], [], "missing in 10 of 30 rows"),
            (["a", "b", " "], [], "missing in 10 of 30 rows"),
        ],
    )
    def test_rejected(self, values, argv, said, write, reject):
        frame = pd.DataFrame({"y": values * 10, "x": np.arange(10.0 * len(values))})
        assert said in reject(write(frame), "--target", "y", *argv)

    def test_lists(self, write, reject):
        path = write(pd.DataFrame({"x": [1.0, 2.0], "y": [[1], [2]]}), "data.parquet")
        assert "the target 'y' holds lists" in reject(path, "--target", "y")

    @pytest.mark.parametrize(("n", "said"), [(3, "use --cv 3"), (1, "add examples")])
    def test_too_few_of_a_class(self, n, said, write, reject):
        frame = pd.DataFrame({"x": np.arange(30.0), "y": [1] * n + [0] * (30 - n)})
        assert said in reject(write(frame), "--target", "y")


class TestColumns:
    @pytest.mark.parametrize(
        ("values", "problem"),
        [
            (pd.date_range("2020-01-01", periods=200), "datetime64 values"),
            ([np.nan] * 200, "no values"),
            ([None] * 200, "no values"),
            ([np.inf, *range(199)], "1 infinite values"),
            ([f"id {i}" for i in range(200)], "200 distinct texts in 200 rows"),
            ([["a"]] * 200, "mixed values"),
            (pd.to_timedelta(np.arange(200), "D"), "timedelta64 values"),
            ([b"a"] * 200, "bytes values"),
        ],
    )
    def test_unusable(self, values, problem, customers, write, reject, report):
        path = write(customers.assign(**{"the when": values}), "data.parquet")
        line = reject(path, "--target", "churned")
        assert f"column 'the when' ({problem}" in line
        assert line.endswith("leave it out with --drop 'the when'")
        text = report(path, *CHURN, "--drop", "the when")
        assert "200 rows, 5 columns" in text

    def test_unusable_all_named(self, customers, write, reject):
        path = write(customers.assign(a=np.inf, b=np.nan))
        line = reject(path, "--target", "churned")
        assert "'a' (200 infinite values), 'b' (no values)" in line
        assert line.endswith("leave them out with --drop a b")

    @pytest.mark.parametrize(
        "values",
        [
            pd.array([1, None, 3, 4] * 50, dtype="Int64"),
            pd.array([True, None, False, True] * 50, dtype="boolean"),
            pd.array(["a", None, "b", "c"] * 50, dtype="string"),
            pd.Series([True, None, False, True] * 50, dtype=object),
            pd.Categorical(["a", None, "b", "c"] * 50),
            pd.Categorical([3, None, 1, 2] * 50),
            np.arange(200, dtype=np.uint8),
            np.arange(200, dtype=np.float32),
        ],
        ids=lambda values: str(values.dtype),
    )
    def test_usable(self, values, customers, write, report):
        frame = customers[["age", "churned"]].assign(extra=values)
        report(write(frame, "data.parquet"), *CHURN, "--cv", "2")

    def test_many_categories(self, customers, write, report):
        """Beyond a hundred categories, the rarest share a column."""
        many = customers[["churned"]].assign(shop=[f"s{i % 150}" for i in range(200)])
        text = report(write(many), *CHURN)
        assert "1 columns (100 once encoded)" in text

    @pytest.mark.parametrize(
        "cells",
        [
            {"?": 2},
            {"missing": 2},
            {"-": 1},
            {"unknown": 12, " n.d.": 7, "Unknown": 1},
            {"?": 100},
        ],
        ids=str,
    )
    @pytest.mark.parametrize("ending", ["csv", "parquet"])
    def test_marks_of_missing_values(self, cells, ending, customers, write, report):
        """The report is that of the same table with these cells empty."""
        marks = np.repeat([*cells], [*cells.values()])
        income = customers["income"].astype(str).astype(object)
        income.iloc[: marks.size] = marks
        tables = []
        for value in (marks, None):
            income.iloc[: marks.size] = value
            frame = customers.assign(income=income)
            if value is None:
                frame["income"] = frame["income"].astype(float)
            tables.append(report(write(frame, f"data.{ending}"), *CHURN))
        assert figures(tables[0]) == figures(tables[1])
        said = sentences(tables[0])
        for mark, count in cells.items():
            assert f"'{mark.strip()}' in {count} of 200 cells of 'income'" in (
                said.replace("' n.d.", "'n.d.")
            )
        assert "--categorical COLUMN keeps them as categories" in said
        assert "missing" not in sentences(tables[1])

    @pytest.mark.parametrize(
        ("values", "n_values"),
        [
            ([*"0123"] * 45 + ["3+"] * 20, 5),
            ([*"0123"] * 44 + [*"SM"] * 12, 6),
            ([*"0123"] * 48 + [*"abcd"] * 2, 8),
            ([*"0123"] * 20 + ["never"] * 120, 5),
            (["Bern", "Basel"] * 100, 2),
        ],
    )
    def test_categories_that_are_no_marks(
        self, values, n_values, customers, write, report
    ):
        frame = customers[["age", "churned"]].assign(extra=(values * 2)[:200])
        said = sentences(report(write(frame), *CHURN))
        assert f"one-hot encoded: 'extra' ({n_values} values)." in said
        assert "missing" not in said

    def test_categorical(self, customers, write, report, tmp_path):
        """Numbers, with marks or without, are one-hot encoded if asked for."""
        rng = np.random.default_rng(0)
        grade = rng.choice([*"12345"], 200).astype(object)
        grade[:2] = "?"
        frame = customers[["churned"]].assign(
            grade=grade, code=rng.choice([3000, 4000, 8000], 200)
        )
        path, model = write(frame), tmp_path / "model.joblib"
        said = sentences(report(path, *CHURN))
        assert "2 columns; positive" in said
        assert "'?' in 2 of 200 cells of 'grade'" in said
        asked = ["--categorical", "grade", "code", "--save", model]
        said = sentences(report(path, *CHURN, *asked))
        assert "2 columns (9 once encoded); positive" in said
        assert "one-hot encoded: 'grade' (6 values), 'code' (3 values)." in said
        X = pd.read_csv(path)
        fitted = joblib.load(model)
        assert np.ptp(fitted.predict_proba(X)[X["grade"] == "1", 1]) > 0

    def test_missing(self, customers, write, reject):
        path = write(customers)
        line = reject(path, "--target", "churn")
        assert "no column 'churn': did you mean 'churned'?" in line
        assert "'age', 'income'" in line
        line = reject(path, "--target", "churned", "--categorical", "citi")
        assert "no column 'citi': did you mean 'city'?" in line
        line = reject(path, "--target", "churned", "--drop", "zzz")
        assert "no column 'zzz': it has 'age'" in line
        assert "add --target COLUMN" in reject(path)

    def test_dropped(self, customers, write, reject):
        path = write(customers[["age", "churned"]])
        line = reject(path, "--target", "churned", "--drop", "churned")
        assert "both the target and dropped" in line
        line = reject(path, "--target", "churned", "--drop", "age")
        assert "no column is left" in line


class TestFiles:
    @pytest.mark.parametrize(
        ("name", "options"),
        [
            ("data.tsv", {"sep": "\t"}),
            ("data.csv", {"sep": ";"}),
            ("data.csv", {"sep": "\t"}),
            ("data.csv.gz", {}),
        ],
    )
    def test_separators(self, name, options, customers, write, report):
        path = write(customers, name, **options)
        text = report(path, *CHURN, "--cv", "2")
        assert text.startswith(f"{name}: 200 rows, 5 columns")

    @pytest.mark.parametrize(
        ("name", "sep"), [("data.csv", ";"), ("data.tsv", "\t"), ("data.csv", ",")]
    )
    def test_decimal_comma(self, name, sep, customers, write, report):
        age = customers["age"].map("{:.1f}".format, na_action="ignore").astype(object)
        with_point = customers.assign(age=age.where(age.index > 1, "?"))
        expected = report(write(with_point), *CHURN)
        income = with_point["income"].astype(str)
        with_comma = with_point.assign(
            age=with_point["age"].str.replace(".", ","),
            income=income.str.replace(".", ","),
        )
        text = report(write(with_comma, name, sep=sep), *CHURN)
        assert figures(text) == figures(expected)
        n_ages = with_comma["age"].str.contains(",", na=False).sum()
        assert (
            f"decimal comma: in 'age' ({n_ages} cells), 'income' (200 cells); "
            "--decimal . reads them as text."
        ) in sentences(text)
        assert "decimal" not in sentences(expected)

    def test_decimal(self, customers, write, report, reject):
        """A mark that is given is not looked for."""
        frame = customers[["age", "churned"]].assign(
            weight=[f"{i % 9 + 1},{i:03}" for i in range(200)]
        )
        arguments = [write(frame, sep=";", decimal=","), "--target", "churned"]
        text = report(*arguments, "--decimal", ",", *ONE_MODEL)
        assert "2 columns; positive" in sentences(text)
        assert "decimal" not in sentences(text)
        line = reject(*arguments, "--decimal", ".")
        assert "'age' (" in line
        assert "'weight' (200 distinct texts in 200 rows" in line

    @pytest.mark.parametrize(
        "values",
        [
            [f"{i % 9 + 1},000" for i in range(200)],
            ["1,2", "3", "1,2,3", "2,3"] * 50,
            ["1,2", "3,4"] * 100,
        ],
    )
    def test_commas_that_are_not_decimal(self, values, customers, write, report):
        """They group thousands or separate the entries of a list.

        One column of pairs does not make text of two columns of numbers.
        """
        frame = customers[["age", "income", "churned"]].assign(extra=values)
        said = sentences(report(write(frame, sep=";"), *CHURN))
        assert f"one-hot encoded: 'extra' ({len(set(values))} values)." in said

    def test_decimal_of_parquet(self, customers, write, reject):
        path = write(customers, "data.parquet")
        line = reject(path, "--target", "churned", "--decimal", ",")
        assert "--decimal is about a CSV or TSV file" in line

    @pytest.mark.parametrize(
        ("name", "content", "said"),
        [
            ("none.csv", None, "there is no file"),
            (".", None, "is a folder"),
            ("empty.csv", b"", "is empty"),
            ("header.csv", b"a,b\n", "has no rows"),
            ("latin.csv", b"a,b\n\xfc,1\n", "save it as UTF-8"),
            ("ragged.csv", b"a,b\n1,2\n1,2,3,4\n", "cannot be read as CSV"),
            ("shifted.csv", b"a,b\n1,2,3\n1,2,3\n", "cannot be read as CSV"),
            ("broken.parquet", b"PAR1 and no more", "cannot be read as Parquet"),
            ("broken.csv.gz", b"not compressed", "cannot be read as CSV"),
            ("data.xlsx", b"PK", "must end in .csv, .tsv, .parquet, .pq"),
        ],
    )
    def test_unreadable(self, name, content, said, tmp_path, reject):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        line = reject(path, "--target", "b")
        assert said in line
        assert str(path) in line

    def test_columns_of_one_name(self, tmp_path, reject):
        path = tmp_path / "data.parquet"
        columns = [pa.array([1, 2])] * 3
        pq.write_table(pa.table(columns, names=["x", "x", "y"]), path)
        line = reject(path, "--target", "y")
        assert "cannot be read as Parquet" in line
        assert "x" in line.partition("Parquet")[2]

    def test_types_that_differ_between_files(self, tmp_path, reject):
        path = tmp_path / "data"
        path.mkdir()
        for name, x in (("0", pa.nulls(2)), ("1", ["a", "b"])):
            pq.write_table(pa.table({"x": x, "y": [0, 1]}), path / f"{name}.parquet")
        line = reject(path, "--target", "y")
        assert "cannot be read as Parquet" in line

    @pytest.mark.parametrize("option", ["--save=model.pkl", "--plot=plot.png"])
    def test_unwritable_is_told_before_the_work(self, option, tmp_path, reject):
        option, name = option.split("=")
        data = tmp_path / "none.csv"
        line = reject(data, option, tmp_path / "none" / name)
        assert f"there is no folder {tmp_path / 'none'}" in line
        (tmp_path / name).mkdir()
        assert f"{name} is a folder" in reject(data, option, tmp_path / name)

    @pytest.mark.parametrize("module", ["pandas", "pyarrow", "matplotlib", "skops.io"])
    def test_extra_not_installed(
        self, module, customers, write, tmp_path, reject, monkeypatch
    ):
        path = write(customers, "data.parquet")
        monkeypatch.setitem(sys.modules, module, None)
        output = {
            "matplotlib": ["--plot", tmp_path / "plot.png"],
            "skops.io": ["--save", tmp_path / "model.skops"],
        }
        line = reject(path, "--target", "churned", *output.get(module, []))
        assert module.partition(".")[0] in line
        assert line.endswith("pip install 'sk_logreg[cli]'")

    def test_default_needs_no_extra(self):
        result = run_python("-c", WITHOUT_EXTRAS)
        assert result.returncode == 0, result.stderr
        assert result.stdout.startswith("breast cancer")


WITHOUT_EXTRAS = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in {"pandas", "pyarrow", "matplotlib", "skops", "tqdm"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
from sk_logreg.__main__ import main
sys.exit(main(["--absorb-bias", "--cv", "2"]))
"""

LOAD = """
import re, sys
{loading}
assert not any(re.match(r"sk_logreg\\.(__main__|_cli)", name) for name in sys.modules)
probability = {use}
print(*probability.tolist())
"""


class TestSave:
    @pytest.mark.parametrize("ending", ["joblib", "skops"])
    def test_loads_without_the_command(
        self, ending, customers, write, report, tmp_path
    ):
        data, path = write(customers), tmp_path / f"model.{ending}"
        text = report(data, "--target", "churned", "--save", path)
        assert f"Saved in {path}: cross entropy, bias free, fitted on all 200" in text
        loading, _, use = advice(text).rpartition("\n")
        assert use == "model.predict_proba(X)[:, 1]  # the probability of 'yes'"
        script = LOAD.format(loading=loading, use=use)
        result = run_python("-W", "error", "-c", script)
        assert result.returncode == 0, result.stderr
        X, y = customers.drop(columns="churned"), customers["churned"]
        expected = prepared(reference()).fit(X, y).predict_proba(X)[:, 1]
        saved = np.array(result.stdout.split(), dtype=float)
        np.testing.assert_allclose(saved, expected, rtol=0, atol=1e-4)

    @pytest.mark.parametrize("ending", ["csv", "parquet"])
    def test_says_how_to_read_its_columns(
        self, ending, customers, write, report, tmp_path
    ):
        marked = customers[["age", "income", "churned"]].copy()
        marked["income"] = marked["income"].astype(str).astype(object)
        marked.loc[:1, "income"] = "?"
        if ending == "csv":
            marked["income"] = marked["income"].str.replace(".", ",")
            path = write(marked, sep=";", decimal=",")
        else:
            path = write(marked, "data.parquet")
        text = report(path, *CHURN, "--save", tmp_path / "model.joblib")
        names = {}
        exec(advice(text), names)
        numbers = names["X"][["age", "income"]]
        assert numbers.dtypes.tolist() == [float, float]
        assert numbers["income"].isna().sum() == 2
        np.testing.assert_allclose(numbers["age"], customers["age"])

    def test_the_model_asked_for(self, report, tmp_path):
        path = tmp_path / "model.pkl"
        text = report("--loss", "squared_error", "--absorb-bias", "--save", path)
        assert "squared error, bias absorbed, fitted on all 569 rows" in text
        classifier = joblib.load(path)[-1]
        assert isinstance(classifier, BinaryLogisticRegression)
        assert classifier.loss == "squared_error"
        assert classifier.absorb_bias

    def test_disk_full(self, capsys, tmp_path, monkeypatch):
        def fail(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("joblib.dump", fail)
        path = str(tmp_path / "model.pkl")
        assert main([*ONE_MODEL, "--cv", "2", "--save", path]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.endswith("cannot be written: No space left on device")


class TestLarge:
    """Parquet files that would take more than half of the memory."""

    @pytest.fixture
    def folder(self, tmp_path):
        """Write a table to a folder of Parquet files."""

        def write(frame, n_files=8):
            path = tmp_path / "data"
            path.mkdir()
            for i, rows in enumerate(np.array_split(np.arange(len(frame)), n_files)):
                frame.iloc[rows].to_parquet(path / f"{i}.parquet")
            return path

        return write

    @pytest.fixture
    def run(self, capsys, monkeypatch):
        """Run the command with a memory as large as the table; return both outputs."""

        def run(path, *argv):
            frame = pd.read_parquet(path)
            monkeypatch.setattr(_parts, "machine_memory", lambda: 8.0 * frame.size)
            status = main([str(each) for each in (path, *argv)])
            return status, *capsys.readouterr()

        return run

    @pytest.fixture
    def stream(self, run):
        """Run the command, expect success, and return what it says on stdout."""

        def stream(*argv):
            status, out, err = run(*argv)
            assert status == 0, err
            assert "is read with dask" in err
            return out

        return stream

    @pytest.mark.parametrize("kind", ["folder", "file"])
    def test_same_fits_as_in_memory(
        self, kind, numbers, folder, write, report, run, tmp_path
    ):
        if kind == "folder":
            path = folder(numbers)
        else:
            path = write(numbers, "data.parquet", row_group_size=250)
        asked = (path, "--target", "y", *ONE_MODEL)
        asked += ("--save", tmp_path / "model.joblib")
        expected = report(*asked)
        in_memory = joblib.load(tmp_path / "model.joblib")
        status, text, said = run(*asked)
        assert status == 0
        assert re.fullmatch(
            rf"{path} takes .* GB of a memory of .* GB: it is read with dask in \d+ "
            "parts whenever its rows are needed\n",
            said,
        )
        table, known = parse_table(text), parse_table(expected)
        known["cost J"].pop("LogisticRegression")
        assert table["cost J"] == known["cost J"]
        assert all(float(gap) <= 1e-8 for gap in table["optimality gap"].values())
        model = joblib.load(tmp_path / "model.joblib")
        np.testing.assert_allclose(model[-1].coef_, in_memory[-1].coef_, atol=2e-4)
        assert "largest difference" not in text
        assert "LogisticRegression is left out: it needs all rows in memory" in text
        title = f"{path.name}: 4,000 rows, 5 columns; positive: y = yes, "
        assert sentences(text).startswith(title)
        assert max(map(len, text.partition("Saved")[0].splitlines())) <= 80

    def test_scores_of_rows_held_out(self, numbers, folder, stream):
        text = stream(folder(numbers), "--target", "y", "--random-state", 3, *ONE_MODEL)
        is_held_out = np.random.default_rng(3).random(4000) < 1 / 5
        assert f"{is_held_out.mean():.1%} of rows held out" in sentences(text)
        X, y = numbers.drop(columns="y"), numbers["y"]
        truth, rows = (y == "yes")[is_held_out], X[is_held_out]
        fitted = BinaryLogisticRegression().fit(
            X[~is_held_out], y[~is_held_out] == "yes"
        )
        for metric, name in SCORERS.items():
            cell = parse_table(text)[metric]["cross entropy bias free"]
            score = abs(get_scorer(name)(fitted, rows, truth))
            assert float(cell) == pytest.approx(score, abs=2e-4)

    def test_mixed_columns(self, customers, folder, stream, tmp_path, saved_figures):
        """Gaps are filled and texts are encoded, and the pipeline has both steps."""
        table = customers.sample(800, replace=True, random_state=0, ignore_index=True)
        amount = table["income"].astype(str).where(table.index % 9 > 0, "?")
        table = table.assign(amount=amount).astype({"member": object})
        table.loc[5:9, "member"] = None
        path, model = folder(table), tmp_path / "model.skops"
        asked = ["--categorical", "member", "--loss", "cross_entropy", "--save", model]
        asked += ["--target", "churned", "--plot", tmp_path / "plot.png"]
        text = stream(path, *asked)
        assert "800 rows, 6 columns" in text
        assert "cells of 'amount'" in sentences(text)
        assert "from a sample of" in sentences(text)
        names = {}
        exec(advice(text.partition("\n\nDrew")[0]), names)
        probability = names["model"].predict_proba(names["X"])[:, 1]
        X = table.drop(columns="churned").assign(amount=table["income"])
        X.loc[table.index % 9 == 0, "amount"] = np.nan
        columns = make_column_transformer(
            (SimpleImputer(strategy="median"), ["age", "income", "amount"]),
            (OneHotEncoder(drop="if_binary"), ["city", "plan", "member"]),
        )
        expected = make_pipeline(columns, reference()).fit(X, table["churned"])
        np.testing.assert_allclose(
            probability, expected.predict_proba(X)[:, 1], atol=1e-3
        )
        reliability, convergence = map(lines_of, saved_figures[0].axes)
        assert set(reliability) == {"Perfectly calibrated", *convergence}
        assert len(convergence) == 2

    @pytest.mark.parametrize("n_missing", [0, 40])
    @pytest.mark.parametrize("asked", [[], ["--categorical", "b"]])
    @pytest.mark.parametrize("dtype", ["boolean", object])
    def test_missing_booleans(self, dtype, asked, n_missing, numbers, folder, stream):
        """Those of a part, of a type that allows them or of another."""
        b = (numbers["x0"] > 0.0).astype(dtype)
        b[:n_missing] = None
        path = folder(numbers.assign(b=b))
        text = stream(path, "--target", "y", *asked, *ONE_MODEL)
        n_columns = 3 if asked and n_missing else 1
        encoded = "" if n_columns == 1 else " (8 once encoded)"
        assert f"4,000 rows, 6 columns{encoded}; positive" in sentences(text)

    def test_l1_ratio(self, numbers, folder, stream):
        asked = ["--target", "y", "--C", 0.02, "--l1-ratio", 1, *ONE_MODEL]
        table = parse_table(stream(folder(numbers), *asked))
        X, y = numbers.drop(columns="y"), numbers["y"]
        model = BinaryLogisticRegression(C=0.02, l1_ratio=1.0).fit(X, y)
        n_nonzero = table["coefficients not 0"]["cross entropy bias free"]
        assert int(n_nonzero) == np.count_nonzero(model.coef_)

    def test_chosen(self, numbers, folder, stream):
        text = stream(folder(numbers), "--target", "y", "--C", "auto", *ONE_MODEL)
        assert float(parse_table(text)["C"]["cross entropy bias free"]) > 0

    def test_summary(self, numbers, folder, stream):
        asked = ["--target", "y", "--C", "inf", "--summary", *ONE_MODEL]
        text = stream(folder(numbers), *asked)
        X, y = numbers.drop(columns="y"), numbers["y"]
        model = BinaryLogisticRegression(C=np.inf).fit(X, y)
        table = Inference.from_estimator(model, X, y).table
        shown = re.search(r"^x1 +(-?[\d.]+) +([\d.]+) ", text, re.MULTILINE)
        found = [float(number) for number in shown.groups()]
        np.testing.assert_allclose(found, table.loc["x1"][:2], atol=1e-3)

    @pytest.mark.parametrize(
        ("labels", "argv", "said"),
        [
            ([0, 1], [], "y = 1, 50.0% of rows"),
            ([False, True], ["--positive", "False"], "y = False, 50.0% of rows"),
            (["no", " yes ", "yes", "no"], [], "y = yes, 50.0% of rows"),
            ([0.0, 1.0, 2.0, 3.0], ["--positive", "2"], "y = 2 (against all other"),
        ],
        ids=str,
    )
    def test_labels(self, labels, argv, said, numbers, folder, stream, tmp_path):
        y = labels * (4000 // len(labels))
        path, model = folder(numbers.assign(y=y)), tmp_path / "model.joblib"
        text = stream(path, "--target", "y", *argv, *ONE_MODEL, "--save", model)
        assert said in sentences(text)
        names = {}
        exec(advice(text), names)
        classes = joblib.load(model).classes_.tolist()
        use = re.search(r"\[:, (\d)\]  # the probability of '?(\w+)", text)
        assert str(classes[int(use[1])]) == use[2]

    @pytest.mark.parametrize(
        ("y", "said"),
        [
            (["a", "b", "c", "d"], "4 values, not two ('a', 'b', 'c', 'd')"),
            (["a", "b", None, "a"], "missing in 1000 of 4000 rows"),
            (["a", "b", " ", "a"], "missing in 1000 of 4000 rows"),
            ([[1], [2], [1], [2]], "the target 'y' holds lists"),
        ],
        ids=str,
    )
    def test_target_rejected(self, y, said, numbers, folder, run):
        path = folder(numbers.assign(y=y * 1000))
        status, out, err = run(path, "--target", "y")
        assert (status, out) == (2, "")
        assert said in err

    @pytest.mark.parametrize(
        ("change", "argv", "said"),
        [
            ({}, [], "add --target COLUMN"),
            ({}, ["--target", "z"], "has no column 'z': it has 'x0'"),
            ({}, ["--target", "x0"], "has 4000 values, not two"),
            ({}, ["--target", "y", "--drop", "z"], "no column 'z'"),
            ({}, ["--target", "y", "--cv", 2001], "too few for 2001 folds"),
            ({"y": ["a"] + ["b"] * 3999}, ["--target", "y"], "rarer class has 1 of"),
            (
                {"x1": [1.0] * 3800 + [np.inf] * 200},
                ["--target", "y"],
                "cannot use column 'x1' (200 infinite values)",
            ),
            ({"x1": pd.Timestamp(0)}, ["--target", "y"], "leave it out with --drop x1"),
        ],
    )
    def test_rejected(self, change, argv, said, numbers, folder, run):
        status, out, err = run(folder(numbers.assign(**change), 20), *argv)
        assert (status, out) == (2, "")
        assert said in err.splitlines()[-1]

    def test_other_files_in_the_folder(self, numbers, folder, run, monkeypatch):
        path = folder(numbers)
        monkeypatch.setattr(pd, "read_parquet", lambda _: numbers)  # of the fixture
        (path / "notes.md").write_text("not a table")
        status, _, err = run(path, "--target", "y")
        assert status == 2
        assert "take out files of other kinds" in err
        assert "notes.md" in err

    def test_too_many_values(self, numbers, folder, run):
        path = folder(pd.concat([numbers] * 3))
        assert "'x0' has more than 1,000 values" in run(path, "--target", "x0")[2]

    def test_one_class_held_out(self, numbers, folder, run):
        path = folder(numbers.assign(y=[1, 1] + [0] * 3998))
        draws = (np.random.default_rng(seed).random(2) < 1 / 2 for seed in range(9))
        seed = next(i for i, draw in enumerate(draws) if draw[0] == draw[1])
        asked = ["--target", "y", "--cv", 2, "--random-state", seed]
        assert "take another --random-state" in run(path, *asked)[2]

    def test_large_row_groups(self, numbers, write, run):
        _, _, err = run(write(numbers, "data.parquet"), "--target", "y")
        assert "write it with smaller row groups" in err

    def test_without_dask(self, numbers, folder, run, monkeypatch):
        path = folder(numbers)
        monkeypatch.setitem(sys.modules, "dask", None)
        status, out, err = run(path, "--target", "y")
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert err.endswith("pip install 'sk_logreg[dask]'\n")

    def test_memory(self, monkeypatch):
        """The machine has some, also if distributed is not installed."""
        with_limits = _parts.machine_memory()
        monkeypatch.setitem(sys.modules, "distributed.system", None)
        assert 1e8 < with_limits <= _parts.machine_memory()

    @pytest.mark.parametrize("tick", [5.0, 0.05, 0.0])
    def test_progress(self, tick, numbers, folder, run, monkeypatch):
        """Passes may be shorter than the second after which the bar is shown."""

        class Terminal(io.StringIO):
            def isatty(self):
                return True

        stderr, ticks = Terminal(), itertools.count(step=tick)
        path = folder(numbers)
        monkeypatch.setattr(sys, "stderr", stderr)
        monkeypatch.setattr("tqdm.std.time", lambda: next(ticks))
        assert run(path, "--target", "y", *ONE_MODEL)[0] == 0
        _, shown = stderr.getvalue().split("\n")
        if not tick:
            assert shown.strip() == ""
            return
        assert re.search("cross entropy, bias free, pass [23]: +[1-9]", shown)
        assert shown.endswith(" \r")  # erased
        if tick > 1.0:
            assert "first look, pass 1: 100%" in shown
            assert "scores, pass 1: 100%" in shown

    def test_folder_that_fits(self, customers, folder, write, report):
        expected = figures(report(write(customers), *CHURN))
        path = folder(customers.assign(kind=customers["plan"]))
        assert figures(report(path, *CHURN, "--drop", "kind")) == expected

    def test_names_of_folders(self, numbers, tmp_path, stream, report):
        """They state a column, as for pandas."""
        kind = np.array([*"abcdefgh"])[np.arange(4000) % 8]
        path = tmp_path / "data"
        numbers.assign(kind=kind).to_parquet(path, partition_cols=["kind"])
        asked = (path, "--target", "y", *ONE_MODEL)
        in_memory = report(*asked)
        text = stream(*asked)
        assert "one-hot encoded: 'kind' (8 values)" in sentences(text)
        name = "cross entropy bias free"
        costs = [parse_table(each)["cost J"][name] for each in (text, in_memory)]
        assert costs[0] == costs[1]


class TestPlot:
    def test_draws_a_png(self, report, tmp_path, saved_figures):
        from matplotlib.image import imread

        path = tmp_path / "plot.png"
        assert f"Drew {path}." in report("--plot", path)
        picture = imread(path)
        assert picture.shape[1] > picture.shape[0] > 500
        assert picture[..., :3].std() > 0.05
        (figure,) = saved_figures
        reliability, convergence = map(lines_of, figure.axes)
        assert set(reliability) == {
            "Perfectly calibrated",
            "cross entropy, bias free",
            "cross entropy, bias absorbed",
            "squared error, bias free",
            "squared error, bias absorbed",
            "LogisticRegression",
        }
        own = {*reliability} - {"Perfectly calibrated", "LogisticRegression"}
        assert set(convergence) == own
        assert len({look(line) for line in reliability.values()}) == len(reliability)
        for name, line in convergence.items():
            assert look(line) == look(reliability[name])

    def test_reliability_is_of_held_out_rows(
        self, customers, write, report, tmp_path, saved_figures
    ):
        columns = customers[["income", "member", "churned"]]
        arguments = [write(columns), *CHURN]
        report(*arguments, "--plot", tmp_path / "plot.png")
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        X, y = columns.drop(columns="churned"), columns["churned"] == "yes"
        held_out = cross_val_predict(
            reference(), X, y, cv=folds, method="predict_proba"
        )
        share, probability = calibration_curve(
            y, held_out[:, 1], n_bins=10, strategy="quantile"
        )
        lines = lines_of(saved_figures[0].axes[0])
        for name in ("LogisticRegression", "cross entropy, bias free"):
            drawn = lines[name].get_xydata()
            np.testing.assert_allclose(drawn[:, 0], probability, atol=1e-4)
            np.testing.assert_allclose(drawn[:, 1], share, atol=1e-12)

    def test_hostile_names(self, customers, write, report, tmp_path):
        """A name that TeX, the font or the width of a panel cannot take."""
        odd = "$\\x_ 漢 " * 9
        frame = customers[["age", "churned"]].replace({"churned": {"yes": odd}})
        path = write(frame, "a $ sign {.csv")
        for positive in ("no", odd):
            asked = ["--positive", positive, "--plot", tmp_path / "plot.png"]
            report(path, *CHURN, *asked)


class TestArguments:
    @pytest.mark.parametrize(
        ("argv", "said"),
        [
            (["--C", "0"], "--C: '0' is not a positive number, 'inf' or 'auto'"),
            (["--C", "-1"], "--C"),
            (["--C", "nan"], "'nan' is not a positive number"),
            (["--C", "many"], "'many' is not a positive number"),
            (["--l1-ratio", "1.5"], "--l1-ratio: '1.5' is not a number from 0 to 1"),
            (["--l1-ratio", "-0.5"], "--l1-ratio: '-0.5' is not"),
            (["--l1-ratio", "nan"], "--l1-ratio: 'nan' is not"),
            (["--l1-ratio", "auto"], "--l1-ratio: 'auto' is not"),
            (["--l1-ratio", "1", "--C", "inf"], "--C inf drops it: leave one out"),
            (["--cv", "1"], "'1' is not a whole number from 2 up"),
            (["--cv", "2.5"], "--cv"),
            (["--random-state", "-1"], "--random-state"),
            (["--random-state", str(2**32)], "from 0 to 2**32 - 1"),
            (["--loss", "hinge"], "'hinge'"),
            (
                ["--save", "model.onnx"],
                "'model.onnx' must end in .joblib, .pkl, .skops",
            ),
            (["--plot", "plot.pdf"], "'plot.pdf' must end in .png"),
            (["--target", "y"], "no file is named"),
            (["--drop", "y"], "no file is named"),
            (["--categorical", "y"], "no file is named"),
            (["--decimal", ","], "no file is named"),
            (["--decimal", ";"], "--decimal"),
            (["--positive", "2"], "choose one of '0', '1'"),
            (["--unknown"], "--unknown"),
            (["--cv", "300"], "too few for 300 folds: use --cv 212"),
        ],
    )
    def test_rejected(self, argv, said, reject):
        assert said in reject(*argv)

    def test_help(self, capsys, customers, write, report, tmp_path, monkeypatch):
        """It names the options, and its examples run."""
        with pytest.raises(SystemExit, match=r"^0$"):
            main(["--help"])
        text = capsys.readouterr().out
        assert text.startswith("usage: python -m sk_logreg")
        options = ["--target", "--drop", "--categorical", "--decimal", "--C"]
        for option in (*options, "--l1-ratio", "--summary"):
            assert f"\n  {option}" in text
        examples = text.partition("examples:\n")[2].replace("\\\n", "")
        first, *commands = [shlex.split(line) for line in examples.splitlines()]
        assert first == ["python", "-m", "sk_logreg"]
        rng = np.random.default_rng(0)
        names = ["customer_id", "signup_date", "month", "zip_code"]
        churn = customers[["age", "churned"]].assign(
            **dict(zip(names, rng.integers(0, 9, (4, 200)), strict=True))
        )[:100]
        write(churn, "churn.csv")
        write(churn, "churn.parquet")
        monkeypatch.chdir(tmp_path)
        assert len(commands) >= 5
        for command in commands:
            assert command[:3] == first
            assert parse_table(report(*command[3:]))
        assert {"churn.skops", "churn.png"} <= {
            path.name for path in tmp_path.iterdir()
        }

    def test_version(self):
        result = run_python("-m", "sk_logreg", "--version")
        assert result.returncode == 0
        assert result.stdout == f"sk_logreg {__version__}\n"
        assert result.stderr == ""


class TestProcess:
    def test_mistake(self, tmp_path):
        result = run_python("-m", "sk_logreg", str(tmp_path / "none.csv"))
        assert result.returncode == 2
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1

    def test_interrupted(self, monkeypatch, capsys):
        def interrupt():
            raise KeyboardInterrupt

        monkeypatch.setattr("sklearn.datasets.load_breast_cancer", interrupt)
        assert main([]) == 130
        assert capsys.readouterr().err == ""

    def test_reader_gone(self):
        command = [sys.executable, "-m", "sk_logreg", *ONE_MODEL, "--cv", "2"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            process.stdout.close()
            error = process.stderr.read()
        assert process.returncode == 141
        assert error == b""

    def test_progress_on_a_terminal_only(self, monkeypatch):
        class Terminal(io.StringIO):
            def isatty(self):
                return True

        def shown(stream, pause):
            ticks = itertools.count(step=pause)
            monkeypatch.setattr(sys, "stderr", stream)
            monkeypatch.setattr("tqdm.std.time", lambda: next(ticks))
            assert main([*ONE_MODEL, "--cv", "2"]) == 0
            return stream.getvalue()

        assert "fitting" in shown(Terminal(), pause=5.0)
        assert shown(Terminal(), pause=0.01).strip() == ""
        assert shown(io.StringIO(), pause=5.0) == ""
