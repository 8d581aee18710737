"""Chunks: sizes, extensions, ends and trailers that two parsers interpret differently."""

from loadtest.chaos.attacks.vectors.model import Draft, Making

SIZES: tuple[str, ...] = (
    "0x{n:x}",
    "+{n:x}",
    "-{n:x}",
    "{n:x}h",
    "",
    "G",
    "{n:x},",
    "{n:x} {n:x}",
    "{n:x}\r",
    "\r{n:x}",
    "\x00{n:x}",
    "{n:x}\x00",
    "{n}.0",
    "_{n:x}",
)
SIZES += ("FFFFFFFFFFFFFFFFF", "10000000000000000{n:x}", "7fffffffffffffff", "ffffffffffffffff", "{n:x}\x0b", "\u0661", "{n:x}:", "{n:x}=1")
EXTENSIONS: tuple[str, ...] = (
    ";",
    ";a",
    ";a=b",
    ' ; a = "b"',
    ';a="',
    ";\x00",
    ";a\rb",
    ";" + "x" * 5000,
    " ",
    "\t",
    ';a="\\"',
    ";;;",
    ";a=b;c",
)


def chunked(make: Making, body: bytes, *, may_follow: bool = False, what: str, whole: bool = True) -> Draft:
    """Return a chunked request to a path that accepts a body, or to one that does not."""
    path = make.chance.choice(["/echo", "/upload", "/upload", "/json"])
    data = make.request(make.line(b"POST", path), (b"Transfer-Encoding", b"chunked"), body=body)
    return Draft(what, data, may_follow, whole)


def size(make: Making) -> Draft:
    """An invalid size; the hidden request is the chunk's data."""
    hidden = make.either()
    said = make.chance.choice(SIZES).format(n=len(hidden))
    return chunked(make, said.encode() + b"\r\n" + hidden + b"\r\n0\r\n\r\n", what=repr(said))


def padded(make: Making) -> Draft:
    """A valid size in capitals, with leading zeros."""
    hidden = make.either()
    said = b"0" * make.chance.choice([0, 1, 7, 15, 40]) + (b"%X" % len(hidden))
    return chunked(make, said + b"\r\n" + hidden + b"\r\n0\r\n\r\n", what=repr(said))


def extension(make: Making) -> Draft:
    """A valid or invalid extension after the size."""
    hidden = make.either()
    said = make.chance.choice(EXTENSIONS)
    return chunked(make, b"%x" % len(hidden) + said.encode() + b"\r\n" + hidden + b"\r\n0\r\n\r\n", what=repr(said[:20]))


def split_extension(make: Making) -> Draft:
    r"""Some form of line break in an extension: does it end the line?

    To a parser that ends the line at LF, "xx" is a chunk, and the hidden request is in the next chunk. A parser that
    requires CR LF reads "xx" as extension and the hexadecimal size as a chunk of two bytes; the hidden request then follows
    the last chunk. The message is invalid, so a server must not serve the hidden request.
    """
    breaks = make.chance.choice([b"\n", b"\r", b"\n\n", b"\r\r"])
    hidden = make.either()
    inner = b"xx\r\n%x\r\n0\r\n\r\n" % (len(hidden) + 5)
    return chunked(make, b"2;" + breaks + inner + hidden + b"\r\n0\r\n\r\n", what=f"{breaks!r} in an extension")


def ending(make: Making) -> Draft:
    """Data that is longer or shorter than its size, or that lacks the line end after it."""
    hidden = make.either()
    length = len(hidden)
    bodies = {
        "too long": b"%x\r\n" % (length - 3) + hidden + b"\r\n0\r\n\r\n",
        "too short": b"%x\r\n" % (length + 3) + hidden + b"\r\n0\r\n\r\n",
        "no end": b"%x\r\n" % length + hidden + b"0\r\n\r\n",
        "two other bytes": b"%x\r\n" % length + hidden + b"XX0\r\n\r\n",
        "one byte more": b"3\r\nabcX\r\n" + b"%x\r\n" % length + hidden + b"\r\n0\r\n\r\n",
        "CR alone": b"%x\r\n" % length + hidden + b"\r0\r\n\r\n",
        "nothing, and a request": b"3\r\nabc" + hidden,
    }
    what = make.chance.choice(list(bodies))
    return chunked(make, bodies[what], what=what)


def last(make: Making) -> Draft:
    """An invalid last chunk with a request behind it."""
    ends = [
        b"0\r\n",
        b"0\r\r\n",
        b"0\r\n\r",
        b"0\r\n \r\n",
        b"0x0\r\n\r\n",
        b"-0\r\n\r\n",
        b"0\x00\r\n\r\n",
        b"0\r\nX\r\n",
        b"0\rX\r\n\r\n",
        b"\r\n\r\n",
    ]
    end = make.chance.choice(ends)
    return chunked(make, b"3\r\nabc\r\n" + end + make.hidden(), what=repr(end))


def last_and_next(make: Making) -> Draft:
    """A valid or nearly valid last chunk, then the next request. Only Nginx parses it: Nginx encodes the chunks again for a service."""
    end = make.chance.choice(
        [b"0\r\n\r\n", b"000\r\n\r\n", b"0\n\n", b"0\n\r\n", b"0\r\n\n", b"0;a=b\r\n\r\n", b"0 \r\n\r\n", b"0;\r\n\r\n"]
    )
    return chunked(make, b"3\r\nabc\r\n" + end + make.hidden(), may_follow=True, what=repr(end))


def trailer(make: Making) -> Draft:
    """Trailer fields after the last chunk: the hidden request as a field, and fields that would frame a body or name a client."""
    hidden = make.either()
    fields = [hidden, b"X-A: b\r\n" + hidden, b"Content-Length: %d\r\n\r\n" % len(hidden), b"Transfer-Encoding: chunked\r\n\r\n"]
    fields += [b"Host: evil.example\r\n\r\n", b"X-Real-IP: 6.6.6.6\r\n\r\n", b" folded\r\n\r\n", b"no colon\r\n\r\n", b"A\x00: b\r\n\r\n"]
    chosen = make.chance.choice(fields)
    follows = not chosen.endswith(hidden)
    return chunked(make, b"0\r\n" + chosen + (make.hidden() if follows else b""), may_follow=follows, what=repr(chosen[:20]))


def unfinished(make: Making) -> Draft:
    """A chunk that is incomplete; the part that arrives is a request."""
    hidden = make.either()
    body = b"%x\r\n" % (len(hidden) + 100) + hidden
    return chunked(make, body, what="no end", whole=False)
