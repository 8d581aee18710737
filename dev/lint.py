"""Run every linter, even after one has failed: python3 runtime/venv.py runtime,services,loadtest,tests -m dev.lint."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from runtime.compose_file import ROOT
from runtime.console import console
from runtime.local import nginx as nginx_local
from runtime.local.plan import make_plan, run_jobs

BIN = Path(sys.executable).parent
# The version of the image in compose.yaml: gixy reports versions with known vulnerabilities.
NGINX_VERSION = "1.30.6"
SERVICES = ("flask_sync", "fastapi_async", "django_async", "upstream", "monitor", "certificates")


def command(*words: str | Path, folder: Path = ROOT, environment: Mapping[str, str] | None = None) -> str | None:
    """Return a command's output if it failed, ``None`` if it succeeded."""
    done = subprocess.run([str(word) for word in words], cwd=folder, env=environment, capture_output=True, text=True)
    return (done.stdout + done.stderr).strip() or f"exit status {done.returncode}" if done.returncode else None


def types() -> str | None:
    """Run mypy once for each service, which has its own modules ``app`` and ``server``, and once for the rest."""
    wrong = [command(BIN / "mypy", "runtime", "ops", "dev", "loadtest", "services/shared/twogates")]
    wrong += [command(BIN / "mypy", "--config-file", ROOT / "pyproject.toml", ".", folder=ROOT / "services" / name) for name in SERVICES]
    return "\n".join(filter(None, wrong)) or None


def layers() -> str | None:
    """Report imports from a lower layer to a higher one. The contracts are in pyproject.toml."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "services/shared"), str(ROOT)])}
    return command(BIN / "lint-imports", "--no-logo", "--no-cache", environment=environment)


def pages() -> str | None:
    """Run oxlint on the page's scripts. They set event handlers as properties, so that no handler can be added twice."""
    categories = ("--deny", "correctness", "--deny", "suspicious", "--allow", "prefer-add-event-listener", "--allow", "no-array-sort")
    return command(BIN / "oxlint", *categories, "--import-plugin", "--promise-plugin", "nginx/html/js")


def shell() -> str | None:
    return command(BIN / "shellcheck", ".ci/run")


def dockerfiles() -> str | None:
    return command(BIN / "hadolint", *sorted(ROOT.glob("*/**/Dockerfile")))


def compose() -> str | None:
    if shutil.which("docker") is None:
        return "skipped: no docker command here"
    return command("docker", "compose", "config", "--quiet") or command(
        "docker", "compose", "-f", "compose.yaml", "-f", "compose.dev.yaml", "config", "--quiet"
    )


def nginx() -> str | None:
    """Run ``nginx -t`` on the rendered configuration."""
    plan = make_plan()
    run_jobs(plan.jobs)
    with tempfile.TemporaryDirectory(dir=ROOT / ".run") as folder:
        nginx_local.render(Path(folder), plan.nginx_values)
        return nginx_local.check(plan.nginx_command, Path(folder), plan.nginx_workers)


def gixy() -> str | None:
    """Run gixy on the rendered configuration, without the findings that GIXY_ALLOWED lists with their reasons."""
    plan = make_plan()
    with tempfile.TemporaryDirectory(dir=ROOT / ".run") as folder:
        nginx_local.render(Path(folder), plan.nginx_values)
        done = subprocess.run(
            [BIN / "gixy", "--nginx-version", NGINX_VERSION, "--format", "json", Path(folder) / "nginx.conf"],
            capture_output=True,
            text=True,
        )
    if not done.stdout.strip():
        return done.stderr.strip() or None
    found = [issue for issue in json.loads(done.stdout) if not any(re.search(allowed, json.dumps(issue)) for allowed in GIXY_ALLOWED)]
    return "\n".join(f"{issue['plugin']}: {issue['summary']} {issue.get('config', '')}" for issue in found) or None


GIXY_ALLOWED = [
    # try_files without open_file_cache: a refused request looks up only one folder, and a cache would delay edits of the page.
    "try_files_is_evil_too",
]

LINTERS: dict[str, Callable[[], str | None]] = {
    "ruff check": lambda: command(BIN / "ruff", "check", "."),
    "ruff format": lambda: command(BIN / "ruff", "format", "--check", "."),
    "mypy": types,
    "import-linter": layers,
    "oxlint": pages,
    "hadolint": dockerfiles,
    "shellcheck": shell,
    "docker compose config": compose,
    "nginx -t": nginx,
    "gixy": gixy,
}


def main() -> int:
    """Run all linters; return exit status 1 if one found something."""
    (ROOT / ".run").mkdir(exist_ok=True)
    failed = False
    for name, linter in LINTERS.items():
        wrong = linter()
        skipped = wrong is not None and wrong.startswith("skipped:")
        console.print(f"  {name:22}{wrong if skipped else 'found something:' if wrong else 'clean'}", markup=False)
        if wrong and not skipped:
            console.print(wrong, markup=False)
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
