"""compose.yaml as the one source of defaults."""

import re

import pytest
import yaml

from runtime.checks.variables import check_variables
from runtime.compose_file import ROOT, defaults, load, substitute
from runtime.local.plan import make_plan

NOT_IN_COMPOSE = {"RUNTIME", "HTTP3", "PGBOUNCER", "EXPOSE_DEVELOPMENT", "ACCEPT_VULNERABLE", "BACKUP_RECIPIENTS"}


def test_env_example_has_every_variable_with_its_default() -> None:
    written = dict(re.findall(r"^#(\w+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert {name: value for name, value in written.items() if name not in NOT_IN_COMPOSE} == defaults()


def test_a_variable_has_one_default() -> None:
    found = re.findall(r"\$\{(\w+):-([^}]*)\}", (ROOT / "compose.yaml").read_text())
    assert len(set(found)) == len({name for name, _ in found})


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        ("${A:-1}", {}, "1"),
        ("${A:-1}", {"A": "2"}, "2"),
        ("${A:-1}", {"A": ""}, "1"),
        ("x ${A:-1}:${B:-2}", {"B": "3"}, "x 1:3"),
        ("${A}", {}, ""),
    ],
)
def test_substitute(text: str, given: dict[str, str], expected: str) -> None:
    assert substitute([{"key": text}], given) == [{"key": expected}]


def test_the_command_is_the_dockerfiles() -> None:
    services, _ = load({})
    assert services["flask"].command == ["gunicorn", "--config", "server.py", "app:application"]
    assert services["django"].command == ["python", "server.py"]


def test_images_are_named_once() -> None:
    """The name and tag of a base image are in compose.yaml only, and not in a Dockerfile."""
    for dockerfile in ROOT.glob("*/**/Dockerfile"):
        [base] = set(re.findall(r"^FROM (\S+)", dockerfile.read_text(), re.MULTILINE))
        assert base in ("${PYTHON_IMAGE}", "${POSTGRES_IMAGE}")
    text = (ROOT / "compose.yaml").read_text()
    for image in yaml.safe_load(text)["x-images"].values():
        assert text.count(image) == 1


def test_the_local_plan_has_an_address_for_every_replica(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_REPLICAS", "3")
    monkeypatch.setenv("LOCAL_PORT", "9000")
    plan = make_plan()
    ports = {process.name: process.environment.get("PORT") for process in plan.processes}
    assert ports == {
        "flask": "9000",
        "fastapi": "9001",
        "django-1": "9002",
        "django-2": "9003",
        "django-3": "9004",
        "worker": "",
        "upstream": "9005",
        "monitor": "9006",
        "nginx": None,
    }
    assert plan.nginx_values["DJANGO_SERVERS"].count("server 127.0.0.1:900") == 3
    flask = next(process for process in plan.processes if process.name == "flask")
    assert flask.environment["UPSTREAM_URL"] == "http://127.0.0.1:9005"
    assert flask.environment["HOST"] == "127.0.0.1"


@pytest.mark.parametrize("word", ["yes", "1", "True"])
def test_a_wrong_preload_is_refused_before_anything_starts(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        check_variables({"FASTAPI_PRELOAD": word})
    assert ended.value.code == 2
    assert f"FASTAPI_PRELOAD is {word!r}; accepted: true or false" in capsys.readouterr().err


@pytest.mark.parametrize(
    "origins",
    ["https://app.example", "http://app.example:8000 https://[::1]:8443", "null", "http://10.0.0.5:443", "https://a_b.example:80"],
)
def test_origins_as_a_browser_writes_them(origins: str) -> None:
    check_variables({"SOCKET_ORIGINS": origins})


@pytest.mark.parametrize(
    "origins",
    [
        *("https://app.example/", "app.example", "https://App.example", "https://app.example:443", "http://app.example:80", "*"),
        *("ws://app.example", "https://a.example,https://b.example", " https://app.example", "https://app.example  null"),
        *("https://app.example|x", "http://\u00e4.example"),
    ],
)
def test_what_no_browser_writes_is_no_origin(origins: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        check_variables({"SOCKET_ORIGINS": origins})
    assert f"SOCKET_ORIGINS is {origins!r}; accepted: origins as a browser writes them" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "value"), [("HTTP_PORT", "\u0663\u0663"), ("FLASK_CPUS", "\u0661.5"), ("STOP_GRACE_PERIOD", "\u0663s")])
def test_digits_of_other_scripts_are_no_numbers(name: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Python accepts such digits, but Nginx, Docker and Gunicorn do not."""
    with pytest.raises(SystemExit):
        check_variables({name: value})
    assert f"{name} is {value!r}; accepted: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("profile", "files", "good"),
    [
        ("production", "compose.yaml", False),
        ("production", "compose.yaml:compose.production.yaml:mine.yaml", True),
        ("development", "compose.yaml:compose.production.yaml", False),
        ("development", "compose.yaml:mine.yaml", True),
    ],
)
def test_compose_file_and_profile_agree(profile: str, files: str, good: bool, capsys: pytest.CaptureFixture[str]) -> None:
    given = {"PROFILE": profile, "COMPOSE_FILE": files}
    if good:
        check_variables(given)
        return
    with pytest.raises(SystemExit):
        check_variables(given)
    said = f"PROFILE is {profile!r} and COMPOSE_FILE is {files!r}; accepted: compose.production.yaml in production alone"
    assert said in capsys.readouterr().err


def test_preload_is_a_setting_of_each_service_on_gunicorn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTAPI_PRELOAD", "true")
    preload = {process.name: process.environment.get("PRELOAD") for process in make_plan().processes}
    assert (preload["flask"], preload["fastapi"], preload["django-1"]) == ("true", "true", None)


def test_no_docker_name_is_left_in_the_local_plan() -> None:
    plan = make_plan()
    for text in [*plan.nginx_values.values(), *(value for process in plan.processes for value in process.environment.values())]:
        assert ":8000" not in text
        assert "resolve" not in text
