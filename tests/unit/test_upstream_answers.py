"""What a service answers if its upstream is down or wrong: both clients, against real sockets."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from twogates.demo.upstream import asynchronous as upstream_async
from twogates.demo.upstream import blocking as upstream_blocking
from twogates.http.problems import Problem
from twogates.http.readiness import readiness


@contextmanager
def upstream(answer: bytes | None) -> Iterator[str]:
    """Run a server that gives this answer to every request, or that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            kept = []
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                kept.append(connection)
                connection.recv(65536)
                if answer is not None:
                    connection.sendall(answer)
                    connection.close()

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def call_blocking(url: str) -> bool:
    client = upstream_blocking.Upstream(url, 2)
    ready = client.ready()
    client.call(0.01)
    return ready


def call_async(url: str) -> bool:
    async def main() -> bool:
        client = upstream_async.Upstream(url, 2)
        try:
            ready = await client.ready()
            await client.call(0.01)
        finally:
            await client.close()
        return ready

    return asyncio.run(main())


Call = Callable[[str], bool]
calls = pytest.mark.parametrize("call", [call_blocking, call_async])
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


@calls
def test_an_answer(call: Call) -> None:
    with upstream(OK) as url:
        assert call(url)


@calls
@pytest.mark.parametrize("answer", [OK.replace(b"200 OK", b"503 Busy"), b"not HTTP\r\n\r\n", b""], ids=["busy", "garbage", "closed"])
def test_another_answer(call: Call, answer: bytes) -> None:
    with upstream(answer) as url, pytest.raises(Problem) as problem:
        call(url)
    assert problem.value.status == 502


@calls
def test_nobody_there(call: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(Problem) as problem:
        call(url)
    assert problem.value.status == 502


@calls
def test_no_answer(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (upstream_async, upstream_blocking):
        monkeypatch.setattr(module, "SLACK_SECONDS", 0.2)
        monkeypatch.setattr(module, "READY_SECONDS", 0.2)
    with upstream(None) as url, pytest.raises(Problem) as problem:
        call(url)
    assert problem.value.status == 504


def test_ready_names_each_dependency() -> None:
    assert readiness(upstream=True, database=True) == {"status": "ready", "dependencies": {"upstream": "up", "database": "up"}}
    with pytest.raises(Problem) as problem:
        readiness(upstream=True, database=False)
    assert (problem.value.status, problem.value.headers) == (503, {"Retry-After": "1"})
    assert b'"dependencies":{"upstream":"up","database":"down"}' in problem.value.body
