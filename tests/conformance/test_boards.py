"""The notice board: pages, search, no lost updates, and repeated requests; always through more than one service."""

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from typing import Any

import httpx
import pytest

from tests.boards import ANY, ask, new_name
from tests.stack import SERVICES, TARGET, Service

LONG = "Found: one glove, left. " * 60  # Nginx compresses answers longer than 1 KiB


@pytest.fixture
def board(client: httpx.Client) -> Iterator[str]:
    """The path of a new board, to append to a service's prefix."""
    answer = ask(client, "POST", SERVICES[0], "/boards", json={"name": new_name()})
    path = f"/boards/{answer.json()['id']}"
    yield path
    client.delete(f"{SERVICES[0].url}{path}", headers=ANY)


def post(client: httpx.Client, service: Service, board: str, text: str, **headers: str) -> httpx.Response:
    """Post a message on a board."""
    return ask(client, "POST", service, f"{board}/messages", json={"author": "Ada", "text": text}, headers=headers)


def pages(client: httpx.Client, board: str, between: Callable[[], None] = lambda: None, **query: str) -> Iterator[list[dict[str, Any]]]:
    """Yield all pages of a board's messages, each from the next service."""
    after = 0
    for service in cycle(SERVICES):
        page = ask(client, "GET", service, f"{board}/messages", params={"limit": 3, "after": after, **query}).json()
        yield page["messages"]
        if page["next"] is None:
            return
        after = page["next"]
        between()


def test_what_one_service_makes_the_others_have(client: httpx.Client, service: Service) -> None:
    name = new_name() + " Gr\u00fc\u00dfe \U0001f6aa \u202e '\"\\"
    created = ask(client, "POST", service, "/boards", json={"name": name})
    location = created.headers["Location"]
    assert (created.status_code, created.headers["ETag"]) == (201, '"1"')
    assert location == f"/{service}/boards/{created.json()['id']}"
    assert created.json() | {"name": name, "messages": 0, "version": 1} == created.json()
    assert client.get(f"{TARGET}{location}").content == created.content
    for other in SERVICES:
        shown = ask(client, "GET", other, location.removeprefix(f"/{service}"))
        assert (shown.content, shown.headers["ETag"]) == (created.content, '"1"')
    assert client.delete(f"{TARGET}{location}", headers=ANY).status_code == 204


def test_pages_hold_still_while_messages_come_and_go(client: httpx.Client, board: str) -> None:
    first = [post(client, service, board, f"Notice {number}").json()["id"] for number, service in zip(range(10), cycle(SERVICES))]
    added, seen = [], []

    def between() -> None:
        """Add a message at the end, and delete one that was already read."""
        if len(added) < 3:
            added.append(post(client, SERVICES[len(added)], board, "Added").json()["id"])
        assert ask(client, "DELETE", SERVICES[1], f"{board}/messages/{seen[-1]}", headers=ANY).status_code == 204

    for page in pages(client, board, between):
        assert len(page) <= 3
        seen += [message["id"] for message in page]
    assert seen == first + added == sorted(seen)


def test_boards_have_pages_too(client: httpx.Client, service: Service, board: str) -> None:
    number = int(board.rpartition("/")[2])
    page = ask(client, "GET", service, "/boards", params={"after": number - 1, "limit": 1}).json()
    assert [board["id"] for board in page["boards"]] == [number]
    assert page["next"] in (None, number)


def test_a_page_has_twenty_where_nothing_else_is_asked_for(client: httpx.Client, service: Service, board: str) -> None:
    ids = [post(client, service, board, "Notice").json()["id"] for _ in range(21)]
    page = ask(client, "GET", service, f"{board}/messages").json()
    assert ([message["id"] for message in page["messages"]], page["next"]) == (ids[:20], ids[19])
    page = ask(client, "GET", service, f"{board}/messages", params={"after": ids[19]}).json()
    assert ([message["id"] for message in page["messages"]], page["next"]) == (ids[20:], None)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("glove", ["A red glove", "Red gloves, one glove"]),
        ("GLOVE red", ["A red glove", "Red gloves, one glove"]),
        ("gloves", ["Red gloves, one glove"]),
        ("glov", []),
        ("t\u00fcr", ["Die T\u00dcR klemmt"]),
        ("a & !red | t\u00fcr:*", []),
        ("'; DROP TABLE messages; --", []),
        ("!", []),
        ("%", []),
    ],
)
def test_search(client: httpx.Client, board: str, search: str, found: list[str]) -> None:
    for service, text in zip(SERVICES, ["A red glove", "Red gloves, one glove", "Die T\u00dcR klemmt"], strict=True):
        assert post(client, service, board, text).status_code == 201
    for service in SERVICES:
        page = ask(client, "GET", service, f"{board}/messages", params={"search": search}).json()
        assert [message["text"] for message in page["messages"]] == found


def test_a_search_has_pages(client: httpx.Client, board: str) -> None:
    ids = [post(client, SERVICES[number % 3], board, ["odd", "even"][number % 2]).json()["id"] for number in range(10)]
    assert [message["id"] for page in pages(client, board, search="even") for message in page] == ids[1::2]


