"""Tests of the benchmarks: adapters, objective, problems, climb, results, constants."""

import math
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from benchmarks import (
    benchopt_logreg_l2,
    choosing,
    data,
    inference,
    partitions,
    run,
    sensitivity,
)
from benchmarks.climb import ACCURACY, Attempt, Bounds, attempt, cheapest, climb
from benchmarks.compare import compare
from benchmarks.compare import main as compare_main
from benchmarks.limits import read_seconds, time_limit
from benchmarks.memory import peak_of
from benchmarks.objective import ABSORBED, FREE, objective, relative_suboptimality
from benchmarks.orthant import pseudo_gradient
from benchmarks.overview import Kind, Outcome, outcomes, overview
from benchmarks.peers import OURS, Peer, installed
from benchmarks.peers._choosing import Found, our_path
from benchmarks.peers._inference import (
    Table,
    native_threads,
    on_one_thread,
    our_firth,
    our_table,
    rivals,
    with_threads,
)
from benchmarks.peers._scipy import Callbacks
from benchmarks.problems import (
    FULL,
    L1,
    L1_QUICK,
    PROBLEMS,
    QUICK,
    Problem,
    named,
    select,
)
from benchmarks.records import Row, Summary, load, read, write
from benchmarks.reference import lowest
from benchmarks.report import medians, summarize, table
from benchmarks.scaling import describe, measure_scaling
from benchmarks.task import Fit, Task, as_fit
from benchmarks.tunables import Variant, find_tunables, scaled
from sk_logreg import BinaryLogisticRegression
from sk_logreg.inference import Inference

SMALLER = {"n_samples": 150, "n_features": 40, "n_columns": 100}
# snapml computes in float32; skglm compiles for many seconds.
ACCURACY_OF = {"snapml": 1e-5}
LONG = ("skglm", "skglm anderson-cd")


def small_task(kind: str = "dense", **more: object) -> Task:
    X, y = data.dense(240, 6, seed=3, offset=1.5)
    y[:20] = 1 - y[:20]
    if kind == "sparse":
        X = sp.csr_matrix(np.where(np.abs(X) > 0.5, X, 0.0))
    if kind == "float32":
        X = X.astype(np.float32)
    return Task(X, y, **{"C": 0.3, **more})


TASKS = {
    "intercept": small_task(),
    "no intercept": small_task(fit_intercept=False),
    "sparse": small_task("sparse"),
    "float32": small_task("float32"),
    "no penalty": small_task(C=math.inf),
    "squared error": small_task(loss="squared_error"),
    "lasso": small_task(l1_ratio=1.0, C=0.05),
    "lasso, sparse": small_task("sparse", l1_ratio=1.0, C=0.05),
    "lasso, no intercept": small_task(l1_ratio=1.0, C=0.05, fit_intercept=False),
    "lasso, float32": small_task("float32", l1_ratio=1.0, C=0.05),
    "elastic net": small_task(l1_ratio=0.5, C=0.05),
    "elastic net, sparse": small_task("sparse", l1_ratio=0.3, C=0.05),
}
# Until the estimator has the parameter, its fits of these fail and are reported.
PARAMETERS = BinaryLogisticRegression().get_params()
CASES = [
    pytest.param(
        peer,
        name,
        id=f"{peer.name}-{name}",
        marks=[pytest.mark.long] if peer.name in LONG else [],
    )
    for peer in installed(ours=True)
    for name, task in TASKS.items()
    if not peer.refuses(task)
    and (not task.l1_ratio or peer.module != "sk_logreg" or "l1_ratio" in PARAMETERS)
]


def optimum(task: Task, convention: str) -> float:
    return lowest(task, [as_fit(np.zeros(task.n_features))], convention)[0]


@pytest.mark.parametrize(("peer", "name"), CASES)
def test_an_adapter_reaches_the_optimum_in_its_convention(
    peer: Peer, name: str
) -> None:
    task = TASKS[name]
    tol = max_iter = None
    if peer.default_tol is not None:
        # glum's gradient in float32 never gets below 1e-10.
        tol = 1e-6 if peer.name.startswith("glum") else 1e-10
        max_iter = 10_000
    judge = partial(objective, task, convention=peer.convention)
    found = attempt(peer, task, judge, 60.0, tol, max_iter)
    assert found.status == "ok"
    short = relative_suboptimality(found.objective, optimum(task, peer.convention))
    limit = ACCURACY_OF.get(peer.name, ACCURACY)
    if peer.default_tol is None:
        limit = 1e-5
    assert short <= limit
    assert short >= -1e-12


