"""Make the documentation's pictures: python3 runtime/venv.py runtime,services,loadtest,tests -m dev.shots [KIND ...]."""

import argparse
from importlib import import_module

from runtime.compose_file import ROOT
from runtime.console import fail, say

KINDS = ("terminal", "page")
LARGEST_BYTES = 250_000


def main() -> None:
    """Make the pictures of the named kinds, or all."""
    parser = argparse.ArgumentParser(prog="shots", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"{', '.join(KINDS)} (default: all)")
    kinds = parser.parse_args().kinds or KINDS
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        fail(f"KIND is {' '.join(unknown)!r}; accepted: {', '.join(KINDS)}", 2)
    for kind in kinds:
        for path in import_module(f"dev.shots.{kind}").make():
            size = path.stat().st_size
            if size > LARGEST_BYTES:
                fail(f"{path.relative_to(ROOT)} has {size} bytes; accepted: at most {LARGEST_BYTES}")
            say(f"  {path.relative_to(ROOT)}  {size // 1000} kB")


if __name__ == "__main__":
    main()
