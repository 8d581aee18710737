"""PostgreSQL and Valkey: the same in both runtimes, with the settings of compose.yaml, and only with the password."""

import re

import pytest

from tests.data import DOCUMENT, ask_valkey, secret, sql

MEBIBYTE = 2**20


def test_postgres_is_the_named_version() -> None:
    assert sql("SHOW server_version_num").stdout.startswith("18")
    database = sql("SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = 'twogates'")
    assert database.stdout.strip() == "UTF8|C.UTF-8"


@pytest.mark.parametrize("option", DOCUMENT["services"]["postgres"]["command"][1:])
def test_a_setting_of_postgres(option: str) -> None:
    name, value = option.removeprefix("--").replace("-", "_", option.count("-")).split("=")
    assert sql(f"SHOW {name}").stdout.strip() == value


@pytest.mark.parametrize("password", ["", "wrong"])
def test_postgres_wants_the_password(password: str) -> None:
    refused = sql("SELECT 1", password=password)
    assert refused.returncode
    assert "password" in refused.stderr


def test_valkey_is_the_named_version() -> None:
    found = re.search(r"valkey_version'?:\s*'?(\d+)", ask_valkey("INFO", "server", password=secret("valkey_password")))
    assert found
    assert found[1] == "9"


def test_valkey_forgets_what_is_least_used() -> None:
    memory = ask_valkey("INFO", "memory", password=secret("valkey_password"))
    assert re.search(r"maxmemory_policy'?:\s*'?allkeys-lfu", memory)
    assert re.search(rf"maxmemory'?:\s*{64 * MEBIBYTE}\b", memory)


def test_valkey_wants_the_password() -> None:
    assert "NOAUTH" in ask_valkey("GET", "a") or "Authentication required" in ask_valkey("GET", "a")
    password = secret("valkey_password")
    assert ask_valkey("SET", "cache:a", "b", "EX", "5", password=password) in ("OK", "True")
    assert ask_valkey("GET", "cache:a", password=password) == "b"


@pytest.mark.parametrize(
    "command",
    [
        ("CONFIG", "GET", "maxmemory"),
        ("FLUSHALL",),
        ("SHUTDOWN", "NOSAVE"),
        ("ACL", "LIST"),
        ("KEYS", "*"),
        ("SET", "other", "1"),  # not one of our keys
        ("EVAL", "return redis.call('GET', 'other')", "0"),
        ("EVAL", "return redis.call('FLUSHDB')", "0"),
        ("PUBLISH", "other", "1"),
        ("CLIENT", "KILL", "TYPE", "normal"),
        ("CLIENT", "PAUSE", "1000"),
        ("SETBIT", "cache:a", "4294967295", "1"),  # half a gigabyte at once
        ("XADD", "cache:b", "*", "a", "1"),
        ("MONITOR",),
        ("SCRIPT", "FLUSH"),
    ],
    ids=" ".join,
)
def test_a_client_may_do_nothing_to_the_server_and_to_others(command: tuple[str, ...]) -> None:
    assert "no permissions" in ask_valkey(*command, password=secret("valkey_password")).lower()
