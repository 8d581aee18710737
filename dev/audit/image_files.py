"""Read an image's contents from its own records: the metadata of Python packages, and the package lists of Debian and Alpine."""

import json
import re
import subprocess
import tarfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from runtime.docker.compose import docker

METADATA = re.compile(r"([^/]+\.(?:dist-info/METADATA|egg-info/PKG-INFO))$")
RECORDS = ("var/lib/dpkg/status", "lib/apk/db/installed", "usr/lib/apk/db/installed")
RELEASE = "usr/lib/os-release"
ALPINE_RELEASE = "etc/os-release"  # a regular file on Alpine; on Debian, a link to RELEASE


@dataclass(frozen=True)
class SystemPackage:
    """A package of the base image's distribution, or a program installed without a package."""

    name: str
    version: str
    purl: str
    licence: str = ""  # Debian's list names no licence


@dataclass
class ImageFiles:
    """The records of one image."""

    image_id: str
    python_metadata: dict[str, str] = field(default_factory=dict)  # file name, such as "flask-3.1.3.dist-info/METADATA": its text
    system: list[SystemPackage] = field(default_factory=list)
    release: dict[str, str] = field(default_factory=dict)  # os-release


def read_image(image: str) -> ImageFiles:
    """Read an image through a container that never runs, so that the image's own code cannot affect the result."""
    facts = json.loads(docker("image", "inspect", image))[0]
    found = ImageFiles(facts["Id"])
    container = docker("create", "--network", "none", image)
    try:
        with subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE) as export:
            assert export.stdout
            with tarfile.open(fileobj=export.stdout, mode="r|") as files:
                texts = {member.name: text(files, member) for member in files if member.isfile() and wanted(member.name)}
    finally:
        docker("rm", container)
    found.release = release_of(texts.get(ALPINE_RELEASE) or texts.get(RELEASE, ""))
    for name, content in texts.items():
        metadata = METADATA.search(name)
        if metadata:
            found.python_metadata[metadata[1]] = content
        elif name.endswith("dpkg/status"):
            found.system += debian_packages(content, found.release)
        elif name in RECORDS:
            found.system += alpine_packages(content, found.release)
    found.system += python_itself(facts["Config"].get("Env") or [])
    return found


def wanted(name: str) -> bool:
    return name in (*RECORDS, RELEASE, ALPINE_RELEASE) or METADATA.search(name) is not None


def text(files: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    opened = files.extractfile(member)
    assert opened
    return opened.read().decode(errors="replace")


def release_of(content: str) -> dict[str, str]:
    """Return the file os-release as a mapping."""
    return {name: value.strip('"') for name, _, value in (line.partition("=") for line in content.splitlines()) if value}


def release_version(release: dict[str, str]) -> str:
    """Return a distribution's version: a number, or the code name if it has no number yet."""
    return release.get("VERSION_ID") or release.get("VERSION_CODENAME", "")


def debian_packages(status: str, release: dict[str, str]) -> list[SystemPackage]:
    """Return the installed packages of dpkg's list."""
    found = []
    for paragraph in status.split("\n\n"):
        fields = dict(re.findall(r"^([A-Z][\w-]*): (.+)$", paragraph, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            suffix = f"?arch={fields['Architecture']}&distro={release.get('ID', 'debian')}-{release_version(release)}"
            version = fields["Version"].replace("+", "%2B").replace(":", "%3A")
            found.append(SystemPackage(fields["Package"], fields["Version"], f"pkg:deb/debian/{fields['Package']}@{version}{suffix}"))
    return found


def alpine_packages(installed: str, release: dict[str, str]) -> list[SystemPackage]:
    """Return the packages of apk's list: P is the name, V the version, A the architecture, L the licence."""
    found = []
    for paragraph in installed.split("\n\n"):
        fields = dict(re.findall(r"^([PVAL]):(.+)$", paragraph, re.MULTILINE))
        if {"P", "V", "A"} <= fields.keys():
            suffix = f"?arch={fields['A']}&distro=alpine-{release_version(release)}"
            purl = f"pkg:apk/alpine/{fields['P']}@{fields['V'].replace('+', '%2B')}{suffix}"
            found.append(SystemPackage(fields["P"], fields["V"], purl, fields.get("L", "")))
    return found


def python_itself(environment: list[str]) -> list[SystemPackage]:
    """Return the interpreter that the official image builds from source: a variable names its version, no package list does."""
    versions = [value for name, _, value in (line.partition("=") for line in environment) if name == "PYTHON_VERSION"]
    return [SystemPackage("python", version, f"pkg:generic/python@{version}", "PSF-2.0") for version in versions]


def lay_out(python_metadata: dict[str, str], site_packages: Path) -> None:
    """Write the packages' metadata, without their code, to a folder where an interpreter looks for packages."""
    for name, content in python_metadata.items():
        path = site_packages / PurePosixPath(name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
