"""The lessons whose command is ``make plan``, with the request costs that were measured for their pages.

``profiles.json`` is what ``make plan`` measured and kept in ``.run`` for the pages. Another machine has other costs. The results for these
costs are always the same.
"""

import json
from pathlib import Path

import pytest

from tests.lessons.commands import all_wrong, loadtest, numbers
from tests.lessons.formula import Seen
from tests.lessons.page import Lesson, lessons

PROFILES = Path(__file__).with_name("profiles.json")
each_lesson = pytest.mark.parametrize("lesson", lessons("plan"), ids=str)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    kept = tmp_path / ".run" / "profiles.json"
    kept.parent.mkdir()
    kept.write_text(PROFILES.read_text())
    return tmp_path


def planned(folder: Path, lesson: Lesson) -> Seen:
    """Return the numbers of each plan, by service and kind."""
    plans = json.loads(loadtest(folder, ["plan", "--json"], lesson.variables).stdout)["plans"]
    return {
        f"{plan['configuration']['service']} {plan['configuration']['kind']}": {
            "processes": plan["configuration"]["processes"],
            "at_once": plan["configuration"]["processes"] * plan["configuration"]["threads"],
            "cores": min(plan["configuration"]["processes"], plan["configuration"]["cores"]),
            "memory": plan["prediction"]["memory_mib"],
            "p99": plan["prediction"]["p99"],
        }
        for plan in plans
    }


@each_lesson
def test_what_the_page_says_comes_out(folder: Path, lesson: Lesson) -> None:
    assert all_wrong(lesson, planned(folder, lesson), numbers(lesson, lesson.variables)) == []


@each_lesson
def test_the_page_shows_what_is_printed(folder: Path, lesson: Lesson) -> None:
    printed = loadtest(folder, ["plan"], lesson.variables).stdout.splitlines()
    assert lesson.printed
    assert [line for line in lesson.printed if line not in printed] == []
