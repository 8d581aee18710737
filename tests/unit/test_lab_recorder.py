"""What is counted inside and outside a window. The test sets the recorder's clock, so every sum is exact."""

from typing import Any

import pytest

from loadtest.generator import recorder as module
from loadtest.generator.recorder import CONNECT, FIRST_PIECE, LATE_SECONDS, PATIENCE_SECONDS, SLICES, Recorder

SECONDS = 10.0


class Clock:
    """A ``perf_counter`` that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "perf_counter", made)
    return made


def answer(
    recorder: Recorder, took: float = 0.1, kind: str = "GET", error: Exception | None = None, user: int = 1, intended: float | None = None
) -> None:
    """Report the end of a request, as Locust does."""
    context: dict[str, Any] = {"user": user} | ({} if intended is None else {"intended": intended})
    recorder.request(kind, took * 1000, error, context, name="/wait", response_length=2)


def exchange(recorder: Recorder, clock: Clock, took: float = 0.1, **more: Any) -> None:
    recorder.begin(None)
    clock.now += took
    answer(recorder, took, **more)


def test_only_right_answers_in_the_window_are_throughput(clock: Clock) -> None:
    recorder = Recorder(SECONDS)
    exchange(recorder, clock)
    exchange(recorder, clock, error=ValueError("early"))
    recorder.open()
    exchange(recorder, clock)
    exchange(recorder, clock, user=2)
    exchange(recorder, clock, error=ValueError("wrong"))
    clock.now = 1000.2 + SECONDS
    recorder.close()
    exchange(recorder, clock)
    exchange(recorder, clock, error=ValueError("late"))
    assert sum(recorder.successes) == sum(part.count for part in recorder.latencies) == 2
    assert (recorder.failures, recorder.failures_outside) == (1, 2)
    assert (recorder.begun, recorder.ended, recorder.succeeded) == (7, 7, 4)
    assert recorder.errors == {"early": 1, "wrong": 1, "late": 1}
    assert recorder.ready == {1, 2}
    assert recorder.window_seconds == pytest.approx(SECONDS)
    assert recorder.latencies[0].percentile(50) == pytest.approx(0.1, rel=0.001)


def test_first_pieces_and_connects_are_no_answers(clock: Clock) -> None:
    recorder = Recorder(SECONDS)
    recorder.open()
    answer(recorder, 0.02, FIRST_PIECE)
    answer(recorder, 0.03, CONNECT)
    assert (sum(recorder.successes), recorder.ended, recorder.succeeded) == (0, 0, 0)
    assert recorder.first_pieces.count == 1
    assert recorder.first_pieces.percentile(50) == pytest.approx(0.02, rel=0.001)
    answer(recorder, kind=CONNECT, error=OSError("refused"))
    assert (recorder.failures, recorder.ended) == (1, 0)


def test_the_requests_in_flight_are_integrated_over_the_window(clock: Clock) -> None:
    """One request from before the window to 2 s, one from 1 to 4 s, one from 7 s to beyond the end: 2 + 3 + 3."""
    recorder = Recorder(SECONDS)
    recorder.begin(None)
    clock.now += 5
    begun = clock.now
    recorder.open()
    for at, event in ((1, "begin"), (2, "end"), (4, "end"), (7, "begin")):
        clock.now = begun + at
        recorder.begin(None) if event == "begin" else answer(recorder)
    clock.now = begun + SECONDS
    recorder.close()
    clock.now += 3
    answer(recorder)
    assert recorder.in_flight == 0
    assert recorder.in_flight_seconds == pytest.approx(2 + 3 + 3)


def test_littles_law_holds_of_what_is_counted(clock: Clock) -> None:
    """All requests begin and end in the window, so the integral is the sum of their latencies."""
    recorder = Recorder(SECONDS)
    recorder.open()
    took = [0.1 + 0.01 * number for number in range(20)]
    for seconds in took:
        exchange(recorder, clock, seconds)
    clock.now = 1000.0 + SECONDS
    recorder.close()
    assert recorder.in_flight_seconds == pytest.approx(sum(took))


def test_a_request_that_was_due_before_it_was_sent(clock: Clock) -> None:
    """Latency and time in flight count from the moment the request was due, except for time before the window."""
    recorder = Recorder(SECONDS)
    recorder.open()
    due = clock.now + 1
    clock.now += 3
    recorder.arrive(clock.now - due)
    recorder.begin(due)
    clock.now += 0.5
    answer(recorder, 0.5, intended=due)
    assert recorder.in_flight_seconds == pytest.approx(2.5)
    assert max(part.percentile(50) for part in recorder.latencies if part.count) == pytest.approx(2.5, rel=0.001)

    early = Recorder(SECONDS)
    clock.now = 2000.0
    early.open()
    early.begin(1999.0)
    clock.now = 2001.0
    answer(early, 1.0, intended=1999.0)
    assert early.in_flight_seconds == pytest.approx(1.0)


def test_each_answer_is_in_the_part_of_the_window_that_it_came_in(clock: Clock) -> None:
    recorder = Recorder(SECONDS)
    recorder.open()
    for part in range(SLICES):
        for _ in range(part + 1):
            clock.now = 1000.0 + (part + 0.5) * SECONDS / SLICES
            answer(recorder)
    clock.now = 1000.0 + SECONDS * 1.01  # the window was still open, because the timer was late
    answer(recorder)
    assert recorder.successes == [*range(1, SLICES), SLICES + 1]
    assert [part.count for part in recorder.latencies] == recorder.successes


@pytest.mark.parametrize(
    ("answers", "gap"),
    [([], 10.0), ([0.5, 1.0, 1.5], 8.5), ([4.0], 6.0), ([6.0], 6.0), ([2.0, 5.0, 8.0], 3.0)],
)
def test_the_longest_gap(clock: Clock, answers: list[float], gap: float) -> None:
    """Gaps before the first answer and after the last one count. Time before the window does not."""
    recorder = Recorder(SECONDS)
    clock.now = 900.0
    answer(recorder)
    clock.now = 1000.0
    recorder.open()
    for at in answers:
        clock.now = 1000.0 + at
        answer(recorder)
    clock.now = 1000.0 + SECONDS
    recorder.close()
    assert recorder.longest_gap == pytest.approx(gap)


def test_late_and_dropped_arrivals(clock: Clock) -> None:
    recorder = Recorder(SECONDS)
    recorder.arrive(1.0)
    recorder.drop()  # neither is in the window
    recorder.open()
    for late_by in (0.0, LATE_SECONDS * 0.9, LATE_SECONDS * 1.1, 1.0):
        recorder.arrive(late_by)
    recorder.drop()
    clock.now += 0.95 * SECONDS
    recorder.arrive(0.0)
    assert (recorder.late, recorder.dropped) == (2, 1)
    assert (sum(recorder.arrivals), recorder.arrivals[0], recorder.arrivals[-1]) == (5, 4, 1)


def test_a_burst_ends_with_its_last_answer(clock: Clock) -> None:
    recorder = Recorder(SECONDS)
    recorder.open()
    exchange(recorder, clock, 2.0)
    clock.now += 0.02  # the delay until the end is noticed
    recorder.close(recorder.last_end)
    assert recorder.window_seconds == pytest.approx(2.0)


def test_a_failure_in_a_users_own_code_counts() -> None:
    recorder = Recorder(SECONDS)
    recorder.open()
    recorder.user_error(user_instance=None, exception=KeyError("x"), tb=None)
    assert recorder.failures == 1
    assert list(recorder.errors) == ["KeyError in the load generator: 'x'"]


def test_cpu_time_is_a_share_of_the_window(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    recorder = Recorder(SECONDS)
    used = iter([1.0, 3.5])
    monkeypatch.setattr("time.process_time", lambda: next(used))
    recorder.open()
    clock.now += SECONDS
    recorder.close()
    assert recorder.cpu == pytest.approx(0.25)


def test_the_last_trouble_is_a_failure_or_an_answer_that_was_kept_waiting(clock: Clock) -> None:
    """Neither counts before the window. Both count after it, because the requests were sent within it."""
    recorder = Recorder(SECONDS, held=0.2)
    exchange(recorder, clock, error=ValueError("early"))
    recorder.open()
    exchange(recorder, clock, 0.2 + PATIENCE_SECONDS - 0.01)
    assert recorder.last_trouble == 0
    exchange(recorder, clock, 0.2 + PATIENCE_SECONDS + 0.01)
    assert recorder.last_trouble == pytest.approx(0.4 + 2 * PATIENCE_SECONDS)
    exchange(recorder, clock, 0.1, error=ValueError("lost"))
    exchange(recorder, clock, 0.1)
    assert recorder.last_trouble == pytest.approx(0.5 + 2 * PATIENCE_SECONDS)
