"""Compare two images: the layers of `docker save`, file by file."""

import hashlib
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass(frozen=True)
class Entry:
    """One file, folder or link of a layer."""

    kind: str  # tar's type
    mode: int
    owner: tuple[int, int]  # numeric UID and GID
    content: str  # SHA-256 of a file, or the target of a link
    modified: float  # seconds since 1970


Layer = Mapping[str, Entry]


def read_layer(stream: IO[bytes]) -> dict[str, Entry]:
    """Return every entry of a layer's tar by name."""
    entries = {}
    with tarfile.open(fileobj=stream) as layer:
        for member in layer:
            opened = layer.extractfile(member) if member.isfile() else None
            content = hashlib.sha256(opened.read()).hexdigest() if opened else member.linkname
            entries[member.name] = Entry(member.type.decode(), member.mode, (member.uid, member.gid), content, member.mtime)
    return entries


def read_image(saved: Path) -> list[dict[str, Entry]]:
    """Return the layers of an image that `docker save` wrote, the lowest first."""
    with tarfile.open(saved) as archive:

        def member(name: str) -> IO[bytes]:
            opened = archive.extractfile(name)
            assert opened, f"{name} is no file of the archive"
            return opened

        [manifest] = json.load(member("manifest.json"))
        return [read_layer(member(name)) for name in manifest["Layers"]]


def differences(first: list[dict[str, Entry]], second: list[dict[str, Entry]]) -> list[str]:
    """Return a line for each entry that differs, with what differs. Empty if every layer has the same content."""
    if len(first) != len(second):
        return [f"{len(first)} layers, and {len(second)}"]
    lines = []
    for number, (one, other) in enumerate(zip(first, second, strict=True)):
        for name in sorted(one.keys() | other.keys()):
            words = difference(one.get(name), other.get(name))
            if words:
                lines.append(f"layer {number}: /{name.removeprefix('./')}: {words}")
    return lines


def difference(one: Entry | None, other: Entry | None) -> str:
    """Return what differs between two entries of one name, in words; empty if nothing differs."""
    if one is None or other is None:
        return "only in one of them"
    found = {"kind": one.kind != other.kind, "mode": one.mode != other.mode, "owner": one.owner != other.owner}
    found |= {"content": one.content != other.content, "time": one.modified != other.modified}
    return ", ".join(name for name, differs in found.items() if differs)
