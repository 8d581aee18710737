"""Every command of the Makefile has a test that runs it to the end. The docs name no other command and no unknown variable."""

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

TESTS = ROOT / "tests"
# For each command: the test that runs it to the end, and the text that runs it. A new command needs a line here.
RUN_BY = {
    "doctor": ("unit/test_doctor.py", '"ops.doctor"'),
    "up": ("conftest.py", 'run_stack("up")'),
    "status": ("local/test_runtime.py", 'run_stack("status")'),
    "logs": ("local/test_commands.py", '"ops.stack", "logs"'),
    "down": ("conftest.py", 'run_stack("down")'),
    "clean": ("local/test_fresh_checkout.py", 'make("clean"'),
    "load": ("local/test_commands.py", '"loadtest", "load"'),
    "lab": ("lab/test_commands.py", '"loadtest", "lab"'),
    "compare": ("lab/test_commands.py", '"loadtest", "compare"'),
    "locust": ("local/test_commands.py", '"loadtest.locust_page"'),
    "plan": ("lab/test_commands.py", '"loadtest", "plan"'),
    "chaos": ("docker/test_chaos.py", '"chaos", "--short"'),
    "chat": ("conformance/test_chat.py", '"loadtest.chat"'),
    "bench": ("lab/test_commands.py", '"loadtest.bench"'),
    "reload": ("local/test_renewal.py", 'run_stack("reload")'),
    "deploy": ("docker/test_deploy.py", '"ops.deploy"'),
    "update": ("docker/test_production.py", '"ops.refresh"'),
    "backup": ("conformance/test_backup.py", 'run("backup"'),
    "backup-key": ("conformance/test_backup.py", '"--new-key"'),
    "restore": ("conformance/test_backup.py", 'run("restore"'),
    "secrets": ("docker/test_production.py", '"runtime.secrets"'),
    "admin": ("conformance/test_admin.py", 'run_stack("admin")'),
    "trust": ("local/test_commands.py", '"ops.trust"'),
    "units": ("local/test_commands.py", '"ops.systemd"'),
    "dev": ("local/test_fresh_checkout.py", 'make("dev"'),
    "audit": ("unit/test_audit.py", '"dev.audit"'),
    "rebuild": ("docker/test_reproducible.py", '"dev.reproducible"'),
    "bundle": ("docker/test_bundle.py", '"dev.bundle"'),
    "load-bundle": ("docker/test_bundle.py", '"dev.load_bundle"'),
}
# Commands that no test can run.
NOT_RUN = {
    "help": "awk prints the comments of this Makefile",
    "test": ".ci/run is this command",
    "test-measured": ".ci/run is this command",
    "lint": "make test begins with it",
    "lock": "it asks a package index for what is newest; tests/unit/test_audit.py holds its result",
    "shots": "it takes some ten minutes and writes to docs/pictures, where tests/unit/test_progress.py and the page's tests hold its parts",
}
# Variables of make itself, or of a script that reads them from the environment, without an entry in .env.example.
OTHER_VARIABLES = {
    "A",
    "B",
    "F",
    "JSON",
    "KILL",
    "NAME",
    "OSV_URL",
    "PYTHON",
    "PYTHONS",
    "QUICK",
    "ROUNDS",
    "RUNTIME",
    "S",
    "SHA256",
    "SHORT",
    "SOCKETS",
    "X",
}


def targets() -> dict[str, str]:
    """Return what each command does, by its name."""
    return dict(re.findall(r"^([a-z-]+):.*?## (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE))


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands(page: Path) -> list[tuple[str, str]]:
    """Return target and variables of each command on a page: in code between backticks, or on a line of a code block."""
    text = page.read_text()
    blocks = "\n".join(re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    words = re.findall(r"`make ([a-z][a-z-]*)([^`\n]*)`", text) + re.findall(
        r"^(?:\S+=\S+ )*make ([a-z][a-z-]*)([^#\n]*)", blocks, re.MULTILINE
    )
    return [(target, rest) for target, rest in words]


def test_no_command_is_forgotten() -> None:
    assert set(RUN_BY) | set(NOT_RUN) == set(targets())
    assert not set(RUN_BY) & set(NOT_RUN)


@pytest.mark.parametrize("target", RUN_BY)
def test_its_test_runs_it(target: str) -> None:
    file, words = RUN_BY[target]
    assert words in (TESTS / file).read_text(), f"{file} does not run make {target}"


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_commands_that_there_are(page: Path) -> None:
    known = (ROOT / ".env.example").read_text() + (ROOT / "compose.yaml").read_text() + (ROOT / "Makefile").read_text()
    known += "".join(path.read_text() for path in (ROOT / "loadtest").rglob("parameters.py"))
    for target, words in commands(page):
        assert target in targets(), f"make {target}"
        for name in re.findall(r"\b([A-Z][A-Z_0-9]*)=", words):
            accepted = name in OTHER_VARIABLES or re.search(rf"\b{name}\b", known) or option(name)
            assert accepted, f"make {target} {name}="


def option(name: str) -> bool:
    """Return whether a command of the laboratory has this option."""
    sources = "".join(path.read_text() for path in (ROOT / "loadtest" / "commands").glob("*.py"))
    return f"--{name.lower().replace('_', '-')}" in sources or f'"{name.lower()}"' in sources
