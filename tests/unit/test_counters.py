"""What the laboratory counts inside a process: around bare callables, and after a fork."""

import asyncio
import io
import os
import signal
import struct
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from pathlib import Path
from typing import Any
from wsgiref.util import FileWrapper, setup_testing_defaults

import pytest

from runtime import proc
from tests.waiting import until
from twogates.http import asgi, counters, wsgi
from twogates.http.counters import Counts, read


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of this process's counters, which start from zero."""
    monkeypatch.setenv("COUNTERS", str(tmp_path))
    monkeypatch.setattr(counters, "_own", None)
    return tmp_path


def own(folder: Path) -> Counts:
    """Return what this process has counted."""
    return read(folder / str(os.getpid()))


def call(app: wsgi.Application, path: str = "/", environ: dict[str, Any] | None = None) -> Any:
    """Call a WSGI application. Return its answer, not yet read."""
    environ = {**(environ or {}), "PATH_INFO": path}
    setup_testing_defaults(environ)
    return copy_context().run(wsgi.RequestIdMiddleware(app), environ, lambda status, headers, exc_info=None: None)


def hello(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [])
    return [b"hello"]


def broken(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    raise ZeroDivisionError


def test_without_a_folder_nothing_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COUNTERS", raising=False)
    assert wsgi.RequestIdMiddleware(hello).app is hello
    assert asgi.RequestIdMiddleware(answer).app is answer
    assert call(hello) == [b"hello"]


def test_a_wsgi_request_lasts_until_its_answer_is_closed(folder: Path) -> None:
    closed: list[int] = []

    class Pieces:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"a", b"b"])

        def close(self) -> None:
            closed.append(own(folder).in_flight)

    pieces = call(lambda environ, start: Pieces())
    assert b"".join(pieces) == b"ab"
    assert (own(folder).begun, own(folder).finished, own(folder).in_flight) == (1, 0, 1)
    pieces.close()
    pieces.close()
    assert closed == [1]  # once, and before the request counts as finished
    assert (own(folder).begun, own(folder).finished, own(folder).in_flight) == (1, 1, 0)


def test_a_generator_is_closed_where_it_stands(folder: Path) -> None:
    ended: list[bool] = []

    def pieces(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        try:
            yield b"a"
            yield b"b"
        finally:
            ended.append(True)

    given = call(pieces)
    assert next(iter(given)) == b"a"
    given.close()
    assert ended == [True]
    assert own(folder) == Counts(begun=1, finished=1)


def test_an_exception_finishes_a_wsgi_request(folder: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        call(broken)
    assert own(folder) == Counts(begun=1, finished=1)


def test_an_exception_while_closing_finishes_it_too(folder: Path) -> None:
    class Pieces(list[bytes]):
        def close(self) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        call(lambda environ, start: Pieces()).close()
    assert own(folder) == Counts(begun=1, finished=1)


def test_a_file_stays_one_that_a_server_can_send_with_sendfile(folder: Path) -> None:
    file = io.BytesIO(b"file")
    given = call(lambda environ, start: FileWrapper(file), environ={"wsgi.file_wrapper": FileWrapper})
    assert isinstance(given, FileWrapper)
    assert own(folder).in_flight == 1
    given.close()
    assert file.closed
    assert own(folder) == Counts(begun=1, finished=1)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_checks_are_not_counted(folder: Path, path: str) -> None:
    call(hello, path)
    send_asgi(answer, path)
    assert (own(folder).begun, own(folder).finished) == (0, 0)


class Interrupted(struct.Struct):
    """A layout that lets another thread run between packing and writing. By chance, that happens too rarely for a test to detect."""

    def pack(self, *values: Any) -> bytes:
        packed = super().pack(*values)
        time.sleep(0)
        return packed


def test_threads_lose_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "LAYOUT", Interrupted(counters.LAYOUT.format))
    meet = threading.Barrier(8)
    seen: list[Counts] = []

    def requests(number: int) -> None:
        for _ in range(30):
            meet.wait()
            call(hello).close()
            meet.wait()
            if number == 0:  # the other threads wait for this one before the next round
                seen.append(own(folder))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(requests, range(8)))
    assert seen == [Counts(begun=8 * count, finished=8 * count) for count in range(1, 31)]


def test_a_forked_process_counts_for_itself(folder: Path) -> None:
    call(hello).close()
    child = os.fork()
    if not child:
        with suppress(BaseException):
            call(hello).close()
            call(hello)
        os._exit(0)
    os.waitpid(child, 0)
    assert own(folder) == Counts(begun=1, finished=1)
    assert read(folder / str(child)) == Counts(begun=2, finished=1)


