"""Write a software bill of materials for each image: CycloneDX, by cyclonedx-py, with Python's and the base image's packages."""

import json
import subprocess
from pathlib import Path
from typing import Any

from dev.audit.image_files import SystemPackage, release_version
from dev.audit.subjects import Subject
from runtime import venv
from runtime.compose_file import ROOT

FOLDER = ROOT / "results" / "sbom"
VERSION = "1.6"  # of CycloneDX's schema
VALIDATE = f"""
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
wrong = JsonStrictValidator(SchemaVersion.V{VERSION.replace(".", "_")}).validate_str(sys.stdin.read())
sys.exit(f"{{wrong.data.json_path}}: {{wrong.data.message[-300:]}}" if wrong else 0)
"""


def write(subject: Subject, folder: Path = FOLDER) -> tuple[Path, int]:
    """Write an image's bill; return the file and the number of components."""
    tool = venv.tool("audit")  # type: ignore[no-untyped-call]
    # Reproducible: without a time or a random number, so that two bills of the same image are identical files. Validation is below,
    # when the bill is complete.
    options = ["--output-reproducible", "--no-validate", "--output-format", "JSON", "--spec-version", VERSION]
    command = [tool, "-m", "cyclonedx_py", "environment", *options, str(subject.python)]
    bill = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    complete(bill, subject)
    written = json.dumps(bill, indent=2, sort_keys=True) + "\n"
    wrong = problems(written)
    if wrong:
        raise ValueError(f"the bill of {subject.name} is not of CycloneDX's schema: {wrong}")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{subject.name}.json"
    path.write_text(written)
    return path, len(bill["components"])


def problems(bill: str) -> str:
    """Return the error that CycloneDX's own schema finds in a bill; empty if there is none."""
    tool = venv.tool("audit")  # type: ignore[no-untyped-call]
    done = subprocess.run([tool, "-c", VALIDATE], input=bill, capture_output=True, text=True)
    return done.stderr.strip() if done.returncode else ""


def complete(bill: dict[str, Any], subject: Subject) -> None:
    """Add what cyclonedx-py cannot know: the image itself, its operating system, and the system's packages."""
    container = {"type": "container", "bom-ref": "image", "name": subject.name}
    if subject.image_id:
        container["version"] = subject.image_id
    properties = [{"name": "twogates:read-from", "value": subject.read_from}]
    bill.setdefault("metadata", {})["component"] = {**container, "properties": properties}
    components = bill.setdefault("components", [])
    if subject.release:
        system = {"name": subject.release.get("ID", "linux"), "version": release_version(subject.release)}
        components.append({"type": "operating-system", "bom-ref": "operating-system", **system})
    components += [system_component(package) for package in subject.system]


def system_component(package: SystemPackage) -> dict[str, Any]:
    """Return a package of the distribution as a CycloneDX component."""
    made: dict[str, Any] = {"type": "library", "bom-ref": package.purl, "name": package.name}
    made |= {"version": package.version, "purl": package.purl}
    if package.licence:
        made["licenses"] = [{"license": {"name": package.licence}}]
    return made
