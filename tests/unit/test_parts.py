"""If one part of a command fails, the results of the other parts are kept."""

import json
from pathlib import Path
from typing import Any

import pytest

from loadtest.bench import cli as bench_command
from loadtest.bench import measure as bench_measure
from loadtest.bench.cells import CELLS
from loadtest.chaos.run import FULL, run
from loadtest.commands import plan as plan_command
from loadtest.commands import running
from loadtest.commands.running import StoppedError
from loadtest.plan.profile import Profile, ProfileError, read
from runtime.servers import ServerFailed


class FakeStack:
    """A stack that a fault may leave broken."""

    def __init__(self, setting: str) -> None:
        self.said: list[str] = []

    def up(self) -> None:
        self.said.append("up")

    def down(self) -> None:
        self.said.append("down")

    def keep_log(self) -> None:
        self.said.append("log")


def test_chaos(monkeypatch: pytest.MonkeyPatch) -> None:
    class Case:
        def __init__(self, name: str) -> None:
            self.name = name

    def chances(stack: Any, case: Case, windows: object, tell: object) -> str:
        if case.name == "broken":
            raise OSError("the engine is gone")
        return case.name

    made = FakeStack("configured")
    monkeypatch.setattr("loadtest.chaos.run.Stack", lambda _: made)
    monkeypatch.setattr("loadtest.chaos.run.chances", chances)
    found: list[Any] = []
    failed: list[tuple[str, str]] = []
    cases: Any = [Case("hup"), Case("broken"), Case("kill")]
    run("configured", cases, FULL, lambda _: None, found.append, lambda what, error: failed.append((what, str(error))))
    assert found == ["hup", "kill"]
    assert failed == [("configured, broken", "the engine is gone")]
    assert made.said == ["up", "down", "up", "log", "down"]


def test_the_profiles_of_a_plan_are_kept_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make plan CHECK=1`, where the third service cannot be measured."""
    path = tmp_path / "profiles.json"
    monkeypatch.setattr(plan_command, "PROFILES", path)
    monkeypatch.setattr(plan_command, "no_stack_runs", lambda: None)

    def measured(service: str, seed: int, tell: object) -> Profile:
        if service == "django":
            raise ProfileError("The profile of django cannot be trusted: a cell is not valid.")
        return Profile(service, 0.001, 50.0, 20.0, 0.1, 0.1)

    def at_once(job: Any, kept: object = None) -> Any:
        try:
            return job(lambda *_: None)
        except ProfileError as error:
            raise StoppedError(f"loadtest: {error}", 2) from None

    monkeypatch.setattr(plan_command, "by_laboratory", measured)
    monkeypatch.setattr(running, "laboratory", at_once)
    from loadtest.cli import main

    monkeypatch.setenv("CHECK", "1")
    assert main(["plan", "--results", str(tmp_path)]) == 2
    assert set(read(path)) == {"flask", "fastapi"}


def test_bench_keeps_the_samples_of_the_other_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(cell: Any, servers: object, meter: object, number: int) -> Any:
        if cell is CELLS[0]:
            raise ConnectionRefusedError("nothing listens there")
        return bench_measure.Sample(cell.name, number, 10, 5.0)

    monkeypatch.setattr(bench_measure, "measure", measure)
    nothing: Any = None
    samples = bench_measure.run(CELLS[:2], nothing, nothing, 2, 1, lambda _: None)
    costs = bench_command.Costs(samples)
    assert costs.failed == {CELLS[0].name: ["not measured: nothing listens there"]}
    assert costs.cost(CELLS[1].name)


def test_bench_keeps_its_other_parts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fails(*_: object) -> Any:
        raise ServerFailed("flask did not start.")

    monkeypatch.setattr(bench_command, "containers", lambda: None)
    monkeypatch.setattr(bench_command, "images", lambda: ([], ["No Docker engine answers."]))
    monkeypatch.setattr(bench_command, "measure_all", fails)
    monkeypatch.setattr(bench_command, "idle_stack", lambda _: [bench_command.Part("flask", 5, 80.0)])
    assert bench_command.main(["--json", "--quick"]) == 1
    printed = capsys.readouterr()
    assert "bench: CPU time could not be measured: flask did not start." in printed.err
    assert "flask" in json.dumps(json.loads(printed.out))


def test_chat_shows_the_phase_before(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from loadtest.chat import __main__ as command

    class Seen:
        right = True

        def as_dict(self) -> dict[str, object]:
            return {"name": "as it is"}

        def quantile(self, _: float) -> float:
            return 0.01

    async def phase(chosen: object, name: str, kill: str | None = None) -> Any:
        if kill:
            raise command.PhaseError("A socket could not be opened: TimeoutError()")
        return Seen()

    monkeypatch.setattr(command, "phase", phase)
    monkeypatch.setattr(command, "running", lambda: ["local"])
    monkeypatch.setattr(command.kill_replica, "replicas", lambda _: ["a", "b"])
    monkeypatch.setattr(command.kill_replica, "bring_back", lambda _: None)
    monkeypatch.setattr("sys.argv", ["chat", "--json", "--sockets", "10"])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out) == [{"name": "as it is"}]
    assert "was not measured. A socket could not be opened" in printed.err
