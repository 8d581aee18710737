"""The metrics of a run, and a cell computed from several runs."""

import pytest

from loadtest.judging.audit import audit
from loadtest.judging.raw import Raw
from loadtest.judging.summary import cell_result, looked_at, run_of
from loadtest.judging.values import values
from loadtest.model import Load, sync
from loadtest.results import Run
from tests.unit.lab_raw import SECONDS, SLICES, USERS, WAIT, cell, encoded, load, raw

RIGHT = 0.001  # relative error of a histogram


def test_a_closed_run() -> None:
    found = values(raw())
    assert found["throughput"] == pytest.approx(USERS / WAIT)
    assert [found[name] for name in ("min", "mean", "p50", "p95", "p99", "max")] == pytest.approx([WAIT] * 6, rel=RIGHT)
    answers = USERS * 5 * SLICES
    assert found["app_cpu"] == pytest.approx(0.1)
    assert found["cpu_us"] == pytest.approx(0.1 * SECONDS / answers * 1e6)
    assert found["proxy_us"] == pytest.approx(0.01 * SECONDS / answers * 1e6)
    assert found["total_us"] == pytest.approx(found["cpu_us"] + found["proxy_us"])
    assert (found["pss_mib"], found["threads"], found["sockets"], found["busy_slots"]) == (60, 2, 10, USERS)
    assert not {"dropped", "makespan", "first_p50"} & set(found)


def test_two_generators_are_merged_and_not_averaged() -> None:
    """One of them got ten times as many answers."""
    many, few = load([[WAIT] * 100] * SLICES), load([[10 * WAIT] * 10] * SLICES)
    found = values(raw(cell(), many, few))
    assert found["throughput"] == pytest.approx(110 * SLICES / SECONDS)
    assert found["p50"] == pytest.approx(WAIT, rel=RIGHT)
    assert found["p95"] == found["p99"] == found["max"] == pytest.approx(10 * WAIT, rel=RIGHT)
    assert found["mean"] == pytest.approx((100 * WAIT + 10 * 10 * WAIT) / 110, rel=RIGHT)


def test_a_burst_has_ranks_and_no_throughput() -> None:
    parts: list[list[float]] = [[WAIT] * 4, [2 * WAIT] * 4, [], []]
    found = values(raw(cell(sync(4), "burst"), load(parts, seconds=2.1 * WAIT)))
    ranks = [found[f"rank_{number}"] for number in range(1, 9)]
    assert ranks == pytest.approx([WAIT] * 4 + [2 * WAIT] * 4, rel=RIGHT)
    assert found["makespan"] == pytest.approx(2.1 * WAIT)
    assert "throughput" not in found
    assert "rank_9" not in found


def test_an_open_run_says_what_was_late_and_dropped() -> None:
    found = values(raw(cell(kind="open"), load(dropped=2, late=3), load(dropped=1)))
    assert (found["dropped"], found["late"]) == (3, 3)


def test_cpu_time_is_not_shared_out_where_other_load_had_a_part_in_it() -> None:
    beside = Load("closed", "wait", cell().load.parameters, users=1)
    found = values(raw(cell(background=(beside,))))
    assert "app_cpu" in found
    assert "cpu_us" not in found


def test_first_pieces() -> None:
    found = values(raw(cell(), load(first_pieces=encoded([0.001, 0.002, 0.003])), load()))
    assert (found["first_p50"], found["first_p99"]) == pytest.approx((0.002, 0.003), rel=RIGHT)


def test_a_stack_that_is_only_seen_from_outside() -> None:
    found = values(raw(usage=None, holding=None, sampled=None))
    assert set(found) == {"throughput", "min", "mean", "p50", "p95", "p99", "max"}


def kept(run: Raw, repeat: int = 0) -> Run:
    made = values(run)
    made_run = run_of(run, made, audit(run, made), "slots" if repeat else "client")
    assert made_run.repeat == run.repeat
    return made_run


def test_a_run_keeps_what_its_report_is_drawn_from() -> None:
    run = kept(raw())
    assert run.counts == {
        "begun": 168, "ended": 168, "succeeded": 168, "failures": 0, "failures_outside": 0, "dropped": 0, "late": 0, "served": 168,
    }  # fmt: skip
    assert run.slices == [USERS * 5] * SLICES
    assert len(run.histograms) == SLICES
    assert run.watched["app_user_seconds"] == pytest.approx(0.08 * SECONDS)
    assert run.valid


def test_a_burst_keeps_no_slices() -> None:
    run = kept(raw(cell(sync(4), "burst"), load([[WAIT] * 8, [], [], []])))
    assert (run.slices, run.histograms) == ([], [])


def test_a_cell_is_not_valid_where_one_of_its_runs_is_not() -> None:
    found = cell_result(cell(), [kept(raw()), kept(raw(generator_cpu=0.9), 1), kept(raw(), 1)])
    assert not found.valid
    assert (found.not_valid or "").startswith("generator had room: 90% of a CPU")
    assert found.limiter == "slots"  # the most frequent one
    assert found.estimates["throughput"].value == pytest.approx(USERS / WAIT)
    assert found.load == f"{USERS} users of /wait?seconds={WAIT}"


def test_what_is_looked_at_is_exact() -> None:
    (found,) = looked_at({"Flask": {"lines": 100.0}})
    assert found.valid
    assert (found.estimates["lines"].low, found.estimates["lines"].value, found.estimates["lines"].high) == (100, 100, 100)
