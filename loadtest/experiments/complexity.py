"""The three services side by side: how much code the same contract needs in each."""

import ast
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from itertools import combinations
from pathlib import Path

from loadtest.experiment import Experiment
from loadtest.judging.evidence import Evidence
from loadtest.model import Chart
from loadtest.results import Verdict

SERVICES = {
    name: [Path("services") / folder / module for module in ("app.py", "lesson.py", "endpoints.py")]
    for name, folder in (("Flask", "flask_sync"), ("FastAPI", "fastapi_async"), ("Django", "django_async"))
}


def code(paths: Sequence[Path]) -> list[str]:
    """Return the lines of code as Python's ast.unparse writes them: without comments, docstrings and differences of style."""
    from runtime.compose_file import ROOT

    tree = ast.parse("\n".join((ROOT / path).read_text() for path in paths))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return [line for line in ast.unparse(tree).splitlines() if line.strip()]


def look() -> Mapping[str, Mapping[str, float]]:
    """Return the lines of each service, and for each pair the lines of the longer one that the other does not have."""
    lines = {name: code(paths) for name, paths in SERVICES.items()}
    found: dict[str, dict[str, float]] = {name: {"lines": len(text)} for name, text in lines.items()}
    for one, other in combinations(lines, 2):
        same = sum(block.size for block in SequenceMatcher(None, lines[one], lines[other], autojunk=False).get_matching_blocks())
        most = max(len(lines[one]), len(lines[other]))
        found[f"{one} and {other}"] = {"lines": most, "differing": most - same, "share": 100 * (most - same) / most}
    return found


def judge(seen: Evidence) -> Verdict:
    lines = {name: seen.cell(name).estimates["lines"].value for name in SERVICES}
    more = {name: lines[name] / lines["Flask"] for name in ("FastAPI", "Django")}
    words = ", ".join(f"{name} {times:.2f} times" for name, times in more.items())
    return seen.verdict(
        [seen.true(f"{name} takes no fewer lines than Flask ({times:.2f} times)", times >= 1) for name, times in more.items()],
        holds="",
        fails="An async service takes fewer lines than the sync one.",
        limit=f"For the same contract the async services take more lines than Flask's, and not many more: {words}. "
        "Lines do not measure what is hard about async: that one call in the wrong place stops everything (blocked-loop).",
    )


EXPERIMENT = Experiment(
    name="complexity",
    question="What does the same contract take in a sync and in two async frameworks?",
    claim="Async is harder to write.",
    frame="no load",
    cells=lambda full: [],
    chart=Chart("bars", "lines"),
    columns=("lines", "differing", "share"),
    misreading="Fewer lines are not simpler lines. The diff of two services is worth more than this number.",
    judge=judge,
    compares=False,
    look=look,
)
