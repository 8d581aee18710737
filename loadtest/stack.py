"""The running stack, seen from outside: its address, and what its services report about themselves."""

import json
import sys
import urllib.error
import urllib.request
from argparse import ArgumentTypeError
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 10
AT_ONCE = 16
MOST_ROUNDS = 10


def default_target(environ: Mapping[str, str]) -> str:
    """Return the base URL that ``make up`` gives the stack."""
    return f"http://127.0.0.1:{environ.get('HTTP_PORT') or 8080}"


class StackError(Exception):
    """A service does not answer as expected. The text is a sentence."""


def target_url(text: str) -> str:
    """Parse a base URL without a path; a type for argparse."""
    url = urlsplit(text)
    try:
        usable = url.scheme in ("http", "https") and url.hostname and url.port != 0 and url.path in ("", "/") and not url.query
    except ValueError:  # the port is not a valid number
        usable = False
    if not usable:
        raise ArgumentTypeError(f"{text!r}; accepted: a URL without a path, such as http://127.0.0.1:8080")
    return f"{url.scheme}://{url.netloc}"


def read_target(environ: Mapping[str, str]) -> str:
    """Return the base URL in ``TARGET``; exit with an error message where it is not one."""
    try:
        return target_url(environ.get("TARGET") or default_target(environ))
    except ArgumentTypeError as error:
        print(f"loadtest: TARGET is {error}", file=sys.stderr)
        sys.exit(2)


@dataclass(frozen=True)
class Service:
    """What a service reports about itself.

    ``slots`` is how many requests all its processes hold together, ``None`` for event loops. ``processes`` is how many different
    processes answered. It is ``None`` where they cannot be told apart, because process ids repeat across containers.
    """

    name: str
    interface: str
    server: str
    worker_class: str
    versions: dict[str, str]
    slots: int | None
    processes: int | None

    @property
    def shape(self) -> str:
        """Its concurrency in a few words: ``4 slots``, ``2 loops``."""
        if self.slots is not None:
            return f"{self.slots} slots"
        if self.processes is None:
            return "loop"
        return f"{self.processes} loop{'s' * (self.processes > 1)}"


def ask(target: str, name: str) -> dict[str, Any]:
    """Return the answer of ``GET /<name>/``. Raise StackError where another program answers, or none."""
    url = f"{target}/{name}/"
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:
            answer: dict[str, Any] = json.load(response)
        if answer["service"] != name:
            raise StackError(f"Another service than {name} answers at {url}.")
    except urllib.error.HTTPError as error:
        raise StackError(f"{url} answers with status {error.code}.") from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise StackError(f"Nothing answers at {url} ({getattr(reason, 'strerror', None) or reason}).") from None
    except (ValueError, KeyError, TypeError, HTTPException):
        raise StackError(f"What answers at {url} is not this project's stack.") from None
    return answer


def look_at(target: str, name: str) -> Service:
    """Query a service several times concurrently, until two rounds in a row show no new process."""
    answers = [ask(target, name)]
    seen: set[tuple[str | None, int]] = set()
    rounds_without_news = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(MOST_ROUNDS):
            answers += pool.map(lambda _: ask(target, name), range(AT_ONCE))
            before = len(seen)
            seen |= {(answer.get("host"), answer["pid"]) for answer in answers}
            rounds_without_news = 0 if len(seen) > before else rounds_without_news + 1
            if rounds_without_news == 2:
                break
    first = answers[0]
    hosts = {host for host, _ in seen}
    return Service(
        name=name,
        interface=first["interface"],
        server=first["server"],
        worker_class=first["worker_class"],
        versions=first["versions"],
        slots=first["slots"] and first["slots"] * len(hosts),
        processes=None if None in hosts else len(seen),
    )
