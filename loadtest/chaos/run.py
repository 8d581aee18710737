"""Run one fault under load, or all faults in turn."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import monotonic

from loadtest.chaos import Setting
from loadtest.chaos.board_judge import judge_board
from loadtest.chaos.database import messages
from loadtest.chaos.events import counted
from loadtest.chaos.fault import Case
from loadtest.chaos.journal import Journal
from loadtest.chaos.judge import Moments, judge
from loadtest.chaos.load import Load
from loadtest.chaos.results import CaseResult, summed
from loadtest.chaos.stack import POLL_SECONDS, Stack
from loadtest.engine.variants import EngineError
from runtime.servers import uninterrupted

# Longer than a hung worker's time-out, its restart, and the interval of the health check together.
WHOLE_SECONDS = 60.0
# A run that other work on the machine disturbed is repeated, whether it kept its promises or not. The last run counts.
CHANCES = 2
# Each client sends less than a tenth of Nginx's limit for one client (RATE_LIMIT), and less than a sixth while clients of
# the notice board run too.
CLIENTS = 20


@dataclass(frozen=True)
class Windows:
    """Seconds of load before a fault, and after the stack is whole again."""

    calm: float
    tail: float


FULL, SHORT = Windows(4.0, 3.0), Windows(3.0, 2.0)


def run(
    setting: Setting,
    cases: Sequence[Case],
    windows: Windows,
    tell: Callable[[str], None],
    keep: Callable[[CaseResult], None],
    failed: Callable[[str, Exception], None],
) -> None:
    """Start the stack in a setting, inject every fault, and always remove the stack afterwards.

    Each result goes to ``keep`` immediately. A fault that cannot be measured goes to ``failed``, and the next fault gets a
    new stack.
    """
    stack = Stack(setting)
    try:
        tell(f"{setting}: starting the stack")
        stack.up()
        for number, case in enumerate(cases, 1):
            tell(f"{setting}, {number} of {len(cases)}: {case.name}")
            try:
                keep(chances(stack, case, windows, tell))
            except Exception as error:
                failed(f"{setting}, {case.name}", error)
                if number < len(cases):
                    stack.down()
                    stack.up()
    finally:
        with uninterrupted():
            stack.keep_log()
            stack.down()


def chances(stack: Stack, case: Case, windows: Windows, tell: Callable[[str], None]) -> CaseResult:
    """Run a fault, and repeat the run if other work on the machine disturbed it."""
    for chance in range(1, CHANCES + 1):
        stack.mend()
        stack.said = ""
        result = replace(asyncio.run(one(stack, case, windows)), said=stack.said)
        tell(result.line)
        if not result.disturbed or chance == CHANCES:
            break
        tell("  The machine was busy with something else, so it is done again.")
    return replace(result, chances=chance)


async def one(stack: Stack, case: Case, windows: Windows) -> CaseResult:
    """Run one fault: start the load, wait for the calm window, inject the fault, wait for recovery, then for the tail window."""
    async with Load(stack.base, clients=CLIENTS) as load:
        journal = Journal(load) if case.fault.board else None
        began, failed = load.now, ""
        try:
            if journal:
                await journal.open()
            await asyncio.sleep(windows.calm)  # a fixed duration, not a wait for a condition
            began = load.now
            whole = await asyncio.to_thread(case.fault.inflict, stack, case.service)
        except (EngineError, OSError) as error:
            whole, failed = stack.whole, f"it could not be done: {error}"
        ended = load.now
        deadline = monotonic() + WHOLE_SECONDS
        again = False
        while not again and monotonic() < deadline:
            try:
                again = await asyncio.to_thread(whole)
            except EngineError:  # the container is just being replaced
                again = False
            if not again:
                await asyncio.sleep(POLL_SECONDS)
        moments = Moments(began, ended, load.now)
        await asyncio.sleep(windows.tail)
    counts = counted(load.planned, load.events)
    judged = judge(case, load.events, moments)
    judged.broken.extend(([failed] if failed else []) + ([] if again else [f"not whole again after {WHOLE_SECONDS:g} s"]))
    result = summed(stack.setting, case, judged, moments, counts, load.events, load.late)
    if journal and journal.boards and case.fault.board:
        rows = await asyncio.to_thread(messages, stack, journal.boards.values())
        board = judge_board(case.fault.board, journal.tries, journal.acknowledged, rows, moments)
        result = replace(result, board=board, broken=[*result.broken, *board.broken])
    return result
