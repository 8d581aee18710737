"""The noise floor of a session: what two equal services differed by, and what that means for values of another size."""

from loadtest.metrics import metric


def share(floor: float, name: str, *values: float) -> float:
    """The floor of a metric as a share of the smallest of the values that are compared; 0 where all of them are 0.

    A time is late by so many milliseconds, whether it is long or short: its floor is in seconds. Others vary by a share.
    """
    if metric(name).unit != "s":
        return floor
    smallest = min(values)
    return floor / smallest if smallest > 0 else 0.0
