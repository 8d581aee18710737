"""Cache entries in Valkey: the Lua scripts that read and write them, one round trip each, and the meaning of their results.

Valkey runs each script atomically. If many requests of the three services find an entry expired, exactly one of them gets the lock.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from secrets import token_hex
from typing import Any

from twogates.http.problems import Problem

# An entry is fresh for three seconds. It stays for seven more seconds as a stale entry: for requests that arrive while another request
# recomputes it, and for all requests while the database is down.
FRESH_SECONDS = 3
STALE_SECONDS = 7
# The lock expires after this. It exceeds the time limit of the database (database/common.py), and bounds the delay by a dead lock holder.
LOCK_SECONDS = 2
# On a miss, wait for the lock holder up to this long and poll at this interval, then compute the value ourselves.
WAIT_SECONDS = 0.5
LOOK_SECONDS = 0.02

WINDOW_SECONDS = 60  # in which posted messages are counted

COUNTS = "cache:counts"
FIELDS = ("hits", "stale", "misses", "computed")


@dataclass(frozen=True)
class Script:
    """A Lua script, and the hash by which Valkey knows it after the first use."""

    text: str

    @cached_property
    def sha(self) -> str:
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


# KEYS: the entry, its lock, the counts.
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

# A fixed window, which begins with the first message. The price: around the end of a window, a client may post twice the quota within
# one window's length. A sliding window would need the time of each message, or a second key.
COUNT = Script("""
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('PTTL', KEYS[1])}
""")


@dataclass(frozen=True)
class Look:
    """The result of the script LOOK."""

    body: bytes | None
    left: int  # milliseconds until it is stale; if negative, since it became stale
    mine: int  # 1 if this request got the lock and must compute the entry
    first: bool = True

    @property
    def usable(self) -> bool:
        """True if the entry is fresh, or stale while another request recomputes it."""
        return self.body is not None and not self.mine

    @property
    def awaited(self) -> bool:
        """True if there is no entry yet, and another request computes it."""
        return self.body is None and not self.mine


@dataclass(frozen=True)
class Kept:
    """An entry that was read or computed, and its value of the header Cache-Status (RFC 9211)."""

    body: bytes
    status: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Cache-Status": f"twogates; {self.status}"}


class Asking:
    """One request's use of an entry: the arguments of the scripts, and the result."""

    def __init__(self, name: str) -> None:
        self.keys = (f"cache:{name}", f"cache:{name}:lock", COUNTS)
        self.token = token_hex(8)  # identifies the lock holder

    def look(self, first: bool) -> Sequence[Any]:
        return self.token, STALE_SECONDS * 1000, LOCK_SECONDS * 1000, int(first)

    def store(self, body: bytes) -> Sequence[Any]:
        return self.token, body, (FRESH_SECONDS + STALE_SECONDS) * 1000

    @staticmethod
    def down(body: bytes) -> Kept:
        """Return a value that was computed while the cache was down."""
        return Kept(body, "fwd=bypass; detail=down")

    @staticmethod
    def found(look: Look) -> Kept:
        """Return an entry that was in the cache, or was stored while this request waited."""
        assert look.body is not None
        return Kept(look.body, f"hit; ttl={look.left // 1000}" if look.first else "fwd=miss; collapsed")

    @staticmethod
    def computed(look: Look, body: bytes, stored: bool) -> Kept:
        """Return a value that was computed after a miss or for a stale entry."""
        return Kept(body, f"fwd={'miss' if look.body is None else 'stale'}" + ("; stored" if stored else ""))


def uses(numbers: Sequence[bytes | str | None]) -> dict[str, Any]:
    """Return the counts for JSON. ``ratio`` is the share of requests answered from the cache, fresh or stale."""
    counts = {name: int(number or 0) for name, number in zip(FIELDS, numbers, strict=True)}
    asked = counts["hits"] + counts["stale"] + counts["misses"]
    return {**counts, "ratio": round((asked - counts["misses"]) / asked, 4) if asked else None}


def unknown() -> Problem:
    """Return the 503 answer to a request for data that only the cache has."""
    return Problem(503, "The cache cannot answer now.", headers={"Retry-After": "1"})


@dataclass(frozen=True)
class Quota:
    """A key under which messages are counted, and the greatest number accepted in a window."""

    key: str
    whose: str  # "author" or "client"
    most: int


def check_rate(count: int, left: int, quota: Quota) -> None:
    """Raise the 429 answer if ``count`` exceeds the quota of this window, which ends in ``left`` milliseconds."""
    if count > quota.most:
        seconds = math.ceil(left / 1000)
        raise Problem(
            429,
            f"This {quota.whose} has posted {quota.most} messages in the last minute, and no more are taken.",
            headers={
                "Retry-After": str(seconds),
                # As in the IETF draft on RateLimit header fields.
                "RateLimit-Policy": f'"{quota.whose}";q={quota.most};w={WINDOW_SECONDS}',
                "RateLimit": f'"{quota.whose}";r=0;t={seconds}',
            },
        )
