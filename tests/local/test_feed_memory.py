"""A client that follows many boards full of long messages cannot exhaust an event loop's memory (feed/memory.py)."""

import socket
from contextlib import ExitStack
from uuid import uuid4

import pytest

from runtime import proc
from runtime.local import supervisor
from tests.journal import as_owner
from tests.stack import EVENT_LOOPS, PORT, Service

BOARDS, EACH = 80, 200
MOST_MIB = 95  # additional memory: 48 for messages, the rest for 80 streams and what the allocator keeps. Without a bound, about 140


def full_boards() -> list[int]:
    """Create boards with as many messages as a process keeps of one, each of the maximum length."""
    with as_owner() as connection:
        (author,) = connection.execute("INSERT INTO authors (name) VALUES (%s) RETURNING id", [uuid4().hex]).fetchone() or (0,)
        made = connection.execute(
            "INSERT INTO boards (name, messages, version, created) SELECT %s || n, %s, 1, now() FROM generate_series(1, %s) n RETURNING id",
            [uuid4().hex, EACH, BOARDS],
        )
        boards = [number for (number,) in made]
        connection.execute(
            "INSERT INTO messages (board_id, author_id, text, version, created) "
            "SELECT board, %s, repeat('\N{GRINNING FACE}', 1990) || n, 1, now() FROM unnest(%s::bigint[]) board, generate_series(1, %s) n",
            [author, boards, EACH],
        )
    return boards


@pytest.mark.parametrize("service", EVENT_LOOPS, ids=str)
def test_full_boards_do_not_take_all_memory(stack: None, service: Service) -> None:
    (process,) = [one for one in supervisor.connect().getAllProcessInfo() if one["name"].startswith(service.name)][:1]
    boards = full_boards()
    try:
        pids = proc.tree(int(process["pid"]))
        before = proc.pss_mib(pids)
        with ExitStack() as opened:
            for board in boards:
                one = opened.enter_context(socket.create_connection(("127.0.0.1", PORT), 60))
                one.sendall(f"GET /{service.name}/boards/{board}/feed HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                assert b"200 OK" in one.recv(4096)
            taken = proc.pss_mib(pids) - before
            print(f"{taken:.0f} MiB for {BOARDS} full boards")
            assert taken < MOST_MIB
    finally:
        with as_owner() as connection:
            connection.execute("DELETE FROM messages WHERE board_id = ANY(%s)", [boards])
            connection.execute("DELETE FROM boards WHERE id = ANY(%s)", [boards])
