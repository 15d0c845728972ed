"""Profiles of Hypothesis.

`-m long` also runs the property tests, with more examples per test.
"""

import pytest
import sklearn
from hypothesis import HealthCheck, Phase, settings

_COMMON = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # shrinking may take minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("quick", _COMMON, max_examples=12, derandomize=True)
# The examples differ between runs. A failure prints how to reproduce it.
settings.register_profile("long", _COMMON, max_examples=300, print_blob=True)


def _is_long(config):
    return config.option.markexpr == "long"


def pytest_configure(config):
    settings.load_profile("long" if _is_long(config) else "quick")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    for item in items:
        if _is_long(config) and item.path.name == "test_properties.py":
            item.add_marker("long")
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(autouse=True)
def scikit_learn_validates_parameters():
    # An injected interrupt may leave scikit-learn's own context with validation off.
    sklearn.set_config(skip_parameter_validation=False)


@pytest.fixture(scope="module")
def client():
    """A cluster of two processes on this machine."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client
