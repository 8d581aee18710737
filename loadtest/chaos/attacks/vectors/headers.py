"""Header fields: names, values, folds, sizes, numbers."""

from loadtest.chaos.attacks.vectors.model import Draft, Field, Making

SINGLE: tuple[bytes, ...] = (
    b"Host",
    b"Content-Type",
    b"X-Request-ID",
    b"Last-Event-ID",
    b"Range",
    b"If-None-Match",
    b"Connection",
    b"X-Forwarded-For",
)
REPEATED: tuple[bytes, ...] = (
    b"Cookie",
    b"Forwarded",
    b"Daphne-Root-Path",
    b"Proxy",
    b"Upgrade",
    b"Expect",
    b"TE",
    b"Trailer",
    b"Via",
    b"Accept-Encoding",
)


def name(make: Making) -> Draft:
    """A name that is not a token."""
    word = make.word()
    names = [b"", b" " + word, word + b" ", word + b"\t", word + make.control() + b"x", b"\xe9" + word, b'"' + word + b'"', b"a b", b"a/b"]
    names += [b"_" + word, b"{x}", b"a(b)", b"a\rb", b"a=b", b"\xff\xfe", b"a,b", b"a;b", b"a@b", b"[a]"]
    chosen = make.chance.choice(names)
    # Nginx drops a field that it cannot parse, and answers the request without it.
    return Draft(repr(chosen[:20]), make.request(make.line(), (chosen, b"x"), body=make.hidden()), may_follow=True)


def no_colon(make: Making) -> Draft:
    """A line that is not a field."""
    line = make.chance.choice([make.word(), b"Host", b"GET / HTTP/1.1", b":", b"::", b": x", b"=", make.control(), b"X-A x: b"])
    return Draft(repr(line[:20]), make.request(make.line(), line, body=make.hidden()), may_follow=True)


def value(make: Making) -> Draft:
    """A value with an invalid byte."""
    byte = make.chance.choice([make.control(), b"\x00", b"\r", b"\x80", b"\xff", b"\xc3\xa9", b"\x85"])
    field = make.chance.choice([b"X-A", b"Accept", b"Cookie", b"User-Agent", b"Referer", b"Content-Type", b"Last-Event-ID", b"Origin"])
    return Draft(f"{byte!r} in {field!r}", make.request(make.line(), (field, make.word() + byte + make.word()), body=make.hidden()), True)


def injected(make: Making) -> Draft:
    """The end of a field or of the header inside a value, with a request behind it.

    A server must treat it as the end of the value only, or refuse the request.
    """
    ending = make.chance.choice([b"\r", b"\r\r", b"\x00\r", b"\x0b\x0c", b"\xe5\x98\x8a\xe5\x98\x8d", b"%0d%0a", b"\\r\\n"])
    hidden = make.either().replace(b"\r\n", ending)
    return Draft(f"lines joined by {ending!r}", make.request(make.line(), (b"X-A", ending * 2 + hidden)))


def folded(make: Making) -> Draft:
    """A value that continues on the next line, which is obsolete in HTTP/1.1."""
    fold = make.chance.choice([b"\r\n ", b"\r\n\t", b"\n ", b"\r\n\r\n ", b"\r\n  \t"])
    field = make.chance.choice([b"X-A", b"Host", b"Content-Type", b"Accept"])
    data = make.request(make.line(), (field, b"a" + fold + b"b"), host=field != b"Host", body=make.hidden())
    return Draft(f"{fold!r} in {field!r}", data, may_follow=b"\r\n\r\n" not in fold)


def first_line(make: Making) -> Draft:
    """White space between the request line and the first field: some parsers skip it, others read it as a fold."""
    space = make.chance.choice([b" ", b"\t", b"\x00", b" \r\n", b"\x0b"])
    data = make.line() + b"\r\n" + space + make.fields() + b"\r\n" + make.hidden()
    return Draft(f"{space!r} before the first field", data, may_follow=True)


def large(make: Making) -> Draft:
    """A field close to the size limit, or far above it."""
    length = make.chance.choice([8000, 8192, 9000, 33_000, 100_000])
    field = (b"X-Large", b"x" * (length + make.chance.randint(-40, 40)))
    return Draft(f"{length} bytes", make.request(make.line(), field, body=make.hidden()), may_follow=True)


def many(make: Making) -> Draft:
    """More fields than any normal client sends."""
    number = make.chance.choice([90, 200, 900, 1100, 3000, 8000])
    fields: list[Field] = [(b"X-%d" % one, b"x") for one in range(number)]
    return Draft(f"{number} fields", make.request(make.line(), *fields, body=make.hidden()), may_follow=True)


def twice(make: Making) -> Draft:
    """A field sent twice that is allowed only once, or that a service behind Nginx might trust."""
    field = make.chance.choice([*SINGLE, *REPEATED])
    fields = ((field, make.word()), (field, make.word()))
    return Draft(repr(field), make.request(make.line(), *fields, body=make.hidden()), may_follow=True)


def hop(make: Making) -> Draft:
    """``Connection`` tells the next hop to drop fields: one that frames the body, or one that Nginx adds."""
    named = make.chance.choice([b"Content-Length", b"X-Request-ID", b"Host", b"X-Real-IP", b"Transfer-Encoding", b"close, Content-Length"])
    body = make.either()
    fields = ((b"Connection", named), (b"Content-Length", b"%d" % len(body)))
    return Draft(f"Connection: {named.decode()}", make.request(make.line(b"POST", "/echo"), *fields, body=body))
