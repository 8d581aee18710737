"""Time-outs of a call to the upstream, and the answers of a service to a failed call."""

from twogates.http.problems import Problem

CONNECT_SECONDS = 2.0
READY_SECONDS = 2.0
# A call may take this much longer than the pause it requests. Even for the longest request, that is below every server's time-out.
SLACK_SECONDS = 5.0


def did_not_answer() -> Problem:
    """Return the 502 answer: no connection, or an unexpected response."""
    return Problem(502, "The upstream did not answer.")


def took_too_long() -> Problem:
    """Return the 504 answer."""
    return Problem(504, "The upstream took too long to answer.")
