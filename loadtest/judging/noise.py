"""The noise floor of a session: how much two equal services differed, applied to values of another size."""

from loadtest.metrics import metric


def share(floor: float, name: str, *values: float) -> float:
    """Return the noise floor of a metric as a share of the smallest of the compared values; 0 where that value is 0.

    A time is late by the same number of milliseconds, whether it is long or short, so its floor is in seconds. Other metrics vary by
    a share.
    """
    if metric(name).unit != "s":
        return floor
    smallest = min(values)
    return floor / smallest if smallest > 0 else 0.0
