"""Files that a person edits or provides: an unreadable file gives one sentence with file and line, and never a traceback."""

import errno
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dotenv import dotenv_values

from dev import load_bundle
from ops import restore
from runtime import compose_file, env_file, given_file, secrets
from runtime.local import nginx as nginx_local
from tests.authority import modules
from tests.conftest import ROOT

Caught = pytest.CaptureFixture[str]
UTF8 = "accepted: text in UTF-8"


def said(captured: Caught) -> str:
    """Return the single sentence with which the program ended."""
    text = captured.readouterr().err
    assert text.startswith("twogates: ")
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"A=1\nB=f\xfcr\n", f"line 2, has the byte 0xfc, which is not UTF-8; {UTF8}"),
        (b"A=1\n\nB=\0\n", f"line 3, has a NUL byte; {UTF8}"),
        ("A=1".encode("utf-16-le"), f"line 1, has a NUL byte; {UTF8}"),
    ],
)
def test_text_that_is_none(tmp_path: Path, content: bytes, sentence: str, capsys: Caught) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(SystemExit):
        given_file.text(path)
    assert said(capsys) == f"twogates: {path}, {sentence}\n"


def test_a_folder_in_its_place(tmp_path: Path, capsys: Caught) -> None:
    with pytest.raises(SystemExit):
        given_file.text(tmp_path)
    assert said(capsys) == f"twogates: {tmp_path} cannot be read (Is a directory); accepted: a file that this user may read\n"


def test_a_file_that_this_user_may_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Caught) -> None:
    """The refusal is simulated: root may read any file."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(io, "open", refuse)
    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(SystemExit):
        given_file.text(path)
    assert "cannot be read (Permission denied); accepted" in said(capsys)
    with pytest.raises(SystemExit):
        given_file.readable(path, "a backup")
    assert said(capsys) == f"twogates: {path} cannot be read (Permission denied); accepted: a backup\n"


@pytest.mark.parametrize(
    "content",
    [
        "A=1\nB=two words  \n",
        "# A=1\n\n  \nexport A=1\n",
        "A='single $X #'\nB=\"double # quoted\" # comment\n",
        "A=x#y\nB=x # y\nC=x\t# y\n",
        "A = spaced\nB= spaced\nC =spaced\n",
        "A=\nB=''\nC=\"\"\n",
        "A=1\r\nB=2\r\n",
        "A=1\nA=2",
        "A=https://a.example/?b=c&d='e'\n",
        "A=gr\u00fc\u00df\n",
        "A=C:\\folder\n",
    ],
)
def test_env_is_read_as_others_read_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / ".env"
    path.write_bytes(content.encode())
    assert env_file.read(path) == dotenv_values(path)


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=1", encoding="utf-8-sig")
    assert env_file.read(tmp_path / ".env") == {"A": "1"}


@pytest.mark.parametrize(
    "line",
    [
        *(
            "A",
            "=1",
            "1A=1",
            "A: 1",
            "A-B=1",
            "A=$B",
            "A=${B:-1}",
            'A="$B"',
            'A="a\\nb"',
            "A='a\\'b'",
            "A='a",
            'A="a',
            "A='a' b",
            "A=# comment",
        ),
        "A=a\n B",
    ],
)
def test_what_others_read_in_other_ways_is_refused(tmp_path: Path, line: str, capsys: Caught) -> None:
    path = tmp_path / ".env"
    path.write_text(f"# first\n{line}\n")
    with pytest.raises(SystemExit):
        env_file.read(path)
    number = 1 + len(line.splitlines())
    assert said(capsys).startswith(f"twogates: {path}, line {number}, is not understood; accepted: NAME=value")


def test_the_example_is_read(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text((ROOT / ".env.example").read_text().replace("\n#", "\n").replace("\n ", "\n# "))
    lines = [line if "=" in line.split(" ")[0] else f"# {line}" for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines))
    assert env_file.read(path)["SERVER_NAMES"] == "localhost nginx"


def test_make_says_which_line_of_env(tmp_path: Path) -> None:
    """Reads .env in a copy of the scripts, with and without installed packages."""
    for name in ("runtime", "ops", "dev", "compose.yaml"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tmp_path / name)
    (tmp_path / ".env").write_bytes(b"HTTP_PORT=8080\nSERVER_NAMES=caf\xe9.example\n")
    for options in ([], ["-S"]):
        command = [sys.executable, *options, "-c", "from runtime.compose_file import variables; variables()"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1
        assert done.stderr == f"twogates: {tmp_path}/.env, line 2, has the byte 0xe9, which is not UTF-8; {UTF8}\n"


def test_compose_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Caught) -> None:
    monkeypatch.setattr(compose_file, "ROOT", tmp_path)
    for content, sentence in ((b"name: \xe9\n", "line 1, has the byte 0xe9"), (b"a: [1\n", "is not YAML:")):
        (tmp_path / "compose.yaml").write_bytes(content)
        with pytest.raises(SystemExit):
            compose_file.load({})
        assert sentence in said(capsys)


def test_a_template_of_nginx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Caught) -> None:
    (tmp_path / "nginx" / "templates").mkdir(parents=True)
    template = tmp_path / "nginx" / "templates" / "server.conf.template"
    template.write_bytes(b"# one\n# \xe9\n")
    monkeypatch.setattr(nginx_local, "ROOT", tmp_path)
    with pytest.raises(SystemExit):
        nginx_local.render(tmp_path / "rendered", {})
    assert f"{template}, line 2, has the byte 0xe9" in said(capsys)


def test_a_secret(tmp_path: Path, capsys: Caught) -> None:
    path = tmp_path / "postgres_password"
    path.write_bytes(b"caf\xe9")
    with pytest.raises(SystemExit):
        secrets.make_missing([path])
    assert f"{path}, line 1, has the byte 0xe9" in said(capsys)


@pytest.mark.parametrize("name", ["folder", "none"])
def test_a_backup_and_a_bundle(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: Caught) -> None:
    (tmp_path / "folder").mkdir()
    meant = tmp_path / name
    words = "is a folder" if name == "folder" else "is not there"
    with pytest.raises(SystemExit):
        restore.chosen(meant)
    assert said(capsys) == f"twogates: {meant} {words}; accepted: a file that make backup has written\n"
    monkeypatch.setenv("B", str(meant))
    with pytest.raises(SystemExit):
        load_bundle.chosen()
    assert said(capsys) == f"twogates: {meant} {words}; accepted: a bundle that make bundle made\n"


@pytest.mark.parametrize("content", [b"", b"\n", b"no checksum", b"\xff\xfe", b"0" * 63])
def test_a_checksum(tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch, capsys: Caught) -> None:
    monkeypatch.delenv("SHA256", raising=False)
    (tmp_path / "a.tar.gz.sha256").write_bytes(content)
    with pytest.raises(SystemExit):
        load_bundle.checksum(tmp_path / "a.tar.gz")
    assert f"{tmp_path}/a.tar.gz.sha256" in said(capsys)


def test_a_key_with_a_password(tmp_path: Path) -> None:
    authority, pem = modules()
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

    pair = authority.new_authority(["a.example"])
    pem.write(tmp_path, pair)
    (tmp_path / pem.KEY).write_bytes(pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")))
    with pytest.raises(ValueError, match="encrypted"):
        pem.read(tmp_path)
