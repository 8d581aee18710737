"""The certificate that Nginx serves: created once and kept, renewed when necessary, and in production only checked."""

import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.authority import FOLDER, modules, write_certificate
from tests.conftest import ROOT

NAMES = "twogates.example nginx"
FILES = ("fullchain.pem", "privkey.pem", "authority.pem")


@pytest.fixture
def code() -> SimpleNamespace:
    """Return the service's own modules, to create certificates that otherwise take months to get, such as expired ones."""
    authority, pem = modules()
    return SimpleNamespace(authority=authority, pem=pem)


def start(folder: Path, names: str = NAMES, profile: str = "development") -> subprocess.CompletedProcess[str]:
    """Run the service's start-up once, as in a container."""
    for name in ("tls", "authority"):
        (folder / name).mkdir(exist_ok=True)
    environment = {"PROFILE": profile, "SERVER_NAMES": names, "TLS_FOLDER": folder / "tls", "AUTHORITY_FOLDER": folder / "authority"}
    environment |= {"PYTHONPATH": ROOT / "services" / "shared", "PATH": os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, "app.py"], cwd=FOLDER, env={k: str(v) for k, v in environment.items()}, capture_output=True, text=True, timeout=30
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / "tls" / name).read_bytes() for name in FILES}


def handshake(folder: Path, name: str, authority: Path) -> None:
    """Connect a client that trusts the authority to a server with the certificate. Raise the client's verification error."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "fullchain.pem", folder / "privkey.pem")
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            serving.wrap_socket(theirs, server_side=True).close()
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        ours.settimeout(60)
        ssl.create_default_context(cafile=authority).wrap_socket(ours, server_hostname=name).close()
    finally:
        ours.close()
        thread.join()


def test_the_first_start_makes_what_a_client_trusts(tmp_path: Path) -> None:
    done = start(tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("A certificate for twogates.example, nginx, valid until 20")
    for name in ("twogates.example", "nginx", "localhost", "127.0.0.1", "::1"):
        handshake(tmp_path / "tls", name, tmp_path / "tls" / "authority.pem")
    assert {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "tls").iterdir()} == {
        "fullchain.pem": 0o644,
        "privkey.pem": 0o600,
        "authority.pem": 0o644,
    }


def test_the_next_start_keeps_it(tmp_path: Path) -> None:
    start(tmp_path)
    before = contents(tmp_path)
    assert start(tmp_path).returncode == 0
    assert contents(tmp_path) == before


def test_other_names_get_another_authority(tmp_path: Path) -> None:
    start(tmp_path)
    before = contents(tmp_path)
    start(tmp_path, names="other.example")
    assert contents(tmp_path)["authority.pem"] != before["authority.pem"]
    handshake(tmp_path / "tls", "other.example", tmp_path / "tls" / "authority.pem")


def test_the_authority_is_good_for_no_other_name(tmp_path: Path, code: SimpleNamespace) -> None:
    start(tmp_path)
    code.pem.write(tmp_path / "tls", code.authority.new_certificate(code.pem.read(tmp_path / "authority"), ["bank.example"]))
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        handshake(tmp_path / "tls", "bank.example", tmp_path / "tls" / "authority.pem")


def ends_soon(folder: Path, code: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code.authority, "CERTIFICATE_LASTS", timedelta(days=29))
    code.pem.write(folder / "tls", code.authority.new_certificate(code.pem.read(folder / "authority"), NAMES.split()))


def has_lost_its_key(folder: Path, *_: object) -> None:
    (folder / "tls" / "privkey.pem").unlink()


def is_half_written(folder: Path, *_: object) -> None:
    path = folder / "tls" / "fullchain.pem"
    path.write_bytes(path.read_bytes()[:200])


def is_of_an_earlier_authority(folder: Path, code: SimpleNamespace, _: object) -> None:
    names = ["twogates.example", "nginx", "localhost", "127.0.0.1", "[::1]"]
    code.pem.write(folder / "tls", code.authority.new_certificate(code.authority.new_authority(names), names))


@pytest.mark.parametrize("what", [ends_soon, has_lost_its_key, is_half_written, is_of_an_earlier_authority])
def test_a_certificate_that_will_not_do_is_replaced_and_the_authority_kept(
    what: Callable[..., None], tmp_path: Path, code: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(tmp_path)
    before = contents(tmp_path)
    what(tmp_path, code, monkeypatch)
    assert start(tmp_path).returncode == 0
    after = contents(tmp_path)
    assert after["fullchain.pem"] != before["fullchain.pem"]
    assert after["authority.pem"] == before["authority.pem"]
    handshake(tmp_path / "tls", "nginx", tmp_path / "tls" / "authority.pem")


class TestProduction:
    """Nothing is created; existing files are checked."""

    @pytest.fixture
    def bought(self, tmp_path: Path) -> Callable[..., Path]:
        """Return a folder with a certificate from another authority."""

        def buy(*names: str, lasts: int = 90) -> Path:
            (tmp_path / "tls").mkdir()
            write_certificate(tmp_path / "tls", list(names), days=lasts)
            return tmp_path

        return buy

    def test_a_good_one(self, bought: Callable[..., Path]) -> None:
        folder = bought("twogates.example", "nginx")
        before = {path.name: path.read_bytes() for path in (folder / "tls").iterdir()}
        done = start(folder, profile="production")
        assert (done.returncode, done.stderr) == (0, "")
        assert {path.name: path.read_bytes() for path in (folder / "tls").iterdir()} == before

    def test_a_wildcard_is_for_one_label(self, bought: Callable[..., Path]) -> None:
        folder = bought("*.example")
        assert start(folder, "twogates.example", "production").returncode == 0
        assert "is not for a.twogates.example" in start(folder, "a.twogates.example", "production").stderr

    def test_one_that_ends_soon_is_served_and_said(self, bought: Callable[..., Path]) -> None:
        done = start(bought("twogates.example", "nginx", lasts=20), profile="production")
        assert done.returncode == 0
        assert done.stdout.strip().endswith("renew it")

    @pytest.mark.parametrize(
        ("names", "lasts", "words"),
        [
            (("twogates.example",), 90, "is not for nginx; accepted: one for every name in SERVER_NAMES"),
            (("twogates.example", "nginx"), 0, "which is not now"),
        ],
    )
    def test_a_bad_one(self, names: tuple[str, ...], lasts: int, words: str, bought: Callable[..., Path]) -> None:
        done = start(bought(*names, lasts=lasts), profile="production")
        assert done.returncode == 2
        assert words in done.stderr
        assert "Traceback" not in done.stderr

    def test_none(self, tmp_path: Path) -> None:
        done = start(tmp_path, profile="production")
        assert done.returncode == 2
        assert "fullchain.pem cannot be read (No such file or directory)" in done.stderr
        assert not list((tmp_path / "tls").iterdir())

    def test_one_for_development(self, tmp_path: Path) -> None:
        start(tmp_path)
        done = start(tmp_path, profile="production")
        assert done.returncode == 2
        assert "is one for development" in done.stderr

    @pytest.mark.parametrize("content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
    def test_no_certificate_at_all(self, content: bytes, tmp_path: Path) -> None:
        start(tmp_path)
        (tmp_path / "tls" / "fullchain.pem").write_bytes(content)
        done = start(tmp_path, profile="production")
        assert done.returncode == 2
        assert "holds no certificate with its key" in done.stderr
        assert "Traceback" not in done.stderr

    def test_the_key_of_another(self, tmp_path: Path, bought: Callable[..., Path], code: SimpleNamespace) -> None:
        folder = bought("twogates.example", "nginx")
        other = code.authority.new_authority(["nginx"])
        code.pem.write(folder / "authority" if (folder / "authority").mkdir() is None else folder, other)
        (folder / "tls" / "privkey.pem").write_bytes((folder / "authority" / "privkey.pem").read_bytes())
        assert "privkey.pem is not the key of fullchain.pem" in start(folder, profile="production").stderr
