"""A malformed request, and the parts from which a family builds one."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from loadtest.chaos.attacks.model import Target

Field = tuple[bytes, bytes] | bytes  # a name and a value, or a complete line


@dataclass(frozen=True)
class Draft:
    """The request that a family writes.

    ``may_follow``: by HTTP, the hidden request in ``data`` is a separate request, because the message before it is
    complete: a connection may carry two requests. If it is false, the message is invalid, or the hidden request is its
    body. A server that then treats it as a request has been tricked. ``whole``: the server must answer before the client
    shuts down its sending side.
    """

    what: str
    data: bytes
    may_follow: bool = False
    whole: bool = True


@dataclass(frozen=True)
class Vector(Draft):
    """A draft with its family, and the ids of the request itself and of the hidden request."""

    family: str = ""
    front: str = ""
    hidden: str = ""


class Making:
    """The random generator, one service, and the common parts of requests."""

    def __init__(self, chance: Random, target: Target, front: str, hidden: str) -> None:
        self.chance = chance
        self.prefix = chance.choice(target.prefixes)
        self.authority = target.authority
        self.front, self.hidden_id = front, hidden

    def to_a_socket(self) -> None:
        """Choose a service with WebSockets. Flask has none and deliberately answers 501."""
        while self.prefix == "/flask":
            self.prefix = self.chance.choice(["/fastapi", "/django"])

    def line(self, method: bytes = b"GET", path: str = "/json", version: bytes = b"HTTP/1.1") -> bytes:
        """Return a request line without its line end."""
        return b" ".join((method, (self.prefix + path).encode(), version))

    def fields(self, *more: Field, host: bool = True, end: bytes = b"\r\n") -> bytes:
        """Return the header fields: the request's id, a valid Host, sometimes others, and ``more`` among them, in random order.

        The fields in ``more`` keep their order.
        """
        others: list[Field] = [(b"X-Request-ID", self.front.encode())]
        if host:
            others.append((b"Host", self.authority))
        if self.chance.random() < 0.3:
            others.append((b"X-Filler", self.word()))
        self.chance.shuffle(others)
        for field in reversed(more):
            place = self.chance.randint(0, len(others))
            others = [*others[:place], field, *others[place:]] if field is more[-1] else [field, *others]
        return b"".join((field if isinstance(field, bytes) else field[0] + b": " + field[1]) + end for field in others)

    def request(self, line: bytes, *more: Field, body: bytes = b"", host: bool = True) -> bytes:
        """Return a request with this line, the usual fields and ``more``, and ``body`` after its header."""
        return line + b"\r\n" + self.fields(*more, host=host) + b"\r\n" + body

    def hidden(self, *, within: bool = False) -> bytes:
        """Return the hidden request. ``within``: in the form that a service sees, without the service's prefix."""
        prefix = "" if within else self.prefix
        path = f"{prefix}/hello/{self.hidden_id}"
        fields = (b"Host: ", self.authority, b"\r\nX-Request-ID: ", self.hidden_id.encode(), b"\r\n\r\n")
        return b"GET " + path.encode() + b" HTTP/1.1\r\n" + b"".join(fields)

    def either(self) -> bytes:
        """Return the hidden request in one of its two forms."""
        return self.hidden(within=self.chance.random() < 0.5)

    def word(self, least: int = 1, most: int = 40) -> bytes:
        """Return ``least`` to ``most`` random letters."""
        return bytes(self.chance.choices(b"abcdefghijklmnopqrstuvwxyz", k=self.chance.randint(least, most)))

    def control(self) -> bytes:
        """Return a byte that HTTP allows nowhere in a line."""
        return bytes([self.chance.choice([0, 1, 7, 8, 11, 12, 14, 27, 31, 127])])


Family = Callable[[Making], Draft]
