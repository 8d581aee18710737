"""What the CIS Docker Benchmark 1.7 requires of our own images (its section 4)."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.docker.conftest import docker

# PgBouncer has no official image: it is a package, installed in PostgreSQL's image.
PACKAGED = "pgbouncer"
BUILT = {name: entry for name, entry in yaml.safe_load((ROOT / "compose.yaml").read_text())["services"].items() if "build" in entry}
DOCKERFILES = sorted({ROOT / entry["build"]["context"] / "Dockerfile" for entry in BUILT.values()})
each_dockerfile = pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
SERVERS = ("flask", "fastapi", "django", "upstream", "monitor")


def instructions(path: Path, name: str) -> list[str]:
    return re.findall(rf"^{name} (.+)$", path.read_text(), re.MULTILINE)


@each_dockerfile
def test_the_base_is_the_one_official_image(path: Path) -> None:
    """4.2: the base comes from compose.yaml, which gives it a name and a version."""
    base = "POSTGRES_IMAGE" if path.parent.name == PACKAGED else "PYTHON_IMAGE"
    assert {words.split()[0] for words in instructions(path, "FROM")} == {f"${{{base}}}"}
    assert instructions(path, "ARG")[0] == base


@each_dockerfile
def test_nothing_is_installed_but_what_a_lock_names(path: Path) -> None:
    """4.3, 4.7, 4.11: only one package of a distribution, and only Python packages with a hash."""
    text = path.read_text()
    if path.parent.name == PACKAGED:
        assert re.findall(r"\b(?:apt-get|apk|dnf|curl|wget)\b.*?(?= &&| \\\n)", text) == [
            "apt-get update",
            "apt-get install --yes --no-install-recommends pgbouncer",
        ]
        return
    assert not re.search(r"\b(?:apt|apt-get|apk|dnf|curl|wget)\b", text)
    assert all("--require-hashes" in line and "--only-binary :all:" in line for line in text.splitlines() if " install --no" in line)


@each_dockerfile
def test_files_come_by_copy_and_the_user_by_number(path: Path) -> None:
    """4.1, 4.9."""
    assert not instructions(path, "ADD")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", instructions(path, "USER")[-1])


@pytest.mark.parametrize("service", BUILT)
def test_no_program_in_an_image_gives_its_caller_more_rights(service: str) -> None:
    """4.8, for the layers that we add. The base's own programs are of no use where no privilege can be gained (5.26)."""
    image = json.loads(docker("compose", "--profile", "*", "config", "--format", "json"))["services"][service]["image"]
    where = "/usr/sbin/pgbouncer /etc/pgbouncer" if service == PACKAGED else "/app /opt/venv"
    command = f"find {where} -perm /6000 -type f | head"
    assert docker("run", "--rm", "--network", "none", "--entrypoint", "sh", image, "-c", command) == ""


@pytest.mark.parametrize("service", BUILT)
def test_no_secret_is_in_an_image(service: str) -> None:
    """4.10: no secret in its variables or in its history, and no key in a file."""
    image = json.loads(docker("compose", "--profile", "*", "config", "--format", "json"))["services"][service]["image"]
    facts = json.loads(docker("image", "inspect", image))[0]["Config"]
    history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image)
    names = [line.partition("=")[0] for line in facts["Env"]]
    assert not [name for name in names if re.search("SECRET|PASSWORD|TOKEN|_KEY", name)]
    assert not re.search(r"(?:SECRET|PASSWORD|TOKEN)\w*=", history)
    command = "find /app /tls /authority -type f \\( -name '*.pem' -o -name '*.key' -o -name '.env' \\) 2>/dev/null || true"
    assert docker("run", "--rm", "--network", "none", "--entrypoint", "sh", image, "-c", command) == ""


def test_no_compiler_or_package_manager_in_our_images() -> None:
    for service in SERVERS:
        for module in ("pip", "uv", "ensurepip._bundled"):
            with pytest.raises(Exception, match="exit status 1"):
                docker("compose", "exec", service, "/opt/venv/bin/python", "-m", module)
        found = docker("compose", "exec", service, "sh", "-c", "command -v gcc cc make || true; ls -A /root/.cache 2>/dev/null || true")
        assert found.strip() == ""
