"""Settings from the environment: read once, and rejected with one sentence."""

import subprocess
import sys
from pathlib import Path

import pytest

from twogates.demo.settings import UpstreamSettings
from twogates.server.settings import AppSettings, DjangoSettings, ServerSettings

SHARED = Path(__file__).parents[2] / "services/shared"
APP = {
    "PROFILE": "development",
    "BODY_LIMIT": "65536",
    "UPLOAD_LIMIT": "1000",
    "UPSTREAM_URL": "http://upstream:8000",
    "UPSTREAM_CONNECTIONS": "10",
}
SERVER = {
    "PROFILE": "development",
    "HOST": "0.0.0.0",
    "PORT": "8000",
    "LOG_LEVEL": "info",
    "GRACEFUL_TIMEOUT": "30",
    "TRUSTED_PROXIES": "10.0.0.0/8",
    "KEEPALIVE": "75",
}


def read(group: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Read a group of settings in a separate process."""
    module = "demo" if group in ("UpstreamSettings", "LiveSettings") else "server"
    program = f"from twogates.{module}.settings import {group}; print({group}.read())"
    return subprocess.run(
        [sys.executable, "-c", program], env={**environment, "PYTHONPATH": str(SHARED)}, capture_output=True, text=True, timeout=60
    )


def test_what_is_set_is_read() -> None:
    settings = AppSettings.read(APP)
    assert (settings.body_limit, settings.upload_limit) == (65536, 1000)
    upstream = UpstreamSettings.read(APP)
    assert (upstream.upstream_url, upstream.upstream_connections) == ("http://upstream:8000", 10)


def test_what_a_server_lacks_is_none() -> None:
    settings = ServerSettings.read(SERVER)
    assert (settings.workers, settings.threads, settings.timeout, settings.reload) == (None, 1, None, False)
    assert (settings.preload, settings.counters) == (False, None)


@pytest.mark.parametrize(("given", "workers"), [("auto", None), ("", None), ("1", 1), ("256", 256)])
def test_workers_may_be_left_to_the_server(given: str, workers: int | None) -> None:
    assert ServerSettings.read({**SERVER, "WORKERS": given}).workers == workers


def test_settings_do_not_change() -> None:
    settings = AppSettings.read(APP)
    with pytest.raises(ValueError, match="frozen"):
        settings.body_limit = 1


@pytest.mark.parametrize(
    ("group", "wrong", "sentence"),
    [
        ("AppSettings", {"BODY_LIMIT": "0"}, "BODY_LIMIT is '0'; accepted: a whole number of at least 1"),
        ("AppSettings", {"BODY_LIMIT": "64k"}, "BODY_LIMIT is '64k'; accepted: a whole number of at least 1"),
        ("UpstreamSettings", {"UPSTREAM_URL": "upstream"}, "UPSTREAM_URL is 'upstream'; accepted: text that matches ^http://"),
        (
            "UpstreamSettings",
            {"UPSTREAM_CONNECTIONS": "70000"},
            "UPSTREAM_CONNECTIONS is '70000'; accepted: a whole number from 1 to 65535",
        ),
        ("ServerSettings", {"PORT": "http"}, "PORT is 'http'; accepted: a whole number from 1 to 65535"),
        ("ServerSettings", {"WORKERS": "many"}, "WORKERS is 'many'; accepted: a whole number from 1 to 256, or auto"),
        ("ServerSettings", {"WORKERS": "0"}, "WORKERS is '0'; accepted: a whole number from 1 to 256, or auto"),
        ("ServerSettings", {"THREADS": "-1"}, "THREADS is '-1'; accepted: a whole number from 1 to 1024"),
        ("ServerSettings", {"LOG_LEVEL": "loud"}, "LOG_LEVEL is 'loud'; accepted: one of debug, info, warning, error"),
        ("ServerSettings", {"RELOAD": "maybe"}, "RELOAD is 'maybe'; accepted: true or false"),
        ("ServerSettings", {"PRELOAD": "maybe"}, "PRELOAD is 'maybe'; accepted: true or false"),
        ("ServerSettings", {"COUNTERS": "/nothing"}, "COUNTERS is '/nothing'; accepted: a folder to write to"),
        ("LiveSettings", {"LIVE_FOLDER": "/nothing"}, "LIVE_FOLDER is '/nothing'; accepted: a folder that exists"),
        ("ServerSettings", {"COUNTERS": "/dev/null"}, "COUNTERS is '/dev/null'; accepted: a folder to write to"),
        ("ServerSettings", {"TIMEOUT": "1e9"}, "TIMEOUT is '1e9'; accepted: a whole number from 1 to 3600"),
    ],
)
def test_a_wrong_one_is_named(group: str, wrong: dict[str, str], sentence: str) -> None:
    done = read(group, {**APP, **SERVER, "FLASK_THREADS": "1", **wrong})
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"twogates: {sentence}\n")


def test_each_missing_one_is_named() -> None:
    done = read("ServerSettings", {"PORT": "8000", "HOST": ""})
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "twogates: GRACEFUL_TIMEOUT is not set; accepted: a whole number from 1 to 3600",
        "twogates: HOST is not set; accepted: text",
        "twogates: KEEPALIVE is not set; accepted: a whole number from 1 to 3600",
        "twogates: LOG_LEVEL is not set; accepted: one of debug, info, warning, error",
        "twogates: PROFILE is not set; accepted: one of development, production",
        "twogates: TRUSTED_PROXIES is not set; accepted: text",
    ]


DJANGO = {**APP, "ADMIN": "off"}
STRONG = "6f1fd791-Qm9yZGVyIG9mIHR3byBnYXRlcyBhbmQgb25lIHdhbGw-abc"


def test_a_secret_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(STRONG + "\n")
    settings = DjangoSettings.read({**DJANGO, "PROFILE": "production", "SECRET_KEY_FILE": str(tmp_path / "key")})
    assert settings.secret_key == STRONG
    assert STRONG not in repr(settings)


def test_without_its_admin_site_development_needs_no_secret() -> None:
    assert DjangoSettings.read(DJANGO).secret_key == ""


@pytest.mark.parametrize("where", [{"PROFILE": "production"}, {"ADMIN": "on"}], ids=["production", "admin"])
@pytest.mark.parametrize("content", [None, "", "short", "a" * 60, "changemechangemechangemechangemechangemechangemechangeme", STRONG[:49]])
def test_a_missing_or_weak_secret_stops_what_signs(tmp_path: Path, content: str | None, where: dict[str, str]) -> None:
    if content is not None:
        (tmp_path / "key").write_text(content)
    done = read("DjangoSettings", {**DJANGO, **where, "SECRET_KEY_FILE": str(tmp_path / "key")})
    assert done.returncode == 2
    assert "SECRET_KEY_FILE is" in done.stderr
    assert "accepted: a file with 50 characters or more made at random, as make secrets writes it" in done.stderr
    assert not content or content not in done.stderr
    assert "Traceback" not in done.stderr


def test_no_file_for_the_secret_stops_production() -> None:
    done = read("DjangoSettings", {**DJANGO, "PROFILE": "production"})
    assert (done.returncode, "SECRET_KEY_FILE is not set" in done.stderr) == (2, True)