async def answer(scope: asgi.Message, receive: asgi.Receive, send: asgi.Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def send_asgi(app: asgi.Application, path: str = "/", kind: str = "http") -> None:
    """Call an ASGI application once, on its own event loop."""

    async def send(message: asgi.Message) -> None:
        pass

    asyncio.run(asgi.RequestIdMiddleware(app)({"type": kind, "path": path, "headers": []}, None, send))  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "inside"), [("http", (1, 1, 0)), ("websocket", (0, 0, 1)), ("lifespan", (0, 0, 0))])
@pytest.mark.parametrize("error", [None, ZeroDivisionError, asyncio.CancelledError])
def test_an_asgi_call_counts_while_it_lasts(
    folder: Path, kind: str, inside: tuple[int, int, int], error: type[BaseException] | None
) -> None:
    seen: list[Counts] = []

    async def app(scope: asgi.Message, receive: asgi.Receive, send: asgi.Send) -> None:
        seen.append(own(folder))
        if error:
            raise error

    with suppress(ZeroDivisionError, asyncio.CancelledError):
        send_asgi(app, kind=kind)
    assert (seen[0].begun, seen[0].in_flight, seen[0].sockets) == inside
    assert (own(folder).finished, own(folder).in_flight, own(folder).sockets) == (inside[0], 0, 0)


def test_a_blocked_event_loop_is_seen(folder: Path) -> None:
    async def app(scope: asgi.Message, receive: asgi.Receive, send: asgi.Send) -> None:
        await asyncio.sleep(0)  # lets the lag monitor start
        time.sleep(0.3)
        while not own(folder).lag_samples:
            await asyncio.sleep(0.01)

    send_asgi(app)
    counted = own(folder)
    assert counted.lag_samples >= 1
    assert counted.lag_seconds >= counted.lag_largest >= 0.25 - 0.001


def test_an_event_loop_has_one_watch(folder: Path) -> None:
    async def send(message: asgi.Message) -> None:
        pass

    async def watches() -> int:
        observed = asgi.RequestIdMiddleware(answer)
        for _ in range(3):
            await observed({"type": "http", "path": "/", "headers": []}, None, send)  # type: ignore[arg-type]
        return len(asyncio.all_tasks() - {asyncio.current_task()})

    assert asyncio.run(watches()) == 1


def test_who_is_named_says_that_it_lives_and_what_memory_it_has(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTED_AS", "flask")
    monkeypatch.setattr(counters, "BEAT_PERIOD", 0.01)
    began = time.time()
    call(hello).close()
    path = folder / "flask" / f"{os.uname().nodename}.{os.getpid()}"
    first = read(path)
    assert (first.begun, first.finished) == (1, 1)
    assert began <= first.alive <= time.time()
    assert first.memory == pytest.approx(1024 * 1024 * proc.pss_mib([os.getpid()]), rel=0.2)
    until("the process says again that it lives", lambda: read(path).alive > first.alive)


def test_without_a_name_nobody_says_anything(folder: Path) -> None:
    threads = threading.active_count()
    call(hello).close()
    assert (own(folder).alive, own(folder).memory, threading.active_count()) == (0.0, 0, threads)


def test_files_of_the_dead_go_with_the_next_that_is_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTED_AS", "flask")
    child = os.fork()
    if not child:
        with suppress(BaseException):
            call(hello).close()
        os._exit(0)
    os.waitpid(child, 0)
    host, mine = os.uname().nodename, folder / "flask"
    of_another = mine / f"{host}-2.{child}"
    of_another.touch()
    (mine / f"{host}.1").touch()  # a process that still runs
    assert (mine / f"{host}.{child}").exists()
    call(hello).close()
    assert {path.name for path in mine.iterdir()} == {of_another.name, f"{host}.1", f"{host}.{os.getpid()}"}


def test_a_file_that_is_being_made_reads_as_zeros(tmp_path: Path) -> None:
    for size in range(counters.LAYOUT.size):
        (tmp_path / "1").write_bytes(bytes(size))
        assert read(tmp_path / "1") == Counts()


def test_a_file_that_is_being_written_is_never_read_by_half(folder: Path) -> None:
    child = os.fork()
    if not child:
        counted = counters.own()
        while True:
            counted.begin()
            counted.finish()
    try:
        path = folder / str(child)
        while not path.exists():
            os.sched_yield()
        last = Counts()
        for _ in range(50_000):
            now = read(path)
            assert (now.sockets, now.lag_samples) == (0, 0)
            assert now.begun >= last.begun
            assert now.finished >= last.finished
            last = now
        assert last.begun > 0
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
