"""The formulas against published values, against each other, and against a simulation that shares none of them."""

from math import exp

import pytest

from loadtest.plan.deterministic import MDC
from loadtest.plan.queueing import MGC, MMC, erlang_b, erlang_c
from tests.unit.plan_simulation import constant, exponential, first_come, gamma

# With a million customers, means and percentiles of four seeds differed by up to 6 % from the formula for 30 servers.
CUSTOMERS, NEAR = 1_000_000, 0.08
# With 300 servers, a million customers are only 3,500 service times. The results differed by up to 10 %.
FEW_TIMES = 0.15


def test_erlang_by_hand() -> None:
    assert erlang_b(1, 0.5) == pytest.approx(1 / 3)
    assert erlang_b(2, 1) == pytest.approx(1 / 5)
    assert erlang_c(1, 0.7) == pytest.approx(0.7)
    assert erlang_c(2, 1) == pytest.approx(1 / 3)
    assert erlang_c(3, 3) == 1


def test_erlang_of_thousands_of_servers_against_its_integral() -> None:
    """``1 / B`` is the integral of ``load * exp(-load * t) * (1 + t) ** servers``, computed here in small steps."""
    servers, load, step = 5000, 4950.0, 1e-6
    logs = [step * (number + 0.5) for number in range(60_000)]
    whole = sum(load * exp(-load * t + servers * (t - t * t / 2 + t**3 / 3 - t**4 / 4)) * step for t in logs)
    assert erlang_b(servers, load) == pytest.approx(1 / whole, rel=1e-3)


def test_one_server_is_pollaczek_and_khinchine() -> None:
    for busy in (0.1, 0.5, 0.9, 0.98):
        assert MDC(1, busy, 1.0).mean_wait == pytest.approx(busy / 2 / (1 - busy), rel=1e-3)
        assert 1 - MDC(1, busy, 1.0).wait_within(0) == pytest.approx(busy, rel=1e-3)
        assert MDC(1, busy, 1.0).wait_within(0.5) == pytest.approx((1 - busy) * exp(busy / 2), rel=1e-3)


def test_interpolation_ends_at_its_two_queues() -> None:
    random, fixed = MMC(8, 7.0, 1.0), MDC(8, 7.0, 1.0)
    assert MGC(8, 7.0, 1.0, 1.0).mean_wait == pytest.approx(random.mean_wait)
    assert MGC(8, 7.0, 1.0, 0.0).mean_wait == pytest.approx(fixed.mean_wait)
    assert MGC(8, 7.0, 1.0, 1.0).wait_percentile(0.99) == pytest.approx(random.wait_percentile(0.99))
    assert MGC(8, 7.0, 1.0, 0.0).wait_percentile(0.99) == pytest.approx(fixed.wait_percentile(0.99))


def test_sojourn_where_its_general_form_is_no_number() -> None:
    """Two servers and one arrival per service time: the queue drains at the rate of one server."""
    at, beside = MMC(2, 1.0, 1.0), MMC(2, 1.0001, 1.0)
    assert at.sojourn_beyond(2.0) == pytest.approx(beside.sojourn_beyond(2.0), rel=1e-3)


@pytest.mark.long
@pytest.mark.parametrize(("servers", "busy"), [(1, 0.7), (4, 0.8), (30, 0.85)])
def test_exponential(servers: int, busy: float) -> None:
    waits, sojourns = first_come(servers, servers * busy, exponential(1.0), CUSTOMERS)
    queue = MMC(servers, servers * busy, 1.0)
    assert queue.delayed == pytest.approx(waits.beyond(0), rel=NEAR)
    assert queue.mean_wait == pytest.approx(waits.mean, rel=NEAR)
    assert queue.wait_percentile(0.99) == pytest.approx(waits.percentile(0.99), rel=NEAR)
    assert queue.sojourn_percentile(0.5) == pytest.approx(sojourns.percentile(0.5), rel=NEAR)
    assert queue.sojourn_percentile(0.99) == pytest.approx(sojourns.percentile(0.99), rel=NEAR)


@pytest.mark.long
@pytest.mark.parametrize(("servers", "busy", "near"), [(1, 0.7, NEAR), (4, 0.8, NEAR), (30, 0.85, NEAR), (300, 0.95, FEW_TIMES)])
def test_constant(servers: int, busy: float, near: float) -> None:
    waits, _ = first_come(servers, servers * busy, constant(1.0), CUSTOMERS)
    queue = MDC(servers, servers * busy, 1.0)
    assert 1 - queue.wait_within(0) == pytest.approx(waits.beyond(0), rel=near)
    assert queue.mean_wait == pytest.approx(waits.mean, rel=near)
    for share in (0.9, 0.99):
        assert queue.wait_percentile(share) == pytest.approx(waits.percentile(share), rel=near)


@pytest.mark.long
@pytest.mark.parametrize(("servers", "busy"), [(1, 0.7), (4, 0.8), (30, 0.85)])
@pytest.mark.parametrize("variation", [0.1, 0.5])
def test_between(servers: int, busy: float, variation: float) -> None:
    waits, _ = first_come(servers, servers * busy, gamma(1.0, variation), CUSTOMERS)
    queue = MGC(servers, servers * busy, 1.0, variation)
    assert queue.mean_wait == pytest.approx(waits.mean, rel=NEAR)
    assert queue.wait_percentile(0.99) == pytest.approx(waits.percentile(0.99), rel=NEAR)


@pytest.mark.long
def test_thousands_of_servers() -> None:
    """Simulates the queue of M/D/c step by step, with 5,000 servers at 98 % utilisation."""
    import random

    chance, line, lines, delayed = random.Random(1), 0, [], 0
    for _ in range(200_000):
        come = round(chance.gauss(4900, 70))  # Poisson numbers of this size are almost normally distributed
        delayed += line + come >= 5000
        line = max(0, line + come - 5000)
        lines.append(line)
    queue = MDC(5000, 4900.0, 1.0)
    assert queue.mean_wait == pytest.approx(sum(lines) / len(lines) / 4900, rel=0.1)
    assert 1 - queue.wait_within(0) == pytest.approx(delayed / len(lines), rel=0.1)


@pytest.mark.parametrize("share", [1.0, 0.99999, -0.1])
def test_no_percentile_where_the_tail_was_left_out(share: float) -> None:
    with pytest.raises(ValueError, match="is outside 0 to"):
        MDC(2, 1.5, 1.0).wait_percentile(share)


def test_a_queue_that_grows_for_ever_has_no_numbers() -> None:
    with pytest.raises(ValueError, match="is not stable"):
        MDC(2, 2.0, 1.0)
    with pytest.raises(ValueError, match="is not stable"):
        MMC(2, 2.0, 1.0)
    with pytest.raises(ValueError, match="outside the range"):
        MGC(2, 1.0, 1.0, 1.5)


def test_an_empty_queue() -> None:
    assert MDC(4, 0.0, 1.0).mean_wait == MMC(4, 0.0, 1.0).mean_wait == MGC(4, 0.0, 1.0, 0.5).mean_wait == 0
    assert MDC(4, 0.0, 1.0).wait_percentile(0.99) == MMC(4, 0.0, 1.0).wait_percentile(0.99) == 0
