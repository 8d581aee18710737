"""The models of a sync service and of an event loop, against simulations of what they describe and of what they leave out."""

import pytest

from loadtest.plan.held import Held
from loadtest.plan.response import LoopResponse, SlotResponse
from tests.unit.plan_simulation import constant, gamma, loops, slots

pytestmark = pytest.mark.long

# Squared coefficient of variation of CPU times, as of real requests: the standard deviation is about a third of the mean.
VARIATION = 0.1


@pytest.mark.parametrize(
    ("count", "cores", "rate", "wait", "cpu"),
    [
        (4, 2, 30, 0.1, 0.004),  # a core is nearly always free
        (8, 2, 60, 0.1, 0.004),
        (2, 2, 300, 0.0, 0.005),  # a core for each slot
        (4, 2, 320, 0.0, 0.005),  # no wait: only CPU time
        (16, 2, 320, 0.0, 0.005),
        (8, 2, 300, 0.01, 0.005),
        (18, 1, 150, 0.1, 0.0043),  # the threads of a process
        (24, 1, 160, 0.1, 0.005),
        (90, 5, 800, 0.1, 0.0043),
    ],
)
def test_slots(count: int, cores: int, rate: float, wait: float, cpu: float) -> None:
    responses, held = slots(count, cores, rate, wait, gamma(cpu, VARIATION))
    network = Held(count, cores, rate, wait, cpu)
    found = SlotResponse(network)
    assert network.stable
    assert network.seconds == pytest.approx(held.mean, rel=0.02)
    assert found.mean == pytest.approx(responses.mean, rel=0.05)
    assert found.percentile(0.5) == pytest.approx(responses.percentile(0.5), rel=0.08)
    assert found.percentile(0.99) == pytest.approx(responses.percentile(0.99), rel=0.10)


@pytest.mark.parametrize(("count", "cores", "rate"), [(94, 4, 800), (27, 1, 200)])
def test_slots_and_cores_that_are_both_nearly_full(count: int, cores: int, rate: float) -> None:
    responses, held = slots(count, cores, rate, 0.1, gamma(0.0043, VARIATION), customers=400_000)
    network = Held(count, cores, rate, 0.1, 0.0043)
    assert network.seconds == pytest.approx(held.mean, rel=0.02)
    assert SlotResponse(network).mean == pytest.approx(responses.mean, rel=0.08)
    assert SlotResponse(network).percentile(0.99) == pytest.approx(responses.percentile(0.99), rel=0.2)


def test_how_much_sharing_the_cpu_varies() -> None:
    """Zero for most, exponential for the rest. The second moment is the share of the rest, times twice their squared mean."""
    found = SlotResponse(Held(16, 2, 320, 0.0, 0.005))
    variance = found.sharing * 2 * found.added**2 - (found.sharing * found.added) ** 2
    assert found.sharing * found.added == pytest.approx(found.held.stretch)
    assert found.line.variation == pytest.approx(variance / found.line.service**2)


def test_more_slots_than_the_cpu_carries_are_not_stable() -> None:
    """12 slots of 0.11 s would suffice for 90 requests a second, but not while they share a CPU at 90 % utilisation."""
    network = Held(12, 1, 90, 0.1, 0.01)
    assert network.rate * (network.wait + network.cpu) < network.slots
    assert not network.stable
    short, _ = slots(12, 1, 90, 0.1, gamma(0.01, VARIATION), customers=20_000)
    long, _ = slots(12, 1, 90, 0.1, gamma(0.01, VARIATION), customers=80_000)
    assert long.mean > 2 * short.mean  # the queue grows for as long as the simulation runs


def test_the_limit_of_constant_cpu_times() -> None:
    """Requests with equal CPU times that share a core finish together, and meet again after their wait. The prediction is too low."""
    responses, _ = slots(20, 1, 160, 0.1, constant(0.005))
    assert SlotResponse(Held(20, 1, 160, 0.1, 0.005)).percentile(0.99) < 0.6 * responses.percentile(0.99)


@pytest.mark.parametrize(("count", "rate"), [(1, 100), (1, 170), (4, 700)])
def test_loops(count: int, rate: float) -> None:
    """All CPU time is one piece. The wait is zero, so the simulation's second visit to the loop is not a separate one."""
    responses = loops(count, rate, 0.0, 0.0, 0.0043, customers=300_000)
    found = LoopResponse(rate / count, 0.0, 0.0043)
    assert found.mean == pytest.approx(responses.mean, rel=0.05)
    assert found.percentile(0.5) == pytest.approx(responses.percentile(0.5), rel=0.05)
    assert found.percentile(0.99) == pytest.approx(responses.percentile(0.99), rel=0.08)


def test_loops_with_equal_halves_before_and_after_the_wait() -> None:
    responses = loops(4, 700, 0.00215, 0.1, 0.00215)
    found = LoopResponse(175, 0.1, 0.0043)
    assert found.mean == pytest.approx(responses.mean, rel=0.05)
    assert found.percentile(0.99) == pytest.approx(responses.percentile(0.99), rel=0.1)


def test_the_limit_of_one_piece_of_cpu_time() -> None:
    """All CPU time is before the wait, and the answer must queue again: twice the predicted waiting time."""
    responses = loops(4, 700, 0.0043, 0.1, 0.0)
    found = LoopResponse(175, 0.1, 0.0043)
    assert 1.7 < (responses.mean - 0.1043) / (found.mean - 0.1043) < 2.3
