"""Closed users connect one after another. None sends a request before all are connected. Seen by a server, and by each user."""

import asyncio
import json
import sys
from dataclasses import asdict
from time import perf_counter

import gevent
import pytest

from loadtest.generator.parameters import Parameters
from loadtest.generator.ramp_up import CONNECTIONS_A_SECOND, Entrance
from loadtest.model import Load, Variant, loop, sync
from tests.conftest import ROOT

USERS, WAIT = 500, 0.2
TICK = 0.005  # seconds
# gevent counts a sleep from when its loop last read the clock, long ago on a busy machine. Half of the distances in these tests.
LATE_CLOCK = 0.05


async def opened() -> tuple[list[float], float]:
    """Return when each user connected to a server, in seconds, and the server's largest delay in noticing it."""
    clock, found, late = asyncio.get_running_loop().time, [], 0.0

    async def watch() -> None:
        nonlocal late
        while True:
            before = clock()
            await asyncio.sleep(TICK)
            late = max(late, clock() - before - TICK)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.append(clock())
        body = json.dumps({"waited": WAIT}).encode()
        while lines := await reader.readuntil(b"\r\n\r\n"):
            (request_id,) = [line[13:].strip() for line in lines.splitlines() if line.lower().startswith(b"x-request-id:")]
            await asyncio.sleep(WAIT)
            head = b"Content-Type: application/json\r\nContent-Length: %d\r\nX-Request-ID: %s" % (len(body), request_id)
            writer.write(b"HTTP/1.1 200 OK\r\n%s\r\n\r\n%s" % (head, body))

    async def until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async with await asyncio.start_server(until_closed, "127.0.0.1", 0, backlog=USERS) as server:
        target = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        load = {"kind": "closed", "workload": "wait", "parameters": asdict(Parameters(wait=WAIT)), "users": USERS, "rate": 0.0}
        load |= {"pause": 0.0, "source": "", "way": "", "arrivals": "constant", "warm_up": 0.1, "process": (0, 1)}
        load |= {"rhythm": (USERS, WAIT)}
        cell = {"mark": "0000001r0.", "target": target, "prefix": "", "seconds": 0.4, "seed": 1, "loads": [load]}
        watching = asyncio.create_task(watch())
        player = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.unit.lab_player"), cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await player.communicate(json.dumps({"closed": cell}).encode())
        watching.cancel()
        assert json.loads(out)["closed"]["ready"]
    return found, late


def test_a_thousand_a_second_at_most() -> None:
    moments, late = asyncio.run(opened())
    assert len(moments) == USERS
    assert max(moments) - min(moments) + late > 0.9 * USERS / CONNECTIONS_A_SECOND


def together(*greenlets: gevent.Greenlet) -> None:
    """Wait for all. Update the loop's clock first: otherwise it counts from when it last ran, in an earlier test."""
    gevent.get_hub().loop.update_now()
    gevent.joinall(greenlets, timeout=60, raise_error=True)
    assert all(greenlet.dead for greenlet in greenlets)


def entered(entrance: Entrance, users: int) -> tuple[list[float], list[float]]:
    """Return when each user connected, and when each was allowed to begin."""
    connected: list[float] = []

    def user() -> float:
        entrance.enter(lambda: connected.append(perf_counter()))
        return perf_counter()

    greenlets = [gevent.spawn(user) for _ in range(users)]
    together(*greenlets)
    return connected, [greenlet.value for greenlet in greenlets]


def test_none_begins_before_all_are_connected_and_slots_begin_at_equal_distances() -> None:
    """Twelve users of four slots that hold a request for 0.4 s. The fifth and later users begin when all slots are occupied."""
    connected, begun = entered(Entrance(12, 4, 0.4), 12)
    assert len(connected) == 12
    assert min(begun) >= max(connected)
    for place, moment in enumerate(begun):
        assert moment - max(connected) >= 0.4 * min(place / 4, 1) - LATE_CLOCK


def test_users_of_several_processes_come_in_turn() -> None:
    """The second of two processes gets every other place."""
    connected, begun = entered(Entrance(2, 4, 0.4, process=1, processes=2), 2)
    for moment, place in zip(begun, (1, 3), strict=True):
        assert moment - max(connected) >= 0.4 * place / 4 - LATE_CLOCK


def test_a_connection_that_fails_keeps_nobody_out() -> None:
    def fail() -> None:
        raise ConnectionRefusedError

    entrance = Entrance(2, 2, 0.0)
    together(*(gevent.spawn(entrance.enter, fail) for _ in range(2)))
    assert entrance.all_connected.is_set()


@pytest.mark.parametrize(
    ("variant", "users", "pause", "rhythm"),
    [
        (sync(4), 12, 0.0, (4, 0.25)),
        (sync(4), 3, 0.0, (3, 0.25)),
        (loop("fastapi"), 12, 0.0, (12, 0.25)),
        (sync(2), 5, 0.1, (5, 0.35)),  # they pause between requests and do not queue
        (None, 12, 0.0, (12, 0.0)),  # the service is unknown
    ],
)
def test_rhythm(variant: Variant | None, users: int, pause: float, rhythm: tuple[int, float]) -> None:
    assert Load("closed", "wait", Parameters(wait=0.25), users=users, pause=pause).rhythm(variant) == pytest.approx(rhythm)
