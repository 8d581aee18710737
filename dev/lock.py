"""Lock every requirements.in of the tree with hashes, for Python 3.11 to 3.14: make lock.

All are first resolved together, and each is then resolved with that result as constraints. A package thus has one version in the
whole project, and the services can share an environment when they run without containers. Each file of dev/tools/ is resolved
alone, for its own environment (runtime/venv.py).
"""

import subprocess
import sys
from pathlib import Path

from runtime import package_index

ROOT = Path(__file__).parent.parent
PYTHON_FLOOR = "3.11"
NEWEST = [] if "--keep" in sys.argv else ["--upgrade"]


def compile_lock(sources: list[Path], output: Path, *options: str) -> None:
    """Resolve ``sources`` and write ``output``: every package with its version and the hashes of its files."""
    uv = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "compile",
        "--quiet",
        "--universal",
        "--generate-hashes",
        "--no-emit-index-url",
        "--no-annotate",
    ]
    fixed = ["--python-version", PYTHON_FLOOR, "--custom-compile-command", "make lock", "--output-file", str(output), *options]
    subprocess.run([*uv, *fixed, *map(str, sources)], cwd=ROOT, env=package_index.for_uv(), check=True)


def main() -> None:
    """Lock every requirements file of the tree."""
    sources = sorted(path for pattern in ("*/*.in", "services/*/*.in", "loadtest/*/*.in") for path in ROOT.glob(pattern))
    together = ROOT / ".cache" / "together.txt"
    together.parent.mkdir(exist_ok=True)
    compile_lock(sources, together, *NEWEST)
    for source in sources:
        output = source.with_suffix(".txt")
        print(f"  {output.relative_to(ROOT)}")
        output.unlink(missing_ok=True)
        compile_lock([source.relative_to(ROOT)], output.relative_to(ROOT), "--constraints", str(together.relative_to(ROOT)))
    for source in sorted(ROOT.glob("dev/tools/*.in")):
        output = source.with_suffix(".txt")
        print(f"  {output.relative_to(ROOT)}")
        compile_lock([source.relative_to(ROOT)], output.relative_to(ROOT), *NEWEST)


if __name__ == "__main__":
    main()
