"""Visitors of the notice board: they read much, write little, and think between two requests.

Each answer is checked as far as a visitor can: its status and type, that it has the requested data, and the ETag of a notice before
it is changed. A wrong answer is a failure. A visitor deletes its own notices when it leaves.
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
    """A visitor. The weights of its tasks say how often it does each of them, relative to the others."""

    abstract = True
    prefix: ClassVar[str]
    think: ClassVar[float]  # mean seconds between two requests
    connection_timeout = TIMEOUT_SECONDS
    network_timeout = TIMEOUT_SECONDS

    def on_start(self) -> None:
        """Read the list of boards."""
        self.name = f"Visitor {uuid4().hex[:8]}"
        self.boards: list[Document] = []
        self.own: list[tuple[str, str]] = []  # path and text of its notices
        self.browse()

    def wait_time(self) -> float:
        """Return a pause like a person's: mostly shorter than the mean, and sometimes much longer."""
        return min(random.expovariate(1 / self.think), 10 * self.think) if self.think else 0.0

    def ask(self, method: str, path: str, name: str, status: int, document: Document | None = None, **headers: str) -> Any:
        """Return the answer, or ``None`` if it is wrong; ``name`` stands for all paths of its kind in the statistics.

        Compare the result with ``None``: the truth value of an answer depends on its body.
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
        """Read the list of boards, from its start."""
        answer = self.ask("GET", "/boards?limit=20", "/boards", 200)
        if answer is not None:
            self.boards = answer.json()["boards"]

    @task(10)
    def read(self) -> None:
        """Read a page of a board, and sometimes the next one."""
        if board := self.choose():
            path = f"/boards/{board['id']}/messages?limit=10"
            page = self.ask("GET", path, "/boards/[id]/messages", 200)
            if page is not None and page.json()["next"] and random.random() < 0.5:  # noqa: S311
                self.ask("GET", f"{path}&after={page.json()['next']}", "/boards/[id]/messages?after=", 200)

    @task(2)
    def search(self) -> None:
        """Search a board for a word."""
        if board := self.choose():
            word = random.choice(WORDS)  # noqa: S311
            self.ask("GET", f"/boards/{board['id']}/messages?search={word}", "/boards/[id]/messages?search=", 200)

    @task(2)
    def post(self) -> None:
        """Post a notice, with an idempotency key. If it already has enough notices, delete its oldest one first."""
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
        """Change one of its own notices, in the version that it has read."""
        if self.own:
            path, text = self.own.pop()
            changed = f"{text}, still"[-2000:]
            seen = self.ask("GET", path, "/boards/[id]/messages/[id]", 200)
            if seen is not None:
                self.ask("PUT", path, "/boards/[id]/messages/[id]", 200, {"text": changed}, If_Match=seen.headers["ETag"])
            self.own.append((path, changed))

    @task(1)
    def take_down(self) -> None:
        """Delete its oldest notice."""
        if self.own:
            path, _ = self.own.pop(0)
            seen = self.ask("GET", path, "/boards/[id]/messages/[id]", 200)
            if seen is not None:
                self.ask("DELETE", path, "/boards/[id]/messages/[id]", 204, If_Match=seen.headers["ETag"])

    def on_stop(self) -> None:
        """Delete all its notices, so that the boards are as before."""
        while self.own:
            self.take_down()

    def choose(self) -> Document | None:
        """Return a random board from its list, ``None`` if there is none."""
        return random.choice(self.boards) if self.boards else None  # noqa: S311


def visitor_class(service: str, target: str, think: float) -> type[Visitor]:
    """Return the class of visitors of a service, such as ``FlaskVisitor``."""
    attributes = {
        "prefix": f"/{service}",
        "think": think,
        "host": target,
        "__doc__": f"Visitors of the notice board of {service}.",
        "__module__": __name__,
    }
    return types.new_class(f"{service.title()}Visitor", (Visitor,), exec_body=lambda names: names.update(attributes))
