"""Host: several, none, with a user, a port or a path, or not a valid name."""

from loadtest.chaos.attacks.vectors.model import Draft, Making

HOSTS: tuple[bytes, ...] = (
    b"",
    b" ",
    b"evil.example",
    b"a@b",
    b"a:b",
    b"a:99999",
    b"a:-1",
    b"a:80:80",
    b"a/b",
    b"a?b",
    b"a#b",
    b"[::1]",
    b"[::1",
    b"::1",
    b"a b",
)
HOSTS += (
    b"..",
    b".",
    b"a..b",
    b"*",
    b"_",
    b"%31",
    b"a%00",
    b"http://a/",
    b"a,b",
    b"(a)",
    b"\xc3\xa9",
    b"x" * 300,
    b"127.1",
    b"2130706433",
    b"a;b",
)
HOSTS += (
    b"localhost.",
    b"flask:8000",
    b"unix:/tmp/x",
    b"169.254.169.254",
    b"a\\b",
    b"<a>",
    b"-a",
    b"a'b",
    b"0",
    b"[fe80::1%25eth0]",
    b"$host",
)


def wrong(make: Making) -> Draft:
    """A Host that is not ours, or not a valid host."""
    host = make.chance.choice([*HOSTS, make.word() + make.control(), make.authority + b".", make.authority + b"@evil.example"])
    return Draft(repr(host[:20]), make.request(make.line(), (b"Host", host), host=False, body=make.hidden()), may_follow=True)


def missing(make: Making) -> Draft:
    """No Host, which HTTP/1.0 allows and HTTP/1.1 does not."""
    version = make.chance.choice([b"HTTP/1.1", b"HTTP/1.0"])
    return Draft(version.decode(), make.request(make.line(version=version), host=False, body=make.hidden()))


def several(make: Making) -> Draft:
    """Two Host fields, equal or different, or one of them disguised."""
    other = make.chance.choice([make.authority, b"evil.example", b""])
    name = make.chance.choice([b"Host", b"host", b"HOST", b"X-Host", b"Host ", b" Host", b"X-Forwarded-Host", b"Ho\x00st", b"Host\t"])
    return Draft(f"{name!r} {other!r}", make.request(make.line(), (name, other), body=make.hidden()), may_follow=True)


def absolute(make: Making) -> Draft:
    """One host in the request target and another in the Host field."""
    target = b"http://" + make.chance.choice([b"evil.example", make.authority, b"a@b", b"", b"[::1]:80"]) + make.prefix.encode() + b"/json"
    host = make.chance.choice(HOSTS)
    data = make.request(b"GET " + target + b" HTTP/1.1", (b"Host", host), host=False, body=make.hidden())
    return Draft(f"{target!r} and {host[:20]!r}", data, may_follow=True)
