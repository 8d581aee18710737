"""A malformed request, and what a family of them needs to write one."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from loadtest.chaos.attacks.model import Target

Field = tuple[bytes, bytes] | bytes  # a name and a value, or a whole line


@dataclass(frozen=True)
class Draft:
    """What a family writes.

    ``may_follow``: HTTP says that the hidden request in ``data`` is one of its own, since what stands before it is complete:
    two requests on one connection are two. Where it is false the message is invalid, or the hidden request is its body, and a
    server that takes it for a request has been tricked. ``whole``: an answer is due before the client ends its side.
    """

    what: str
    data: bytes
    may_follow: bool = False
    whole: bool = True


@dataclass(frozen=True)
class Vector(Draft):
    """The same with its family, and the ids of the request itself and of the one that it hides."""

    family: str = ""
    front: str = ""
    hidden: str = ""


class Making:
    """Chance, one service, and the parts that most requests are made of."""

    def __init__(self, chance: Random, target: Target, front: str, hidden: str) -> None:
        self.chance = chance
        self.prefix = chance.choice(target.prefixes)
        self.authority = target.authority
        self.front, self.hidden_id = front, hidden

    def to_a_socket(self) -> None:
        """Take a service that has a WebSocket. Flask says of it that it has none: a 501, and meant."""
        while self.prefix == "/flask":
            self.prefix = self.chance.choice(["/fastapi", "/django"])

    def line(self, method: bytes = b"GET", path: str = "/json", version: bytes = b"HTTP/1.1") -> bytes:
        """A request line, without its end."""
        return b" ".join((method, (self.prefix + path).encode(), version))

    def fields(self, *more: Field, host: bool = True, end: bytes = b"\r\n") -> bytes:
        """The header fields: the request's id, an honest Host, now and then others, and ``more`` among them, in any order.

        ``more`` keep their order among themselves.
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
        """A request of this line, these fields beside the usual ones, and these bytes after its header."""
        return line + b"\r\n" + self.fields(*more, host=host) + b"\r\n" + body

    def hidden(self, *, within: bool = False) -> bytes:
        """The request that must not be taken for one. ``within``: as a service sees it, which does not know its prefix."""
        prefix = "" if within else self.prefix
        path = f"{prefix}/hello/{self.hidden_id}"
        fields = (b"Host: ", self.authority, b"\r\nX-Request-ID: ", self.hidden_id.encode(), b"\r\n\r\n")
        return b"GET " + path.encode() + b" HTTP/1.1\r\n" + b"".join(fields)

    def either(self) -> bytes:
        """The hidden request in one of its two forms."""
        return self.hidden(within=self.chance.random() < 0.5)

    def word(self, least: int = 1, most: int = 40) -> bytes:
        """Letters, none of them special to HTTP."""
        return bytes(self.chance.choices(b"abcdefghijklmnopqrstuvwxyz", k=self.chance.randint(least, most)))

    def control(self) -> bytes:
        """A byte that HTTP allows nowhere in a line."""
        return bytes([self.chance.choice([0, 1, 7, 8, 11, 12, 14, 27, 31, 127])])


Family = Callable[[Making], Draft]
