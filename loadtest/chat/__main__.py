"""Measure chat on the running stack: make chat (SOCKETS= RATE= SECONDS= KILL=django JSON=1).

The first phase runs on the unchanged stack. The second phase kills a replica in the middle; its clients reconnect. Exit
status: 0 every socket received every message once, in order, and the first phase's p99 is within AIM_SECONDS; 1 otherwise;
2 bad usage.
"""

import asyncio
import gc
import json
import os
import resource
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Mapping, Sequence

import aiohttp
import uvloop
from picows import WSError
from rich.console import Console
from rich.table import Table

from loadtest.chat import kill_replica
from loadtest.chat.judge import Outcome, judge, quantile
from loadtest.chat.publisher import Posts
from loadtest.chat.sockets import Subscriber
from runtime.choice import running
from runtime.compose_file import defaults, variables
from runtime.console import fail, say
from runtime.docker.compose import compose
from runtime.docker.target_address import entrance
from runtime.local import stack as runtime_local

READERS = ("fastapi", "django")
SERVICES = ("flask", "fastapi", "django")
HOST = "localhost"  # Nginx answers only to its server names, and a container's address is not one of them
OPENING = 20  # concurrent handshakes
FILES = 200  # open files besides the sockets
PATIENCE_SECONDS = 15.0  # to wait for messages in flight after the last one was posted
AIM_SECONDS = 0.1


class PhaseError(Exception):
    """A phase could not be measured; the message is a sentence."""


def number(least: float, most: float, kind: type[float]) -> Callable[[str], float]:
    """Return an argparse type that accepts numbers from ``least`` to ``most``."""

    def parse(given: str) -> float:
        try:
            value = kind(given)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise ArgumentTypeError(f"{given!r}; accepted: a {'whole ' if kind is int else ''}number from {least:g} to {most:g}")
        return value

    return parse


def options(arguments: Sequence[str], environ: Mapping[str, str]) -> Namespace:
    """Return the options, from the command line, else from the environment."""
    parser = ArgumentParser(prog="python -m loadtest.chat", description="Sockets on one board, and every message on each of them.")
    for name, usual, least, most, meaning in (
        ("sockets", "1000", 2, 20_000, "in all, half of them on each service with an event loop"),
        ("rate", "50", 1, 1000, "messages a second, through all three services"),
        ("seconds", "20", 1, 600, "of each phase"),
    ):
        default = environ.get(name.upper(), usual)
        parser.add_argument(
            f"--{name}", type=number(least, most, int if name == "sockets" else float), default=default, help=f"{meaning} (default {usual})"
        )
    parser.add_argument(
        "--kill", choices=(*READERS, "nobody"), default=environ.get("KILL", "django"), help="whose replica, in the second phase"
    )
    parser.add_argument("--json", action="store_true", default=environ.get("JSON", "") not in ("", "0"), help="JSON in place of the table")
    return parser.parse_args(arguments)


async def phase(chosen: Namespace, name: str, kill: str | None = None) -> Outcome:
    """Run one phase: open all sockets on a new board, post, and wait until all messages have arrived."""
    address = where()
    target = f"http://{address}"
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10), headers={"Host": HOST}) as session:
        posts = Posts(target, SERVICES)
        await posts.warm(session, await new_board(session, target))
        board = await new_board(session, target)
        subscribers = [Subscriber(f"ws://{address}/{READERS[turn % 2]}/boards/{board}/chat", HOST) for turn in range(chosen.sockets)]
        await open_all(subscribers)
        cpu, wall = time.process_time(), time.perf_counter()
        gc.disable()  # received frames stay in memory; a collection would scan them all and delay the time stamps of new messages
        killing = asyncio.create_task(killed(kill, chosen.seconds / 2)) if kill else None
        await posts.post(session, board, chosen.rate, chosen.seconds)
        await all_here(subscribers, len(posts.taken))
        used = (time.process_time() - cpu) / (time.perf_counter() - wall)
        if killing:
            name = f"{name} {await killing}"
        for subscriber in subscribers:
            subscriber.close()
        gc.enable()
    outcome = judge(name, subscribers, posts)
    outcome.cpu = round(used, 2)
    for wrong in posts.failed[:3]:
        print(f"chat: not posted: {wrong}", file=sys.stderr)
    return outcome


def where() -> str:
    """Return the address and port at which the load reaches Nginx."""
    published = int(variables().get("HTTP_PORT") or defaults()["HTTP_PORT"])
    if running()[0] is runtime_local:
        return f"127.0.0.1:{published}"
    return "{}:{}".format(*entrance(compose("ps", "--quiet", "nginx", quiet=True).stdout.strip(), published))


