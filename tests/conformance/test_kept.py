"""Limits of the boards: how many boards, how many messages on each, and how long messages stay."""

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from runtime.compose_file import defaults, variables
from tests.boards import ANY, ask, new_name
from tests.data import sql, transaction, value
from tests.stack import SERVICES
from tests.waiting import until

LIMITS = {name: int(variables().get(name) or defaults()[name]) for name in ("BOARD_LIMIT", "MESSAGE_LIMIT", "MESSAGE_DAYS")}


@pytest.fixture
def board(client: httpx.Client) -> Iterator[int]:
    made = ask(client, "POST", SERVICES[0], "/boards", json={"name": new_name()})
    assert made.status_code == 201, made.text
    yield made.json()["id"]
    gone = ask(client, "DELETE", SERVICES[0], f"/boards/{made.json()['id']}", headers=ANY)
    assert gone.status_code == 204, gone.text


def post(client: httpx.Client, path: str, **fields: str) -> list[httpx.Response]:
    """Post through each service, and return the answers."""
    return [ask(client, "POST", service, path, json=fields) for service in SERVICES]


def test_a_full_board_takes_no_more(client: httpx.Client, board: int) -> None:
    full = LIMITS["MESSAGE_LIMIT"]
    value(f"UPDATE boards SET messages = {full} WHERE id = {board}")
    refused = post(client, f"/boards/{board}/messages", author="Ada", text="t")
    assert {answer.status_code for answer in refused} == {409}
    assert {answer.json()["detail"] for answer in refused} == {f"The board has {full} messages, and no more are taken."}
    assert len({answer.content for answer in refused}) == 1
    value(f"UPDATE boards SET messages = {full - 1} WHERE id = {board}")
    assert [answer.status_code for answer in post(client, f"/boards/{board}/messages", author="Ada", text="t")] == [201, 409, 409]
    assert {answer.status_code for answer in post(client, "/boards/1000000000000/messages", author="Ada", text="t")} == {404}


def test_there_are_so_many_boards_and_no_more(client: httpx.Client) -> None:
    most = LIMITS["BOARD_LIMIT"]
    try:
        value(
            "INSERT INTO boards (name, messages, version, created) SELECT 'one of many ' || i, 0, 1, now() "
            f"FROM generate_series(1, {most} - (SELECT count(*) FROM boards)) i"
        )
        refused = [answer for _ in range(2) for answer in post(client, "/boards", name=new_name())]
        assert {answer.status_code for answer in refused} == {409}
        assert {answer.json()["detail"] for answer in refused} == {f"There are {most} boards, and no more are taken."}
        value("DELETE FROM boards WHERE name = 'one of many 1'")
        assert sorted(answer.status_code for answer in post(client, "/boards", name=f"one of many {uuid4()}")) == [201, 409, 409]
    finally:
        value("DELETE FROM boards WHERE name LIKE 'one of many %'")


def test_the_worker_deletes_what_is_old(client: httpx.Client, board: int) -> None:
    """It also deletes their mentions, and authors without messages. Newer messages and their authors stay."""
    old, young, shared = (f"{word}-{uuid4()}" for word in ("old", "young", "shared"))
    for author in (young, shared):
        assert ask(client, "POST", SERVICES[0], f"/boards/{board}/messages", json={"author": author, "text": "t"}).status_code == 201
    value(f"INSERT INTO authors (name) VALUES ('{old}')")
    # Their ids are also lower than all others, as those of old messages are.
    first = int(value("SELECT least(min(id), 0) FROM messages"))
    for number, (author, days) in enumerate([(old, 1), (shared, 2)], 1):
        value(
            "INSERT INTO messages (id, board_id, author_id, text, version, created) "
            f"SELECT {first - number}, {board}, id, 't', 1, now() - interval '{LIMITS['MESSAGE_DAYS'] + days} days' "
            f"FROM authors WHERE name = '{author}'"
        )
        value(f"INSERT INTO mentions (message_id, name, created) VALUES ({first - number}, '{old}', now())")
    value(f"UPDATE boards SET messages = 4 WHERE id = {board}")
    job = "ROW('upkeep', 'forget_messages', 0, NULL, NULL, '{\"timestamp\": 0}', NULL)::procrastinate_job_to_defer_v1"
    value(f"SELECT procrastinate_defer_jobs_v1(ARRAY[{job}])")
    until("the old author is gone", lambda: value(f"SELECT count(*) FROM authors WHERE name = '{old}'") == "0")
    left = value(
        f"SELECT string_agg(name, ' ' ORDER BY messages.id) FROM messages JOIN authors a ON a.id = author_id WHERE board_id = {board}"
    )
    assert left == f"{young} {shared}"
    assert client.get(f"{SERVICES[0].url}/boards/{board}").json()["messages"] == 2
    assert value(f"SELECT count(*) FROM mentions WHERE name = '{old}'") == "0"


def test_a_name_that_is_about_to_be_used_is_left_alone() -> None:
    """A request first locks the author's name, then inserts the message. Neither it nor the clean-up waits for the other."""
    name = f"about-to-post-{uuid4()}"
    value(f"INSERT INTO authors (name) VALUES ('{name}')")
    with transaction(f"INSERT INTO authors (name) VALUES ('{name}') ON CONFLICT (name) DO UPDATE SET name = excluded.name"):
        value("SET lock_timeout = '5s'; SELECT forget_authors(1000000)")
        assert value(f"SELECT count(*) FROM authors WHERE name = '{name}'") == "1"
    value("SELECT forget_authors(1000000)")
    assert value(f"SELECT count(*) FROM authors WHERE name = '{name}'") == "0"


def test_a_worker_that_is_taken_over_cannot_empty_the_boards(client: httpx.Client, board: int) -> None:
    assert post(client, f"/boards/{board}/messages", author="Ada", text="t")[0].status_code == 201
    before = value("SELECT count(*) FROM messages")
    for days in (-1_000_000, 0, 1):
        done = sql(f"SET SESSION AUTHORIZATION twogates_worker; SELECT forget_messages({days}, 1000000)")
        assert (done.returncode, done.stdout.split()[-1]) == (0, "0"), done.stderr
    assert value("SELECT count(*) FROM messages") == before
