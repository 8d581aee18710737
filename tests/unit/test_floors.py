"""The oldest versions with which production starts."""

import re

import pytest

from runtime.checks import floors
from runtime.checks.floors import COMMANDS, OF_BASE, Part, parts
from runtime.docker.engine import version
from runtime.docker.replicas import NotHealthy
from runtime.docker.wanted import Wanted

PART = Part("Example", ["1.30.7", "1.31.9"], "CVE-2026-1, a fault", "https://example.org/1")


@pytest.mark.parametrize(
    ("found", "needed"),
    [
        ("1.30.7", None),
        ("1.30.10", None),  # compared as a number, not as text
        ("1.31.9", None),
        ("1.32.0", None),  # a newer branch
        ("2.0", None),
        ("1.30.6", "1.30.7"),
        ("1.31.8", "1.31.9"),
        ("1.29.99", "1.31.9"),  # an older branch, which gets no more fixes
        ("1.30", "1.31.9"),
        ("0.9", "1.31.9"),
    ],
)
def test_a_version_is_held_against_its_branch(found: str, needed: str | None) -> None:
    assert PART.needed(found) == needed


@pytest.mark.parametrize("name", COMMANDS)
def test_each_part_has_floors_and_the_advisory_that_set_them(name: str) -> None:
    part = parts()[name]
    assert part.floors == sorted(part.floors, key=version)
    assert len({version(floor)[:-1] for floor in part.floors}) == len(part.floors)  # one for each branch
    assert re.match(r"(CVE-\d{4}-\d+|GHSA(-\w{4}){3}), \w", part.advisory)
    assert part.source.startswith("https://")


def test_every_base_image_has_a_part() -> None:
    assert {*OF_BASE.values()} == {*parts()} == {*COMMANDS}


@pytest.fixture
def below(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the findings for an old Nginx, two images with an old Python, and one image without a version."""
    versions = {"nginx:1": "1.30.6", "flask:1": "3.14.8", "django:1": "3.14.8", "postgres:18": "18.7", "valkey/valkey:9": None}
    monkeypatch.setattr(floors, "version_in", lambda image, part: versions[image])
    images = {"nginx": "nginx:1", "flask": "flask:1", "django": "django:1", "worker": "django:1", "postgres": "postgres:18"}
    images["valkey"] = "valkey/valkey:9"
    return floors.below(Wanted(name, image, 1, ends=False, built=False, hash="") for name, image in images.items())


def test_what_is_too_old_is_said_with_the_advisory_and_where_it_is(below: dict[str, str]) -> None:
    assert set(below) == {"nginx=1.30.6", "python=3.14.8", "valkey=unknown"}
    assert re.fullmatch(
        r"Nginx 1\.30\.6, for CVE-2026-\d+, .+; 1\.30\.\d+ is needed: https://nginx\.org/\S+ \(nginx:1\)", below["nginx=1.30.6"]
    )
    assert below["python=3.14.8"].endswith("(flask:1, django:1)")
    assert below["valkey=unknown"] == "Valkey in valkey/valkey:9: its version cannot be found"


def test_it_is_refused_and_the_sentence_names_what_would_accept_it(below: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCEPT_VULNERABLE", "nginx=1.30.6 python=3.14.7")  # 3.14.7 is not the Python version found
    with pytest.raises(NotHealthy) as refused:
        floors.require(below)
    said = str(refused.value)
    assert "Python 3.14.8" in said
    assert "Nginx" not in said.partition("\nBring it up to date")[0]
    assert said.endswith('make update. Or, at your own risk, in .env: ACCEPT_VULNERABLE="nginx=1.30.6 python=3.14.8 valkey=unknown"')


def test_what_is_accepted_is_said_at_each_start(
    below: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ACCEPT_VULNERABLE", " ".join(below))
    floors.require(below)
    assert capsys.readouterr().out.count("Known to be vulnerable, and accepted by ACCEPT_VULNERABLE: ") == len(below)
