"""Images compared file by file."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from dev.image_layers import differences, read_image


def tar_of(members: dict[str, dict[str, object]]) -> bytes:
    """Return a tar archive with these files."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, facts in members.items():
            facts = {"content": b"text", "mode": 0o444, "uid": 0, "mtime": 0, **facts}
            content = facts.pop("content")
            assert isinstance(content, bytes)
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for key, value in facts.items():
                setattr(member, key, value)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def saved(path: Path, layer: dict[str, dict[str, object]]) -> Path:
    """Write an image with one layer as `docker save` does."""
    manifest = json.dumps([{"Config": "config", "Layers": ["layer"]}]).encode()
    path.write_bytes(tar_of({"manifest.json": {"content": manifest}, "layer": {"content": tar_of(layer)}}))
    return path


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"app.py": {}}, []),
        ({"app.py": {"content": b"other"}}, ["layer 0: /app.py: content"]),
        ({"app.py": {"mtime": 5}}, ["layer 0: /app.py: time"]),
        ({"app.py": {"mode": 0o644, "uid": 7}}, ["layer 0: /app.py: mode, owner"]),
        ({"app.py": {}, "more.py": {}}, ["layer 0: /more.py: only in one of them"]),
        ({}, ["layer 0: /app.py: only in one of them"]),
    ],
)
def test_every_difference_is_named(changed: dict[str, dict[str, object]], words: list[str], tmp_path: Path) -> None:
    first, second = saved(tmp_path / "1.tar", {"app.py": {}}), saved(tmp_path / "2.tar", changed)
    assert differences(read_image(first), read_image(second)) == words


def test_another_number_of_layers_is_told() -> None:
    assert differences([{}], [{}, {}]) == ["1 layers, and 2"]
