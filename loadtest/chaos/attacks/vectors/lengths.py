"""Content-Length: invalid numbers, two lengths, too many or too few bytes. The hidden request is the body."""

from loadtest.chaos.attacks.vectors.model import Draft, Field, Making

WRONG: tuple[str, ...] = (
    "+{n}",
    "-1",
    "-{n}",
    "0x{n:x}",
    "{n}, {n}",
    "{n},0",
    "0,{n}",
    "{n} {n}",
    "{n}.0",
    "1e1",
    "",
    "{n};",
    "{n}\x0b",
    "\x00{n}",
    "{n}\x00",
)
WRONG += (
    "99999999999999999999999999",
    "18446744073709551616",
    "9223372036854775808",
    "\u0663",
    "{n}\r",
    "'{n}'",
    '"{n}"',
    "0b1",
    "{n}_0",
    "null",
)
# Paths that Nginx answers itself, paths that a service answers, and paths that accept a body.
PATHS: tuple[str, ...] = ("/json", "/hello/a", "/nothing", "/echo", "/upload", "/static/gates.svg", "/wait?seconds=x", "/")


def number(make: Making) -> Draft:
    """A length that is not a number of bytes."""
    body = make.either()
    said = make.chance.choice(WRONG).format(n=len(body)).encode()
    method, path = make.chance.choice([(b"POST", "/echo"), (b"POST", "/upload"), (b"GET", "/json")])
    return Draft(repr(said), make.request(make.line(method, path), (b"Content-Length", said), body=body))


def written(make: Making) -> Draft:
    """A valid length in an unusual form: surrounding white space, leading zeros, any letter case, no space."""
    body = make.either()
    length = len(body)
    fields: list[Field] = [b"Content-Length:%d" % length, b"Content-Length:  %d  " % length, b"CONTENT-LENGTH: %d" % length]
    fields += [b"content-length: 000%d" % length, b"Content-Length: %d\t" % length]
    chosen = make.chance.choice(fields)
    return Draft(repr(chosen), make.request(make.line(b"POST", make.chance.choice(["/echo", "/upload"])), chosen, body=body))


def named(make: Making) -> Draft:
    """A name similar to Content-Length. A parser that requires the exact name sees no body, and the next request begins there."""
    body = make.either()
    name = make.chance.choice(
        [b"Content_Length", b"Content-Length ", b"Content Length", b" Content-Length", b"Content-Length\t", b"X-Content-Length"]
    )
    name = make.chance.choice([name, b"Content-Length\x00", b"Content-Lengt", b"\xef\xbb\xbfContent-Length", b"Content-Length:"])
    return Draft(repr(name), make.request(make.line(b"POST", "/echo"), (name, b"%d" % len(body)), body=body), may_follow=True)


def two(make: Making) -> Draft:
    """Two lengths. A server refuses them, or accepts them if they are equal. It must never treat the body as a request."""
    body = make.either()
    first, second = make.chance.choice(
        [(len(body), 0), (0, len(body)), (len(body), len(body)), (len(body), 5), (5, len(body)), (1, len(body))]
    )
    names = make.chance.choice([(b"Content-Length", b"Content-Length"), (b"Content-Length", b"content-length")])
    fields = ((names[0], b"%d" % first), (names[1], b"%d" % second))
    return Draft(f"{first} and {second}", make.request(make.line(b"POST", make.chance.choice(["/echo", "/upload"])), *fields, body=body))


def unwanted(make: Making) -> Draft:
    """A body where the server expects none (CL.0). A server that answers without reading the body takes it for the next request."""
    body = make.either()
    method = make.chance.choice([b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"POST", b"PUT", b"PATCH"])
    path = make.chance.choice(PATHS)
    line = make.line(method, path)
    if make.chance.random() < 0.2:  # a path that Nginx answers itself
        line = method + make.chance.choice([b" /", b" /healthz", b" /static/gates.svg", b" /nothing", b" /flask"]) + b" HTTP/1.1"
    return Draft(f"{method.decode()} {path}", make.request(line, (b"Content-Length", b"%d" % len(body)), body=body))


def expecting(make: Making) -> Draft:
    """``Expect``, valid and invalid: do the client and the server wait for each other?"""
    body = make.either()
    said = make.chance.choice([b"100-continue", b"100-Continue", b"100-continue, x", b"200-ok", b"", b"y 100-continue", b"100-continue\t"])
    method = make.chance.choice([b"POST", b"GET", b"HEAD", b"OPTIONS"])
    fields = ((b"Expect", said), (b"Content-Length", b"%d" % len(body)))
    return Draft(f"{method.decode()} {said!r}", make.request(make.line(method, make.chance.choice(PATHS)), *fields, body=body))


def short(make: Making) -> Draft:
    """Fewer bytes declared than sent: the rest begins the next request, complete or in the middle of a word."""
    hidden = make.hidden()
    taken = make.chance.choice([0, 1, 5, make.chance.randint(4, len(hidden) - 1)])
    junk = b"x" * make.chance.choice([0, taken])
    data = make.request(make.line(b"POST", "/echo"), (b"Content-Length", b"%d" % taken), body=junk + hidden)
    # If one byte is taken, "ET /" remains of "GET /": this too is a request, with a method that does not exist.
    return Draft(f"{taken} of {len(junk + hidden)}", data, may_follow=len(junk) == taken or taken == 1)


def long(make: Making) -> Draft:
    """More bytes declared than sent: the request is never complete."""
    body = make.either()
    length = len(body) + make.chance.choice([1, 5, 1000, 60_000])
    data = make.request(make.line(b"POST", make.chance.choice(["/echo", "/upload"])), (b"Content-Length", b"%d" % length), body=body)
    return Draft(f"{length} of which {len(body)} come", data, whole=False)
