"""Visitors of the notice board: they read much, write little, and think between two requests.

Each answer is checked as far as a visitor can: its status and type, that it has what was asked for, and the ETag of what is to be
changed. What is not right is a failure. A visitor takes down its own notices when it leaves.
"""

import random
import types
from typing import Any, ClassVar
from uuid import uuid4

from locust import FastHttpUser, task

from loadtest.generator.users import TIMEOUT_SECONDS, AnswerError

WORDS = ("lost", "found", "bicycle", "lunch", "ride", "piano", "Tuesday", "wanted", "free", "book")
MOST_OF_ITS_OWN = 5
Document = dict[str, Any]


class Visitor(FastHttpUser):
    """Weights are how often something is done, beside the others."""

    abstract = True
    prefix: ClassVar[str]
    think: ClassVar[float]  # seconds between two requests, in the mean
    connection_timeout = TIMEOUT_SECONDS
    network_timeout = TIMEOUT_SECONDS

    def on_start(self) -> None:
        """Look at what is there."""
        self.name = f"Visitor {uuid4().hex[:8]}"
        self.boards: list[Document] = []
        self.own: list[tuple[str, str]] = []  # path and text of its notices
        self.browse()

    def wait_time(self) -> float:
        """As long as people take: mostly less than the mean, and now and then much more."""
        return min(random.expovariate(1 / self.think), 10 * self.think) if self.think else 0.0

    def ask(self, method: str, path: str, name: str, status: int, document: Document | None = None, **headers: str) -> Any:
        """The answer, or ``None`` where it is not as it must be; ``name`` is what statistics call all paths of its kind.

        Ask for ``None``: whether an answer is true depends on its body.
        """
        given = {key.replace("_", "-"): value for key, value in headers.items()}
        with self.client.request(
            method, f"{self.prefix}{path}", name=f"{self.prefix}{name}", json=document, headers=given, catch_response=True
        ) as answer:
            if answer.status_code != status:
                raise AnswerError(f"status {answer.status_code or answer.error}")
            if status != 204 and not (answer.headers.get("Content-Type") or "").startswith("application/json"):
                raise AnswerError("not JSON")
            answer.success()
            return answer
        return None

    @task(3)
    def browse(self) -> None:
        """The list of boards, from its start."""
        answer = self.ask("GET", "/boards?limit=20", "/boards", 200)
        if answer is not None:
            self.boards = answer.json()["boards"]

    @task(10)
    def read(self) -> None:
        """A page of a board, and sometimes the next one."""
        if board := self.choose():
            path = f"/boards/{board['id']}/messages?limit=10"
            page = self.ask("GET", path, "/boards/[id]/messages", 200)
            if page is not None and page.json()["next"] and random.random() < 0.5:  # noqa: S311
                self.ask("GET", f"{path}&after={page.json()['next']}", "/boards/[id]/messages?after=", 200)

    @task(2)
    def search(self) -> None:
        """A word on a board."""
        if board := self.choose():
            word = random.choice(WORDS)  # noqa: S311
            self.ask("GET", f"/boards/{board['id']}/messages?search={word}", "/boards/[id]/messages?search=", 200)

    @task(2)
    def post(self) -> None:
        """A notice, with a key by which it is not made twice; the oldest of its own makes room."""
        if len(self.own) >= MOST_OF_ITS_OWN:
            self.take_down()
        if board := self.choose():
            fields = {"author": self.name, "text": " ".join(random.sample(WORDS, 4))}
            path = f"/boards/{board['id']}/messages"
            made = self.ask("POST", path, "/boards/[id]/messages", 201, fields, Idempotency_Key=uuid4().hex)
            if made is not None:
                self.own.append((f"{path}/{made.json()['id']}", fields["text"]))

    @task(1)
    def edit(self) -> None:
        """One of its own, in the version that it has seen."""
        if self.own:
            path, text = self.own.pop()
            changed = f"{text}, still"[-2000:]
            seen = self.ask("GET", path, "/boards/[id]/messages/[id]", 200)
            if seen is not None:
                self.ask("PUT", path, "/boards/[id]/messages/[id]", 200, {"text": changed}, If_Match=seen.headers["ETag"])
            self.own.append((path, changed))

    @task(1)
    def take_down(self) -> None:
        """The oldest of its own."""
        if self.own:
            path, _ = self.own.pop(0)
            seen = self.ask("GET", path, "/boards/[id]/messages/[id]", 200)
            if seen is not None:
                self.ask("DELETE", path, "/boards/[id]/messages/[id]", 204, If_Match=seen.headers["ETag"])

    def on_stop(self) -> None:
        """Leave the boards as they were."""
        while self.own:
            self.take_down()

    def choose(self) -> Document | None:
        """Any board that it has seen."""
        return random.choice(self.boards) if self.boards else None  # noqa: S311


def visitor_class(service: str, target: str, think: float) -> type[Visitor]:
    """The class of visitors of a service, such as ``FlaskVisitor``."""
    attributes = {
        "prefix": f"/{service}",
        "think": think,
        "host": target,
        "__doc__": f"Visitors of the notice board of {service}.",
        "__module__": __name__,
    }
    return types.new_class(f"{service.title()}Visitor", (Visitor,), exec_body=lambda names: names.update(attributes))
