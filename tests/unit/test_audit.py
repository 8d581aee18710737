"""The audit finds what is planted, with the real tools, and never treats missing output as a clean result."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dev.audit import licences, sbom, vulnerabilities
from dev.audit.image_files import SystemPackage, alpine_packages, debian_packages, lay_out
from dev.audit.licences import Policy, judge, read_licences, read_policy
from dev.audit.subjects import Subject
from dev.testing.lanes import copy_of_checkout
from tests.conftest import ROOT
from tests.unit.osv_database import CANARY, osv

POLICY = Policy(
    shipped=frozenset({"MIT", "BSD-3-Clause"}),
    run_here=frozenset({"MIT", "BSD-3-Clause", "GPL-3.0"}),
    exceptions={"odd": {"licence": "UNKNOWN", "reason": "its file says MIT"}},
    ignored={},
)


def environment(folder: Path, packages: dict[str, str]) -> Path:
    """Return the Python of an environment with these packages, each with one extra line of metadata."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    [site_packages] = folder.glob("lib/python*/site-packages")
    texts = {
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{line}\n" for name, line in packages.items()
    }
    lay_out(texts, site_packages)
    return folder / "bin" / "python"


def dead_address() -> str:
    """Return an address on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/v1/query"


@pytest.fixture(autouse=True)
def _run_folder() -> None:
    (ROOT / ".run").mkdir(exist_ok=True)


def test_a_planted_vulnerability_is_found_in_each_version() -> None:
    with osv({**CANARY, "planted": "PYSEC-1"}) as address:
        answer = vulnerabilities.check({("planted", "1.0"), ("planted", "2.0"), ("healthy", "1.0")}, address, {})
    assert answer.database == address
    assert not answer.not_checked
    assert [(one.package, one.version, one.identifier) for one in answer.found] == [
        ("planted", "1.0", "PYSEC-1"),
        ("planted", "2.0", "PYSEC-1"),
    ]
    assert answer.found[0].fixed_in == ("99.0",)


def test_one_that_is_ignored_with_a_reason_is_not_told() -> None:
    with osv({**CANARY, "planted": "PYSEC-1"}) as address:
        answer = vulnerabilities.check({("planted", "1.0")}, address, {"CVE-planted": "not reachable"})
    assert (answer.database, answer.found) == (address, [])


def test_a_database_that_knows_nothing_is_not_believed() -> None:
    with osv({}) as address:
        answer = vulnerabilities.check({("planted", "1.0")}, address, {})
    assert not answer.database
    [sentence] = answer.not_checked
    assert "does not know the vulnerability of jinja2 2.10" in sentence


def test_a_database_out_of_reach_is_told() -> None:
    answer = vulnerabilities.check({("planted", "1.0")}, dead_address(), {})
    assert not answer.database
    assert len(answer.not_checked) == 1


@pytest.mark.parametrize(
    ("name", "line", "shipped", "allowed", "words"),
    [
        ("good", "License-Expression: MIT", True, True, ""),
        ("classified", "Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)", True, False, "GPLv3"),
        ("silent", "Summary: says nothing", True, False, "its metadata names no licence"),
        ("silent", "Summary: says nothing", False, False, "its metadata names no licence"),
        ("copyleft", "License-Expression: GPL-3.0", True, False, "'GPL-3.0' to be shipped in an image"),
        ("copyleft", "License-Expression: GPL-3.0", False, True, ""),
        ("choice", "License-Expression: GPL-3.0 OR BSD-3-Clause", True, True, ""),
        ("both", "License-Expression: MIT AND GPL-3.0", True, False, "MIT AND GPL-3.0"),
        ("odd", "Summary: says nothing", True, True, "its file says MIT"),
        ("odd", "License: Our own", True, False, "its exception is for 'UNKNOWN'"),
    ],
)
def test_licences(name: str, line: str, shipped: bool, allowed: bool, words: str, tmp_path: Path) -> None:
    [(package, version, licence)] = read_licences(environment(tmp_path, {name: line}))
    judged = judge(package, version, licence, shipped, POLICY)
    assert (judged.package, judged.allowed) == (name, allowed)
    assert words in judged.reason


def test_an_exception_needs_its_reason(tmp_path: Path) -> None:
    text = licences.POLICY.read_text() + 'CVE-1 = ""\n'
    (tmp_path / "policy.toml").write_text(text)
    with pytest.raises(ValueError, match="CVE-1 is ignored without a reason"):
        read_policy(tmp_path / "policy.toml")
    (tmp_path / "policy.toml").write_text(text.replace("its source is on PyPI; in", "").replace("reason =", "because ="))
    with pytest.raises(ValueError, match="the exception for autocommand needs a licence and a reason"):
        read_policy(tmp_path / "policy.toml")


DEBIAN = "Package: curl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:8.0+dfsg-1\n\n"
DEBIAN += "Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n"
ALPINE = "C:Q1x=\nP:nginx\nV:1.30.6-r1\nA:x86_64\nL:BSD-2-Clause\n\n"


def test_the_lists_of_the_distributions() -> None:
    [debian] = debian_packages(DEBIAN, {"ID": "debian", "VERSION_ID": "13"})
    assert debian == SystemPackage("curl", "1:8.0+dfsg-1", "pkg:deb/debian/curl@1%3A8.0%2Bdfsg-1?arch=amd64&distro=debian-13")
    [alpine] = alpine_packages(ALPINE, {"ID": "alpine", "VERSION_ID": "3.24.1"})
    assert alpine == SystemPackage("nginx", "1.30.6-r1", "pkg:apk/alpine/nginx@1.30.6-r1?arch=x86_64&distro=alpine-3.24.1", "BSD-2-Clause")


def test_a_bill_names_what_is_there_and_is_of_the_schema(tmp_path: Path) -> None:
    python = environment(tmp_path / "venv", {"good": "License-Expression: MIT"})
    system = debian_packages(DEBIAN, {})
    subject = Subject("image", "a test", python, True, "sha256:1", system, {"ID": "debian", "VERSION_ID": "13"})
    path, count = sbom.write(subject, tmp_path)
    bill = json.loads(path.read_text())
    assert [component["name"] for component in bill["components"]] == ["good", "debian", "curl"]
    assert count == 3
    assert bill["metadata"]["component"]["version"] == "sha256:1"
    bill["components"][0]["type"] = "nothing"
    assert "components[0].type" in sbom.problems(json.dumps(bill))
    again, _ = sbom.write(subject, tmp_path / "again")
    assert again.read_text() == path.read_text()


@pytest.mark.long
def test_the_whole_audit_of_the_locks_ends_red_with_a_planted_vulnerability(tmp_path: Path) -> None:
    folder = copy_of_checkout(tmp_path)
    for name in (".venv", ".cache"):
        (folder / name).symlink_to(ROOT / name)
    with osv({**CANARY, "flask": "PYSEC-1"}) as address:
        command = [sys.executable, "-m", "dev.audit", "--source", "lock", "--json", "--osv-url", address]
        done = subprocess.run(command, cwd=folder, env=dict(os.environ), capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert {one["package"] for one in report["vulnerabilities"]["found"]} == {"flask"}
    assert not [one for subject in report["subjects"].values() for one in subject["packages"] if not one["allowed"]]
    assert (folder / "results/sbom/twogates-flask.json").is_file()


def test_an_address_that_is_none_is_refused() -> None:
    done = subprocess.run([sys.executable, "-m", "dev.audit", "--osv-url", "nonsense"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "OSV_URL is 'nonsense'; accepted: an address" in done.stderr
