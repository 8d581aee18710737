"""Starts everything once; LIES_TIMES says how often each lie is told, and each honest run is made."""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

# Locust would put gevent's ssl in place of the system's, which a plugin of pytest has used by now. The engine does without; the
# generators are processes of their own.
os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
from loadtest.engine import calibrate, local
from loadtest.engine.keeper import keeper
from loadtest.engine.machine import machine
from tests.lies.laboratory import Laboratory

del os.environ["LOCUST_SKIP_MONKEY_PATCH"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.parametrize("time", range(int(os.environ.get("LIES_TIMES", "1"))), scope="session")


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    folder = tmp_path_factory.mktemp("lab")
    with pytest.MonkeyPatch.context() as patch, keeper(), ExitStack() as stack:
        patch.setattr(local, "FOLDER", folder / "variants")  # not that of a run which a person may have going
        patch.setattr(calibrate, "LAB", folder)
        yield Laboratory(machine(), stack)
