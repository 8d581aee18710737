"""Start everything once. LIES_TIMES is how often each lie is told, and how often each honest run is made."""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

# Otherwise Locust would replace the system's ssl, which a plugin of pytest already uses, with gevent's. The engine works without the patch;
# the generators are separate processes.
os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
from loadtest.engine import calibrate, local
from loadtest.engine.machine import machine
from loadtest.engine.watchdog import watchdog
from tests.lies.laboratory import Laboratory

del os.environ["LOCUST_SKIP_MONKEY_PATCH"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.parametrize("time", range(int(os.environ.get("LIES_TIMES", "1"))), scope="session")


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    folder = tmp_path_factory.mktemp("lab")
    with pytest.MonkeyPatch.context() as patch, watchdog(), ExitStack() as stack:
        patch.setattr(local, "FOLDER", folder / "variants")  # not the folder of a run that a person may have in progress
        patch.setattr(calibrate, "LAB", folder)
        yield Laboratory(machine(), stack)
