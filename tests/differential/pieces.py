"""The parts of a request: text in a URL, almost valid numbers, and odd headers."""

from urllib.parse import quote_from_bytes

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

TEXT = st.text(max_size=40) | st.text(st.characters(categories=["Cs", "Cc", "Lo", "Nd", "Zs", "Po"]), max_size=8)


def encodings(text: str) -> SearchStrategy[bytes]:
    """Return the ways to write ``text`` into a URL: escaped, fully escaped, or unchanged if it can be sent like that."""
    data = text.encode("utf-8", "surrogatepass")
    throughout = "".join(f"%{byte:02X}" for byte in data).encode()
    ways = [quote_from_bytes(data, safe="").encode(), throughout, throughout.lower()]
    if not any(byte <= 0x20 or byte == 0x7F for byte in data):
        ways.append(data)
    return st.sampled_from(ways)


BROKEN_ESCAPES = [
    *(b"%", b"%%", b"%zz", b"%4", b"%u0041", b"%ff", b"%c0%af", b"%e2%82", b"%ed%a0%80", b"%00", b"%0d%0a", b"\xff", b"\xe2\x82"),
]
PIECE = TEXT.flatmap(encodings) | st.sampled_from(BROKEN_ESCAPES)

# Values that int() or float() of some language accepts, or that only look like a number. None is a valid wait of more than 1 ms.
NUMBERS = [
    *("", " ", "nan", "NaN", "-nan", "inf", "-inf", "Infinity", "1e999", "-1e999", "1e-999", "0", "-0", "-0.0", "0.0", ".001", "0."),
    *("00.001", "+0.001", "0.00_1", "0_0", "1_0", "1__0", "_1", "1_", "\u0660.\u0660\u0661", "\uff11", "0,001", "0.001s", "1e", "e1"),
    *("1e-3", "1E-3", "0x1", "0b1", "1j", "-1", " 0.001", "0.001 ", "\t0.001\n", "\u00a00.001", "true", "True", "null", "None", "[]"),
    *("[1]", "{}", "'1'", '"1"', "30.000001", "31", "1001", "10001", "9" * 400, "9" * 5000, "0." + "0" * 400 + "1", "1" + "0" * 20),
    *(str(2**63), str(-(2**63) - 1), "1.0", "1.5", "5.0", "5.000000000000000001", "\x00", "1\x00"),
]
# Values that some language accepts as a boolean.
FLAGS = [
    *("true", "false", "TRUE", "False", "yes", "no", "on", "off", "t", "f", "y", "n", "1", "0", " true", "false ", "true,false"),
    "\uff54rue",
]
VALUES = st.one_of(
    st.sampled_from(NUMBERS), st.sampled_from(FLAGS), st.integers(-2, 5).map(str), st.floats().map(repr), st.integers().map(str), TEXT
)

# Bytes that a header value may contain. Daphne itself rejects 0x85 (a line end in Latin-1), with its own message.
HEADER_TEXT = st.binary(max_size=20).map(lambda value: bytes(byte for byte in value if byte >= 0x20 and byte not in (0x7F, 0x85)).strip())
FRAMING = (b"host", b"transfer-encoding", b"content-length")
TOKEN = st.from_regex(rb"\A[A-Za-z0-9!#$%&'*+.^_`|~-]{1,20}\Z")
HEADER_NAMES: SearchStrategy[bytes] = TOKEN.filter(lambda name: name.lower() not in FRAMING)

CONTENT_TYPES = HEADER_TEXT | st.sampled_from(
    [
        *(b"", b"application/json", b"application/json; charset=utf-8", b"application/json;charset=latin-1"),
        *(b"application/json; charset=utf-16", b"application/json; charset=nonsense", b"APPLICATION/JSON", b"application/problem+json"),
        *(b"application/+json", b"application/x+JSON ; a=b", b"text/json", b"text/plain", b"application/", b"/json", b"json"),
        *(b"application/json/x", b"application/json, text/plain", b"application/json;", b";application/json", b"application/jsonp"),
        *(b"application /json", b'"application/json"', b'application/json; a="b;c"', b"application/xml+json"),
        *(b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x", b"multipart/form-data", b"application/json\xff"),
        *(b"application/json; x=\xe9", b"application/json; charset*=utf-8''%ff", b"application/json (comment)", b"application/json\t; a"),
        b"=?utf-8?q?a?=",
    ]
)
LAST_EVENT_IDS = st.one_of(
    st.integers(-1, 60).map(lambda number: str(number).encode()),
    HEADER_TEXT,
    st.sampled_from([b"", b"0", b"00", b"+1", b"1.0", b" 1", b"1 ", b"1e1", b"-0", b"999999999", b"9999999999", b"1_0"]),
    st.sampled_from([b"\xd9\xa1", b"\xb2", b"null", b"1,2"]),
)
ODD_HEADERS = st.tuples(HEADER_NAMES, HEADER_TEXT) | st.sampled_from(
    [
        *((b"Accept", b"text/html"), (b"Accept", b"*/*;q=x"), (b"Accept-Encoding", b"gzip, br"), (b"Accept-Encoding", b"\xff")),
        *((b"Accept-Language", b"xx-\xff"), (b"Range", b"bytes=0-3"), (b"If-None-Match", b"*"), (b"If-Modified-Since", b"never")),
        *((b"If-Match", b'"x"'), (b"Expect", b"100-continue"), (b"Authorization", b"Basic \xff"), (b"Cookie", b"a=b; a=c; =; \xff=1")),
        *((b"Cookie", b"a=" + b"x" * 4000), (b"Origin", b"null"), (b"TE", b"trailers"), (b"X-Forwarded-For", b"6.6.6.6")),
        *((b"X-Forwarded-Host", b"evil.example"), (b"X-Forwarded-Proto", b"https"), (b"X-Forwarded-Port", b"99999")),
        *((b"X-Forwarded-Prefix", b"/evil"), (b"X-Forwarded-Ssl", b"on"), (b"X-Forwarded-Protocol", b"ssl"), (b"X-Real-IP", b"6.6.6.6")),
        *((b"Forwarded", b"for=6"), (b"Daphne-Root-Path", b"/evil"), (b"Daphne-Root-Path", b"\xff"), (b"Script-Name", b"/evil")),
        *((b"SCRIPT_NAME", b"/evil"), (b"PATH_INFO", b"/evil"), (b"X-HTTP-Method-Override", b"DELETE"), (b"X-Original-URL", b"/evil")),
        *((b"X-Rewrite-URL", b"/evil"), (b"X-Accel-Redirect", b"/"), (b"Proxy", b"http://evil.example"), (b"X-Request-ID", b"a b")),
        *((b"X-Request-ID", b"x" * 300), (b"X-Request-ID", b"\xff"), (b"Content-Length", b"0"), (b"Connection", b"close")),
        *((b"Connection", b"X-Request-ID"), (b"Connection", b"Upgrade"), (b"Upgrade", b"websocket"), (b"Upgrade", b"h2c")),
        *((b"HTTP2-Settings", b"AAMAAABkAAQAAP__"), (b"Sec-WebSocket-Version", b"13")),
        *((b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="), (b"Content-Type", b"application/json")),
        *((b"Content-Type", b"multipart/form-data; boundary="), (b"Content-Encoding", b"gzip"), (b"X-Long", b"x" * 3000)),
        *((b"X-Long", b"x" * 7900), (b"X-Long", b"x" * 9000), (b"Last-Event-ID", b"x")),
    ]
)
BODIES = st.none() | st.just(b"") | st.binary(max_size=200)
