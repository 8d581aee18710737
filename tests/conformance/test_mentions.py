"""Jobs that follow a message: each takes effect exactly once, however often it starts, and none is lost."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from threading import Thread
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests import worker
from tests.conftest import run_stack
from tests.data import transaction, value
from tests.stack import SERVICES, Service
from tests.waiting import until

# Queries of a job: one writes the mention, the other marks the job as done.
WRITING, SAYING = 'INSERT INTO "mentions"', "procrastinate_finish_job"
FLASK, FASTAPI, DJANGO = SERVICES


@pytest.fixture
def board(client: httpx.Client) -> Iterator[str]:
    """The path of a board, which is deleted afterwards with all its messages and their mentions."""
    made = client.post(f"{FLASK.url}/boards", json={"name": f"mentions-{uuid4()}"})
    assert made.status_code == 201, made.text
    path = f"/boards/{made.json()['id']}"
    yield path
    gone = client.delete(FLASK.url + path, headers={"If-Match": "*"})
    assert gone.status_code == 204, gone.text


@pytest.fixture
def name() -> str:
    """A unique name."""
    return f"n{uuid4().hex}"


def post(client: httpx.Client, service: Service, board: str, text: str, **headers: str) -> httpx.Response:
    return client.post(f"{service.url}{board}/messages", json={"author": f"{board} of these", "text": text}, headers=headers)


def posted(client: httpx.Client, service: Service, board: str, text: str) -> int:
    """Post a message and return its id."""
    answer = post(client, service, board, text)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def mentions(client: httpx.Client, name: str, **query: int) -> dict[str, Any]:
    """Return the answer of all three services, which must be the same bytes."""
    answers = [client.get(f"{service.url}/mentions", params={"name": name, **query}) for service in SERVICES]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    return dict(answers[0].json())


def messages(client: httpx.Client, name: str) -> list[int]:
    """Return the messages that mention a name, once per mention, from one service."""
    answer = client.get(f"{FASTAPI.url}/mentions", params={"name": name})
    assert answer.status_code == 200, answer.text
    return [mention["message"] for mention in answer.json()["mentions"]]


def test_of_one_text_only_the_first_names_count(client: httpx.Client, board: str, name: str) -> None:
    posted(client, FLASK, board, " ".join(f"@{name}{number}" for number in range(1, 23)))
    until("the last that counts is there", lambda: messages(client, f"{name}20"))
    assert not messages(client, f"{name}21")


def job_of(message: int, states: str = "todo doing failed") -> str:
    """Return the number of a message's job in one of these states; empty if there is none."""
    listed = ", ".join(f"'{state}'" for state in states.split())
    return value(f"SELECT id FROM procrastinate_jobs WHERE args = '{{\"message\": {message}}}' AND status IN ({listed})")


def waits_for_lock(words: str) -> bool:
    """Return whether a query of the worker that contains these words waits for a lock."""
    waiting = f"usename = 'twogates_worker' AND wait_event_type = 'Lock' AND query LIKE '%{words}%'"
    return value(f"SELECT count(*) FROM pg_stat_activity WHERE {waiting}") != "0"


def test_a_mention_shows_through_every_service(client: httpx.Client, board: str, name: str) -> None:
    made = [posted(client, service, board, f"@{name}, and @{name} again, not a@{name}x") for service in SERVICES]
    posted(client, FLASK, board, f"of {name}, whom it does not call")
    until("every mention is noted", lambda: len(messages(client, name)) == len(made))
    whole = mentions(client, name)["mentions"]
    assert sorted(mention["message"] for mention in whole) == made
    assert [mention["name"] for mention in whole] == [name] * 3
    assert {f"/boards/{mention['board']}" for mention in whole} == {board}
    first = mentions(client, name, limit=2)
    assert first == {"mentions": whole[:2], "next": whole[1]["id"]}
    assert mentions(client, name, limit=2, after=first["next"]) == {"mentions": whole[2:], "next": None}
    assert mentions(client, f"{name}x")["mentions"] == []


@pytest.mark.parametrize("query", ["", "name=", f"name={'a' * 101}", "name=a&limit=0", "name=a&after=-1", "name=a&more=1", "name=%00"])
def test_a_query_that_is_not_accepted(client: httpx.Client, query: str) -> None:
    answers = [client.get(f"{service.url}/mentions?{query}") for service in SERVICES]
    assert {answer.status_code for answer in answers} == {422}
    assert len({answer.content for answer in answers}) == 1


