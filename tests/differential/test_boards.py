"""Sequences of operations on the notice board, on one database: the three services give the same answer to each step.

No answer is a 5xx, except the 503 that asks the client to retry. BOARD_SEQUENCES is the number of sequences.
"""

import os
from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.differential.board_machine import NoticeBoards
from tests.stack import SERVICES
from tests.wire import Wire

SEQUENCES = int(os.environ.get("BOARD_SEQUENCES", "100"))
STEPS = 4
# Statuses that must occur among the answers to many steps.
USUAL = {200, 201, 204, 304, 400, 404, 405, 409, 412, 413, 415, 422, 428}


def test_three_services_on_one_database_give_one_answer(sent_on_boards: Counter[int]) -> None:
    wires = {service: Wire() for service in SERVICES}
    sequences = 0

    def begin() -> NoticeBoards:
        nonlocal sequences
        sequences += 1
        return NoticeBoards(wires, sent_on_boards)

    options = settings(
        max_examples=SEQUENCES,
        stateful_step_count=STEPS,
        database=None,
        derandomize="CI" in os.environ,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(begin, settings=options)  # type: ignore[arg-type]  # called as the class would be
    finally:
        for wire in wires.values():
            wire.close()
    assert sequences >= SEQUENCES
    if SEQUENCES >= 1000:
        assert sent_on_boards.keys() >= USUAL
