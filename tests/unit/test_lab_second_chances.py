"""Which runs are repeated and how often, and which cells are not measured at all."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from loadtest.engine.reruns import with_second_chances
from loadtest.generator.parameters import Parameters
from loadtest.judging.audit import disturbed
from loadtest.judging.generator_limit import refusal
from loadtest.judging.raw import Raw
from loadtest.model import Cell, Load, loop
from loadtest.results import Finding, Run
from tests.unit import lab_raw


def findings(*failed: str) -> list[Finding]:
    rules = ("Little's law", "successes only", "counts agree", "steady", "generator had room", "no hidden stall")
    return [Finding(rule, rule not in failed, None, "") for rule in rules]


def run(*failed: str) -> Run:
    return Run(0, 1.0, {}, {}, [], [], {}, {}, findings(*failed), "slots")


@pytest.mark.parametrize(
    ("failed", "answer"),
    [
        ((), False),
        (("steady",), True),
        (("generator had room",), True),
        (("no hidden stall", "steady"), True),
        (("steady", "Little's law"), True),
        (("Little's law",), False),  # time that no latency accounts for
        (("counts agree",), False),
        (("steady", "counts agree"), False),  # a quieter machine would not fix this
        (("steady", "successes only"), False),
    ],
)
def test_what_a_busy_machine_may_have_caused(failed: tuple[str, ...], answer: bool) -> None:
    assert disturbed(findings(*failed)) is answer


@pytest.mark.parametrize(("failed", "answer"), [((), False), (("Little's law",), True), (("steady",), True), (("counts agree",), False)])
def test_what_a_machine_may_have_caused_that_changed(failed: tuple[str, ...], answer: bool) -> None:
    assert disturbed(findings(*failed), changed=True) is answer


RERUNS = 3


def made(first: Sequence[Run], later: Sequence[Run]) -> tuple[list[Run], list[Run], int]:
    """Return a cell's kept runs, its rejected runs, and the number of reruns."""
    raws = [lab_raw.raw(lab_raw.cell()) for _ in first]
    more = [lab_raw.raw(lab_raw.cell()) for _ in later]
    runs = {id(raw): run for raw, run in zip([*raws, *more], [*first, *later], strict=True)}
    left = list(more)

    def again(raw: Raw) -> Raw:
        assert raw in raws
        return left.pop(0)

    ((kept, rejected),) = with_second_chances(raws, lambda raw: runs[id(raw)], again, RERUNS).values()
    return kept, rejected, len(more) - len(left)


def test_a_quiet_run_is_made_once() -> None:
    good = [run(), run()]
    assert made(good, []) == (good, [], 0)


def test_a_disturbed_run_is_made_again_and_kept_apart() -> None:
    bad, good, better = run("steady"), run(), run()
    assert made([bad, good], [better]) == ([better, good], [bad], 1)


def test_a_fault_is_no_disturbance() -> None:
    bad = run("counts agree")
    assert made([bad], []) == ([bad], [], 0)


def test_where_the_machine_changed_time_may_be_missing() -> None:
    """If the speed of the machine changed, the run is repeated. Otherwise the fault is in the measurement, and would recur."""
    bad, good = replace(run("Little's law"), watched={"pace_before": 1.0, "pace_after": 1.3}), run()
    assert made([bad, good], [good]) == ([good, good], [bad], 1)
    same = replace(bad, watched={"pace_before": 1.0, "pace_after": 1.1})
    assert made([same], []) == ([same], [], 0)


def test_what_is_never_steady_stays_so() -> None:
    """It is repeated a few times, and then it counts."""
    bad = run("steady")
    kept, rejected, times = made([bad, bad], [bad] * 10)
    assert (len(kept), len(rejected), times) == (2, RERUNS, RERUNS)
    assert all(disturbed(one.audit) for one in kept)


def cell(load: Load) -> Cell:
    return Cell(loop("fastapi"), load, 1, {"throughput": 5000.0}, background=(Load("open", "json", Parameters(), rate=100),))


def test_arrivals_beyond_half_of_what_the_generator_can_do_are_refused() -> None:
    assert refusal(cell(Load("open", "json", Parameters(), rate=900.0)), 2000) is None
    sentence = refusal(cell(Load("open", "json", Parameters(), rate=901.0)), 2000)
    assert sentence == "not measured: 1,001 requests a second arrive, and half of what the load generator can do is 1,000"


def test_closed_users_are_left_to_the_audit() -> None:
    """The service may be saturated long before the generator is."""
    assert refusal(cell(Load("closed", "wait", Parameters(), users=800)), 2000) is None
