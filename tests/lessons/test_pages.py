"""The pages of the workshop: each stands alone, has the same form, and claims nothing that its own numbers contradict."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from loadtest.cli import parser
from loadtest.experiments import experiments
from tests.conftest import ROOT
from tests.lessons.commands import all_wrong, numbers
from tests.lessons.page import FOLDER, SECTIONS, Lesson, lessons

LESSONS = lessons()
LIST = (FOLDER / "README.md").read_text()
MOST_MINUTES = 90
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=str)


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_every_way_of_running_one_is_tried() -> None:
    """Covered by test_on_the_stack.py, test_in_the_laboratory.py and test_plans.py."""
    assert {lesson.target for lesson in LESSONS} == {"load", "lab", "plan"}


def test_they_are_numbered_and_listed_with_their_minutes() -> None:
    rows = re.findall(r"^\| (\d+) \| \[(.+?)\]\((.+?)\) \| (\d+) \|", LIST, re.MULTILINE)
    assert rows == [
        (str(at), lesson.title.split(". ", 1)[1], lesson.path.name, str(lesson.minutes)) for at, lesson in enumerate(LESSONS, 1)
    ]
    assert [lesson.title.split(".")[0] for lesson in LESSONS] == [str(at) for at in range(1, len(LESSONS) + 1)]


def test_all_of_them_take_one_person_an_hour_and_a_half_at_most() -> None:
    assert all(5 <= lesson.minutes <= 10 for lesson in LESSONS)
    total = sum(lesson.minutes for lesson in LESSONS)
    assert total <= MOST_MINUTES
    assert f"**{total} minutes**" in LIST


@each_lesson
def test_its_form(lesson: Lesson) -> None:
    assert tuple(lesson.sections) == SECTIONS
    assert "____" in lesson.sections["Write your prediction"]
    assert lesson.command.startswith("make ")
    assert lesson.claims
    assert len(lesson.claims) == lesson.sections["Held to it"].count("\n- ")


@each_lesson
def test_no_answer_is_open_before_the_reader_opens_it(lesson: Lesson) -> None:
    """Everything after *Run* is folded, and the answer to the exercise is folded again."""
    before, _, after = lesson.text.partition("\n<details>\n")
    assert re.findall("^## (.+)$", before, re.MULTILINE) == ["Question", "Write your prediction", "Run"]
    depth = 0
    for line in after.splitlines():
        depth += (line == "<details>") - (line == "</details>")
        assert depth <= 1
    assert (after.count("<details>"), after.rstrip().endswith("</details>")) == (1, True)
    assert "<summary>Answer</summary>" in lesson.sections["Exercise"]


# test_plans.py compares the numbers of a plan with the output.
@pytest.mark.parametrize("lesson", [*lessons("load"), *lessons("lab")], ids=str)
def test_its_claims_hold_in_its_own_table(lesson: Lesson) -> None:
    assert "On two cores" in lesson.sections["What you saw"]
    assert all_wrong(lesson, lesson.seen, numbers(lesson, lesson.variables)) == []


@each_lesson
def test_make_knows_its_command(lesson: Lesson) -> None:
    done = subprocess.run([*shlex.split(lesson.command), "--dry-run"], cwd=ROOT, capture_output=True, text=True)
    assert f"-m loadtest {lesson.target}" in done.stdout, done.stderr
    parser(os.environ | lesson.variables).parse_args([lesson.target])  # exits if a value is not accepted
    assert lesson.variables.get("X", "queue") in experiments()


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.md")), ids=lambda path: path.stem)
def test_every_command_on_a_page_is_one(path: Path) -> None:
    text = path.read_text()
    commands = re.findall(r"`make ([a-z-]+)([^`\n]*)`", text) + re.findall(r"^ *make ([a-z-]+)(.*)$", text, re.MULTILINE)
    known = (ROOT / ".env.example").read_text()
    for target, words in commands:
        assert target in targets(), target
        for name in re.findall(r"\b([A-Z][A-Z_0-9]*)=", words):
            accepted = re.search(rf"--{name.lower()}\b", parser({}).format_help() + help_of(target)) or f"#{name}=" in known
            assert accepted or name in ("S", "X", "B", "RUNTIME", "PYTHON", "PYTHONS", "SHA256"), f"make {target} {name}="


def help_of(target: str) -> str:
    """Return the program's help on its options if the target is one of its commands, else an empty text."""
    if target not in ("load", "lab", "plan", "compare", "chaos"):
        return ""
    actions = parser({})._subparsers._group_actions[0]  # type: ignore[union-attr]
    return str(actions.choices[target].format_help())  # type: ignore[call-overload, index]
