"""Thresholds, and the output for CI systems."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from loadtest.report.ci import add_summary, github, junit
from loadtest.report.thresholds import Answer, ThresholdError, evaluate, parse, parse_all
from loadtest.results import Check, Verdict
from tests.unit.lab_results import cell, everything, experiment, results
from tests.unit.test_report_page import evil


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("queue:p99>2.5s", ("queue", None, "p99", ">", 2.5)),
        ("thousands[FastAPI, 1 loop/1000]:throughput<900", ("thousands", "FastAPI, 1 loop/1000", "throughput", "<", 900.0)),
        (" one-slow : p50 >= 20 ms ", ("one-slow", None, "p50", ">=", 0.02)),
        ("a-a:p50<=.5us", ("a-a", None, "p50", "<=", 5e-7)),
        ("x:p50<1.5e-3s", ("x", None, "p50", "<", 0.0015)),
        ("x:pss_mib>1GiB", ("x", None, "pss_mib", ">", 1024.0)),
        ("x:cpu_us>2ms", ("x", None, "cpu_us", ">", 2000.0)),
        ("x[a: b]:dropped>0", ("x", "a: b", "dropped", ">", 0.0)),
    ],
)
def test_threshold(text: str, parts: tuple[object, ...]) -> None:
    found = parse(text)
    assert (found.experiment, found.cell, found.metric, found.sign, found.value) == (*parts[:4], pytest.approx(parts[4]))
    assert found.text == text.strip()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "'' is no threshold; accepted, for example: queue:p99>2.5s"),
        ("queue", "'queue' is no threshold"),
        ("queue:p99", "is no threshold"),
        ("queue:p99=2s", "is no threshold"),
        ("queue:p99>>2s", "is no threshold"),
        ("queue[]:p99>2s", "is no threshold"),
        (":p99>2s", "is no threshold"),
        ("queue:p98>2s", "names the metric 'p98'; accepted: throughput, "),
        ("queue:p99>2", "has the value '2'; accepted for p99: a number with a unit: s, ms, us, µs."),
        ("queue:p99>2MiB", "has the value '2MiB'"),
        ("queue:throughput<900ms", "accepted for throughput: a number without a unit."),
        ("queue:p99>fast", "has the value 'fast'"),
        ("queue:p99>-2s", "has the value '-2s'"),
        ("queue:p99>nans", "has the value 'nans'"),
        ("queue:p99>²s", "has the value '²s'"),
    ],
)
def test_a_threshold_that_cannot_be_read_gets_a_sentence(text: str, words: str) -> None:
    with pytest.raises(ThresholdError) as caught:
        parse(text)
    assert words in str(caught.value)


def test_several_thresholds_have_semicolons_between_them() -> None:
    assert [one.text for one in parse_all("queue:p99>2s; thousands[FastAPI, 1 loop]:p50<1ms;")] == [
        "queue:p99>2s",
        "thousands[FastAPI, 1 loop]:p50<1ms",
    ]
    assert parse_all(" ") == []


def answers(text: str) -> list[Answer]:
    return evaluate(parse_all(text), everything())


def test_a_threshold_is_about_every_cell_or_the_named_one() -> None:
    assert len(answers("thousands:throughput<1")) == 10
    assert len(answers("thousands[FastAPI, 1 loop]:throughput<1")) == 5
    for name in ("FastAPI, 1 loop/2000", "FastAPI, 1 loop / 2000"):
        (one,) = answers(f"thousands[{name}]:throughput<1600")
        assert (one.cell, one.measured, one.passed) == ("FastAPI, 1 loop / 2000", 1560.0, False)
        assert one.sentence == f"thousands: FastAPI, 1 loop / 2000: requests/s 1,560 breaks thousands[{name}]:throughput<1600."


@pytest.mark.parametrize(("sign", "passed"), [("<", True), ("<=", False), (">", True), (">=", False)])
def test_the_limit_itself_breaks_only_what_says_so(sign: str, passed: bool) -> None:
    (one,) = answers(f"thousands[FastAPI, 1 loop/2000]:throughput{sign}1560")
    assert one.passed is passed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("slots:p99>9s", "no experiment slots was run; there are: thousands, queue, fast-io, empty."),
        ("queue[Flask]:p99>9s", "no cell of queue is called so; there are: Flask, 4 sync workers / 8; FastAPI"),
        ("queue:p99>9s", "no such cell has a measurement of p99."),
        ("empty:p99>9s", "no cell of empty is called so; there are: none."),
        (
            "thousands[Django, 1 loop/2000]:p99>9s",
            "is not valid, so thousands[Django, 1 loop/2000]:p99>9s cannot be answered: generator had room",
        ),
    ],
)
def test_a_threshold_without_a_valid_number_fails(text: str, words: str) -> None:
    (one,) = answers(text)
    assert (one.passed, one.measured) == (False, None)
    assert words in one.sentence


def test_a_cell_without_the_metric_is_not_asked() -> None:
    assert [one.cell for one in answers("fast-io[Django, 1 loop/wait 1 ms]:throughput<1")] == ["Django, 1 loop / wait 1 ms"]
    assert len(answers("fast-io:p99>9s")) == 5


def test_junit_has_a_suite_for_each_experiment() -> None:
    root = ElementTree.fromstring(junit(everything(), answers("queue:makespan>2s; slots:p99>9s")))
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["thousands", "queue", "fast-io", "empty", "slots"]
    counts = {name: [suite.get(key) for key in ("tests", "failures", "skipped")] for name, suite in suites.items()}
    assert counts == {
        "thousands": ["13", "2", "1"],
        "queue": ["9", "1", "0"],
        "fast-io": ["6", "1", "0"],
        "empty": ["0", "0", "0"],
        "slots": ["1", "1", "0"],
    }
    failed = {case.get("name"): failure.get("message") for case in root.iter("testcase") for failure in case.findall("failure")}
    assert failed["valid: Django, 1 loop / 2000"].startswith("generator had room: 105% of a CPU. Fewer users, longer requests")
    assert failed["check: Django, 1 loop, 1000: requests/s 610, predicted 1,000 (0.61)"] == "not passed"
    assert "threshold: queue:makespan>2s (Flask, 4 sync workers / 8)" in failed
    for suite in root:
        assert suite.get("tests") == str(len(suite))


def test_junit_is_xml_whatever_the_names_are() -> None:
    odd = "\x00\x1b[31m <&\"'> größe \ud800"
    one = experiment(cell(odd, not_valid=odd, throughput=1.0), name=odd, verdict=Verdict("holds", odd, [Check(odd, False)]))
    root = ElementTree.fromstring(junit(results(one, name=odd)).encode())
    assert "<&\"'> größe" in str(root[0].get("name"))
    ElementTree.fromstring(junit(evil()))


def test_github_gets_a_line_for_each_failure_and_verdict() -> None:
    lines = github(everything(), answers("queue:makespan>2s"))
    assert "::notice title=queue%3A holds::Four workers answered the eight requests in two rounds." in lines
    assert any(
        line.startswith("::error title=thousands::valid: Django, 1 loop / 2000: generator had room: 105%25 of a CPU. Fewer")
        for line in lines
    )
    assert "::error title=queue::queue: Flask, 4 sync workers / 8: all done after 2.04 s breaks queue:makespan>2s." in lines
    assert len([line for line in lines if line.startswith("::error")]) == 4


def test_github_lines_stay_lines() -> None:
    one = experiment(cell("a", not_valid="first\n::error::second\r100%", throughput=1.0), name="x,y:z\n")
    lines = github(results(one))
    assert not any("\n" in line or "\r" in line for line in lines)
    assert any(line.startswith("::error title=x%2Cy%3Az%0A::valid: a / 8: first%0A::error::second%0D100%25. make logs") for line in lines)


def test_summary_is_appended_where_github_says(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    file.write_text("before\n")
    assert add_summary(everything(), answers("queue:makespan>2s"), {"GITHUB_STEP_SUMMARY": str(file)})
    text = file.read_text()
    assert text.startswith("before\n# everything\n")
    assert "## Thresholds\n\n- ✗ queue: Flask, 4 sync workers / 8: all done after 2.04 s breaks queue:makespan\\>2s." in text
    assert "- ✓ queue: FastAPI" in text
    assert not add_summary(everything(), environ={})
