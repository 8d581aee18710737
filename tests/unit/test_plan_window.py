"""The latencies in a short window, where the queue is shorter than in theory, and in a long one, where theory holds."""

import pytest

from loadtest.plan.deterministic import MDC
from loadtest.plan.window import p99_of_a_window


@pytest.mark.parametrize(("servers", "held"), [(1, 0.03), (4, 0.05)])
def test_long_windows_are_what_theory_says(servers: int, held: float) -> None:
    rate = 0.8 * servers / held
    assert p99_of_a_window(servers, rate, held, 200) == pytest.approx(held + MDC(servers, rate, held).wait_percentile(0.99), rel=0.06)


def test_a_short_one_sees_less_of_a_line_that_grows_slowly() -> None:
    rate = 0.95 / 0.03
    assert p99_of_a_window(1, rate, 0.03, 5) < 0.5 * (0.03 + MDC(1, rate, 0.03).wait_percentile(0.99))


def test_nobody_in_line() -> None:
    assert p99_of_a_window(4, 0.1, 0.05, 5) == pytest.approx(0.05)
