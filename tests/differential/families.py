"""Requests to compare: each family has a strategy for valid, invalid and hostile requests.

A valid request must be quick (``QUICK``), since the test sends thousands. The conformance suite covers the limits and long waits.
"""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.differential import documents, queries
from tests.differential.pieces import BODIES, CONTENT_TYPES, LAST_EVENT_IDS, ODD_HEADERS, PIECE, TEXT, encodings
from tests.wire import Request
from twogates.demo.models import BlockQuery, CpuQuery, StreamQuery, UpstreamQuery, WaitQuery

QUICK = 0.02  # seconds that a valid request may wait in total

NAMES = [
    *(b"", b"/", b"a/b", b"a%2Fb", b"%2F", b".", b"..", b"%2e", b"%2e%2e", b"%2e%2e%2fjson", b"a/", b"a%0A", b"%0A", b"a//b", b"a?b"),
    *(b"a%3Fb", b"a#b", b"#", b"a;b=c", b"a:b", b"a@b", b"a+b", b"a%20b", b"%E2%80%AE", b"%F0%9F%9A%AA", b"%22%5C%22", b"%3Cb%3E"),
    b"%EF%BB%BFa",
]
HELLO = st.one_of(
    TEXT.flatmap(encodings),
    st.lists(PIECE, min_size=1, max_size=3).map(b"".join),
    st.sampled_from(NAMES),
    st.integers(1, 9000).map(lambda size: b"x" * size),
).map(lambda name: b"/hello/" + name)

WAIT = queries.targets(WaitQuery, b"/wait", lambda query: query.seconds <= QUICK)
BLOCK = queries.targets(BlockQuery, b"/block", lambda query: query.seconds <= QUICK)
UPSTREAM = queries.targets(UpstreamQuery, b"/upstream", lambda query: query.seconds * query.calls <= QUICK)
CPU = queries.targets(CpuQuery, b"/cpu", lambda query: query.work <= 5)


def short(query: StreamQuery) -> bool:
    return query.chunks <= 50 and query.chunks * query.interval <= QUICK


STREAM = queries.targets(StreamQuery, b"/stream", short)
EVENTS = queries.targets(StreamQuery, b"/events", short)

# Each endpoint, with a query that makes it quick.
QUERIES = {
    b"/wait": b"?seconds=0",
    b"/block": b"?seconds=0&offload=true",
    b"/upstream": b"?seconds=0",
    b"/cpu": b"?work=1",
    b"/query": b"?work=1",
    b"/listing": b"?board=1",
    b"/stream": b"?chunks=1&interval=0",
    b"/events": b"?chunks=1&interval=0",
}
OTHERS = (
    *(b"/", b"/healthz", b"/readyz", b"/json", b"/hello/a", b"/echo", b"/upload", b"/static/gates.svg", b"/ws", b"/nothing"),
    b"/boards/1/summary",
)
ENDPOINTS = st.sampled_from([path + query for path, query in QUERIES.items()] + list(OTHERS))

SEGMENTS = [
    *(b"json", b"wait", b"hello", b"echo", b"ws", b"", b".", b"..", b"%2e%2e", b"JSON", b"j%73on", b"json%2f", b"%2fjson", b"json%00"),
]
ENDINGS = [
    *(b"/", b"//", b"%2F", b"%0A", b"%00", b"%20", b"%0D%0A", b".json", b"/..", b"/.", b";x", b"#x", b"%23", b"/x", b"%C2%A0", b"\xa0"),
]
WRONG_PATHS = [
    *(b"json", b"/a b", b"/a\x00b", b"/a\x7fb", b"/a\tb", b"\\json", b"/\\", b"/*", b"/~", b"/favicon.ico", b"/.git/config"),
    *(b"/static/x.css", b"/static/", b"/static/../static_file.py", b"/static/..%2fstatic_file.py", b"/static/%2e/gates.svg"),
]
UNKNOWN = st.one_of(
    st.lists(PIECE | st.sampled_from(SEGMENTS), min_size=1, max_size=4).map(lambda parts: b"/" + b"/".join(parts)),
    st.builds(lambda path, end: path + end, st.sampled_from([*QUERIES, *OTHERS]), st.sampled_from(ENDINGS)),
    ENDPOINTS.map(lambda path: b"/" + path),
    ENDPOINTS.flatmap(lambda path: encodings(path.decode())),
    st.sampled_from(WRONG_PATHS),
)
METHODS = [
    *(b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT", b"PROPFIND", b"QUERY", b"FOO", b"get"),
    *(b"G", b"M-SEARCH", b"GET_", b"X" * 40),
]


def one_header(name: bytes, values: SearchStrategy[bytes], most: int) -> SearchStrategy[tuple[tuple[bytes, bytes], ...]]:
    """Return a strategy for a header that occurs zero to ``most`` times."""
    return st.lists(values.map(lambda value: (name, value)), max_size=most).map(tuple)


JSON = (b"Content-Type", b"application/json")
OWN_TYPES = one_header(b"Content-Type", CONTENT_TYPES, most=2)
MANY_HEADERS = st.integers(1, 3000).map(lambda count: tuple((b"n%d" % number, b"") for number in range(count)))
LARGE = st.integers(60_000, 65_536).map(lambda size: b"\x00\xff" * (size // 2))

FAMILIES: dict[str, SearchStrategy[Request]] = {
    "hello": st.builds(Request, target=HELLO),
    "wait": st.builds(Request, target=WAIT),
    "block": st.builds(Request, target=BLOCK),
    "upstream": st.builds(Request, target=UPSTREAM),
    "cpu": st.builds(Request, target=CPU),
    "stream": st.builds(Request, target=STREAM),
    "events": st.builds(Request, target=EVENTS, headers=one_header(b"Last-Event-ID", LAST_EVENT_IDS, most=2)),
    "echo": st.builds(
        Request,
        method=st.just(b"POST"),
        target=st.just(b"/echo"),
        headers=st.just((JSON,)) | st.just((JSON,)) | OWN_TYPES,
        body=documents.BODIES | documents.BODIES | BODIES,
        chunked=st.booleans(),
    ),
    "upload": st.builds(
        Request,
        method=st.just(b"POST"),
        target=st.sampled_from([b"/upload", b"/upload?x=1"]),
        headers=OWN_TYPES,
        body=BODIES | documents.BODIES | LARGE,
        chunked=st.booleans(),
    ),
    "paths": st.builds(Request, target=UNKNOWN),
    "methods": st.builds(Request, method=st.sampled_from(METHODS), target=ENDPOINTS, body=BODIES),
    "headers": st.builds(Request, target=ENDPOINTS, headers=st.lists(ODD_HEADERS, min_size=1, max_size=6).map(tuple) | MANY_HEADERS),
}
