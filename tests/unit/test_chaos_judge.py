"""The chaos suite's arithmetic: which requests are lost, which losses are excused, and which promise the rest breaks."""

from dataclasses import replace

import pytest

from loadtest.chaos.events import CountError, Event, counted, percentile
from loadtest.chaos.fault import EVERYTHING, NOT_AGAIN, Allowed, Case, Fault
from loadtest.chaos.judge import Moments, judge

MOMENTS = Moments(began=4.0, ended=4.2, whole=6.0)


def case(allowed: Allowed | None = None, service: str = "flask", at_most: float | None = None) -> Case:
    fault = Fault("some-fault", "It happens.", ("flask", "fastapi"), lambda *_: lambda: True, allowed or Allowed(), at_most=at_most)
    return Case(fault, service)


def right(planned: float, seconds: float = 0.01) -> Event:
    return Event(planned, planned + seconds, "get", "flask", "right", 200)


CALM = [right(1.0 + number / 100) for number in range(200)]
POST = Event(3.99, 4.05, "post", "flask", "failed", 502)


def broken(allowed: Allowed, *events: Event) -> list[str]:
    return judge(case(allowed), [*CALM, *events], MOMENTS).broken


def test_nothing_lost_is_nothing_broken() -> None:
    found = judge(case(), [*CALM, right(5.0)], MOMENTS)
    assert (found.losses, found.broken, found.answers_after) == ([], [], 0.0)
    assert found.calm_p99 == pytest.approx(0.01)
    assert found.whole_after == 2.0


def test_a_loss_without_a_reason_breaks_the_promise() -> None:
    assert broken(Allowed(), POST) == ["1 flask post failed"]


def test_what_was_in_flight_is_excused_up_to_the_slots() -> None:
    one = Allowed("it was there", in_flight={"flask": 1})
    assert broken(one, POST) == []
    assert broken(one, POST, POST) == ["1 flask post failed"]
    assert broken(Allowed("it was there", in_flight={"flask": None}), *[POST] * 9) == []
    assert broken(Allowed("it was there", in_flight={"fastapi": 1}), POST) == ["1 flask post failed"]


def test_what_came_after_the_fault_was_not_in_flight() -> None:
    assert broken(Allowed("it was there", in_flight={"flask": 1}), replace(POST, planned=4.3, done=4.4)) == ["1 flask post failed"]


def test_a_get_is_never_excused_by_being_in_flight() -> None:
    assert broken(Allowed("it was there", in_flight={"flask": 1}), replace(POST, kind="get")) == ["1 flask get failed"]


def test_what_may_be_lost_may_be_lost_until_all_is_whole() -> None:
    allowed = Allowed("there is one", kinds=NOT_AGAIN)
    assert broken(allowed, replace(POST, planned=5.9, done=6.5)) == []
    assert broken(allowed, replace(POST, planned=6.1, done=6.5)) == ["1 flask post failed"]
    assert broken(allowed, replace(POST, planned=5.9, done=6.5, service="fastapi")) == ["1 fastapi post failed"]
    assert broken(replace(allowed, everywhere=True), replace(POST, planned=5.9, done=6.5, service="fastapi")) == []


def test_what_was_lost_before_the_fault_has_no_excuse() -> None:
    assert broken(Allowed("all", kinds=EVERYTHING, everywhere=True), replace(POST, planned=2.0, done=2.1)) == ["1 flask post failed"]


def test_a_wrong_answer_has_no_excuse() -> None:
    assert broken(Allowed("all", kinds=EVERYTHING, everywhere=True, sockets=True), replace(POST, outcome="wrong")) == ["1 flask post wrong"]


def test_a_close_frame_is_no_loss_and_a_cut_is_one() -> None:
    closed = Event(0.0, 4.5, "socket", "flask", "closed", 1012)
    cut = replace(closed, outcome="cut")
    assert judge(case(), [*CALM, closed], MOMENTS).closed == 1
    assert broken(Allowed(), closed) == []
    assert broken(Allowed(), cut) == ["1 flask socket cut"]
    assert broken(Allowed("killed", sockets=True), cut) == []


def test_recovery_ends_with_the_last_failed_or_slow_answer_of_the_fault() -> None:
    slow = right(4.5, 1.5)
    assert judge(case(), [*CALM, slow], MOMENTS).answers_after == 2.0
    assert judge(case(), [*CALM, slow, right(8.0, 1.0)], MOMENTS).answers_after == 2.0  # everything had been healthy for seconds
    assert judge(case(), [*CALM, right(4.5, 0.1)], MOMENTS).answers_after == 0.0


def test_a_bound_on_the_p99_is_a_promise() -> None:
    slow = [right(4.0 + number / 100, 0.05) for number in range(100)]
    assert judge(case(at_most=2.0), [*CALM, *slow], MOMENTS).broken == ["p99 more than 2 times its calm value"]
    assert judge(case(at_most=9.0), [*CALM, *slow], MOMENTS).broken == []


def test_everything_planned_has_to_end_once() -> None:
    assert counted(2, [POST, right(1.0)]) == {"failed": 1, "right": 1}
    for planned in (1, 3):
        with pytest.raises(CountError, match=f"{planned} requests and sockets were planned, and 2 have ended"):
            counted(planned, [POST, right(1.0)])


def test_percentile_is_the_nearest_rank() -> None:
    assert [percentile(range(1, 101), share) for share in (0.5, 0.99, 1.0)] == [50, 99, 100]
    assert percentile([7.0], 0.99) == 7.0
    assert percentile([], 0.99) is None
