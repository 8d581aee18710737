"""Programs that need a stack end on Ctrl-C, however their shell started them. tests/unit/test_interrupts.py covers the others."""

import pytest

from tests.interrupts import background, interrupt, read_until

pytestmark = pytest.mark.usefixtures("stack")


@pytest.mark.parametrize(
    ("words", "begun"),
    [
        (("ops.stack", "logs"), "nginx"),
        (("loadtest.locust_page",), "Starting web interface"),
        (("loadtest", "load", "--seconds", "60"), "1 experiment, about"),
        (("loadtest.chat", "--sockets", "20", "--seconds", "60"), "ockets"),
    ],
    ids=["logs", "locust", "load", "chat"],
)
def test_it_ends_on_ctrl_c(words: tuple[str, ...], begun: str) -> None:
    with background(*words, RUNTIME="local") as process:
        read_until(process, begun)
        status, rest = interrupt(process)
    # -2: tail, which the signal itself ends. 0: Locust, if its own handler was already set.
    assert status in ((130, -2, 0) if "loadtest.locust_page" in words else (130, -2)), rest
    assert not [line for line in rest.splitlines() if line.startswith("Traceback")]  # only its own: a service may have logged one