def test_killed_in_the_middle_of_two_jobs(client: httpx.Client, board: str, name: str) -> None:
    """One job has not written anything yet. The other has written, but is not yet marked as done."""
    with ExitStack() as saying:
        with transaction("LOCK TABLE mentions IN SHARE MODE"):
            written = posted(client, FLASK, board, f"@{name}")
            until("the worker waits to write the mention", lambda: waits_for_lock(WRITING))
            saying.enter_context(transaction(f"SELECT FROM procrastinate_jobs WHERE id = {job_of(written, 'doing')} FOR UPDATE"))
        until("the first mention is written", lambda: messages(client, name) == [written])
        with transaction("LOCK TABLE mentions IN SHARE MODE"):
            begun = posted(client, DJANGO, board, f"@{name}")
            until("both jobs wait for their locks", lambda: waits_for_lock(WRITING) and waits_for_lock(SAYING))
            worker.kill()
            assert job_of(written, "doing")
            assert job_of(begun, "doing")
    until("both jobs are done", lambda: not job_of(written) and not job_of(begun))
    assert messages(client, name) == [written, begun]


def test_connections_lost_in_the_middle_of_a_job(client: httpx.Client, board: str, name: str) -> None:
    before = worker.processes()
    with transaction("LOCK TABLE mentions IN SHARE MODE"):
        message = posted(client, FASTAPI, board, f"@{name}")
        until("the worker waits to write the mention", lambda: waits_for_lock(WRITING))
        value("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'twogates_worker'")
    until("the job is done", lambda: not job_of(message))
    assert messages(client, name) == [message]
    assert worker.processes() == before


def test_a_worker_that_is_stopped_ends_what_it_has_in_hand(client: httpx.Client, board: str, name: str) -> None:
    stopping = Thread(target=worker.stop)
    listens = "application_name = 'twogates-queue' AND query ~ '^(LISTEN|SELECT 1$)'"
    try:
        with transaction("LOCK TABLE mentions IN SHARE MODE"):
            message = posted(client, FLASK, board, f"@{name}")
            until("the worker waits to write the mention", lambda: waits_for_lock(WRITING))
            stopping.start()
            until("the worker no longer listens", lambda: value(f"SELECT count(*) FROM pg_stat_activity WHERE {listens}") == "0")
        stopping.join()
        assert not job_of(message)
        assert messages(client, name) == [message]
    finally:
        worker.start()


def test_posting_goes_on_without_a_worker(client: httpx.Client, board: str, name: str) -> None:
    worker.stop()
    try:
        made = [posted(client, service, board, f"@{name}") for service in SERVICES]
        # A repeated request makes one message and one job. A request rejected at its end makes neither.
        key = {"Idempotency-Key": uuid4().hex}
        for service in SERVICES:
            assert post(client, service, board, f"@{name} once", **key).status_code == 201
            assert post(client, service, board, f"@{name} never", **key).status_code == 422
        jobs = f"FROM procrastinate_jobs JOIN messages ON messages.id = (args->>'message')::bigint WHERE text LIKE '@{name}%'"
        assert value(f"SELECT count(*) {jobs} AND status = 'todo' AND attempts = 0") == "4"
        assert value(f"SELECT count(*) {jobs}") == "4"
        assert messages(client, name) == []
        assert re.search(r"queue: [4-9] waiting, the oldest for \d+ s", run_stack("status").stdout)
    finally:
        worker.start()
    until("all four mentions are noted", lambda: len(messages(client, name)) == 4)
    assert set(made) < set(messages(client, name))


def test_a_job_that_fails_is_tried_again_and_then_stays(board: str) -> None:
    number = value("INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('board', 'note_mentions') RETURNING id").split()[0]
    job = f"FROM procrastinate_jobs WHERE id = {number}"
    try:
        retried = f"SELECT count(*) {job} AND status = 'todo' AND attempts > 0 AND scheduled_at IS NOT NULL"
        until("the job is scheduled for a retry", lambda: value(retried) == "1")
        value(f"UPDATE procrastinate_jobs SET attempts = 8, scheduled_at = now() WHERE id = {number}")
        until("the job has failed for good", lambda: value(f"SELECT status {job}") == "failed")
        assert re.search(r"[1-9]\d* failed", run_stack("status").stdout)
    finally:
        value(f"DELETE {job}")