def test_the_conventions_differ_by_more_than_the_accuracy() -> None:
    task = TASKS["intercept"]
    zeros = [as_fit(np.zeros(task.n_features))]
    free, absorbed = (lowest(task, zeros, c)[1] for c in (FREE, ABSORBED))
    for convention, fit in ((FREE, absorbed), (ABSORBED, free)):
        value = objective(task, fit, convention)
        assert relative_suboptimality(value, optimum(task, convention)) > 1e-5


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("convention", [FREE, ABSORBED])
def test_the_objective_is_the_formula(name: str, convention: str) -> None:
    task = TASKS[name]
    rng = np.random.default_rng(0)
    fit = Fit(rng.standard_normal(task.n_features), 0.7)
    X = task.X.toarray() if task.is_sparse else task.X.astype(np.float64)
    z = X @ fit.coef + fit.intercept
    chance = 1.0 / (1.0 + np.exp(-z))
    if task.loss == "squared_error":
        total = 0.5 * np.sum((chance - task.y) ** 2)
    else:
        total = -np.sum(np.where(task.y == 1, np.log(chance), np.log(1.0 - chance)))
    expected = total
    if task.penalized:
        penalized = fit.coef
        if convention == ABSORBED:
            penalized = np.append(fit.coef, fit.intercept)
        rho = task.l1_ratio
        penalty = rho * np.abs(penalized) + 0.5 * (1.0 - rho) * penalized**2
        expected = task.C * total + np.sum(penalty)
    assert objective(task, fit, convention) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("convention", [FREE, ABSORBED])
@pytest.mark.parametrize("name", [name for name in TASKS if TASKS[name].l1_ratio])
def test_the_reference_is_stationary_and_sparse(name: str, convention: str) -> None:
    task = TASKS[name]
    _, fit = lowest(task, [as_fit(np.zeros(task.n_features))], convention)
    calls = Callbacks(replace(task, X=task.X.astype(float)), convention == ABSORBED)
    v = np.append(fit.coef, fit.intercept) if task.fit_intercept else fit.coef
    slope = pseudo_gradient(v, calls.value_and_gradient(v)[1], calls.lasso)
    assert np.abs(slope).max() <= 1e-7
    assert 0 < np.count_nonzero(fit.coef) < task.n_features


def test_the_reference_of_collinear_columns_is_stationary() -> None:
    X, y = data.one_hot(2_000, 200, seed=0)
    task = Task(X, y, C=0.1, l1_ratio=1.0)
    _, fit = lowest(task, [as_fit(np.zeros(task.n_features))], FREE)
    calls = Callbacks(task)
    v = np.append(fit.coef, fit.intercept)
    slope = pseudo_gradient(v, calls.value_and_gradient(v)[1], calls.lasso)
    assert np.abs(slope).max() <= 1e-5


def test_the_objective_of_coefficients_that_are_not_finite_is_infinite() -> None:
    task = TASKS["intercept"]
    assert objective(task, as_fit(np.full(task.n_features, np.nan))) == math.inf


def test_the_objective_of_an_unknown_loss_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown loss"):
        objective(small_task(loss="hinge"), as_fit(np.zeros(6)))


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_a_problem_is_built_alike_twice(problem: Problem) -> None:
    smaller = {k: v for k, v in SMALLER.items() if k in problem.sizes}
    one, two = problem.build(**smaller), problem.build(**smaller)
    assert set(np.unique(one.y)) == {0, 1}
    np.testing.assert_array_equal(one.y, two.y)
    first, second = one.X, two.X
    if one.is_sparse:
        assert one.layout == "csr"
        first, second = first.toarray(), second.toarray()
    else:
        assert one.layout == problem.sizes.get("order", "C")
    assert first.dtype == problem.sizes.get("dtype", "float64")
    np.testing.assert_array_equal(first, second)
    assert len(one.y) == one.n_samples
    assert one.nbytes > 0


def test_problems_are_named_once_and_every_regime_is_in_the_full_grid() -> None:
    names = [problem.name for problem in PROBLEMS]
    assert len(set(names)) == len(names)
    assert all(named(name).name == name for name in names)
    for quick, full in ((QUICK, FULL), (L1_QUICK, L1)):
        regimes = {problem.regime for problem in select(full)}
        assert {problem.regime for problem in select(quick)} <= regimes
    assert [p.name for p in select(QUICK, "text_*")] == ["text_C1", "text_C100"]


def test_text_rows_have_norm_one_and_columns_follow_zipf() -> None:
    X, _ = data.text(2_000, 3_000, 40.0, seed=0)
    np.testing.assert_allclose(sp.linalg.norm(X, axis=1), 1.0)
    counts = np.sort(np.bincount(X.indices, minlength=3_000))[::-1]
    assert counts[0] > 10 * counts[300]
    assert X.has_canonical_format


def test_columns_of_one_block_are_correlated() -> None:
    X, _ = data.blocks(4_000, 10, seed=0, width=4, correlation=0.8)
    found = np.corrcoef(X, rowvar=False)
    assert found[0, 3] == pytest.approx(0.8, abs=0.05)
    assert found[3, 4] == pytest.approx(0.0, abs=0.05)


