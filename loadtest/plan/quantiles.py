"""Percentiles of a distribution that is given as a function."""

from collections.abc import Callable

# Accuracy of a percentile, as a share of its value.
EXACT = 1e-4
# Sums that leave out a tail of 1e-7 are not accurate for shares above this one.
MOST_SHARE = 0.9999


def quantile(within: Callable[[float], float], share: float, step: float) -> float:
    """Return the least time in seconds at which ``within`` returns ``share`` or more; 0 where it does so at 0.

    ``step`` is a first guess, in seconds. Raise ValueError for a share above ``MOST_SHARE``.
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
