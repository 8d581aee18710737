"""Build every image twice without the cache and compare: python3 runtime/venv.py runtime -m dev.reproducible [SERVICE ...] [--json].

Exit status: 0 every second build gave the same image; 1 a second build differed, or a build failed; 2 bad usage.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from dev.image_layers import differences, read_image
from runtime.compose_file import ROOT, load
from runtime.console import console, fail
from runtime.docker import stack as runtime_docker
from runtime.docker.compose import docker

SHOWN = 10  # differences of an image printed below the table; --json has all


@dataclass(frozen=True)
class Comparison:
    """Two builds of one service's image."""

    service: str
    image_ids: tuple[str, str]
    differences: list[str]

    @property
    def same(self) -> bool:
        """Whether both builds are the same image, bit for bit: an image's id is the hash of its configuration and of every layer."""
        return self.image_ids[0] == self.image_ids[1]

    @property
    def verdict(self) -> str:
        """Return the comparison in words."""
        if self.same:
            return "the same image, bit for bit"
        if not self.differences:
            return "the same layers under another configuration"
        times = all(line.endswith(": time") for line in self.differences)
        count = len(self.differences)
        return f"{count} {'entry differs' if count == 1 else 'entries differ'}" + (", in time alone" if times else "")


def built_services() -> dict[str, str]:
    """Return every image that compose.yaml builds, without its tag, by the first service that runs it."""
    found: dict[str, str] = {}
    for name, entry in load()[1]["services"].items():
        image = entry["image"].rsplit(":", 1)[0]
        if "build" in entry and image not in found.values():
            found[name] = image
    return found


def compare(service: str, image: str) -> Comparison:
    """Build a service's image twice without the cache, under two tags that are removed afterwards."""
    tags = [f"rebuild-{os.getpid()}-{number}" for number in (1, 2)]
    names = [f"{image}:{tag}" for tag in tags]
    try:
        for tag in tags:
            docker("compose", "--profile", "*", "build", "--no-cache", "--quiet", service, TAG=tag)
        first, second = (docker("image", "inspect", "--format", "{{.Id}}", name) for name in names)
        return Comparison(service, (first, second), [] if first == second else saved_differences(names))
    finally:
        subprocess.run(["docker", "image", "rm", *names], capture_output=True)


def saved_differences(names: list[str]) -> list[str]:
    """Return the entries that differ between two local images."""
    (ROOT / ".run").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / ".run") as folder:
        layers = []
        for number, name in enumerate(names):
            saved = Path(folder) / f"{number}.tar"
            docker("save", "--output", str(saved), name)
            layers.append(read_image(saved))
            saved.unlink()
    return differences(*layers)


def show(found: list[Comparison]) -> None:
    """Print a table, the first differences below it, and what to do next."""
    table = Table("service", "second build", "image")
    for comparison in found:
        table.add_row(comparison.service, comparison.verdict, comparison.image_ids[0].removeprefix("sha256:")[:12])
    console.print(table)
    for comparison in found:
        for line in comparison.differences[:SHOWN]:
            console.print(f"  {comparison.service}: {line}", markup=False)
        if len(comparison.differences) > SHOWN:
            console.print(f"  {comparison.service}: and {len(comparison.differences) - SHOWN} more; --json has all")
    console.print("Next: make audit")


def main() -> int:
    """Compare the named services, or all."""
    services = built_services()
    parser = argparse.ArgumentParser(prog="python -m dev.reproducible", description="Build every image twice from nothing and compare.")
    parser.add_argument("services", nargs="*", metavar="SERVICE", help=f"{', '.join(services)}; default all")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output in place of the table")
    given = parser.parse_args()
    unknown = sorted(set(given.services) - set(services))
    if unknown:
        fail(f"no service {unknown[0]!r} is built here; accepted: {', '.join(services)}", 2)
    if not runtime_docker.answers():
        fail("Images are built by Docker, and no engine with Compose answers.")
    found = []
    for service in given.services or services:
        print(f"  Building the image of {service} twice ...", file=sys.stderr, flush=True)
        found.append(compare(service, services[service]))
    if given.json:
        print(json.dumps([{**asdict(comparison), "same": comparison.same} for comparison in found], indent=2))
    else:
        show(found)
    return int(not all(comparison.same for comparison in found))


if __name__ == "__main__":
    sys.exit(main())
