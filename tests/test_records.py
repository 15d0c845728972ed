"""The public records: how a fit ended, its iterations and its starts."""

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
from _problems import problem, sample
from _reference import SOLVERS

import sk_logreg
from sk_logreg import BinaryLogisticRegression, IterationRecord, StartRecord, Status
from sk_logreg.displays import ConvergenceDisplay

RECORDS = (IterationRecord, StartRecord, Status)
REFERENCE = Path(__file__).parents[1] / "docs" / "reference.rst"


@pytest.fixture(scope="module")
def model():
    X, y = sample(60, 2, strength=3.0)
    X[0] = [30.0, -30.0]  # an outlier makes more than one minimum likely
    return BinaryLogisticRegression(loss="squared_error", n_init=2).fit(X, y)


@pytest.mark.parametrize("record", RECORDS)
def test_records_are_public(record):
    assert getattr(sk_logreg, record.__name__) is record
    assert record.__name__ in sk_logreg.__all__
    assert record.__module__ == "sk_logreg"
    assert record.__name__ in REFERENCE.read_text(encoding="utf-8")


def test_a_fit_has_records(model):
    assert isinstance(model.status_, Status)
    assert all(isinstance(record, IterationRecord) for record in model.history_)
    assert all(isinstance(record, StartRecord) for record in model.starts_)


def test_files_do_not_depend_on_private_modules(model):
    for kept in (model, model.status_, model.history_, model.starts_):
        assert b"_records" not in pickle.dumps(kept)


@pytest.mark.parametrize(
    "travel", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_records_survive_a_round_trip(model, travel):
    other = travel(model)
    assert other.status_ == model.status_
    assert other.history_ == model.history_
    for one, another in zip(model.starts_, other.starts_, strict=True):
        assert isinstance(another, StartRecord)
        assert another.status == one.status
        np.testing.assert_array_equal(another.coef, one.coef)


def test_saving_leaves_the_estimator_as_it_was(model):
    history = model.history_
    pickle.dumps(model)
    assert model.history_ is history
    assert isinstance(model.status_, Status)


def test_iterations_name_their_start(model):
    starts = [record.start for record in model.history_]
    assert starts == sorted(starts)
    assert set(starts) >= set(range(len(model.starts_)))


def test_a_picture_of_convergence_tells_starts_apart_by_their_number(model):
    pytest.importorskip("matplotlib")
    [curve] = ConvergenceDisplay.from_estimator(model).curves.values()
    starts = np.array([record.start for record in model.history_])
    np.testing.assert_array_equal(curve.new_start, np.diff(starts, prepend=0) > 0)


@pytest.mark.parametrize("solver", SOLVERS)
def test_cross_entropy_has_one_start(solver):
    fitted = BinaryLogisticRegression(solver=solver).fit(**problem("gaussian").data)
    assert fitted.starts_ == []
    assert {record.start for record in fitted.history_} == {0}
