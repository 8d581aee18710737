"""The second load generator, which shares nothing with the first: another HTTP client, another event loop, its own time measurement.

It is aiohttp's client in a separate process, in the simplest possible closed loop. It verifies the same things as the first
generator: the status, and the request id that was sent.
"""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import asdict
from itertools import count
from time import perf_counter

from loadtest.model import Cell
from runtime.compose_file import ROOT

WARM_UP_SECONDS = 0.5


def second_opinion(base: str, cell: Cell, seconds: float, cpus: set[int] | None) -> float:
    """Return the verified answers per second of a cell's closed workload, measured by the process below; 0 if it fails."""
    load = cell.load
    asked = {
        "url": f"{base}/{load.what.path.format(**asdict(load.parameters))}",
        "users": load.users,
        "rhythm": load.rhythm(cell.variant),
        "seconds": seconds,
        "cpus": sorted(cpus or ()),
    }
    ran = subprocess.run(
        [sys.executable, "-m", "loadtest.engine.cross_check", json.dumps(asked)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds + 120,
    )
    return float(ran.stdout) if ran.returncode == 0 else 0.0


async def play(url: str, users: int, rhythm: tuple[int, float], seconds: float) -> float:
    """Play ``users`` users, each sending the next request after an answer. Return answers per second, once each user has had one.

    The users start one after another, as those of the first generator do (generator/ramp_up.py). Users in step would get their answers
    in waves, and a window would hold one wave more or less.
    """
    import aiohttp

    at_once, round_trip = rhythm
    numbers = count()
    ended: list[float] = []
    ready: set[int] = set()
    over = False

    async def user(session: aiohttp.ClientSession, number: int) -> None:
        await asyncio.sleep(round_trip * min(number / at_once, 1.0))
        while not over:
            request_id = f"second-generator-{next(numbers)}"
            async with session.get(url, headers={"X-Request-ID": request_id}) as answer:
                await answer.read()
                if answer.status == 200 and answer.headers.get("X-Request-ID") == request_id:
                    ended.append(perf_counter())
                    ready.add(number)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        tasks = [asyncio.create_task(user(session, number)) for number in range(users)]
        while len(ready) < users:
            await asyncio.sleep(0.05)
        await asyncio.sleep(WARM_UP_SECONDS)
        begun = perf_counter()
        await asyncio.sleep(seconds)
        end = perf_counter()
        over = True
        await asyncio.gather(*tasks)
    return sum(begun <= moment < end for moment in ended) / (end - begun)


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    if asked["cpus"]:
        os.sched_setaffinity(0, asked["cpus"])
    print(asyncio.run(play(asked["url"], asked["users"], asked["rhythm"], asked["seconds"])))
