"""Closed users open their connections one after another: a server sees no flood that it would drop a part of."""

import asyncio
import json
import sys
from dataclasses import asdict

from loadtest.generator.entrance import CONNECTIONS_A_SECOND
from loadtest.generator.parameters import Parameters
from tests.conftest import ROOT

USERS, WAIT = 500, 0.2


async def opened() -> list[float]:
    """When a server saw the first request of each of so many users, in seconds."""
    clock, found = asyncio.get_running_loop().time, []

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
        load |= {"pause": 0.0, "arrivals": "constant", "warm_up": 0.1, "process": (0, 1)}
        load |= {"rhythm": (USERS, WAIT)}
        cell = {"mark": "0000001r0.", "target": target, "prefix": "", "seconds": 0.4, "seed": 1, "loads": [load]}
        player = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.unit.lab_player"), cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await player.communicate(json.dumps({"closed": cell}).encode())
        assert json.loads(out)["closed"]["ready"]
    return found


def test_a_thousand_a_second_at_most() -> None:
    moments = asyncio.run(opened())
    assert len(moments) == USERS
    assert max(moments) - min(moments) > 0.9 * USERS / CONNECTIONS_A_SECOND
