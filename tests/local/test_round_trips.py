"""How often each operation of the notice board waits for the database: the same in all three services, whatever a page contains."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex

import httpx
import pytest

from loadtest.bench.cells import first_replica, new_ports
from loadtest.bench.plan import service
from runtime.local.plan import make_plan
from runtime.servers import Servers
from tests.postgres_proxy import Proxy
from tests.stack import SERVICES


class Counted:
    """A service that reaches its database through its own proxy."""

    def __init__(self, base: str, proxy: Proxy) -> None:
        self.client = httpx.Client(base_url=base, timeout=60, trust_env=False)
        self.proxy = proxy
        self.counts: dict[str, int] = {}

    def ask(self, what: str, method: str, path: str, status: int, **options: object) -> httpx.Response:
        """Send a request, and record under ``what`` how often it waited for the database."""
        before = self.proxy.round_trips
        answer = self.client.request(method, path, **options)  # type: ignore[arg-type]
        assert answer.status_code == status, (what, answer.text)
        self.counts[what] = self.proxy.round_trips - before
        return answer

    def ask_everything(self) -> None:
        """Run every operation once."""
        name, key = token_hex(8), {"Idempotency-Key": token_hex(8)}
        message = {"author": "Ada", "text": "A text"}
        board = self.ask("POST board", "POST", "/boards", 201, json={"name": name}).headers["Location"]
        self.ask("POST board, name taken", "POST", "/boards", 409, json={"name": name})
        other = {"json": {"name": token_hex(8)}, "headers": key}
        with_key = self.ask("POST board, with key", "POST", "/boards", 201, **other).headers["Location"]
        self.ask("POST board, with key, again", "POST", "/boards", 201, **other)
        self.ask("GET boards", "GET", "/boards?limit=100", 200)
        self.ask("GET board", "GET", board, 200)
        self.ask("GET board, unchanged", "GET", board, 304, headers={"If-None-Match": '"1"'})
        self.ask("GET board that is not there", "GET", f"/boards/{2**62}", 404)
        self.ask("PUT board", "PUT", board, 200, json={"name": token_hex(8)}, headers={"If-Match": "*"})
        self.ask("PUT board, changed since", "PUT", board, 412, json={"name": token_hex(8)}, headers={"If-Match": '"1"'})

        self.ask("GET no messages", "GET", f"{board}/messages", 200)
        first = self.ask("POST message", "POST", f"{board}/messages", 201, json=message).headers["Location"]
        self.ask("POST message, with a mention", "POST", f"{board}/messages", 201, json={"author": "Ada", "text": "@Ben, @Cleo"})
        self.ask("POST message to no board", "POST", f"/boards/{2**62}/messages", 404, json=message)
        keyed = {"json": message, "headers": {"Idempotency-Key": token_hex(8)}}
        self.ask("POST message, with key", "POST", f"{board}/messages", 201, **keyed)
        self.ask("POST message, with key, again", "POST", f"{board}/messages", 201, **keyed)
        self.ask("GET 1 message", "GET", f"{board}/messages?limit=1", 200)
        for _ in range(97):
            self.client.post(f"{board}/messages", json=message).raise_for_status()
        page = self.ask("GET 100 messages", "GET", f"{board}/messages?limit=100", 200).json()
        assert len(page["messages"]) == 100
        self.ask("GET messages, search", "GET", f"{board}/messages?search=text", 200)
        self.ask("GET message", "GET", first, 200)
        self.ask("PUT message", "PUT", first, 200, json={"text": "Another"}, headers={"If-Match": "*"})
        self.ask("DELETE message", "DELETE", first, 204, headers={"If-Match": "*"})
        self.ask("GET summary", "GET", f"{board}/summary", 200)
        self.ask("GET summary, cached", "GET", f"{board}/summary", 200)
        self.ask("GET mentions", "GET", "/mentions?name=Ben", 200)
        self.ask("DELETE board", "DELETE", board, 204, headers={"If-Match": "*"})
        self.ask("DELETE board", "DELETE", with_key, 204, headers={"If-Match": "*"})


@pytest.fixture(scope="module")
def counts(stack: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, int]]]:
    """The counts by service and operation, after connections are open and a library's own queries on a new one are answered."""
    plan = make_plan()
    with ExitStack() as cleanup:
        servers = cleanup.enter_context(Servers(tmp_path_factory.mktemp("logs")))
        counted = {}
        for name in map(str, SERVICES):
            proxy = cleanup.enter_context(Proxy(plan.data_ports["postgres"]))
            ports = new_ports(plan) | {plan.data_ports["postgres"]: proxy.port}
            servers.start(name, service(first_replica(plan, name), ports, WORKERS="1", THREADS="1", POOL="1"))
            counted[name] = Counted(f"http://127.0.0.1:{servers.port(name)}", proxy)
        servers.wait_until_ready()
        for one in counted.values():
            cleanup.enter_context(one.client)
            one.client.get("/boards").raise_for_status()
            one.ask_everything()
        yield {name: one.counts for name, one in counted.items()}


# BEGIN and COMMIT, or ROLLBACK, count as one each: 3 is a transaction of one statement, 4 is one after a query.
EXPECTED = {
    "GET boards": 1,
    "GET board": 1,
    "GET board, unchanged": 1,
    "GET board that is not there": 1,
    "POST board": 3,
    "POST board, name taken": 3,
    "POST board, with key": 4,
    "POST board, with key, again": 4,
    "PUT board": 4,
    "PUT board, changed since": 1,
    "DELETE board": 4,
    "GET no messages": 2,
    "GET 1 message": 1,
    "GET 100 messages": 1,
    "GET messages, search": 1,
    "GET message": 1,
    "POST message": 4,
    "POST message, with a mention": 5,
    "POST message to no board": 5,
    "POST message, with key": 5,
    "POST message, with key, again": 6,
    "PUT message": 4,
    "DELETE message": 5,
    "GET summary": 1,
    "GET summary, cached": 0,
    "GET mentions": 1,
}


@pytest.mark.parametrize("name", [str(service) for service in SERVICES])
def test_an_operation_waits_so_often_for_the_database(counts: dict[str, dict[str, int]], name: str) -> None:
    assert counts[name] == EXPECTED


def test_the_documentation_has_these_numbers() -> None:
    """docs/data.md lists them."""
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
    listed = re.findall(r"^\| ((?:GET|POST|PUT|DELETE) .*) \| (\d+) \|$", page, re.MULTILINE)
    assert {what: int(number) for what, number in listed} == EXPECTED
