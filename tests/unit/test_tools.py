"""Tools that have their own locked environment."""

import subprocess
from pathlib import Path

import pytest

from dev.audit.subjects import TOOLS
from runtime import venv
from tests.conftest import ROOT

MODULES = {"audit": ["pip_audit", "piplicenses", "cyclonedx_py"], "sslyze": ["sslyze"]}


def test_every_tool_is_known_here() -> None:
    assert set(TOOLS) == set(MODULES)


@pytest.mark.parametrize("name", TOOLS)
def test_its_programs_run_apart_from_our_packages(name: str) -> None:
    python = venv.tool(name)  # type: ignore[no-untyped-call]
    for module in MODULES[name]:
        done = subprocess.run([python, "-m", module, "--help"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
    assert subprocess.run([python, "-c", "import yaml"], capture_output=True).returncode == 1


@pytest.mark.parametrize("name", TOOLS)
def test_its_lock_has_a_hash_for_every_package(name: str) -> None:
    lock = (ROOT / "dev" / "tools" / f"{name}.txt").read_text()
    packages = [block for block in lock.split("\n") if "==" in block]
    assert packages
    assert all(block.endswith("\\") for block in packages), "a package without a hash"
    assert "://" not in lock


def test_another_lock_makes_another_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[list[str]] = []

    def run(text: str, *commands: list[str]) -> None:
        made.extend(commands)
        python = tmp_path / ".cache" / "tools" / "one" / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()

    monkeypatch.setattr(venv, "ROOT", tmp_path)
    monkeypatch.setattr(venv, "run", run)
    (tmp_path / "dev" / "tools").mkdir(parents=True)
    lock = tmp_path / "dev" / "tools" / "one.txt"
    for text, commands in (("a==1", 2), ("a==1", 2), ("a==2", 4)):
        lock.write_text(text)
        venv.tool("one")  # type: ignore[no-untyped-call]
        assert len(made) == commands
