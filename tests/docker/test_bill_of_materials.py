"""The bill of materials of an image names what is really in the image."""

import json
import re
from pathlib import Path

from dev.audit import sbom
from dev.audit.image_files import read_image
from dev.audit.subjects import Subject, canonical, environment, images
from runtime.compose_file import project
from tests.conftest import ROOT
from tests.docker.conftest import docker


def test_every_package_of_the_lock_and_of_the_base_is_in_the_bill(tmp_path: Path) -> None:
    image = images()["twogates-upstream"]["image"]
    files = read_image(image)
    python = environment("test-bill", files.python_metadata)
    path, _ = sbom.write(Subject("upstream", image, python, True, files.image_id, files.system, files.release), tmp_path)
    named = {(canonical(one["name"]), one.get("version")) for one in json.loads(path.read_text())["components"]}
    lock = (ROOT / "services/upstream/requirements.txt").read_text()
    locked = {(canonical(name), version) for name, version in re.findall(r"^([\w.-]+)==(\S+) \\", lock, re.MULTILINE)}
    assert locked <= named
    assert len(files.system) > 10, "the base image's own packages"
    assert docker("image", "inspect", "--format", "{{.Id}}", image).strip() == files.image_id


def test_what_came_into_an_image_beside_the_lock_is_seen(tmp_path: Path) -> None:
    """A package that somebody adds by hand: its metadata is found wherever it is."""
    base = images()["twogates-upstream"]["image"]
    (tmp_path / "stowaway-6.6.dist-info").mkdir()
    (tmp_path / "stowaway-6.6.dist-info" / "METADATA").write_text("Metadata-Version: 2.4\nName: stowaway\nVersion: 6.6\n")
    (tmp_path / "Dockerfile").write_text(f"FROM {base}\nCOPY stowaway-6.6.dist-info /srv/hidden/stowaway-6.6.dist-info\n")
    tag = f"twogates-stowaway:{project()}"
    docker("build", "--quiet", "--tag", tag, str(tmp_path))
    try:
        assert "stowaway-6.6.dist-info/METADATA" in read_image(tag).python_metadata
    finally:
        docker("image", "rm", tag)
