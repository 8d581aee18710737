"""The cache that all three services share, filled by one request at a time; and the count of an author's messages in it.

Tests expire an entry by its time to live in Valkey. The holder of an entry's lock computes it.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from runtime.compose_file import defaults, variables
from tests.data import ask_valkey, locked, secret, sql
from tests.stack import SERVICES, Service, app_seconds
from twogates.cache.entries import FRESH_SECONDS, STALE_SECONDS, WAIT_SECONDS

LIMIT = int(variables().get("POST_LIMIT") or defaults()["POST_LIMIT"])
MESSAGES = 3000  # enough that computing the summary takes longer than requesting it
BYPASS = "twogates; fwd=bypass; detail=down"
COMPUTED = ("twogates; fwd=miss; stored", "twogates; fwd=stale; stored")


def valkey(*words: Any) -> str:
    return ask_valkey(*map(str, words), password=secret("valkey_password"))


@pytest.fixture(scope="module")
def board() -> Iterator[int]:
    """A board with many messages by two authors."""
    name = f"cache {uuid4()}"
    made = sql(f"""
        WITH board AS (INSERT INTO boards (name, messages, version, created) VALUES ('{name}', {MESSAGES}, 1, now()) RETURNING id),
        author AS (INSERT INTO authors (name) VALUES ('{name} a'), ('{name} b') RETURNING id),
        numbered AS (SELECT id, row_number() OVER () - 1 AS number FROM author),
        message AS (
            INSERT INTO messages (board_id, author_id, text, version, created)
            SELECT board.id, numbered.id, 'word ' || n || ' of ' || n % 100, 1, now()
            FROM generate_series(1, {MESSAGES}) AS n JOIN numbered ON n % 3 % 2 = numbered.number, board
        )
        SELECT id FROM board
    """)
    number = int(made.stdout)
    yield number
    sql(f"DELETE FROM boards WHERE id = {number}")


def is_there(key: str) -> bool:
    return int(valkey("PTTL", key)) != -2  # Valkey's answer if the key does not exist


def forget(board: int) -> None:
    """Delete the board's cached summary and its lock."""
    valkey("DEL", f"cache:summary:{board}", f"cache:summary:{board}:lock")


def age(board: int) -> None:
    """Make the board's cached summary two seconds stale."""
    valkey("PEXPIRE", f"cache:summary:{board}", (STALE_SECONDS - 2) * 1000)


@pytest.fixture
def cold(board: int) -> int:
    """The board, with no cached summary."""
    forget(board)
    return board


@pytest.fixture
def stale(client: httpx.Client, cold: int) -> int:
    """The board, with a summary that is two seconds stale."""
    assert summary(client, SERVICES[0], cold).headers["Cache-Status"] == COMPUTED[0]
    age(cold)
    return cold


def summary(client: httpx.Client, service: Service, board: int) -> httpx.Response:
    return client.get(f"{service.url}/boards/{board}/summary")


def at_once(board: int, number: int) -> list[httpx.Response]:
    """Send ``number`` concurrent requests, to each service in turn."""
    limits = httpx.Limits(max_connections=number)
    with httpx.Client(timeout=60, trust_env=False, limits=limits) as client, ThreadPoolExecutor(number) as threads:
        return list(threads.map(lambda turn: summary(client, SERVICES[turn % 3], board), range(number)))