def test_one_hot_rows_have_one_level_of_each_field() -> None:
    X, _ = data.one_hot(500, 300, seed=0)
    assert X.shape == (500, 300)
    np.testing.assert_array_equal(np.diff(X.indptr), 20)
    assert X.has_sorted_indices


# The climb, on a peer whose accuracy is its tolerance and whose cost is known.


def made_up(default_tol: float, needs: float = 0.0) -> Peer:
    def fit(task: Task, tol: float | None, max_iter: int | None) -> Fit:
        chosen = max(default_tol if tol is None else tol, needs)
        return Fit(np.array([chosen]), 0.0, 3)

    return Peer("made up", "none", "sys", "", fit, default_tol=default_tol)


def climbed(peer: Peer, **more: float) -> list[Attempt]:
    bounds = Bounds(seconds=5.0, factor=more.pop("factor", 100.0))
    task = TASKS["intercept"]
    quickest = more.pop("quickest", math.inf)
    judge = lambda fit: float(fit.coef[0])  # noqa: E731
    return climb(peer, task, judge, lambda value: value, bounds, quickest)


@pytest.mark.parametrize("default_tol", [1e-2, 1e-4, 1e-7, 1e-10, 1e-12])
def test_a_climb_finds_the_loosest_tolerance(default_tol: float) -> None:
    attempts = climbed(made_up(default_tol))
    assert attempts[0].setting == "defaults"
    reached = [one for one in attempts if one.objective <= 1.0000001e-8]
    assert max(one.objective for one in reached) == pytest.approx(1e-8)
    assert cheapest(attempts, lambda value: value) in reached


def test_a_climb_stops_where_tightening_no_longer_helps() -> None:
    attempts = climbed(made_up(1e-4, needs=1e-6))
    assert len(attempts) == 5
    assert cheapest(attempts, lambda value: value) is None


def test_a_climb_stops_where_the_quickest_is_far_quicker() -> None:
    assert len(climbed(made_up(1e-4), quickest=1e-12)) == 1


def test_a_peer_that_fails_is_reported() -> None:
    def fail(task: Task, tol: float | None, max_iter: int | None) -> Fit:
        raise ArithmeticError("of all things")

    (one,) = climbed(Peer("fails", "none", "sys", "", fail))
    assert one.status == "ArithmeticError: of all things"
    assert one.objective == math.inf


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no timers")
def test_a_fit_beyond_its_time_is_broken_off() -> None:
    def forever(task: Task, tol: float | None, max_iter: int | None) -> Fit:
        while True:
            pass

    peer = Peer("slow", "none", "sys", "", forever)
    one = attempt(peer, TASKS["intercept"], lambda fit: 0.0, 0.05)
    assert one.status == "time: over 0.05 s"
    with time_limit(10.0):
        pass


# Comparison of two files.


def rows_of(times: dict[str, tuple[float, float]]) -> list[Row]:
    return [
        Row(
            grid=QUICK,
            problem=problem,
            regime="small",
            n_samples=10,
            n_features=2,
            stored=20,
            dtype="float64",
            layout="C",
            loss="cross_entropy",
            C=1.0,
            solver=solver,
            version="1",
            convention=FREE,
            phase=phase,
            setting="defaults",
            round=k,
            seconds=factor * seconds * scale,
            objective=1.0,
            relative_suboptimality=short,
            reads=5.0,
        )
        for problem, (seconds, short) in times.items()
        for solver, factor in ((OURS.name, 1.0), ("other", 4.0))
        for phase in ("climb", "timed")
        for k, scale in enumerate((1.0, 0.9, 5.0))
    ]


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ((1.0, 1e-9), (1.0, 1e-9), "same"),
        ((1.0, 1e-9), (1.05, 1e-9), "same"),  # within the relative threshold
        ((0.001, 1e-9), (0.009, 1e-9), "same"),  # within the absolute threshold
        ((1.0, 1e-9), (1.2, 1e-9), "slower"),
        ((1.2, 1e-9), (1.0, 1e-9), "faster"),
        ((1.0, 1e-9), (0.5, 1e-7), "less accurate"),
        ((1.0, 1e-7), (1.0, 1e-7), "same"),
        ((1.0, 1e-9), None, "gone"),
        (None, (1.0, 1e-9), "new"),
    ],
)
def test_two_files_are_compared_by_both_thresholds(
    tmp_path, capsys, before, after, verdict
) -> None:
    for name, value in (("before", before), ("after", after)):
        rows = rows_of({} if value is None else {"one": value})
        write(tmp_path / f"{name}.csv", rows, Row)
    files = tmp_path / "before.csv", tmp_path / "after.csv"
    (change,) = compare(*files)
    assert change.verdict == verdict
    bad = verdict in ("slower", "less accurate", "gone")
    assert compare_main([str(path) for path in files]) == int(bad)
    assert verdict in capsys.readouterr().out


