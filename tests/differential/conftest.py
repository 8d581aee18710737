"""Settings of the differential test, and the number of requests that it sent."""

import os
from collections import Counter

import pytest

SENT: dict[str, Counter[int]] = {}


def pytest_configure(config: pytest.Config) -> None:
    examples = os.environ.get("DIFFERENTIAL_EXAMPLES", "100")
    if not (examples.isdecimal() and int(examples) > 0):
        raise pytest.UsageError(f"DIFFERENTIAL_EXAMPLES is {examples!r}; accepted: a whole number of at least 1")


@pytest.fixture(autouse=True)
def _running(stack: None) -> None:
    """Start the stack if it is not running."""


@pytest.fixture
def sent(request: pytest.FixtureRequest) -> Counter[int]:
    """The number of answers with each status, for this test's family."""
    return SENT.setdefault(request.node.callspec.params["family"], Counter())


@pytest.fixture
def sent_on_boards() -> Counter[int]:
    """The number of answers with each status, for the notice board's sequences."""
    return SENT.setdefault("boards", Counter())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if SENT:
        terminalreporter.section("requests sent to each of the three services")
    for family, statuses in SENT.items():
        answers = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
        terminalreporter.write_line(f"{family:10} {statuses.total():6}   {answers}")
