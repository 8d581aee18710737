"""Audit the supply chain: python3 runtime/venv.py runtime,services,loadtest,tests -m dev.audit [--json]. Also: make audit.

Exit status: 0 everything was checked and is in order; 1 a vulnerability, or a licence that is not allowed; 2 bad usage;
3 no problem found, but vulnerabilities were not checked: no database answered, or it skipped a package.
"""

import argparse
import json
import os
import sys
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from dev.audit import licences, sbom, subjects, vulnerabilities
from dev.audit.report import Report, show
from runtime.console import fail
from runtime.docker import stack as runtime_docker

WRONG, NOT_CHECKED = 1, 3


def progress(text: str) -> None:
    """Print a line of progress on standard error, apart from the output for machines."""
    print(f"  {text} ...", file=sys.stderr, flush=True)


def read_options() -> argparse.Namespace:
    """Read the command line; the default of --osv-url is the environment variable OSV_URL."""
    parser = argparse.ArgumentParser(prog="python -m dev.audit", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON on standard output in place of the tables")
    parser.add_argument("--source", choices=["image", "lock"], help="what an image is read from; default image where Docker answers")
    parser.add_argument(
        "--osv-url", default=os.environ.get("OSV_URL"), help="ask this database, such as a mirror, in place of PyPI's and OSV's"
    )
    given = parser.parse_args()
    if given.osv_url and (urlsplit(given.osv_url).scheme not in ("http", "https") or not urlsplit(given.osv_url).netloc):
        fail(f"OSV_URL is {given.osv_url!r}; accepted: an address such as https://osv.example/v1/query", 2)
    if given.source == "image" and not runtime_docker.answers():
        fail("--source image, but no Docker engine with Compose answers. Start Docker, or: --source lock")
    return given


def audit(source: str | None, osv_url: str | None) -> Report:
    """Check licences and vulnerabilities, and write the bills of materials."""
    try:
        policy = licences.read_policy()
    except (ValueError, KeyError) as error:
        fail(f"{licences.POLICY.name} cannot be read: {error}", 2)
    docker = source == "image" or (source is None and runtime_docker.answers() and runtime_docker.missing_image() is None)
    images = subjects.from_images(progress) if docker else subjects.from_locks()
    checked = [*images, *subjects.of_the_checkout()]
    judged, packages = {}, set()
    for subject in checked:
        progress(f"Licences of {subject.read_from}")
        rows = licences.read_licences(subject.python)
        judged[subject.name] = [licences.judge(*row, subject.shipped, policy) for row in rows]
        packages |= set(subject.packages())
    bills = {}
    for subject in images:
        progress(f"Bill of materials of {subject.read_from}")
        bills[subject.name] = sbom.write(subject)
    progress(f"Known vulnerabilities of {len(packages)} packages")
    answer = vulnerabilities.check(packages, osv_url, policy.ignored)
    return Report(checked, docker, judged, bills, answer)


def as_data(report: Report, status: int) -> dict[str, Any]:
    """Return the report as data for the JSON output."""
    return {
        "status": status,
        "subjects": {
            subject.name: {
                "read_from": subject.read_from,
                "image_id": subject.image_id,
                "packages": [asdict(licence) for licence in report.licences[subject.name]],
                "system_packages": len(subject.system),
                "bill": str(report.bills[subject.name][0]) if subject.name in report.bills else None,
            }
            for subject in report.subjects
        },
        "vulnerabilities": asdict(report.answer),
    }


def main() -> int:
    """Audit, print the report, and return the exit status."""
    given = read_options()
    report = audit(given.source, given.osv_url)
    status = WRONG if report.wrong else NOT_CHECKED if report.answer.not_checked else 0
    if given.json:
        print(json.dumps(as_data(report, status), indent=2))
    else:
        show(report)
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
