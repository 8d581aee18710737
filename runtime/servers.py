"""Servers for a measurement: start them on their own ports, wait until they answer, and stop them by process id."""

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from runtime import proc
from runtime.environment import for_servers

START_SECONDS = 30
STOP_SECONDS = 15
GIVEN: set[int] = set()
_held = 0


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Defer SIGINT and SIGTERM until the end of the block. If one arrived, raise ``KeyboardInterrupt`` there."""
    global _held
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in (signal.SIGINT, signal.SIGTERM)}
    _held += 1
    try:
        yield
    finally:
        _held -= 1
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise KeyboardInterrupt


def interruptible_now() -> bool:
    """Return whether no ``uninterrupted`` block is active, in any greenlet."""
    return not _held


class ServerFailed(Exception):
    """A server did not start; the message says why."""


@dataclass(frozen=True)
class Command:
    """The command that starts a server, and a path that the server answers with a 200."""

    words: list[str]
    folder: Path
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)
    path: str = "/json"


def free_port() -> int:
    """Return a free port on the loopback address that was not returned before."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    if port in GIVEN:
        return free_port()
    GIVEN.add(port)
    return port


class Servers:
    """Servers by name. All stop at the end of the ``with`` block. ``started`` receives each process id, which is also its group's id."""

    def __init__(self, folder: Path, started: Callable[[str], None] = lambda _: None) -> None:
        self.folder = folder
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.started = started
        self.commands: dict[str, Command] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        with uninterrupted():  # a second Ctrl-C must not leave a server behind
            self.stop()

    def stop(self) -> None:
        """Send SIGTERM to all, kill those left after ``STOP_SECONDS``, and return when they and their children are gone."""
        pids = [pid for process in self.running.values() for pid in proc.tree(process.pid)] if proc.SUPPORTED else []
        for process in self.running.values():
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for process in self.running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0, deadline - time.monotonic()))
            with suppress(ProcessLookupError):  # usually its process group is already empty
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        while proc.alive(pids) and time.monotonic() < deadline + STOP_SECONDS:  # SIGKILL takes effect a moment later
            time.sleep(0.01)

    def start(self, name: str, command: Command) -> None:
        """Start a server in its own process group, so that Ctrl-C does not reach it before ``stop`` does."""
        if name in self.running and self.running[name].poll() is None:
            raise ValueError(f"A server of the name {name!r} runs already, and nothing would end it any more")
        environment = {**for_servers(), "PYTHONHASHSEED": "0", **command.environment}
        # Append mode: Nginx opens the log a second time, and two writers with separate offsets would overwrite each other's lines.
        with self.log(name).open("ab") as log, uninterrupted():  # otherwise an interrupt could leave a running server out of the table
            self.running[name] = subprocess.Popen(
                command.words, cwd=command.folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
            self.started(str(self.running[name].pid))
        self.commands[name] = command

    def wait_until_ready(self, names: Iterable[str] | None = None) -> None:
        """Wait until all servers, or these, answer. Raise ``ServerFailed`` with the end of the log of one that does not."""
        deadline = time.monotonic() + START_SECONDS
        waiting = list(self.commands if names is None else names)
        while waiting := [name for name in waiting if not answers(self.commands[name])]:
            ended = [name for name in waiting if self.running[name].poll() is not None]
            if ended or time.monotonic() > deadline:
                name = [*ended, *waiting][0]
                end = self.log(name).read_text(errors="replace").strip().splitlines()[-5:]
                raise ServerFailed(f"The server of {name!r} did not start: " + " | ".join(end or ["nothing in its log"]))
            time.sleep(0.02)

    def pid(self, name: str) -> int:
        return self.running[name].pid

    def port(self, name: str) -> int:
        return self.commands[name].port

    def log(self, name: str) -> Path:
        return self.folder / f"{name.replace(' ', '-')}.log"


def answers(command: Command) -> bool:
    """Return whether a server answers its path with a 200."""
    connection = http.client.HTTPConnection("127.0.0.1", command.port, timeout=5)
    try:
        connection.request("GET", command.path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
