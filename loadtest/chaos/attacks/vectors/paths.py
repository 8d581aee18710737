"""Paths that two parsers interpret differently: across a prefix, above the root, with a request inside."""

from loadtest.chaos.attacks.vectors.model import Draft, Making

UP: tuple[str, ...] = (
    "..",
    "%2e%2e",
    ".%2e",
    "%2E.",
    "..;",
    "..%00",
    "%252e%252e",
    "..%5c",
    "..\\",
    "%c0%ae%c0%ae",
    "...",
    "..%20",
    "..%09",
    "%u002e.",
)
SLASHES: tuple[str, ...] = ("/", "//", "%2f", "%2F", "\\", "%5c", "/./", "/;/", "%252f", "/%2f", "%c0%af", "///")
ODD: tuple[str, ...] = (
    "/json%00",
    "/json%0a",
    "/json%0d%0a",
    "/json;a=b",
    "/json%3Fa",
    "/json%23",
    "/hello/%ff%fe",
    "/hello/%",
    "/hello/%zz",
    "/hello/%0",
    "/json%",
)
ODD += (
    "/hello/a\x00b",
    "/json?%00",
    "/json?a=%0d%0aX:y",
    "/JSON",
    "/json/.",
    "/json/..",
    "/hello/%2e%2e",
    "/hello/%E2%80%AE",
    "/json%20",
    "/json\t",
)
# Line breaks, encoded for a proxy that decodes a path and forwards it decoded.
BREAKS: tuple[str, ...] = ("%0d%0a", "%0a", "%0D%0A", "%E5%98%8A%E5%98%8D", "%250d%250a", "\\r\\n", "\u010d\u010a", "%0d", "%00%0d%0a")


def across(make: Making) -> Draft:
    """A path from one service's prefix to another's, to the root, or to a file."""
    to = make.chance.choice(
        ["flask", "fastapi", "django", "static/gates.svg", "healthz", "", "locust", "etc/passwd", "nginx.conf", "problem"]
    )
    slash, up = make.chance.choice(SLASHES), make.chance.choice(UP)
    path = f"{slash}{up}{make.chance.choice(SLASHES)}" * make.chance.randint(1, 3) + to + make.chance.choice(["", "/json", "%2fjson"])
    return Draft(path, make.request(make.line(path=path), body=make.hidden()), may_follow=True)


def prefix(make: Making) -> Draft:
    """The prefix written in another way."""
    own = make.prefix[1:]
    letter = make.chance.randrange(len(own))
    escaped = f"{own[:letter]}%{ord(own[letter]):02x}{own[letter + 1 :]}"
    starts = [
        f"//{own}",
        f"/./{own}",
        f"/x/../{own}",
        f"/{escaped}",
        f"/{own.upper()}",
        f"/{own};x",
        f"/{own}%2f..",
        f"/{own}/",
        f"/{own}\\",
    ]
    starts += [f"/{own}%00", f"/%2f{own}", f"/%09{own}", f"/{own}.", f"\\{own}", f"/{own}%20", f"/{own}#", f"/{own}@x", f"/static/../{own}"]
    start = make.chance.choice(starts)
    line = b"GET " + f"{start}/json HTTP/1.1".encode()
    return Draft(start, make.request(line, body=make.hidden()), may_follow=True)


def odd(make: Making) -> Draft:
    """Invalid escapes, control characters, parameters."""
    path = make.chance.choice(ODD)
    return Draft(path, make.request(make.line(path=path), body=make.hidden()), may_follow=True)


def split(make: Making) -> Draft:
    """A complete request inside the path, for a proxy that decodes the path (request splitting)."""
    breaks = make.chance.choice(BREAKS)
    space = make.chance.choice(["%20", "+", "%09"])
    head = f"{space}HTTP/1.1{breaks}Host:{make.authority.decode()}{breaks}{breaks}"
    inner = f"{head}GET{space}/hello/{make.hidden_id}{space}HTTP/1.1{breaks}X-Request-ID:{make.hidden_id}"
    place = make.chance.choice(["/hello/a", "/json?a=", "/wait?seconds=0&a=", "/json#", "/static/", ""])
    return Draft(f"{breaks} after {place}", make.request(make.line(path=place + inner + breaks * 2)))


def raw_bytes(make: Making) -> Draft:
    """Bytes that are not allowed in a URL."""
    byte = make.chance.choice([make.control(), bytes([make.chance.randrange(128, 256)]), b'"', b"<", b"`", b"{", b"|", b"^"])
    line = b"GET " + make.prefix.encode() + b"/hello/a" + byte + b"b HTTP/1.1"
    return Draft(repr(byte), make.request(line, body=make.hidden()), may_follow=True)
