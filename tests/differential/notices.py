"""Values for operations on the notice board: valid ones, values at a limit, and invalid ones."""

import json
from urllib.parse import quote_from_bytes

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.differential.operations import MARK, Operation

JSON = (b"Content-Type", b"application/json")
LONG = "the quick brown fox " * 90  # long enough for Nginx to compress it
ODD_TEXTS = ["", " ", "a\x00b", "\ud83d", "\U0001f6aa" * 50, "e\u0301", "\u202e", "'; --", "\\", "%", '"', "\n", "\ufeff"]
WORDS = ["fox", "The red fox", "a red dog", "F\u00dcCHSE rot", "fox-dog", "dog@fox.example 3.14", LONG]

NAMES = st.sampled_from(["a", "b"] * 4 + ["A", "Gr\u00fc\u00dfe", "x" * 88, "x" * 89, *ODD_TEXTS])
PEOPLE = [f"Author {number}" for number in range(20)]  # one author would exceed POST_LIMIT, the number of messages in a minute
AUTHOR = st.sampled_from(PEOPLE)
AUTHORS = st.sampled_from([*PEOPLE, "x" * 100, "x" * 101, *ODD_TEXTS])
TEXTS = st.sampled_from([*WORDS * 3, "x" * 2000, "\u00e9" * 2000, "x" * 2001, *ODD_TEXTS]) | st.text(max_size=6)
SEARCHES = st.sampled_from(
    [None] * 40
    + ["fox", "FOX", "red fox", "fox red", "fo", "f\u00fcchse", "dog", "quick & !fox | dog", "fox:*", "<->", "x" * 101, *ODD_TEXTS]
)
LIMITS = st.sampled_from(
    [*[None] * 12, *["1", "2"] * 4, "100", "+1", " 2", "3.0", "0_1", "0", "101", "-1", "", "x", "1e1", "\u0661", "9" * 30]
)
AFTERS = st.sampled_from(
    [*[None] * 8, "0", *["{message0}"] * 8, "{message1}", "{message2}", "9223372036854775807", "9223372036854775808", "-1", "1.5", "x", ""]
)
# Valid and invalid keys. The mark makes a key unique to its sequence.
KEYS = st.sampled_from(
    [None] * 6
    + [f"{MARK}{end}" for end in ("0", "1", "2", ".-_")]
    + [f'"{MARK}0"', f'"{MARK}1"', f'"{MARK}0', f"{MARK}1, {MARK}2"]
    + ["", '""', "a b", "x" * 65, "\u00e4", "*", "'a'"]
)
# How a client may state the version that it has seen; {} stands for that version.
TAGS = st.sampled_from(
    ['"{}"'] * 8
    + ['W/"{}"', 'W/"{}"', "*", "*", '"0", W/"{}"', '"{}","0"', '"0{}"', '"{}', "{}", '" {} "', "", '""', "W/*", " *", "\u00e4", None]
)
STALE = st.sampled_from([0, 0, 0, 0, 0, -1, 1])
# An index into those that exist, or 10 for one that does not.
WHICH = st.integers(0, 10)
SHIFTS = st.integers(0, 2)

ODD_IDS = [
    *("0", "-1", "01", "+1", "1.0", "1e3", "x", "%D9%A1", "%EF%BC%91", "9223372036854775807", "9223372036854775808", "9" * 40),
    *("{board0}%20", "%20{board0}", "{board0}%0A", "{board0}/", "{board0}%2F", "{board0}.json", "{board0}%00", "{board0}%FF", "", "%"),
]
PATHS = ["/boards", "/boards/{board0}", "/boards/{board0}/messages", "/boards/{board0}/messages/{message0}"]
VALID = {"author": "Ada", "text": "fox"}
BODIES = [
    *(b"", b"{", b"null", b"[]", b'"x"', b"1", b"{}", b"\xff", b'{"text":"a","text":"fox","author":"Ada"}', b'{"author":"Ada","text":NaN}'),
    *(json.dumps(VALID | more).encode() for more in ({"more": 1}, {"text": 1}, {"text": None}, {"author": ["Ada"]}, {"id": 1})),
    *(json.dumps(VALID).encode(encoding) for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32-be")),
    json.dumps({"name": MARK + "a", "messages": 5, "version": 7}).encode(),
    json.dumps(VALID).ljust(65_536).encode(),
    json.dumps(VALID).ljust(65_537).encode(),
]
CHOSEN = st.integers(0, len(BODIES) - 1).map(lambda number: BODIES[number])  # by number: a strategy of long values has a long name
TYPES = [JSON, JSON, JSON, (b"Content-Type", b"application/merge-patch+json"), (b"Content-Type", b"text/plain"), (b"X-None", b"")]
ASKED = (b"If-Match", b"*")


def posts(path: str, body: SearchStrategy[bytes]) -> SearchStrategy[Operation]:
    """Return a strategy for POSTs with a valid or invalid body, and a valid or invalid type."""
    return st.builds(lambda body, of: Operation("POST", path, (of,), body), body, st.sampled_from(TYPES))


ODD_OPERATIONS: SearchStrategy[Operation] = st.one_of(
    st.builds(
        lambda method, path, body: Operation(method, path, (ASKED,), body),
        st.sampled_from(["OPTIONS", "PATCH", "POST", "PUT", "HEAD", "FOO"]),
        st.sampled_from(PATHS),
        st.sampled_from([None, b"{}"]),
    ),
    st.builds(
        lambda method, path, odd: Operation(method, path.format(odd), (ASKED,)),
        st.sampled_from(["GET", "HEAD", "DELETE"]),
        st.sampled_from(["/boards/{}", "/boards/{}/messages", "/boards/{{board0}}/messages/{}"]),
        st.sampled_from(ODD_IDS),
    ),
    posts("/boards/{board0}/messages", CHOSEN),
    posts("/boards", CHOSEN),
    st.builds(
        lambda body, of: Operation("PUT", "/boards/{board0}/messages/{message0}", (ASKED, of), body),
        CHOSEN | st.just(b'{"text":"changed"}'),
        st.sampled_from(TYPES),
    ),
    st.sampled_from(
        [
            *(
                Operation("GET", f"/boards?{query}")
                for query in ("limit=0", "after=x", "search=fox", "limit=1&limit=0", "after=", "x", "%")
            ),
            *(
                Operation("GET", "/boards/{board0}/messages?" + query)
                for query in ("&&", "limit=1;after=0", "x=1", "search=%FF", "LIMIT=1")
            ),
            *(Operation("GET", "/boards/{board0}/messages?" + query) for query in ("search=%ED%A0%80", "search", "after=0&after=-1")),
            *(Operation("GET", path + "?x=1") for path in (PATHS[1], PATHS[3])),
        ]
    ),
)


def query(**values: str | None) -> str:
    """Return a query string of the values that are given."""
    pairs = [f"{name}={quoted(value)}" for name, value in values.items() if value is not None]
    return "?" + "&".join(pairs) if pairs else ""


def quoted(value: str) -> str:
    """Return a value escaped for a query string; braces stay."""
    return quote_from_bytes(value.encode("utf-8", "surrogatepass"), safe="{}")
