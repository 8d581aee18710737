"""Request lines: an invalid method, target or version, or no request line at all."""

from loadtest.chaos.attacks.vectors.model import Draft, Making

VERSIONS: tuple[bytes, ...] = (
    b"HTTP/2.0",
    b"HTTP/3.0",
    b"HTTP/0.9",
    b"HTTP/1.",
    b"HTTP/11",
    b"http/1.1",
    b"HTTP/1.10",
    b"HTTP/1.2",
    b"HTTP/1.999",
)
VERSIONS += (b"HTTP/99999.1", b"HTTP /1.1", b"HTP/1.1", b"HTTP/-1.1", b"HTTP/1.1.1", b"HTTP/1,1", b"HTTP/1.1a", b"ICY/1.1", b"HTTP/ 1.1")
METHODS: tuple[bytes, ...] = (
    b"CONNECT",
    b"TRACE",
    b"TRACK",
    b"PRI",
    b"PROPFIND",
    b"get",
    b"GeT",
    b"GET,POST",
    b"G\x00ET",
    b"G(ET)",
    b"\xc7ET",
    b"_GET",
    b"-",
)


def version(make: Making) -> Draft:
    """A version that is not 1.0 or 1.1."""
    chosen = make.chance.choice(VERSIONS)
    # 1.2 and the like are later minor versions; a server answers them as 1.1.
    return Draft(repr(chosen), make.request(make.line(version=chosen), body=make.hidden()), may_follow=chosen.startswith(b"HTTP/1."))


def method(make: Making) -> Draft:
    """A method that no service supports, or none at all."""
    chosen = make.chance.choice([*METHODS, b"", make.word().upper(), make.word(200, 9000).upper()])
    return Draft(f"{chosen[:20]!r}", make.request(make.line(chosen), body=make.hidden()), may_follow=True)


def spaces(make: Making) -> Draft:
    """White space in place of the single space, or no space, or white space where none belongs."""
    space = make.chance.choice([b"", b"  ", b"\t", b" \t ", b"\x0b", b"\x0c", b"\r", b"\xa0", b"\x00"])
    parts = make.line().split(b" ")
    place = make.chance.randint(0, 3)
    joints = [b"", b" ", b" ", b""]
    joints[place] = space
    line = joints[0] + parts[0] + joints[1] + parts[1] + joints[2] + parts[2] + joints[3]
    # Nginx skips repeated spaces and spaces at the end, as RFC 9112 allows.
    return Draft(f"{space!r} at {place}", make.request(line, body=make.hidden()), may_follow=True)


def pieces(make: Making) -> Draft:
    """Too few words, or too many."""
    words = make.chance.choice([(b"GET",), (b"GET", b""), (b"",), (b"GET", b"/json", b"/json", b"HTTP/1.1"), (b"HTTP/1.1",), (b"/json",)])
    return Draft(repr(words), make.request(b" ".join(words), body=make.hidden()))


def old(make: Making) -> Draft:
    """HTTP/0.9: only a request line. What follows it belongs to no request."""
    line = b"GET " + f"{make.prefix}/hello/{make.front}".encode() + make.chance.choice([b"\r\n", b"\n", b" \r\n"])
    return Draft("a line alone", line + make.chance.choice([b"", make.hidden(), b"\r\n" + make.hidden()]))


def empty_lines(make: Making) -> Draft:
    """Empty lines before the request, which a server may skip."""
    end = make.chance.choice([b"\r\n", b"\n", b"\r", b"\n\r"])
    return Draft(f"{end!r} before it", end * make.chance.randint(1, 20) + make.request(make.line(), body=make.hidden()), may_follow=True)


def long_line(make: Making) -> Draft:
    """A line close to the size limit, or far above it."""
    length = make.chance.choice([8000, 8192, 9000, 20_000, 70_000])
    path = "/hello/" + "x" * (length + make.chance.randint(-60, 60))
    return Draft(f"{length} bytes", make.request(make.line(path=path), body=make.hidden()), may_follow=True)


def noise(make: Making) -> Draft:
    """Random bytes with a request behind them."""
    random = make.chance.randbytes(make.chance.randint(1, 400))
    end = make.chance.choice([b"", b"\r\n", b"\r\n\r\n", b"\n\n"])
    return Draft("random bytes", random + end + make.hidden(), may_follow=True)


def bare_ends(make: Making) -> Draft:
    """Lines that end in LF alone, which a server may accept, or in CR alone, which no server may accept."""
    end = make.chance.choice([b"\n", b"\r", b"\n\r"])
    data = make.line() + end + make.fields(end=end) + end
    return Draft(f"lines end in {end!r}", data + make.hidden(), may_follow=end == b"\n")


def form(make: Making) -> Draft:
    """Targets that are not a plain path: absolute, authority, asterisk, fragment."""
    path = f"{make.prefix}/json".encode()
    targets = [b"http://evil.example" + path, b"http://" + make.authority + path, b"https://evil.example:1" + path, b"*", make.authority]
    targets += [b"http://", b"http:///json", b"http:" + path, b"//evil.example" + path, b"ftp://x" + path, b"http://a@b" + path, b"?a"]
    targets += [path + b"#part", b"file:///etc/passwd", b"http://[::1" + path, b"http://a b" + path, b"HTTP://EVIL" + path, path[1:]]
    target = make.chance.choice(targets)
    method = make.chance.choice([b"GET", b"GET", b"OPTIONS", b"CONNECT"])
    return Draft(repr(target), make.request(method + b" " + target + b" HTTP/1.1", body=make.hidden()), may_follow=True)
