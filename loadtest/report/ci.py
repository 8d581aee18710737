"""Results for continuous integration: JUnit XML, and the annotations that GitHub shows beside a change."""

import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from loadtest.judging.advice import advice
from loadtest.report.rows import CHECK_MARKS, CHECKED
from loadtest.report.text import escaped, markdown
from loadtest.report.thresholds import Answer
from loadtest.results import ExperimentResult, Results

# Characters that XML 1.0 cannot contain, not even escaped.
UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Case:
    """One test case; ``skipped`` is for checks in which no difference was seen."""

    name: str
    outcome: Literal["passed", "failed", "skipped"]
    message: str


def cases(experiment: ExperimentResult, answers: Sequence[Answer]) -> Iterator[Case]:
    """Yield a case for the validity of each cell, each check of the verdict, and each threshold.

    An experiment that did not finish has a failed case too.
    """
    if experiment.verdict.outcome == "failed":
        yield Case("runs to its end", "failed", experiment.verdict.sentence)
    for cell in experiment.marked().cells:
        why = f"{cell.not_valid}. {advice(cell.not_valid)}" if cell.not_valid else ""
        yield Case(f"valid: {cell.key}", "failed" if why else "passed", why)
    for check in experiment.verdict.checks:
        outcome: Literal["passed", "failed", "skipped"] = "skipped" if check.passed is None else "passed" if check.passed else "failed"
        yield Case(f"check: {check.text}", outcome, CHECKED[check.passed])
    yield from map(threshold_case, answers)


def by_experiment(results: Results, answers: Sequence[Answer]) -> dict[str, list[Case]]:
    """Return all cases. A threshold on an experiment that was not run gets a suite too, or its failure would be lost."""
    of: dict[str, list[Answer]] = {}
    for answer in answers:
        of.setdefault(answer.threshold.experiment, []).append(answer)
    found = {one.name: list(cases(one, of.pop(one.name, []))) for one in results.experiments}
    return found | {name: [threshold_case(answer) for answer in lost] for name, lost in of.items()}


def threshold_case(answer: Answer) -> Case:
    """Return the case of a threshold in one cell."""
    name = f"threshold: {answer.threshold.text}" + (f" ({answer.cell})" if answer.cell else "")
    return Case(name, "passed" if answer.passed else "failed", answer.sentence)


def junit(results: Results, answers: Sequence[Answer] = ()) -> str:
    """Return JUnit XML with a suite for each experiment."""
    root = ElementTree.Element("testsuites", name=writable(results.name))
    seconds = {experiment.name: experiment.seconds for experiment in results.experiments}
    for name, suite in by_experiment(results, answers).items():
        counts = {outcome: str(sum(case.outcome == outcome for case in suite)) for outcome in ("failed", "skipped")}
        facts: dict[str, Any] = {"tests": str(len(suite)), "failures": counts["failed"], "errors": "0", "skipped": counts["skipped"]}
        element = ElementTree.SubElement(root, "testsuite", name=writable(name), time=f"{seconds.get(name, 0):.3f}", **facts)
        for case in suite:
            one = ElementTree.SubElement(element, "testcase", classname=writable(f"lab.{name}"), name=writable(case.name), time="0")
            if case.outcome != "passed":
                ElementTree.SubElement(one, "failure" if case.outcome == "failed" else "skipped", message=writable(case.message))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def writable(text: str) -> str:
    """Replace the characters that XML cannot contain."""
    return UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def github(results: Results, answers: Sequence[Answer] = ()) -> list[str]:
    """Return workflow commands: an error for each failed case, a notice for each verdict."""
    lines = []
    for experiment in results.experiments:
        verdict = experiment.verdict
        lines.append(command("notice", f"{experiment.name}: {verdict.outcome}", verdict.sentence))
    for name, suite in by_experiment(results, answers).items():
        for case in suite:
            if case.outcome == "failed":
                said = case.message if case.name.startswith("threshold") else f"{case.name}: {case.message}"
                lines.append(command("error", name, said))
    return lines


def command(kind: str, title: str, message: str) -> str:
    """Return one workflow command, escaped as GitHub's toolkit does."""
    text = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    short = title.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A").replace(":", "%3A").replace(",", "%2C")
    return f"::{kind} title={short}::{text}"


def add_summary(results: Results, answers: Sequence[Answer] = (), environ: Mapping[str, str] = os.environ) -> bool:
    """Append the Markdown to the file that GITHUB_STEP_SUMMARY names. Return False where it is not set."""
    path = environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return False
    lines = [f"- {CHECK_MARKS[answer.passed]} {escaped(answer.sentence)}" for answer in answers]
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(markdown(results) + ("\n## Thresholds\n\n" + "\n".join(lines) + "\n" if lines else "") + "\n")
    return True
