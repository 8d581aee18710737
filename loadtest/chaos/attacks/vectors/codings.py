"""Transfer-Encoding together with Content-Length, and disguised: one parser recognises it, another does not."""

from loadtest.chaos.attacks.vectors.model import Draft, Field, Making

# Parsers that trim, fold, split or ignore case in an unusual way accept these as "chunked"; others do not.
DISGUISES: tuple[bytes, ...] = (
    b"xchunked",
    b"chunked, identity",
    b"identity, chunked",
    b"identity",
    b"chunked,",
    b",chunked",
    b"chunked;q=1",
    b"chunk",
)
DISGUISES += (
    b'"chunked"',
    b"\x0bchunked",
    b"chunked\x0b",
    b"chunked\x00",
    b"\x00chunked",
    b"chun\xc5\xb8ked",
    b"chunked, chunked",
    b"chunked gzip",
)
DISGUISES += (
    b"gzip",
    b"gzip, chunked",
    b"deflate",
    b"cow",
    b"cow, chunked",
    b"",
    b"\tchunked",
    b"chunked\t",
    b"\rchunked",
    b"'chunked'",
)
DISGUISES += (b"chunked, cow", b"\r\n chunked", b"chunked\r\n ", b"\xefchunked", b"chunKed\x00x", b"trailers", b"compress, chunked")
# Names that are not Transfer-Encoding, but that a careless parser accepts as it.
NAMES: tuple[bytes, ...] = (
    b"Transfer_Encoding",
    b"Transfer Encoding",
    b" Transfer-Encoding",
    b"Transfer-Encoding ",
    b"Transfer-Encoding\t",
    b"X-Transfer-Encoding",
)
NAMES += (b"Transfer-Encodin", b"Content-Encoding", b"TE", b"\x00Transfer-Encoding", b"Transfer-Encoding\x00", b"Transfer-\xc4\xb0ncoding")
NAMES += (
    b"Foo\rTransfer-Encoding",
    b"Foo: bar\rTransfer-Encoding",
    b"Transfer-Encoding\r",
    b"\xef\xbb\xbfTransfer-Encoding",
    b"HTTP_TRANSFER_ENCODING",
)


def both_ways(make: Making, *coding: Field, length: bool) -> tuple[bytes, bool]:
    """Return the request in one of two forms, and whether its length ends before the hidden request.

    CL.TE: the length covers everything, and the chunks end before the hidden request. TE.CL: the hidden request is in a
    chunk, and the length ends before it.
    """
    hidden = make.either()
    if make.chance.random() < 0.5:
        body, said, ends_before = b"0\r\n\r\n" + hidden, len(b"0\r\n\r\n" + hidden), False
    else:
        size = b"%x\r\n" % len(hidden)
        body, said, ends_before = size + hidden + b"\r\n0\r\n\r\n", len(size), True
    fields: list[Field] = [*coding, *([(b"Content-Length", b"%d" % said)] if length else [])]
    make.chance.shuffle(fields)
    path = make.chance.choice(["/echo", "/upload", "/json"])
    return make.request(make.line(make.chance.choice([b"POST", b"POST", b"GET"]), path), *fields, body=body), ends_before


def both(make: Making) -> Draft:
    """Both fields, each valid. HTTP lets a server use the chunks if it then closes the connection; our server refuses the request."""
    coding = make.chance.choice([b"chunked", b"Chunked", b"CHUNKED"])
    return Draft(coding.decode(), both_ways(make, (b"Transfer-Encoding", coding), length=True)[0])


def disguised(make: Making) -> Draft:
    """A value other than a plain "chunked"."""
    coding = make.chance.choice(DISGUISES)
    length = make.chance.random() < 0.7
    return Draft(repr(coding), both_ways(make, (b"Transfer-Encoding", coding), length=length)[0])


def misnamed(make: Making) -> Draft:
    """A name that is not Transfer-Encoding: only the length counts. The next request begins where it ends."""
    name = make.chance.choice(NAMES)
    data, ends_before = both_ways(make, (name, b"chunked"), length=True)
    return Draft(repr(name), data, may_follow=ends_before)


def two(make: Making) -> Draft:
    """Two Transfer-Encoding fields, equal or different (TE.TE)."""
    first, second = make.chance.sample([b"chunked", b"identity", b"x", b"gzip", b"chunked", b"", b"CHUNKED"], 2)
    fields = ((b"Transfer-Encoding", first), (make.chance.choice([b"Transfer-Encoding", b"transfer-encoding"]), second))
    return Draft(f"{first!r} and {second!r}", both_ways(make, *fields, length=make.chance.random() < 0.5)[0])


def old_version(make: Making) -> Draft:
    """Chunks in HTTP/1.0, which does not define them."""
    data, _ = both_ways(make, (b"Transfer-Encoding", b"chunked"), length=make.chance.random() < 0.5)
    keep = b"Connection: keep-alive\r\n" if make.chance.random() < 0.5 else b""
    return Draft("HTTP/1.0", data.replace(b"HTTP/1.1\r\n", b"HTTP/1.0\r\n" + keep, 1))


def alone(make: Making) -> Draft:
    """Only chunks, valid in any letter case: their content is the body, and what follows their end is the next request."""
    # A server may read a bare CR as a space (RFC 9112, 2.2), and space around a value is not part of it.
    coding = make.chance.choice([b"chunked", b"Chunked", b"cHuNkEd", b" chunked  ", b"chunked\r"])
    data, within = both_ways(make, (b"Transfer-Encoding", coding), length=False)
    return Draft(repr(coding), data, may_follow=not within)
