"""Two requests on one connection: valid pipelines as the control group, and messages that end the connection before the second."""

from loadtest.chaos.attacks.vectors.model import Draft, Making


def honest(make: Making) -> Draft:
    """A complete request and the next one: both are served. This shows that the test would detect a hidden request."""
    body = b"x" * make.chance.randint(0, 200)
    method, path, fields, sent = make.chance.choice(
        [
            (b"GET", "/json", (), b""),
            (b"HEAD", "/json", (), b""),
            (b"POST", "/upload", ((b"Content-Length", b"%d" % len(body)),), body),
            (b"POST", "/upload", ((b"Transfer-Encoding", b"chunked"),), b"3\r\nabc\r\n0\r\n\r\n"),
        ]
    )
    return Draft(f"{method.decode()} {path}", make.request(make.line(method, path), *fields, body=sent + make.hidden()), may_follow=True)


def closing(make: Making) -> Draft:
    """The client declares this its last request; the server does not read what follows."""
    close = make.chance.choice([b"close", b"Close", b"CLOSE"])
    return Draft(close.decode(), make.request(make.line(), (b"Connection", close), body=make.hidden()))


def old(make: Making) -> Draft:
    """HTTP/1.0 without keep-alive: one request for each connection."""
    return Draft("HTTP/1.0", make.request(make.line(version=b"HTTP/1.0"), body=make.hidden()))


def refused(make: Making) -> Draft:
    """A body that the server refuses for its size, with a request inside. The server reads the whole body or closes the connection."""
    body = make.either() * make.chance.choice([1, 600])
    length = make.chance.choice([len(body) + 100_000, 10_000_000_000])
    path = make.chance.choice(["/echo", "/nothing", "/json"])
    data = make.request(make.line(b"POST", path), (b"Content-Length", b"%d" % length), body=body)
    return Draft(f"{len(body)} of {length} bytes", data, whole=False)