def test_thresholds_that_make_no_sense_are_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="at least"):
        compare(tmp_path, tmp_path, relative=0.9)


# Summary, table, figure, runner.


def test_a_summary_takes_medians_and_the_best_ratio(tmp_path) -> None:
    problem = replace(named("small_3000_10"), name="one")
    rows = rows_of({"one": (0.2, 1e-9)})
    assert medians(rows) == {OURS.name: 0.2, "other": 0.8}
    peak = {"peak_bytes": 3, "x_bytes": 10}
    one = summarize(problem, rows, 0.05, peak)
    assert (one.best_peer, one.ratio, one.met) == ("other", 4.0, "yes")
    assert (one.ours_over_read, one.peak_over_x, one.reads) == (4.0, 0.3, 5.0)
    assert "| other defaults |" in table([one])
    write(tmp_path / "s.csv", [one], Summary)
    assert read(tmp_path / "s.csv")[0]["ratio"] == "4"


def test_a_summary_says_when_the_accuracy_is_missed() -> None:
    rows = rows_of({"one": (0.2, 1e-7)})
    one = summarize(named("small_3000_10"), rows, 0.05, None)
    assert (one.best_peer, one.ratio, one.met) == ("", None, "no: accuracy")


def test_a_run_prints_a_table_and_writes_its_files(
    tmp_path, capsys, monkeypatch
) -> None:
    tiny = replace(named("small_3000_10"), sizes={"n_samples": 60, "n_features": 3})
    few = [p for p in installed(ours=True) if p.name in (OURS.name, "sklearn lbfgs")]
    monkeypatch.setattr(run, "select", lambda grid, pattern: [tiny])
    monkeypatch.setattr("benchmarks.measure.installed", lambda ours: few)
    out = tmp_path / "tiny.csv"
    run.main(["--quick", "--no-memory", "--out", str(out)])
    assert "| small_3000_10 |" in capsys.readouterr().out
    rows = read(out)
    assert {row["phase"] for row in rows} == {"climb", "timed"}
    assert {row["solver"] for row in rows} == {peer.name for peer in few}
    assert (tmp_path / "tiny_summary.csv").exists()
    assert (tmp_path / "tiny.md").read_text().startswith("# quick grid")
    assert (tmp_path / "tiny.png").read_bytes()[:4] == b"\x89PNG"


def test_a_run_may_keep_other_problems(tmp_path, monkeypatch) -> None:
    out = tmp_path / "both.csv"
    sizes = {"n_samples": 60, "n_features": 3}
    few = [p for p in installed(ours=True) if p.name == OURS.name]
    monkeypatch.setattr("benchmarks.measure.installed", lambda ours: few)
    for name, keep in (("squared_30", []), ("small_3000_10", ["--keep"])):
        tiny = replace(named(name), sizes=sizes)
        monkeypatch.setattr(run, "select", lambda grid, pattern, tiny=tiny: [tiny])
        run.main(["--quick", "--no-memory", "--out", str(out), *keep])
    kept = load(tmp_path / "both_summary.csv", Summary)
    assert [one.problem for one in kept] == ["small_3000_10", "squared_30"]
    assert kept[1].ours_seconds > 0.0
    write(tmp_path / "again.csv", load(out, Row), Row)
    assert (tmp_path / "again.csv").read_text() == out.read_text()


def test_a_run_may_take_the_settings_of_peers_from_its_file(
    tmp_path, monkeypatch
) -> None:
    out = tmp_path / "tiny.csv"
    tiny = replace(named("small_3000_10"), sizes={"n_samples": 60, "n_features": 3})
    few = [p for p in installed(ours=True) if p.name in (OURS.name, "sklearn lbfgs")]
    monkeypatch.setattr(run, "select", lambda grid, pattern: [tiny])
    monkeypatch.setattr("benchmarks.measure.installed", lambda ours: few)
    arguments = ["--quick", "--no-memory", "--out", str(out)]
    run.main(arguments)
    first = load(out, Row)
    searched: list[str] = []

    def search(peer: Peer, *args: object) -> list[Attempt]:
        searched.append(peer.name)
        return climb(peer, *args)

    monkeypatch.setattr("benchmarks.measure.climb", search)
    run.main([*arguments, "--again"])
    assert searched == []
    second = load(out, Row)

    def of_peer(rows: list[Row], phase: str) -> list[Row]:
        return [row for row in rows if row.solver != OURS.name and row.phase == phase]

    assert of_peer(first, "climb") == of_peer(second, "climb") != []
    settings = {row.setting for row in of_peer(first, "timed")}
    assert settings == {row.setting for row in of_peer(second, "timed")}
    for phase in ("climb", "timed"):  # ours is fitted anew
        assert any(row.solver == OURS.name and row.phase == phase for row in second)
    write(out, [replace(row, version="0") for row in second], Row)
    run.main([*arguments, "--again"])
    assert searched == ["sklearn lbfgs"]


