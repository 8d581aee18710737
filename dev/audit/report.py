"""Print the audit: every package with its licence, the problems, and what was not checked."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from dev.audit.licences import Licence
from dev.audit.sbom import FOLDER
from dev.audit.subjects import Subject
from dev.audit.vulnerabilities import Answer
from runtime.compose_file import ROOT
from runtime.console import console

PLAIN_WIDTH = 140  # columns of a table, if the output is not a terminal


@dataclass(frozen=True)
class Report:
    """The results of the audit."""

    subjects: list[Subject]
    from_images: bool  # otherwise from the locks
    licences: dict[str, list[Licence]]  # by subject
    bills: dict[str, tuple[Path, int]]  # by subject: the file, and the number of its components
    answer: Answer

    @property
    def refused(self) -> list[tuple[str, Licence]]:
        """Return every licence that is not allowed, with its subject."""
        return [(name, licence) for name, found in self.licences.items() for licence in found if not licence.allowed]

    @property
    def wrong(self) -> int:
        """Return the number of problems to fix."""
        return len(self.refused) + len(self.answer.found)

    def vulnerable(self, subject: Subject) -> str:
        """Return the number of a subject's known vulnerabilities, or "not checked" if no database answered."""
        if not self.answer.database:
            return "not checked"
        return str(sum((one.package, one.version) in subject.packages() for one in self.answer.found))


def show(report: Report) -> None:
    """Print the tables, then the problems, then what to do next."""
    wide = console if console.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)
    wide.print(package_table(report))
    wide.print(subject_table(report))
    console.print(f"Bills of materials: {FOLDER.relative_to(ROOT)}/")
    for name, licence in report.refused:
        console.print(f"{name}: {licence.package} {licence.version}: {licence.reason}", markup=False)
    for one in report.answer.found:
        names = ", ".join([one.identifier, *one.aliases])
        fixed = f"; fixed in {', '.join(one.fixed_in)}" if one.fixed_in else "; no version without it is known"
        console.print(f"{one.package} {one.version}: {names}{fixed}. {one.description[:200]}", markup=False)
    if not report.from_images:
        console.print(
            "The images were taken for what their locks say, without the base image, since Docker does not answer or was not asked."
        )
    elif any(subject.system for subject in report.subjects):
        console.print(
            "The packages of a base image are in its bill. Their licences and vulnerabilities are not judged here: docs/supply_chain.md."
        )
    if not report.answer.database:
        console.print("NOT CHECKED for known vulnerabilities:")
    for sentence in report.answer.not_checked:
        console.print(f"  {sentence}", markup=False)
    console.print(next_step(report))


def package_table(report: Report) -> Table:
    """Return a table of every package with its licence and the subjects that contain it."""
    places: dict[Licence, list[str]] = {}
    for name, found in report.licences.items():
        for licence in found:
            places.setdefault(licence, []).append(name.removeprefix("twogates-"))
    table = Table("package", "version", "licence", "in", "note")
    for licence, names in sorted(places.items(), key=lambda item: (item[0].package, item[0].version)):
        note = licence.reason if licence.allowed else "NOT ALLOWED"
        table.add_row(licence.package, licence.version, licence.licence, ", ".join(names), note)
    return table


def subject_table(report: Report) -> Table:
    """Return a table with one line for each image and environment."""
    table = Table("audited", "read from", "packages", "of the system", "known vulnerabilities", "licences not allowed", "in its bill")
    refused = Counter(name for name, _ in report.refused)
    for subject in report.subjects:
        name = subject.name
        bill = f"{report.bills[name][1]} components" if name in report.bills else "-"
        system = str(len(subject.system)) if subject.system else "-"
        row = [name, subject.read_from, str(len(report.licences[name])), system, report.vulnerable(subject), str(refused[name]), bill]
        table.add_row(*row)
    return table


def next_step(report: Report) -> str:
    """Return the last line: what to do next."""
    if report.answer.found:
        return "Next: make lock, for versions without them, then make test"
    if report.refused:
        return "Next: another package in its place, or dev/audit/policy.toml with a reason"
    if report.answer.not_checked:
        return "Next: where PyPI or OSV can be reached, or with a mirror: make audit OSV_URL=https://osv.example/v1/query"
    return "Next: make rebuild"
