"""Percentiles of a distribution that is known as a function."""

from collections.abc import Callable

# How exact a percentile is, as a share of it.
EXACT = 1e-4
# Sums that leave out 1e-7 of a tail say nothing of the shares above this one.
MOST_SHARE = 0.9999


def quantile(within: Callable[[float], float], share: float, step: float) -> float:
    """The least time of which ``within`` says ``share`` or more; 0 where it says so of 0. ``step`` is a first guess, in seconds.

    ValueError for a share above ``MOST_SHARE``.
    """
    if not 0 <= share <= MOST_SHARE:
        raise ValueError(f"a share of {share} is outside 0 to {MOST_SHARE}")
    if within(0.0) >= share:
        return 0.0
    low, high = 0.0, step
    while within(high) < share:
        low, high = high, 2 * high
    while high - low > EXACT * high:
        middle = (low + high) / 2
        low, high = (low, middle) if within(middle) >= share else (middle, high)
    return high
