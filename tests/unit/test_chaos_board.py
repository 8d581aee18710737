"""What the chaos suite concludes about the notice board, from its clients' journal and the rows of the database."""

from dataclasses import replace

import pytest

from loadtest.chaos.board_judge import judge_board
from loadtest.chaos.fault import Board
from loadtest.chaos.journal import Try
from loadtest.chaos.judge import Moments

MOMENTS = Moments(began=4.0, ended=6.0, whole=9.0)
RIGHT = Try(1.0, 1.1, "flask", True, 201)
REFUSED = Try(5.0, 5.4, "flask", True, 503, "{}")
ROWS = {"a": 1, "b": 1}


def broken(*tries: Try, board: Board = "refuses", acknowledged: frozenset[str] = frozenset("ab"), rows: dict[str, int] = ROWS) -> list[str]:
    return judge_board(board, [RIGHT, *tries], acknowledged, rows, MOMENTS).broken


def test_refusing_for_a_while_is_allowed_where_the_database_is_gone() -> None:
    assert broken(REFUSED) == []
    assert broken(REFUSED, board="serves") == ["the board refused 1 times, and nothing that it needs was gone"]


def test_what_was_acknowledged_has_to_be_there_once() -> None:
    assert broken(rows={"a": 1}) == ["1 acknowledged messages are not in the database"]
    assert broken(rows={"a": 2, "b": 1}) == ["1 messages are there more than once"]
    assert broken(rows=ROWS | {"c": 1}) == []  # written, but the answer was lost
    assert broken(acknowledged=frozenset()) == ["nothing was acknowledged"]


@pytest.mark.parametrize(("done", "kept"), [(7.0, True), (7.1, False)])
def test_no_answer_takes_longer_than_two_seconds(done: float, kept: bool) -> None:
    assert (broken(replace(REFUSED, done=done)) == []) is kept


@pytest.mark.parametrize(("done", "kept"), [(8.9, True), (9.1, False)])
def test_it_serves_again_three_seconds_after_the_fault(done: float, kept: bool) -> None:
    late = replace(REFUSED, began=done - 0.1, done=done)
    assert (broken(late) == []) is kept


WITHOUT = "503 without Retry-After"


@pytest.mark.parametrize("wrong", [replace(REFUSED, status=500), replace(REFUSED, status=0), replace(REFUSED, why=WITHOUT)])
def test_nothing_but_a_refusal_is_right(wrong: Try) -> None:
    (sentence,) = broken(wrong)
    assert sentence.startswith("1 answers of the board were wrong: flask ")
