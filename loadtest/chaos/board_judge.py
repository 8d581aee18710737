"""What clients of the notice board were promised while its database or cache failed. Nothing here knows of Docker or of a clock."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from loadtest.chaos.fault import Board
from loadtest.chaos.journal import Try
from loadtest.chaos.judge import Moments
from loadtest.metrics import duration

ANSWER_SECONDS = 2.0  # the longest answer while it is down
BACK_SECONDS = 3.0  # from when it is there again until nobody is refused
REFUSED = 503


@dataclass(frozen=True)
class BoardResult:
    """What came of it. ``back`` counts from the end of the fault to the last answer that was not the right one."""

    acknowledged: int
    missing: int  # acknowledged, and not in the database
    doubled: int  # there more than once
    refused: int  # answers
    wrong: int  # neither done nor refused as the contract says
    longest: float
    back: float
    broken: list[str]

    @property
    def words(self) -> list[str]:
        """It in words."""
        counts = [f"{getattr(self, name)} {name}" for name in ("acknowledged", "missing", "doubled", "refused", "wrong")]
        return [*counts, f"longest answer {duration(self.longest)}", f"served again {duration(self.back)} after the fault"]


def judge_board(board: Board, tries: Sequence[Try], acknowledged: Set[str], rows: Mapping[str, int], moments: Moments) -> BoardResult:
    """Compare what was acknowledged with the rows of the database, each a message's text and how often it is there.

    Answers from before the fault do not count: the first to each worker waits for its pool to be made.
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
