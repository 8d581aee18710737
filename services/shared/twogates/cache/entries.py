"""What is kept in Valkey, and how: Lua scripts, each of which is one round trip, and what their answers mean.

A script is carried out whole, and nothing else meanwhile: of any number of requests in three services that find an entry run out, one
gets the lock.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from secrets import token_hex
from typing import Any

from twogates.http.problems import Problem

# An entry is fresh for three seconds. In the seven after them it is still there: for who asks while another computes it anew, and for
# all while the database is down.
FRESH_SECONDS = 3
STALE_SECONDS = 7
# Who computes has so long: longer than the database may take (database/common.py). Whoever dies in it holds nobody up for longer.
LOCK_SECONDS = 2
# Who finds nothing waits so long for who computes it, and looks so often; then he computes it too.
WAIT_SECONDS = 0.5
LOOK_SECONDS = 0.02

WINDOW_SECONDS = 60  # in which messages are counted

COUNTS = "cache:counts"
FIELDS = ("hits", "stale", "misses", "computed")


@dataclass(frozen=True)
class Script:
    """A script, and the name under which Valkey knows it once it was sent."""

    text: str

    @cached_property
    def sha(self) -> str:
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


# The keys: an entry, its lock, the counts.
LOOK = Script("""
local token, stale, lock, count = unpack(ARGV)
local body, left = redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1]) - stale
local mine = left <= 0 and redis.call('SET', KEYS[2], token, 'NX', 'PX', lock)
if count == '1' then
  local field = (mine or not body) and 'misses' or left > 0 and 'hits' or 'stale'
  redis.call('HINCRBY', KEYS[3], field, 1)
end
return {body, left, mine and 1 or 0}
""")

STORE = Script("""
local token, body, life = unpack(ARGV)
redis.call('SET', KEYS[1], body, 'PX', life)
redis.call('HINCRBY', KEYS[3], 'computed', 1)
if redis.call('GET', KEYS[2]) == token then redis.call('DEL', KEYS[2]) end
""")

RELEASE = Script("""
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
""")

# The window begins with the first. One that slides would need each message's time, or a second key; the price is that within one
# window's length twice as many may come, half of them before its end.
COUNT = Script("""
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('PTTL', KEYS[1])}
""")


@dataclass(frozen=True)
class Look:
    """What LOOK found."""

    body: bytes | None
    left: int  # milliseconds for which it is fresh; negative: so long it has been stale
    mine: int  # 1: to be computed, by who asks
    first: bool = True

    @property
    def usable(self) -> bool:
        """Whether it is fresh, or somebody else computes it anew."""
        return self.body is not None and not self.mine

    @property
    def awaited(self) -> bool:
        """Whether there is nothing yet, and somebody else computes it."""
        return self.body is None and not self.mine


@dataclass(frozen=True)
class Kept:
    """What the cache gave, or was given; and what the header Cache-Status (RFC 9211) says of it."""

    body: bytes
    status: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Cache-Status": f"twogates; {self.status}"}


class Asking:
    """One request's use of an entry: the arguments of its scripts, and what it answers in the end."""

    def __init__(self, name: str) -> None:
        self.keys = (f"cache:{name}", f"cache:{name}:lock", COUNTS)
        self.token = token_hex(8)  # whose the lock is

    def look(self, first: bool) -> Sequence[Any]:
        return self.token, STALE_SECONDS * 1000, LOCK_SECONDS * 1000, int(first)

    def store(self, body: bytes) -> Sequence[Any]:
        return self.token, body, (FRESH_SECONDS + STALE_SECONDS) * 1000

    @staticmethod
    def down(body: bytes) -> Kept:
        """It was computed without the cache."""
        return Kept(body, "fwd=bypass; detail=down")

    @staticmethod
    def found(look: Look) -> Kept:
        """It was there, or came while this request waited."""
        assert look.body is not None
        return Kept(look.body, f"hit; ttl={look.left // 1000}" if look.first else "fwd=miss; collapsed")

    @staticmethod
    def computed(look: Look, body: bytes, stored: bool) -> Kept:
        """It was computed, since it was not there or not fresh."""
        return Kept(body, f"fwd={'miss' if look.body is None else 'stale'}" + ("; stored" if stored else ""))


def uses(numbers: Sequence[bytes | str | None]) -> dict[str, Any]:
    """The counts as JSON. The ratio is that of answers from the cache, fresh or stale, among all."""
    counts = {name: int(number or 0) for name, number in zip(FIELDS, numbers, strict=True)}
    asked = counts["hits"] + counts["stale"] + counts["misses"]
    return {**counts, "ratio": round((asked - counts["misses"]) / asked, 4) if asked else None}


def unknown() -> Problem:
    """The 503 answer to who asks for what only the cache knows."""
    return Problem(503, "The cache cannot answer now.", headers={"Retry-After": "1"})


@dataclass(frozen=True)
class Quota:
    """What is counted under a key, and how much of it is taken in a window."""

    key: str
    whose: str  # "author" or "client"
    most: int


def check_rate(count: int, left: int, quota: Quota) -> None:
    """Raise the 429 answer where there are more than the quota in this window, which ends in ``left`` milliseconds."""
    if count > quota.most:
        seconds = math.ceil(left / 1000)
        raise Problem(
            429,
            f"This {quota.whose} has posted {quota.most} messages in the last minute, and no more are taken.",
            headers={
                "Retry-After": str(seconds),
                # As in the IETF's draft of them.
                "RateLimit-Policy": f'"{quota.whose}";q={quota.most};w={WINDOW_SECONDS}',
                "RateLimit": f'"{quota.whose}";r=0;t={seconds}',
            },
        )
