"""Latencies, and what is counted inside and outside the window."""

from typing import Any

import pytest

from loadtest.latency import Latencies
from loadtest.parameters import Parameters
from loadtest.recorder import CONNECT, FIRST_PIECE, Recorder
from loadtest.results import Options
from loadtest.stack import Service
from loadtest.summary import summarise

OPTIONS = Options("wait", ("flask",), 2, 1.0, 0.0, Parameters(0.1, 5, 3, 10, 0.1), "http://127.0.0.1:8080")
SERVICE = Service("flask", "WSGI", "gunicorn", "sync", {"python": "3.14.0"}, slots=4, processes=4)


def test_percentiles_of_known_latencies() -> None:
    latencies = Latencies()
    for millisecond in range(1, 1001):
        latencies.record(millisecond / 1000)
    summary = latencies.summary()
    assert summary is not None
    assert latencies.count == 1000
    found = (summary.min, summary.mean, summary.p50, summary.p95, summary.p99, summary.max)
    assert found == pytest.approx((0.001, 0.5005, 0.5, 0.95, 0.99, 1.0), rel=0.001)


def test_neighbours_that_rounded_buckets_would_merge_stay_apart() -> None:
    """Locust's own statistics round 1,234 ms to 1,200 ms."""
    latencies = Latencies()
    for seconds in (1.234, 1.234, 1.234, 1.262):
        latencies.record(seconds)
    summary = latencies.summary()
    assert summary is not None
    assert summary.p50 == pytest.approx(1.234, rel=0.001)
    assert summary.p99 == pytest.approx(1.262, rel=0.001)


def test_a_latency_beyond_the_range_is_counted() -> None:
    latencies = Latencies()
    latencies.record(100_000)
    latencies.record(0)
    assert latencies.count == 2


def test_no_latencies_have_no_summary() -> None:
    assert Latencies().summary() is None


def answer(recorder: Recorder, user: int = 1, kind: str = "GET", error: Exception | None = None) -> None:
    event: dict[str, Any] = {"request_type": kind, "response_time": 100.0, "exception": error, "context": {"user": user}}
    recorder.request(**event, name="/flask/wait", response_length=2)


def test_only_right_answers_inside_the_window_are_throughput() -> None:
    recorder = Recorder()
    answer(recorder)
    answer(recorder, error=ValueError("early"))
    recorder.open()
    answer(recorder)
    answer(recorder, user=2)
    answer(recorder, error=ValueError("wrong"))
    answer(recorder, kind=FIRST_PIECE)
    answer(recorder, kind=CONNECT)
    recorder.close()
    answer(recorder)
    answer(recorder, error=ValueError("late"))
    cell = summarise(SERVICE, OPTIONS, recorder)
    assert (cell.successes, cell.failures, cell.failures_outside) == (2, 1, 2)
    assert cell.measured == pytest.approx(2 / cell.window_seconds)
    assert cell.ratio == pytest.approx(cell.measured / 20)
    assert cell.latency is not None
    assert cell.latency.p50 == pytest.approx(0.1, rel=0.001)
    assert cell.first_piece is not None
    assert cell.errors == {"early": 1, "wrong": 1, "late": 1}


def test_a_failure_in_a_users_own_code_counts() -> None:
    recorder = Recorder()
    recorder.open()
    recorder.user_error(user_instance=None, exception=KeyError("x"), tb=None)
    assert recorder.failures == 1


def ready_recorder() -> Recorder:
    recorder = Recorder()
    answer(recorder, user=1)
    answer(recorder, user=2)
    recorder.open()
    answer(recorder)
    recorder.close()
    recorder.generator_cpu = 0.2
    return recorder


def test_a_sound_row_is_valid() -> None:
    assert summarise(SERVICE, OPTIONS, ready_recorder()).not_valid is None


def test_a_busy_generator_makes_a_row_not_valid() -> None:
    recorder = ready_recorder()
    recorder.generator_cpu = 0.93
    assert "used 93% of a core: this row describes the generator" in (summarise(SERVICE, OPTIONS, recorder).not_valid or "")


def test_a_window_that_began_before_all_users_had_an_answer_is_not_valid() -> None:
    recorder = ready_recorder()
    recorder.users_ready = 1
    assert "only 1 of 2 users" in (summarise(SERVICE, OPTIONS, recorder).not_valid or "")


def test_a_window_without_answers_is_not_valid() -> None:
    recorder = Recorder()
    recorder.open()
    recorder.close()
    recorder.generator_cpu = 0.0
    assert "no request" in (summarise(SERVICE, OPTIONS, recorder).not_valid or "")