async def new_board(session: aiohttp.ClientSession, target: str) -> int:
    async with session.post(f"{target}/fastapi/boards", json={"name": f"chat {time.time_ns()}"}) as answer:
        if answer.status != 201:
            raise PhaseError(f"No board could be made: {answer.status} {await answer.text()}")
        return int((await answer.json())["id"])


async def open_all(subscribers: Sequence[Subscriber]) -> None:
    opening = asyncio.Semaphore(OPENING)

    async def one(subscriber: Subscriber) -> None:
        async with opening:
            await subscriber.open()

    try:
        await asyncio.gather(*map(one, subscribers))
    except (OSError, TimeoutError, WSError) as error:
        raise PhaseError(f"A socket could not be opened: {error!r}") from None


async def all_here(subscribers: Sequence[Subscriber], messages: int) -> None:
    """Wait until every socket has received as many messages as were posted, but at most PATIENCE_SECONDS."""
    deadline = time.perf_counter() + PATIENCE_SECONDS
    while time.perf_counter() < deadline:
        if all(subscriber.count() >= messages for subscriber in subscribers):
            return
        await asyncio.sleep(0.5)


async def killed(service: str, after: float) -> str:
    await asyncio.sleep(after)
    return await asyncio.to_thread(kill_replica.kill, service)


def show(outcomes: Sequence[Outcome]) -> None:
    """Print a table with a column for each phase."""
    table = Table("", *(outcome.name for outcome in outcomes))
    rows: dict[str, Callable[[Outcome], str]] = {
        "sockets, messages": lambda one: f"{one.sockets:,}, {one.messages:,}",
        "delivered of expected": lambda one: f"{one.delivered:,} of {one.expected:,}",
        "duplicates": lambda one: f"{one.duplicates:,}",
        "out of an author's order": lambda one: f"{one.disordered:,}",
        "from POST to socket, p50": lambda one: f"{one.quantile(0.5) * 1000:.0f} ms",
        "p99": lambda one: f"{one.quantile(0.99) * 1000:.0f} ms",
        "longest": lambda one: f"{one.quantile(1) * 1000:.0f} ms",
        "the POST itself, p50, p99": lambda one: f"{quantile(one.posting, 0.5) * 1000:.0f} ms, {quantile(one.posting, 0.99) * 1000:.0f} ms",
        "messages in a frame": lambda one: f"{one.delivered / max(1, one.frames):.1f}",
        "sockets closed, by code": lambda one: ", ".join(f"{code}: {count}" for code, count in one.closed.items()) or "none",
        "longest until one was back": lambda one: f"{one.longest_away:.1f} s",
        "posted again, with the same key": lambda one: f"{one.posted_again}",
        "generator's CPUs": lambda one: f"{one.cpu:.2f}",
    }
    for title, cell in rows.items():
        table.add_row(title, *map(cell, outcomes))
    Console(width=None if sys.stdout.isatty() else 110).print(table)


def main() -> int:
    """Run the phases, print the results and return the exit status."""
    chosen = options(sys.argv[1:], os.environ)
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    if chosen.sockets + FILES > files[1]:
        fail(f"SOCKETS is {chosen.sockets:g}; accepted here: at most {files[1] - FILES}, for each is an open file", 2)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files[1], files[1]))
    if not running():
        fail("Nothing runs. Next: make up", 2)
    outcomes: list[Outcome] = []
    failed = ""
    if chosen.kill != "nobody":
        kill_replica.replicas(chosen.kill)
    for name, kill in (("as it is", None), ("killed:", chosen.kill))[: 1 if chosen.kill == "nobody" else 2]:
        if not chosen.json:
            say(f"{chosen.sockets:,} sockets, {chosen.rate:g} messages a second for {chosen.seconds:g} s, {name} {kill or ''}".rstrip())
        try:
            outcomes.append(uvloop.run(phase(chosen, name, kill)))
        except (PhaseError, aiohttp.ClientError, OSError) as error:  # the results of the phase before are still shown
            failed = str(error) if isinstance(error, PhaseError) else f"The stack does not answer: {error!r}. Next: make status"
            break
        finally:
            if kill:
                kill_replica.bring_back(kill)
    if failed and not outcomes:
        fail(failed)
    if chosen.json:
        print(json.dumps([outcome.as_dict() for outcome in outcomes]))
    else:
        show(outcomes)
        say("Next: docs/chat.md says what each line means, and why it holds")
    if failed:
        fail(f"The phase in which a replica of {chosen.kill} is killed was not measured. {failed}")
    return 0 if all(outcome.right for outcome in outcomes) and outcomes[0].quantile(0.99) <= AIM_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
