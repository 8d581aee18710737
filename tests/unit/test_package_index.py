"""pip and uv, configured for other environments: they install into ours, and use the index that the user configured."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from runtime import environment, package_index
from tests.hostile import INSTALLING

PIP_FILE = """\
[global]
user = true
index-url = https://packages.example.org/simple
extra-index-url =
    https://one.example.org/simple
    https://two.example.org/simple
[install]
target = /nonexistent/target
require-virtualenv = true
no-binary = :all:
"""
UV_FILE = """\
exclude-newer = "2001-01-01"
native-tls = true
[[index]]
name = "company"
url = "https://packages.example.org/simple"
default = true
[pip]
target = "/nonexistent/target"
system = true
no-binary = [":all:"]
extra-index-url = ["https://one.example.org/simple"]
"""


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user whose files and variables are meant for other environments. Return the home directory."""
    for name in list(os.environ):
        if environment.set_aside(name):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    for name, text in {"pip/pip.conf": PIP_FILE, "uv/uv.toml": UV_FILE}.items():
        (home / ".config" / name).parent.mkdir(parents=True)
        (home / ".config" / name).write_text(text)
    for name, value in environment.compose(
        {**os.environ, **INSTALLING, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}
    ).items():
        monkeypatch.setenv(name, value)
    return home


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """Build a package. Return its folder."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "greeting-1.0-py3-none-any.whl", "w") as file:
        file.writestr("greeting.py", "")
        file.writestr("greeting-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
        file.writestr("greeting-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("greeting-1.0.dist-info/RECORD", "")
    return folder


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_they_install_into_the_environment_they_are_told(installer: str, hostile: Path, wheel: Path, tmp_path: Path) -> None:
    folder = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python, what = str(folder / "bin" / "python"), ["--no-index", "--find-links", str(wheel), "greeting"]
    if installer == "pip":
        command = [sys.executable, "-m", "pip", "--python", python, "install", *what]
        given = package_index.for_pip(command[:3])
    else:
        command = [sys.executable, "-m", "uv", "pip", "install", "--python", python, *what]
        given = package_index.for_uv()
    done = subprocess.run(command, env=given, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert list(folder.glob("lib/python*/site-packages/greeting.py"))


def test_pip_asks_the_index_of_the_users_file(hostile: Path) -> None:
    given = package_index.for_pip([sys.executable, "-m", "pip"])
    found = {name: value for name, value in given.items() if name.startswith("PIP_") and name not in package_index.CACHES}
    assert found == {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "https://packages.example.org/simple",
        "PIP_EXTRA_INDEX_URL": "https://one.example.org/simple https://two.example.org/simple",
    }


def test_a_variable_counts_before_the_file(hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{environment.SET_ASIDE}PIP_INDEX_URL", "https://mirror.example.org/simple")
    assert package_index.for_pip([sys.executable, "-m", "pip"])["PIP_INDEX_URL"] == "https://mirror.example.org/simple"


def test_uv_asks_the_indexes_of_the_users_file(hostile: Path) -> None:
    written = Path(package_index.for_uv()["UV_CONFIG_FILE"])
    assert tomllib.loads(written.read_text()) == {
        "native-tls": True,
        "index": [{"name": "company", "url": "https://packages.example.org/simple", "default": True}],
        "extra-index-url": ["https://one.example.org/simple"],
    }


def test_a_file_that_cannot_be_read_is_none(hostile: Path) -> None:
    (hostile / ".config" / "uv" / "uv.toml").write_bytes(b"\xff = ")
    (hostile / ".config" / "pip" / "pip.conf").write_text("no section")
    assert Path(package_index.for_uv()["UV_CONFIG_FILE"]).read_text() == ""
    assert "PIP_INDEX_URL" not in package_index.for_pip([sys.executable, "-m", "pip"])