def test_the_table_of_the_readme_is_that_of_the_stored_results() -> None:
    readme = Path(__file__).parents[1] / "README.md"
    assert overview() in readme.read_text(encoding="utf-8")


def test_an_outcome_is_that_of_the_lowest_ratio_that_counts(tmp_path) -> None:
    (tmp_path / "some.csv").write_text(
        "problem,n_samples,solver,seconds,ratio,status\n"
        "easy,2000,sk_logreg,1.5,,ok\n"
        'easy,2000,"sk_logreg, 1 thread",0.75,0.5,ok\n'
        "easy,2000,slow,6.0,4.0,ok\n"
        "easy,2000,quick,3.0,2.0,rounding\n"
        "easy,2000,inexact,0.3,0.2,not counted\n"
        "hard,100,sk_logreg,0.5,,ok\n"
        "hard,100,slow,9.0,,stopped\n"
    )
    easy, hard = outcomes(tmp_path / "some.csv")
    assert easy == Outcome("easy", 2000, None, 1.5, "quick", 3.0, 2.0)
    assert hard == Outcome("hard", 100, None, 0.5, "", None, None)
    kind = Kind("some", "some.csv", ("easy", "hard"), columns=7)
    table = overview([kind], tmp_path)
    cells = [cell.strip() for cell in table.splitlines()[-1].strip("|").split("|")]
    assert cells == [
        "some",
        "1 of 1",
        "2",
        "2 … 2",
        "2,000 × 7",
        "1.5 s",
        "quick",
        "3 s",
    ]


def test_scaling_reports_a_slope() -> None:
    found = measure_scaling((300, 600), repeats=1)
    assert len(found.seconds) == 2
    assert "Slope of log time on log rows" in describe(found)