@pytest.mark.parametrize("text", ["short", LONG])
def test_nobody_overwrites_what_he_has_not_seen(client: httpx.Client, service: Service, board: str, text: str) -> None:
    mine, other = service, SERVICES[SERVICES.index(service) - 1]
    path = board + post(client, mine, board, text).headers["Location"].removeprefix(f"/{mine}{board}")
    seen = ask(client, "GET", mine, path, headers={"Accept-Encoding": "gzip"})
    tag = seen.headers["ETag"]
    compressed = text == LONG
    assert (tag, seen.headers.get("Content-Encoding")) == (('W/"1"', "gzip") if compressed else ('"1"', None))
    assert ask(client, "GET", other, path, headers={"If-None-Match": tag}).status_code == 304

    changed = ask(client, "PUT", other, path, json={"text": text + "!"}, headers={"If-Match": tag})
    assert (changed.status_code, changed.json()["version"], changed.json()["text"]) == (200, 2, text + "!")
    for method, body in (("PUT", {"text": "lost"}), ("DELETE", None)):
        refused = ask(client, method, mine, path, json=body, headers={"If-Match": tag})
        assert (refused.status_code, refused.headers["ETag"]) == (412, '"2"')
    now = ask(client, "GET", mine, path, headers={"If-None-Match": tag})
    assert (now.status_code, now.content) == (200, changed.content)
    assert ask(client, "DELETE", mine, path, headers={"If-Match": now.headers["ETag"]}).status_code == 204


def at_once(*calls: Callable[[], httpx.Response]) -> list[httpx.Response]:
    """Return the answers to concurrent calls."""
    barrier = threading.Barrier(len(calls))

    def begin(call: Callable[[], httpx.Response]) -> httpx.Response:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(begin, calls))


def test_of_many_changes_at_once_one_is_made(client: httpx.Client, board: str) -> None:
    path = board + post(client, SERVICES[0], board, "0").headers["Location"].removeprefix(f"/flask{board}")

    def change(number: int) -> Callable[[], httpx.Response]:
        return lambda: ask(client, "PUT", SERVICES[number % 3], path, json={"text": str(number)}, headers={"If-Match": '"1"'})

    answers = at_once(*(change(number) for number in range(9)))
    [won] = [answer for answer in answers if answer.status_code == 200]
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 8}
    assert ask(client, "GET", SERVICES[1], path).content == won.content


@pytest.mark.parametrize("quotes", ["{}", '"{}"'])
def test_what_is_sent_twice_is_done_once(client: httpx.Client, service: Service, board: str, quotes: str) -> None:
    key = {"Idempotency-Key": quotes.format(uuid.uuid4())}
    first = post(client, service, board, "Once", **key)
    assert (first.status_code, "Idempotency-Replayed" in first.headers) == (201, False)
    for other in SERVICES:
        again = post(client, other, board, "Once", **key)
        assert (again.status_code, again.content, again.headers["ETag"]) == (201, first.content, '"1"')
        assert (again.headers["Idempotency-Replayed"], again.headers["Location"]) == (
            "true",
            f"/{other}{board}/messages/{first.json()['id']}",
        )
        refused = post(client, other, board, "Twice", **key)
        assert (refused.status_code, refused.json()["detail"]) == (422, "The Idempotency-Key was used for another request.")
        assert ask(client, "POST", other, "/boards", json={"name": new_name()}, headers=key).content == refused.content
        assert ask(client, "GET", other, board).json()["messages"] == 1


def test_what_is_sent_twice_at_once_is_done_once(client: httpx.Client, board: str) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    answers = at_once(*(lambda service=service: post(client, service, board, "Once", **key) for service in SERVICES * 3))  # type: ignore[misc]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert ask(client, "GET", SERVICES[0], board).json()["messages"] == 1


def test_an_error_is_not_what_a_key_stands_for(client: httpx.Client, service: Service, board: str) -> None:
    name = ask(client, "GET", service, board).json()["name"]
    request = {"json": {"name": name}, "headers": {"Idempotency-Key": str(uuid.uuid4())}}
    assert ask(client, "POST", service, "/boards", **request).status_code == 409
    assert client.delete(f"{service.url}{board}", headers=ANY).status_code == 204
    created = ask(client, "POST", service, "/boards", **request)
    assert (created.status_code, "Idempotency-Replayed" in created.headers) == (201, False)
    assert client.delete(f"{TARGET}{created.headers['Location']}", headers=ANY).status_code == 204
    assert ask(client, "POST", service, "/boards", **request).content == created.content


def test_the_counter_of_a_board_is_right_whoever_counts(client: httpx.Client, board: str) -> None:
    def come_and_go(number: int) -> httpx.Response:
        """Post four messages. Delete the first and the third through another service, after which this service answers 404."""
        for turn in range(4):
            service, other = SERVICES[(number + turn) % 3], SERVICES[(number + turn + 1) % 3]
            made = post(client, service, board, f"{number}.{turn}", **{"Idempotency-Key": str(uuid.uuid4())})
            path = made.headers["Location"].removeprefix(f"/{service}")
            if turn % 2 == 0:
                statuses = [answer.status_code for answer in (ask(client, "DELETE", one, path, headers=ANY) for one in (other, service))]
                assert statuses == [204, 404]
        return made

    at_once(*(lambda number=number: come_and_go(number) for number in range(6)))  # type: ignore[misc]
    ids = [message["id"] for page in pages(client, board) for message in page]
    assert len(ids) == len(set(ids)) == 12
    assert [ask(client, "GET", service, board).json()["messages"] for service in SERVICES] == [12, 12, 12]


def test_a_board_takes_its_messages_with_it(client: httpx.Client, service: Service) -> None:
    name = new_name()
    board = f"/boards/{ask(client, 'POST', service, '/boards', json={'name': name}).json()['id']}"
    path = board + post(client, service, board, "Gone").headers["Location"].removeprefix(f"/{service}{board}")
    assert ask(client, "DELETE", service, board, headers={"If-Match": '"1"'}).status_code == 204
    for other in SERVICES:
        assert [ask(client, "GET", other, gone).status_code for gone in (board, f"{board}/messages", path)] == [404] * 3
        assert post(client, other, board, "Late").status_code == 404
