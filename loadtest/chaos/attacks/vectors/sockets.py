"""WebSocket handshakes, each broken in one way, with a request behind: which server believes that the connection is now a tunnel?"""

from loadtest.chaos.attacks.vectors.model import Draft, Making

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
# A ping with an empty body, masked as a client's frames must be.
PING = b"\x89\x80\x00\x00\x00\x00"
FRAMES: tuple[bytes, ...] = (
    b"\x89\x00",
    b"\xff\xff\xff\xff",
    b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x88\x80\x00\x00\x00\x00",
    b"\x83\x80\x00\x00\x00\x00",
)
FRAMES += (
    b"\x01\x80\x00\x00\x00\x00",
    b"\x80\x80\x00\x00\x00\x00",
    b"\x81\x82\x00\x00\x00\x00\xff\xfe",
    b"\xf9\x80\x00\x00\x00\x00",
    PING * 50,
)

HONEST = {b"Connection": b"Upgrade", b"Upgrade": b"websocket", b"Sec-WebSocket-Key": KEY, b"Sec-WebSocket-Version": b"13"}
BROKEN: dict[bytes, tuple[bytes, ...]] = {
    b"Connection": (b"", b"keep-alive", b"close", b"upgrade, close", b"Up grade", b"Upgrade\x00", b"Upgradex"),
    b"Upgrade": (b"", b"websockets", b"WebSocket/13", b"web socket", b"websocket\x00", b"h2c, websocket", b"WEBSOCKET, x"),
    b"Sec-WebSocket-Key": (b"", b"short", b"x" * 24, b"x" * 4000, b"\x00" * 16, KEY + b"x", KEY + b", " + KEY, b"!" * 24),
    b"Sec-WebSocket-Version": (b"", b"0", b"12", b"14", b"777", b"13, 8", b"-13", b"1e1", b"0013", b"13.0", b"x", b"99999999999999999999"),
}


def handshake(make: Making) -> Draft:
    """A handshake with one field missing, duplicated or wrong."""
    make.to_a_socket()
    name = make.chance.choice(list(BROKEN))
    how = make.chance.choice(["missing", "twice", "wrong", "wrong", "wrong"])
    values = {**HONEST, name: make.chance.choice(BROKEN[name]) if how == "wrong" else HONEST[name]}
    fields = [field for field in values.items() if field[0] != name or how != "missing"]
    if how == "twice":
        fields.append((name, make.chance.choice([values[name], *BROKEN[name]])))
    data = make.request(make.line(path="/ws"), *fields, body=make.either())
    return Draft(f"{name.decode()} {how}", data, may_follow=True)


def offered(make: Making) -> Draft:
    """A complete handshake with an extra field that a server reads, quotes in its refusal, or fails on."""
    make.to_a_socket()
    name = make.chance.choice([b"Origin", b"Sec-WebSocket-Protocol", b"Sec-WebSocket-Extensions", b"Sec-WebSocket-Accept", b"Cookie"])
    values = [
        b"",
        b",",
        b"a, a",
        b"x" * make.chance.choice([300, 4000, 7500]),
        b"\xff\xfe",
        b"http://[",
        b"null",
        b"http://a b",
        b"%ff",
        b'a;b="',
    ]
    values += [
        b"x" * 4000 + b", " + b"x" * 4000,
        b"permessage-deflate; x=1",
        b"permessage-deflate; server_max_window_bits=99",
        b"javascript:x",
        b"\x07",
    ]
    data = make.request(make.line(path="/ws"), *HONEST.items(), (name, make.chance.choice(values)), body=make.either())
    return Draft(name.decode(), data, may_follow=True)


def request(make: Making) -> Draft:
    """A handshake with another method, version or body."""
    make.to_a_socket()
    method, version = make.chance.choice(
        [(b"GET", b"HTTP/1.1"), (b"POST", b"HTTP/1.1"), (b"GET", b"HTTP/1.0"), (b"HEAD", b"HTTP/1.1"), (b"PUT", b"HTTP/1.1")]
    )
    body = make.either()
    framed = make.chance.random() < 0.7
    fields = [*HONEST.items(), *([(b"Content-Length", b"%d" % len(body))] if framed else [])]
    data = make.request(make.line(method, "/ws", version), *fields, body=body)
    return Draft(f"{method.decode()} {version.decode()}", data, may_follow=not framed and version != b"HTTP/1.0")


def frame(make: Making) -> Draft:
    """A valid handshake, then an invalid client frame, then a request. Inside a tunnel it is not a request."""
    make.to_a_socket()
    after = make.chance.choice([*FRAMES, make.chance.randbytes(50)]) + make.either()
    return Draft("no frame", make.request(make.line(path="/ws"), *HONEST.items(), body=after))
