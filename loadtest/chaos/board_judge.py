"""Judge what the notice board's clients got while its database or cache failed. Independent of Docker and of any clock."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from loadtest.chaos.fault import Board
from loadtest.chaos.journal import Try
from loadtest.chaos.judge import Moments
from loadtest.metrics import duration

ANSWER_SECONDS = 2.0  # maximum answer time during the fault
BACK_SECONDS = 3.0  # maximum time from the end of the fault to the last answer that is not right
REFUSED = 503


@dataclass(frozen=True)
class BoardResult:
    """The verdict on the notice board. ``back``: seconds from the end of the fault to the last answer that was not right."""

    acknowledged: int
    missing: int  # acknowledged, but not in the database
    doubled: int  # stored more than once
    refused: int  # answers with status 503 and a Retry-After header
    wrong: int  # answers that are neither a success nor a refusal by the contract
    longest: float
    back: float
    broken: list[str]

    @property
    def words(self) -> list[str]:
        """The verdict as phrases for a person."""
        counts = [f"{getattr(self, name)} {name}" for name in ("acknowledged", "missing", "doubled", "refused", "wrong")]
        return [*counts, f"longest answer {duration(self.longest)}", f"served again {duration(self.back)} after the fault"]


def judge_board(board: Board, tries: Sequence[Try], acknowledged: Set[str], rows: Mapping[str, int], moments: Moments) -> BoardResult:
    """Compare the acknowledged messages with the database. ``rows`` maps each message's text to the number of its copies.

    Answers from before the fault do not count: the first request to each worker waits until its connection pool is open.
    """
    since = [one for one in tries if one.done >= moments.began]
    refused = [one for one in since if one.status == REFUSED and "Retry-After" not in one.why]
    wrong = [one for one in since if not one.right and one not in refused]
    late = [one.done for one in since if not one.right]
    found = BoardResult(
        acknowledged=len(acknowledged),
        missing=len(acknowledged - rows.keys()),
        doubled=sum(count > 1 for count in rows.values()),
        refused=len(refused),
        wrong=len(wrong),
        longest=max((one.done - one.began for one in since), default=0.0),
        back=max(0.0, max(late, default=0.0) - moments.ended),
        broken=[],
    )
    kinds = sorted({f"{one.service} {one.status} {one.why}" for one in wrong})
    said = {
        "nothing was acknowledged": not acknowledged,
        f"{found.missing} acknowledged messages are not in the database": found.missing,
        f"{found.doubled} messages are there more than once": found.doubled,
        f"an answer of the board took {found.longest:.1f} s": found.longest > ANSWER_SECONDS,
        f"the board refused until {found.back:.1f} s after the fault": found.back > BACK_SECONDS,
        f"the board refused {found.refused} times, and nothing that it needs was gone": found.refused and board == "serves",
        f"{found.wrong} answers of the board were wrong: {', '.join(kinds[:3])}": wrong,
    }
    found.broken.extend(sentence for sentence, is_so in said.items() if is_so)
    return found
