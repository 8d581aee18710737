"""What theory says, and the workloads' answers against the code that gives them."""

import pytest

from loadtest.parameters import Parameters
from loadtest.prediction import predict
from loadtest.summary import impossible
from loadtest.workloads import DOCUMENT, SMALL, WORKLOADS, digest, events, pieces, services_of
from twogates import payloads, streams
from twogates.models import Document
from twogates.work import cpu_work

PARAMETERS = Parameters(wait=0.1, work=5, calls=3, chunks=10, interval=0.2)


@pytest.mark.parametrize(
    ("workload", "users", "slots", "processes", "expected"),
    [
        ("wait", 64, 4, 4, 40),  # four workers, a tenth of a second each
        ("wait", 3, 4, 4, 30),  # fewer users than slots
        ("wait", 64, None, 1, 640),  # a loop holds all of them
        ("wait", 64, None, None, 640),
        ("block", 64, 4, 4, 40),
        ("block", 64, None, 2, 20),  # a process whose loop is blocked holds one
        ("block", 1, None, 2, 10),
        ("block", 64, None, None, None),  # how many processes is not known
        ("upstream", 64, 4, 4, 4 / 0.3),  # three calls one after another
        ("upstream", 64, None, 1, 640),  # and gathered
        ("stream", 64, 4, 4, 4 / 1.8),  # nine intervals
        ("events", 64, None, 1, 64 / 1.8),
        ("cpu", 64, 4, 4, None),
        ("json", 64, None, 1, None),
        ("echo", 64, 4, 4, None),
        ("sockets", 64, None, 1, None),
    ],
)
def test_predict(workload: str, users: int, slots: int | None, processes: int | None, expected: float | None) -> None:
    assert predict(WORKLOADS[workload], PARAMETERS, users, slots, processes) == (expected and pytest.approx(expected))


def test_nothing_is_predicted_for_a_wait_of_nothing() -> None:
    at_once = Parameters(wait=0.0, work=5, calls=3, chunks=10, interval=0.0)
    assert predict(WORKLOADS["wait"], at_once, 64, 4, 4) is None
    assert predict(WORKLOADS["stream"], at_once, 64, None, 1) is None


def test_only_asgi_services_serve_sockets() -> None:
    assert services_of(WORKLOADS["sockets"]) == ("fastapi", "django")
    assert services_of(WORKLOADS["wait"]) == ("flask", "fastapi", "django")


def test_expected_answers_are_those_of_the_services() -> None:
    assert digest(5) == cpu_work(5)
    assert SMALL == payloads.SMALL
    assert pieces(3) == [streams.chunk(number, 3) for number in (1, 2, 3)]
    assert events(3) == [streams.event(number, 3) for number in (1, 2, 3)]
    assert Document.model_validate(DOCUMENT).model_dump(mode="json") == DOCUMENT


@pytest.mark.parametrize(
    ("count", "says"),
    [(244, None), (249, "249 answers were counted, and no more than 249 are possible"), (376, "376 answers were counted")],
)
def test_more_answers_than_possible_are_not_believed(count: int, says: str | None) -> None:
    """Four slots, 0.1 s, a window of 6 s: sixty each, and one more that had begun before."""
    found = impossible(count, predicted=40, held=0.1, window_seconds=6)
    assert (found is None) if says is None else (found is not None and found.startswith(says))
