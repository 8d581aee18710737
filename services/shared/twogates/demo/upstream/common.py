"""Time-outs of a call to the upstream, and what a service answers when a call fails."""

from twogates.http.problems import Problem

CONNECT_SECONDS = 2.0
READY_SECONDS = 2.0
# A call may take this much longer than it asked for. With the longest request it stays below every server's time-out.
SLACK_SECONDS = 5.0


def did_not_answer() -> Problem:
    """The 502 answer: no connection, or not the answer that was asked for."""
    return Problem(502, "The upstream did not answer.")


def took_too_long() -> Problem:
    """The 504 answer."""
    return Problem(504, "The upstream took too long to answer.")