def test_what_one_service_computes_the_others_have(client: httpx.Client, board: int) -> None:
    bodies = set()
    for turn in range(3):
        valkey("DEL", f"cache:summary:{board}")
        first, *others = SERVICES[turn:] + SERVICES[:turn]
        computed = summary(client, first, board)
        assert (computed.status_code, computed.headers["Cache-Status"]) == (200, COMPUTED[0])
        for service in others:
            found = summary(client, service, board)
            assert found.headers["Cache-Status"].startswith("twogates; hit; ttl=")
            assert int(found.headers["Cache-Status"].rpartition("=")[2]) < FRESH_SECONDS
            assert found.content == computed.content
        bodies.add(computed.content)
    assert len(bodies) == 1
    document = computed.json()
    assert (document["board"], document["messages"]) == (board, MESSAGES)
    assert [author["messages"] for author in document["authors"]] == [2 * MESSAGES // 3, MESSAGES // 3]
    assert document["words"][:2] == [{"word": "of", "messages": MESSAGES}, {"word": "word", "messages": MESSAGES}]
    assert len(document["words"]) == 10


@pytest.mark.parametrize(
    ("before", "computed", "meanwhile"),
    [(forget, COMPUTED[0], "twogates; fwd=miss; collapsed"), (age, COMPUTED[1], "twogates; hit; ttl=-")],
    ids=["nothing", "stale"],
)
def test_of_fifty_requests_at_once_one_computes(stale: int, before: Callable[[int], None], computed: str, meanwhile: str) -> None:
    for _ in range(20):  # until some requests arrive while another one computes
        before(stale)
        answers = at_once(stale, 50)
        said = Counter(answer.headers["Cache-Status"] for answer in answers)
        assert said[computed] > 0, said
        # A second request computes only after it has waited for the lock as long as it may.
        assert sum(answer.headers["Cache-Status"] == computed and app_seconds(answer) < WAIT_SECONDS for answer in answers) <= 1, said
        # On a busy machine, Valkey's answer may be too late, and the request bypasses the cache.
        assert all(status.startswith((meanwhile, computed, "twogates; hit", BYPASS)) for status in said), said
        assert len({(answer.status_code, answer.content) for answer in answers}) == 1
        if any(status.startswith(meanwhile) for status in said):
            return
    pytest.fail(f"all came after it: {said}")


def test_while_one_computes_the_others_have_what_was_there(client: httpx.Client, service: Service, stale: int) -> None:
    sql(f"UPDATE boards SET messages = messages + 1 WHERE id = {stale}")
    valkey("SET", f"cache:summary:{stale}:lock", "somebody", "PX", 60_000)
    old = summary(client, service, stale)
    valkey("DEL", f"cache:summary:{stale}:lock")
    new = summary(client, service, stale)
    sql(f"UPDATE boards SET messages = {MESSAGES} WHERE id = {stale}")
    assert old.headers["Cache-Status"].startswith("twogates; hit; ttl=-")
    assert old.json()["messages"] == MESSAGES
    assert new.headers["Cache-Status"] == COMPUTED[1]
    assert new.json()["messages"] == MESSAGES + 1


def test_nobody_waits_long_for_who_has_died(client: httpx.Client, service: Service, cold: int) -> None:
    valkey("SET", f"cache:summary:{cold}:lock", "somebody", "PX", 60_000)
    began = time.monotonic()
    answer = summary(client, service, cold)
    assert answer.headers["Cache-Status"] == COMPUTED[0]
    assert time.monotonic() - began >= WAIT_SECONDS
    assert valkey("GET", f"cache:summary:{cold}:lock") == "somebody"  # a service releases only its own lock


def test_who_has_computed_gives_the_lock_back(client: httpx.Client, service: Service, cold: int) -> None:
    summary(client, service, cold)
    assert not is_there(f"cache:summary:{cold}:lock")
    assert 0 < int(valkey("PTTL", f"cache:summary:{cold}")) <= (FRESH_SECONDS + STALE_SECONDS) * 1000


def test_the_old_one_is_better_than_none(client: httpx.Client, stale: int) -> None:
    """The database cannot answer, since a table is locked for longer than a query may wait."""
    with locked("messages"):
        for service in SERVICES:
            age(stale)
            valkey("DEL", f"cache:summary:{stale}:lock")
            answer = summary(client, service, stale)
            assert answer.status_code == 200
            assert answer.headers["Cache-Status"].startswith("twogates; hit; ttl=-")
            assert is_there(f"cache:summary:{stale}:lock")  # until the lock expires, no service queries the database


def test_that_there_is_no_such_board_is_kept_too(client: httpx.Client, service: Service) -> None:
    number = 10**18 + time.time_ns()
    answers = [summary(client, service, number) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert answers[0].headers["Cache-Status"] == COMPUTED[0]
    assert answers[1].headers["Cache-Status"].startswith("twogates; hit")


def test_the_uses_of_all_services_are_counted(client: httpx.Client, cold: int) -> None:
    before = client.get(f"{SERVICES[0].url}/cache").json()
    for service in SERVICES:
        summary(client, service, cold)
    after = [client.get(f"{service.url}/cache").json() for service in SERVICES]
    assert after[0] == after[1] == after[2]
    assert {name: after[0][name] - before[name] for name in ("hits", "stale", "misses", "computed")} == {
        "hits": 2,
        "stale": 0,
        "misses": 1,
        "computed": 1,
    }
    assert after[0]["ratio"] == round(1 - after[0]["misses"] / sum(after[0][name] for name in ("hits", "stale", "misses")), 4)


def test_an_author_has_one_limit_for_all_services(client: httpx.Client, board: int) -> None:
    author = f"author {uuid4()}"

    def post(service: Service, name: str) -> httpx.Response:
        return client.post(f"{service.url}/boards/{board}/messages", json={"author": name, "text": "t"})

    assert [post(service, author).status_code for service in SERVICES] == [201, 201, 201]
    assert valkey("GET", f"posts:{author}") == "3"
    assert 0 < int(valkey("PTTL", f"posts:{author}")) <= 60_000
    valkey("SET", f"posts:{author}", LIMIT - 1, "KEEPTTL")
    assert post(SERVICES[0], author).status_code == 201
    refused = [post(service, author) for service in SERVICES]
    assert {answer.status_code for answer in refused} == {429}
    assert len({answer.content for answer in refused}) == 1
    for answer in refused:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert 0 < int(answer.headers["Retry-After"]) <= 60
        assert answer.headers["RateLimit"] == f'"author";r=0;t={answer.headers["Retry-After"]}'
        assert answer.headers["RateLimit-Policy"] == f'"author";q={LIMIT};w=60'
    assert post(SERVICES[1], f"{author} another").status_code == 201
