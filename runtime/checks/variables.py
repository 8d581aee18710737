"""Check the variables of compose.yaml before anything starts, under the names that the operator sets."""

import re
from collections.abc import Callable, Iterator, Mapping

from runtime.compose_file import defaults
from runtime.docker.compose import OVERRIDES, PRODUCTION, files
from runtime.messages import fail


def whole(low: int, high: int, word: str = "") -> tuple[str, Callable[[str], bool]]:
    """Return a rule for a whole number within bounds, or a word."""
    words = f"a whole number from {low} to {high}" + (f", or {word}" if word else "")
    return words, lambda value: bool(word and value == word) or (bool(re.fullmatch(r"[0-9]{1,15}", value)) and low <= int(value) <= high)


def text(words: str, pattern: str) -> tuple[str, Callable[[str], bool]]:
    """Return a rule for text that matches a pattern."""
    return words, lambda value: re.fullmatch(pattern, value, re.ASCII) is not None


# The value that a browser sends in the Origin header.
ORIGIN = r"(?:null|http://{host}(?!:80\b)(?::\d{{1,5}})?|https://{host}(?!:443\b)(?::\d{{1,5}})?)"
ORIGIN = ORIGIN.format(host=r"(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])")

# The first rule whose pattern is found in the variable's name applies.
RULES = {
    r"PORT$": whole(1, 65535),
    r"^NGINX_WORKERS$": whole(1, 64),
    r"WORKERS$": whole(1, 256, "auto"),
    r"^PGBOUNCER_(POOL|CLIENTS)$": whole(1, 10_000),
    r"POOL$": whole(1, 1000, "auto"),
    r"REPLICAS$": whole(1, 64),
    r"THREADS$": whole(1, 1024),
    r"BACKLOG$|CONNECTIONS$": whole(1, 65535),
    r"PLACES$|CLIENT_LIMIT$": whole(1, 65535),
    r"STREAMS$": whole(1, 1024),
    r"LIMIT$": whole(1, 10**12),
    r"^MESSAGE_DAYS$": whole(1, 36500),
    r"TIMEOUT$": whole(1, 3600),
    r"^KEEPALIVE$": whole(40, 3600),  # longer than Nginx's keep-alive of 30 s (upstreams.conf.template)
    r"CPUS$": text("a number of CPUs such as 0.5 or 2", r"\d+(\.\d+)?"),
    r"^VALKEY_MAXMEMORY$": text("a size such as 64mb", r"\d+[kmg]b"),
    r"MEMORY$": text("a size such as 256m or 1g", r"\d+[bkmg]"),
    r"PERIOD$": text("seconds such as 35s", r"\d+s"),
    r"^LOG_LEVEL$": text("one of debug, info, warning, error", "debug|info|warning|error"),
    r"PRELOAD$": text("true or false", "true|false"),
    r"^HTTP3$|^PGBOUNCER$|^ADMIN$|^EXAMPLE$|^EXPOSE_DEVELOPMENT$": text("on or off", "on|off"),
    r"^PROFILE$": text("development or production", "development|production"),
    r"^TLS_PROFILE$": text("intermediate or modern", "intermediate|modern"),
    r"^SERVER_NAMES$": text("names or addresses with a space between", r"[A-Za-z0-9.:\[\]-]+( [A-Za-z0-9.:\[\]-]+)*"),
    r"^RATE": whole(1, 10**6),
    r"^UNLIMITED_CLIENTS$": text("addresses or ranges, each with ' 1;' behind it", r"([0-9A-Fa-f.:/]+ 1; ?)*"),
    r"^FRONT_PROXY$": text("an address or range such as 10.1.0.0/16", r"[0-9A-Fa-f.:]+(/\d{1,3})?"),
    r"^SOCKET_ORIGINS$": text(
        "origins as a browser writes them, with a space between: https://app.example or http://app.example:8000, without a path and "
        "without the scheme's own port; or null",
        f"{ORIGIN}( {ORIGIN})*",
    ),
    r"^ACCEPT_VULNERABLE$": text(
        "parts and versions with a space between, such as nginx=1.30.6 python=3.14.8",
        r"(nginx|postgresql|valkey|python)=(\d+(\.\d+)+|unknown)( (nginx|postgresql|valkey|python)=(\d+(\.\d+)+|unknown))*",
    ),
    r"^IMAGE_REGISTRY$": text("a registry with / at its end: mirror.example.org/ or 10.1.0.4:5000/hub/", r"[\w.-]+(:\d+)?/([\w.-]+/)*"),
    r"^BACKUP_RECIPIENTS$": text("public keys of age's with a space between: age1...", r"age1[a-z0-9]+( age1[a-z0-9]+)*"),
    r"^BIND$": text("an IPv4 address of this machine", r"\d+\.\d+\.\d+\.\d+"),
}


# Variables of .env.example that compose.yaml does not read.
ELSEWHERE = ("HTTP3", "PGBOUNCER", "EXPOSE_DEVELOPMENT", "ACCEPT_VULNERABLE", "BACKUP_RECIPIENTS")


def wrong_variables(given: Mapping[str, str]) -> Iterator[str]:
    """Yield a message for each variable with an invalid value."""
    for name in [*defaults(), *(name for name in ELSEWHERE if name not in defaults())]:
        for pattern, (accepted, holds) in RULES.items():
            if re.search(pattern, name):
                if name in given and not holds(given[name]):
                    yield f"{name} is {given[name]!r}; accepted: {accepted}"
                break
    profile, bind = given.get("PROFILE", "development"), given.get("BIND", "127.0.0.1")
    if profile == "development" and given.get("EXPOSE_DEVELOPMENT") != "on" and not bind.startswith("127."):
        yield (
            f"BIND is {bind!r} in development, where anybody who reaches this machine may hold its workers, erase its boards and start a "
            "load test; accepted: an address of 127.0.0.0/8, PROFILE=production, or EXPOSE_DEVELOPMENT=on beside it"
        )
    if "COMPOSE_FILE" in given:
        if (profile == "production") != (PRODUCTION in files(given)):
            yield f"PROFILE is {profile!r} and COMPOSE_FILE is {given['COMPOSE_FILE']!r}; accepted: {PRODUCTION} in production alone"
        for name, (value, file) in OVERRIDES.items():
            if file != PRODUCTION and given.get(name) == value and file not in files(given):
                yield f"{name} is {value!r} and COMPOSE_FILE is {given['COMPOSE_FILE']!r}; accepted: with {file} in it"


def check_variables(given: Mapping[str, str]) -> None:
    """Exit with a message if a variable has an invalid value."""
    for sentence in wrong_variables(given):
        fail(sentence, 2)
