"""The lessons whose command is ``make load``, on the running stack: the measurement must confirm the claims of each page."""

from pathlib import Path
from typing import Any

import pytest

from tests.lessons.commands import claims_that_do_not_hold, failed_requests, measured
from tests.lessons.page import Lesson, lessons
from tests.measured import Measure

pytestmark = pytest.mark.measured


@pytest.fixture(scope="module")
def experiments(stack: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("lessons")
    return measured("load", folder)


@pytest.mark.parametrize("lesson", lessons("load"), ids=str)
def test_what_the_page_says_comes_out(experiments: dict[str, Any], lesson: Lesson, measure: Measure) -> None:
    experiment = experiments[str(lesson)]
    assert failed_requests(experiment) == []
    wrong = claims_that_do_not_hold(lesson, experiment)
    measure.that(not wrong, "; ".join(wrong))
