"""The page and the table of a chaos suite run."""

import io
import json
import re
from collections import Counter
from pathlib import Path

from rich.console import Console

from loadtest.chaos.events import Event
from loadtest.chaos.fault import Allowed, Case, Fault
from loadtest.chaos.judge import Moments, judge
from loadtest.chaos.report import PLAIN_WIDTH, page, show, write
from loadtest.chaos.results import CaseResult, ChaosResults, summed, timeline

MOMENTS = Moments(2.0, 2.1, 3.0)
EVENTS = [Event(number / 20, number / 20 + 0.02, "get", "flask", "right", 200) for number in range(100)]
LOST = Event(1.99, 2.05, "post", "flask", "failed", 502, "status <502>")


def result(setting: str, allowed: Allowed) -> CaseResult:
    case = Case(Fault("some-fault", "It happens.", ("flask",), lambda *_: lambda: True, allowed), "flask")
    events = [*EVENTS, LOST]
    return summed(setting, case, judge(case, events, MOMENTS), MOMENTS, Counter(right=100, failed=1), events, 0.0)


KEPT = result("configured", Allowed("it was there", in_flight={"flask": 1}))
BROKE = result("plain", Allowed())
RESULTS = ChaosResults([KEPT, BROKE], {"time": "2026-01-01T00:00:00+00:00", "command": "make chaos"})


def test_the_plain_setting_is_only_a_comparison() -> None:
    assert (KEPT.kept, BROKE.kept) == (True, False)
    assert RESULTS.fine
    assert not ChaosResults([result("configured", Allowed())], {}).fine


def test_the_page_needs_nothing_else_and_escapes() -> None:
    made = page(RESULTS)
    assert not re.search(r'(?:src|href)="(?!#)', made.replace("xlink:href", ""))
    assert "status &lt;502&gt;" in made
    assert made.count("<svg") == 4
    for gid in ("answers-0-began", "answers-0-lost", "answers-0-right", "times-1-longest", "times-1-whole"):
        assert f'id="{gid}"' in made


def test_the_table_counts_what_was_lost_and_allowed() -> None:
    out = io.StringIO()
    show(RESULTS, Console(file=out, width=PLAIN_WIDTH))
    text = " ".join(out.getvalue().split())
    assert "✓ kept" in text
    assert "✗ broke" in text
    assert "101 requests and sockets, 1 lost, 1 of them as is allowed, 0 not." in text
    assert "some-fault broke its promise: 1 flask post failed." in text


def test_a_run_has_a_folder(tmp_path: Path) -> None:
    made = write(RESULTS, tmp_path)
    assert json.loads((made / "chaos.json").read_text())["cases"][1]["broken"] == ["1 flask post failed"]
    assert (tmp_path / "latest-chaos" / "report.html").is_file()


def test_the_timeline_has_every_answer_once() -> None:
    bins = timeline([*EVENTS, LOST])
    assert sum(one.right for one in bins) == 100
    assert [place for place, one in enumerate(bins) if one.lost] == [20]