def test_a_read_of_x_is_timed() -> None:
    for task in (TASKS["intercept"], TASKS["sparse"]):
        assert read_seconds(task, repeats=2) > 0.0
    csc = replace(TASKS["sparse"], X=TASKS["sparse"].X.tocsc())
    assert read_seconds(csc, repeats=2) > 0.0


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc")
def test_the_peak_counts_what_was_allocated_and_freed() -> None:
    size = 48 * 2**20
    peak = peak_of(lambda: np.ones(size // 8).sum())
    assert 0.9 * size < peak < 1.5 * size


def test_the_solver_for_benchopt_reaches_its_objective() -> None:
    X, y = data.separable_signs(200, 5, seed=42)
    solver = benchopt_logreg_l2.Solver()
    solver.set_objective(X, 2 * y - 1, 0.5)
    solver.run(100)
    beta = solver.get_result()["beta"]
    task = Task(X, y, C=2.0, fit_intercept=False)
    best = optimum(task, FREE)
    assert relative_suboptimality(objective(task, as_fit(beta)), best) <= 1e-10
    value = np.sum(np.logaddexp(0, -task.signs * (X @ beta))) + 0.25 * beta @ beta
    assert value == pytest.approx(best / task.C, rel=1e-10)


# Paths and searches.


def choosing_problem(kind: str) -> Problem:
    (problem, *_) = (p for p in choosing.problems(QUICK) if p.regime == kind)
    return replace(problem, sizes={"n_samples": 200, "n_features": 3}, make=data.dense)


def peers_named(
    every: Callable[[np.ndarray], list[Peer]], end: str, Cs: np.ndarray
) -> list[Peer]:
    return [peer for peer in every(Cs) if peer.name.endswith(end)]


@pytest.mark.parametrize("kind", ["path", "fits", "search", "alo"])
def test_paths_and_searches_are_compared(tmp_path, capsys, monkeypatch, kind) -> None:
    problem = choosing_problem(kind)
    monkeypatch.setattr(choosing, "problems", lambda grid: [problem])
    once = replace(choosing.QUICK_EFFORT, least=1, most=1)
    monkeypatch.setattr(choosing, "QUICK_EFFORT", once)
    if kind == "path":
        monkeypatch.setattr(choosing, "_N_POINTS", 8)
    # Others compile for many seconds, or start processes.
    few = {"path_rivals": "glum irls-cd", "search_rivals": "newton-cholesky, n_jobs=1"}
    for name, end in few.items():
        found = partial(peers_named, getattr(choosing, name), end)
        monkeypatch.setattr(choosing, name, found)
    out = tmp_path / "choosing.csv"
    choosing.main(["--quick", "--out", str(out)])
    ours, *rivals = read(out)
    assert ours["status"] == "ok"
    assert float(ours["error"]) <= 1e-6
    assert ours["ratio"] == ""
    for row in rivals:
        assert (row["ratio"] != "") == (row["status"] in ("ok", "rounding"))
    assert f"| {kind}: " in capsys.readouterr().out
    assert out.with_suffix(".md").read_text().startswith("# Paths and searches")


def test_the_tolerance_that_counts_is_the_loosest_that_is_accurate() -> None:
    def fit(task: Task, tol: float | None, max_iter: int | None) -> Fit:
        return Fit(np.array([tol]), 0.0)

    peer = Peer("made up", "none", "sys", "", fit, tolerances=(1e-3, 1e-5, 1e-7, 1e-9))
    task, bounds = TASKS["intercept"], Bounds(seconds=5.0)

    def setting(error: Callable[[Fit], float], rounding: bool = False) -> tuple:
        attempts = choosing.climb(peer, task, error, bounds, math.inf)
        return tuple(choosing.chosen(peer, attempts, rounding))

    one, status = setting(lambda fit: float(fit.coef[0]))
    assert (one.tol, status) == (1e-7, "ok")
    one, status = setting(lambda fit: max(float(fit.coef[0]), 1e-5), rounding=True)
    assert (one.tol, status) == (1e-5, "rounding")
    assert setting(lambda fit: 1.0)[1] == "no tolerance is accurate"


def test_the_error_of_a_path_is_its_largest_excess() -> None:
    task = TASKS["lasso"]
    Cs, path = our_path(task, 1e-10, 5)
    excess = choosing.Excess(task, Cs)
    assert excess(FREE, path) == math.inf  # no optimum is known
    assert excess.learn(FREE, path) == 0.0
    assert excess(FREE, path) == 0.0
    worse = Found([*path.value[:-1], as_fit(np.zeros(task.n_features))])
    best = objective(replace(task, C=Cs[-1]), path.value[-1])
    value = objective(replace(task, C=Cs[-1]), worse.value[-1])
    assert excess(FREE, worse) == pytest.approx((value - best) / best)


# Inference.


@pytest.mark.parametrize("problem", inference.problems(QUICK), ids=lambda p: p.name)
def test_tables_and_tests_are_compared(tmp_path, capsys, monkeypatch, problem) -> None:
    sizes = {"n_samples": 400, "n_features": 3}
    if problem.regime == "one_hot":
        sizes = {"n_samples": 4_000, "n_columns": 80}
    problem = replace(problem, sizes=sizes)
    monkeypatch.setattr(inference, "problems", lambda grid: [problem])
    once = replace(inference.QUICK_EFFORT, least=1)
    monkeypatch.setattr(inference, "QUICK_EFFORT", once)
    monkeypatch.setattr(inference, "_MOST_ROUNDS", 1)
    monkeypatch.setattr(inference, "peak_apart", lambda problem: (3_000_000, 1_000_000))
    # Others compile for many seconds.
    monkeypatch.setattr(inference, "firth_rivals", lambda tests: [])
    out = tmp_path / "inference.csv"
    inference.main([problem.name, "--quick", "--out", str(out)])
    ours, *others = load(out, inference.Result)
    assert ours.status == "ok"
    assert ours.accurate
    assert ours.ratio is None
    for one in others:
        assert (one.ratio is not None) == bool(one.accurate)
        assert one.accurate or one.status != "ok"
    assert "3 MB" in capsys.readouterr().out
    assert out.with_suffix(".md").read_text(encoding="utf-8").startswith("# Inference")


@pytest.mark.parametrize("name", ["solvers_threads_ill", "rows_1m", "parquet"])
def test_partitions_are_compared(tmp_path, capsys, monkeypatch, name) -> None:
    pytest.importorskip("dask")
    [case] = [case for case in partitions.cases("quick") if case.name == name]
    monkeypatch.setattr(
        partitions, "cases", lambda grid: [replace(case, n_samples=900)]
    )
    monkeypatch.setattr(partitions, "_PARTITION_ROWS", {"quick": 400})
    monkeypatch.setattr(partitions, "_ROUNDS", {"quick": 1})
    monkeypatch.setattr(partitions, "peak_apart", lambda case: 3_000_000)
    monkeypatch.setattr(partitions, "rivals", list)  # dask-ml is slow on any rows
    out = tmp_path / "partitions.csv"
    partitions.main([name, "--quick", "--out", str(out)])
    results = load(out, partitions.Result)
    assert len(results) == (2 if case.form == "persisted" else 1)
    for one in results:
        assert one.status == "ok"
        assert -1e-12 < one.excess <= partitions.ACCURACY
        assert one.reads > 1.0
    assert results[0].ratio == 1.0
    assert "3 MB" in capsys.readouterr().out
    assert out.with_suffix(".md").read_text(encoding="utf-8").startswith("# Partitions")


def test_partitions_follow_one_model() -> None:
    first, second = (data.partition(i, 20_000, 3) for i in (0, 1))
    assert not np.array_equal(first[0], second[0])
    coefs = [
        BinaryLogisticRegression(C=np.inf).fit(*part).coef_ for part in (first, second)
    ]
    np.testing.assert_allclose(*coefs, atol=0.15)
    assert np.abs(coefs[0]).max() > 0.5


@pytest.mark.parametrize("name", ["no penalty", "sparse"])
@pytest.mark.parametrize("covariance", ["model", "HC1"])
def test_standard_errors_are_those_of_the_package(name: str, covariance: str) -> None:
    task = replace(TASKS[name], C=math.inf)
    model = BinaryLogisticRegression(C=math.inf, tol=1e-12).fit(task.X, task.y)
    fit = as_fit(model.coef_, model.intercept_)
    found = Inference.from_estimator(model, task.X, task.y, covariance=covariance)
    expected = np.roll(found.table["std_err"], -1)
    std_err = inference.standard_errors(task, fit, covariance)
    np.testing.assert_allclose(std_err, expected, rtol=1e-8)


def test_augmented_rows_make_standard_errors_smaller() -> None:
    task = TASKS["no penalty"]
    fit = our_firth(False).fit(task, 1e-8, None).value.fit
    plain, augmented = (
        inference.standard_errors(task, fit, kind) for kind in ("model", "augmented")
    )
    leverage = task.n_features / task.n_samples
    assert ((1.0 - 2.0 * leverage) * plain < augmented).all()
    assert (augmented < plain).all()


def test_the_errors_of_a_table_count_what_is_missing_as_infinite() -> None:
    task = TASKS["no penalty"]
    errors = inference.FirthErrors(task, tests=True)
    assert set(errors(errors.exact).values()) == {0.0}
    chi2, ends = errors.exact.chi2 + 1e-3, errors.exact.ends.copy()
    ends[0, 1] = np.nan
    found = errors(replace(errors.exact, chi2=chi2, ends=ends))
    assert found == {"coef": 0.0, "chi2": pytest.approx(1e-3), "ends": math.inf}


def test_the_convention_of_standard_errors_is_allowed_for() -> None:
    task = TASKS["no penalty"]
    errors = inference.TableErrors(task, "model")
    exact = our_table().fit(task, 1e-12, None).value
    assert errors(exact)["std_err"] <= 1e-6
    assert errors(exact)["F"] <= 1e-12
    longer = Table(exact.fit, 1.1 * exact.std_err, 1.1)
    assert errors(longer)["std_err"] <= 1e-6
    worse = Table(as_fit(exact.fit.coef + 0.1), exact.std_err)
    assert errors(worse)["F"] > 1e-6


def test_peers_are_timed_with_one_thread_and_with_all() -> None:
    for group, peer in zip(with_threads(rivals()), rivals(), strict=True):
        names = [one.name.removeprefix(f"{peer.name}, ") for one in group]
        assert names == ["1 thread", "all threads"]

    def count(task: Task, tol: float | None, max_iter: int | None) -> Found:
        threads = [one["num_threads"] for one in native_threads().info()]
        return Found(max(threads, default=1))

    peer = Peer("made up", "none", "sys", "", count)
    assert on_one_thread(peer).fit(TASKS["intercept"], None, None).value == 1


def test_one_hot_columns_without_the_first_levels_have_full_rank() -> None:
    X, _ = data.one_hot(2_000, 30, seed=0, fields=4, drop_first=True)
    assert X.shape == (2_000, 30)
    both = np.c_[X.toarray(), np.ones(2_000)]
    assert np.linalg.matrix_rank(both) == 31
    frame = data.categories(X, fields=4)
    codes = np.array([frame[name].cat.codes for name in frame])
    assert codes.max(axis=1).tolist() == (data.one_hot_levels(34, 4) - 1).tolist()
    assert np.count_nonzero(codes) == X.nnz


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc")
def test_the_peak_of_a_table_is_measured(monkeypatch) -> None:
    (problem, *_) = inference.problems(QUICK)
    problem = replace(problem, sizes={"n_samples": 400, "n_features": 3})
    monkeypatch.setattr(inference, "problems", lambda grid: [problem])
    found, size = inference.peak(problem.name, QUICK)
    assert size == 400 * 3 * 8
    assert found < 2**26
    firth = inference.problems(QUICK)[0]
    assert inference.peak_apart(replace(firth, regime="firth")) == (None, None)


# The sensitivity to constants, and how they are found.

TOY_SIZES = """
from dataclasses import dataclass
import sys

EPS = sys.float_info.epsilon
_EPS = 2.0**-52
BLOCK: int = 3 << 10
_SHARE = BLOCK / 4
_LENGTHS = (1.0, 3)
_NAME = "toy"
_YES = True
_ZERO = 0
lower = 5

@dataclass(frozen=True)
class ToyOptions:
    growth: float = 4.0
    rounds: int = -1
    sure: bool = True

@dataclass(frozen=True)
class Result:
    value: float
    step: float = 1.0

DEFAULT = ToyOptions()
"""
TOY_USE = """
from toy_package._sizes import BLOCK as RENAMED, DEFAULT, _SHARE

def seen(block=RENAMED):
    return block, _SHARE, DEFAULT.growth
"""


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """Make a package with constants that can be imported, and forget it afterwards."""
    folder = tmp_path / "toy_package"
    folder.mkdir()
    for name, text in (("__init__", ""), ("_sizes", TOY_SIZES), ("_use", TOY_USE)):
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield "toy_package"
    for name in [name for name in sys.modules if name.startswith("toy_package")]:
        del sys.modules[name]


def test_tunable_constants_are_found(toy) -> None:
    found = {
        t.name.removeprefix("toy_package._sizes."): t for t in find_tunables((toy,))
    }
    assert {name: tunable.value for name, tunable in found.items()} == {
        "BLOCK": 3072,
        "_SHARE": 768.0,
        "_LENGTHS": (1.0, 3),
        "ToyOptions.growth": 4.0,
        "ToyOptions.rounds": -1,
    }


def test_the_package_has_tunable_constants() -> None:
    names = [tunable.name for tunable in find_tunables()]
    assert len(names) > 20
    assert len(set(names)) == len(names)
    assert not {name.rpartition("_")[2] for name in names} & {"EPS", "TINY"}


@pytest.mark.parametrize(
    ("value", "factor", "expected"),
    [
        (3, 0.5, 2),
        (1, 0.5, 1),
        (-3, 2.0, -6),
        (1e-8, 0.5, 5e-9),
        ((1.0, 3), 2.0, (2.0, 6)),
    ],
)
def test_integers_stay_integers(value, factor, expected) -> None:
    changed = scaled(value, factor)
    assert changed == expected
    assert type(changed) is type(value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("BLOCK", 8, (8, 2.0, 4.0)),
        ("_SHARE", 0.5, (3072, 0.5, 4.0)),
        ("ToyOptions.growth", 9.0, (3072, 768.0, 9.0)),
    ],
)
def test_all_that_is_computed_from_a_constant_follows_it(
    toy, name, value, expected
) -> None:
    (tunable,) = (t for t in find_tunables((toy,)) if t.attribute == name)
    variant = Variant(tunable, value)
    before = import_module("toy_package._use")
    for _ in range(2):
        with variant:
            assert import_module("toy_package._use").seen() == expected
    assert import_module("toy_package._use") is before
    assert before.seen() == (3072, 768.0, 4.0)


def test_the_sensitivity_of_one_constant(tmp_path, capsys, monkeypatch) -> None:
    tiny = replace(named("small_3000_10"), sizes={"n_samples": 60, "n_features": 3})
    monkeypatch.setattr(sensitivity, "select", lambda grid, pattern: [tiny])
    (name, *_) = (t.name for t in find_tunables() if "_design" in t.name)
    out = tmp_path / "sensitivity.csv"
    sensitivity.main(["--only", name, "--repeats", "1", "--out", str(out)])
    rows = load(out, sensitivity.Effect)
    assert [row.factor for row in rows] == [0.5, 1.0, 2.0]
    assert {row.constant for row in rows} == {name}
    assert {row.status for row in rows} == {"ok"}
    assert all(row.ratio > 0.0 for row in rows)
    assert f"| {name} |" in capsys.readouterr().out
    assert out.with_suffix(".md").read_text(encoding="utf-8").startswith("# Sens")


@pytest.mark.parametrize(
    ("coef", "error", "status"),
    [
        (0.0, "", "ok"),
        (1.0, "", "objective +"),
        (0.0, "not converged", "not converged"),
        (None, "MemoryError", "MemoryError"),
    ],
)
def test_the_study_says_what_differs(coef, error, status) -> None:
    task = TASKS["no intercept"]
    usual = as_fit(np.zeros(6))
    changed = None if coef is None else as_fit(np.full(6, coef))
    shown = sensitivity.difference(task, (changed, error), (usual, ""))
    assert shown.startswith(status)


def test_the_constants_are_listed(capsys) -> None:
    sensitivity.main(["--list", "--only", "*_design*"])
    shown = capsys.readouterr().out
    assert "sk_logreg._design." in shown
    assert "sk_logreg._solvers." not in shown
    assert shown.rstrip().endswith("constants")
