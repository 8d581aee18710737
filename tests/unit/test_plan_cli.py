"""The command: a usage error is one sentence, a service without a profile is measured first, and the output is the plan."""

import json
from argparse import ArgumentParser
from pathlib import Path

import pytest

from loadtest.plan.cli import add_arguments, run
from loadtest.plan.profile import Profile, ProfileError, read, write
from tests.unit.test_plan_planner import DJANGO, FASTAPI, FLASK

PROFILES = {profile.service: profile for profile in (FLASK, FASTAPI, DJANGO)}


def plan(path: Path, *arguments: str, environ: dict[str, str] | None = None, measured: list[str] | None = None) -> int:
    """Return the command's exit status. ``measured`` collects the services that were measured; ``None`` makes measuring impossible."""
    parser = ArgumentParser()
    add_arguments(parser, environ or {})

    def measure(service: str) -> Profile:
        assert measured is not None
        measured.append(service)
        return PROFILES[service]

    return run(parser.parse_args(arguments), None if measured is None else measure, path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "run" / "profiles.json"
    write(list(PROFILES.values()), path)
    return path


def test_profiles_survive_their_file(path: Path) -> None:
    assert read(path) == PROFILES
    assert list(path.parent.iterdir()) == [path]


def test_no_file_is_no_profiles(tmp_path: Path) -> None:
    assert read(tmp_path / "none.json") == {}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is not JSON; remove it"),
        ("{}", "does not hold a list of profiles"),
        ('[{"service": "rails"}]', "whose service is none of flask, fastapi, django"),
        ("[3]", "whose service is none of flask, fastapi, django"),
        ('[{"service": "flask", "overhead": 0}]', "overhead of flask is 0; accepted: a number, more than 0"),
        ('[{"service": "flask", "overhead": 1, "shared_mib": -1}]', "shared_mib of flask is -1; accepted: a number, 0 or more"),
        ('[{"service": "flask", "overhead": true}]', "overhead of flask is True; accepted: a number, more than 0"),
        ('[{"service": "flask", "overhead": NaN}]', "overhead of flask is nan; accepted: a number, more than 0"),
        ('[{"service": "flask", "overhead": 1}]', "shared_mib of flask is None; accepted: a number, 0 or more"),
    ],
)
def test_a_file_that_is_no_profile(path: Path, capsys: pytest.CaptureFixture[str], content: str, says: str) -> None:
    path.write_text(content)
    with pytest.raises(ProfileError, match=r"profiles\.json"):
        read(path)
    assert plan(path) == 2
    assert says in capsys.readouterr().err


def test_what_has_no_profile_is_measured_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, measured = tmp_path / "profiles.json", list[str]()
    write([FLASK], path)
    assert plan(path, measured=measured) == 0
    assert "fastapi has no measured profile yet: measuring one first" in capsys.readouterr().err
    assert plan(path, measured=measured) == 0
    assert measured == ["fastapi", "django"]
    assert capsys.readouterr().err == ""


def test_nothing_is_planned_without_a_profile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(tmp_path / "profiles.json") == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "has no measured profile of flask, fastapi, django" in printed.err


def test_table_and_sentences(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(path) == 0
    printed = capsys.readouterr().out
    assert "800 a second of 100 ms wait and 4 ms CPU, p99 within 300 ms" in printed
    assert "FastAPI needs 4 event loops on 4 cores, for a p99 of " in printed
    assert max(len(line) for line in printed.splitlines() if line[0] in "┏┃┡│└") <= 120


def test_cores_are_those_that_can_be_used(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An event loop uses one core, however many there are."""
    assert plan(path, "--rate", "40", "--cores", "8") == 0
    assert "FastAPI needs 1 event loop on 1 core, for" in capsys.readouterr().out


def test_json_is_the_plans(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(path, "--json", "--rate", "40", environ={"RATE": "7", "P99": "0.5", "CORES": "2"}) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["demand"] == {"wait": 0.1, "cpu": 0.004, "rate": 40, "p99": 0.5, "cores": 2, "memory_mib": 0}
    assert [one["configuration"]["kind"] for one in found["plans"]] == ["workers", "threads", "loops", "loops"]
    assert {"throughput", "p50", "p99", "memory_mib"} <= set(found["plans"][0]["prediction"])
    assert set(found["plans"][0]["margin"]) == {"ratio", "limit"}


def test_no_plan_is_status_1(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(path, "--memory", "1") == 1
    assert "Flask with sync workers: The smallest that keeps the p99 needs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"P99": "0.1"}, "P99 is 0.1; accepted: more than 0.104, for a request takes that long alone."),
        ({"CORES": "2"}, "RATE is 800; accepted with CORES=2: at most 475, which takes 95% of their CPU time."),
    ],
)
def test_a_demand_that_nothing_meets(path: Path, capsys: pytest.CaptureFixture[str], environ: dict[str, str], says: str) -> None:
    assert plan(path, environ=environ) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"loadtest: {says}\n")


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"WAIT": "31"}, "argument --wait: '31'; accepted: a number from 0 to 30"),
        ({"RATE": "nan"}, "argument --rate: 'nan'; accepted: a number from 0.001 to 100000"),
        ({"CORES": "1.5"}, "argument --cores: '1.5'; accepted: a whole number from 0 to 10000"),
        ({"MEMORY": "much"}, "argument --memory: 'much'; accepted: a number from 0 to 1e+09"),
    ],
)
def test_bad_setting(path: Path, capsys: pytest.CaptureFixture[str], environ: dict[str, str], says: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        plan(path, environ=environ)
    assert says in capsys.readouterr().err


def test_an_empty_variable_is_none(path: Path) -> None:
    assert plan(path, environ={"WAIT": "", "CORES": ""}) == 0
