"""Other protocols at this port, and upgrades to them."""

from loadtest.chaos.attacks.vectors.model import Draft, Field, Making

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
# Headers of a GET for /, with names and values from HPACK's static table.
HEADERS = b"\x00\x00\x03\x01\x05\x00\x00\x00\x01\x82\x84\x86"
TLS_HELLO = bytes.fromhex("16030100700100006c0303") + b"r" * 32 + bytes.fromhex("0000021301010000")
OTHERS = (
    b"SSH-2.0-x\r\n",
    b"EHLO x\r\n",
    b"*1\r\n$4\r\nPING\r\n",
    b"\x05\x01\x00",
    b"\x80\x2e\x01\x00\x02",
    b"OPTIONS sip:a SIP/2.0\r\n",
    b"\x00\x00",
)


def preface(make: Making) -> Draft:
    """HTTP/2 by prior knowledge: complete, in part, or followed by noise."""
    parts = [
        PREFACE,
        PREFACE + SETTINGS,
        PREFACE + SETTINGS + HEADERS,
        PREFACE[:18],
        PREFACE + make.chance.randbytes(40),
        PREFACE + b"\xff" * 60,
    ]
    part = make.chance.choice(parts)
    return Draft(f"{len(part)} bytes", part + make.chance.choice([b"", make.hidden()]), whole=False)


def upgrade(make: Making) -> Draft:
    """An upgrade to a protocol other than WebSocket. h2c would carry requests past every rule of the proxy."""
    to = make.chance.choice(
        [b"h2c", b"H2C", b"h2", b"HTTP/2.0", b"TLS/1.0", b"foo", b"websocket, h2c", b"h2c, websocket", b"", b"\x00h2c", b"websocket2"]
    )
    connection = make.chance.choice([b"Upgrade, HTTP2-Settings", b"upgrade", b"HTTP2-Settings", b"keep-alive, Upgrade", b"close, Upgrade"])
    fields: list[Field] = [(b"Connection", connection), (b"Upgrade", to), (b"HTTP2-Settings", b"AAMAAABkAAQAAP__")]
    path = make.chance.choice(["/json", "/ws", "/echo"])
    if path == "/ws":
        make.to_a_socket()
    after = make.chance.choice([b"", PREFACE + SETTINGS + HEADERS, make.hidden()])
    return Draft(repr(to), make.request(make.line(path=path), *fields, body=after), may_follow=True)


def encrypted(make: Making) -> Draft:
    """TLS at the port for plain HTTP."""
    return Draft("a ClientHello", TLS_HELLO + make.chance.choice([b"", make.hidden(), make.chance.randbytes(100)]), whole=False)


def other(make: Making) -> Draft:
    """The first bytes of another protocol, with a request behind them."""
    words = make.chance.choice(OTHERS)
    return Draft(repr(words), words + make.chance.choice([b"", make.hidden()]), whole=False)


def proxied(make: Making) -> Draft:
    """A PROXY protocol header, by which a proxy names its client. No proxy in front of Nginx sends it."""
    address = make.chance.choice(
        [b"PROXY TCP4 6.6.6.6 127.0.0.1 1 80\r\n", b"PROXY UNKNOWN\r\n", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + b"\x06" * 12]
    )
    return Draft("PROXY", address + make.request(make.line(), body=make.hidden()))
