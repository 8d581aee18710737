"""Servers for a measurement: real ones that must answer, be measured, and be gone afterwards."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from loadtest.bench import data
from loadtest.bench.cells import CALLERS, CELLS, QUERIES, SMALL, all_commands, framework_commands, new_ports
from loadtest.bench.cli import main
from loadtest.bench.measure import apart, measure, one_round, run
from loadtest.bench.plan import moved
from loadtest.bench.results import Costs
from runtime import proc
from runtime.compose_file import ROOT
from runtime.local.plan import RUN, make_plan
from runtime.servers import Command, ServerFailed, Servers, answers, free_port
from tests.waiting import until

pytestmark = pytest.mark.skipif(not proc.SUPPORTED, reason="reads Linux's /proc")

# BROKEN logs a line and exits with status 3. STUBBORN and its child ignore SIGTERM; it listens and answers 200.
BROKEN = "import sys; print('first'); print('no such thing', file=sys.stderr); sys.exit(3)"
STUBBORN = """
import http.server, os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
if os.getppid() != int(sys.argv[2]):
    signal.pause()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Return a folder below the checkout, where Nginx's workers can read under any UID."""
    (RUN / "bench").mkdir(parents=True, exist_ok=True)
    made = RUN / "bench" / f"test-{os.getpid()}-{tmp_path.name}"
    made.mkdir()
    yield made
    subprocess.run(["rm", "-r", str(made)], check=True)


def test_a_server_that_does_not_start_is_named_with_the_end_of_its_log(folder: Path) -> None:
    with pytest.raises(ServerFailed, match=r"'broken one' did not start: .*no such thing"), Servers(folder) as servers:
        servers.start("broken one", Command([sys.executable, "-c", BROKEN], folder, free_port()))
        servers.wait_until_ready()


def test_a_second_server_of_a_name_is_refused_while_the_first_one_runs(folder: Path) -> None:
    """It would replace the first one in the table, and the first one would outlive the block."""
    sleep = Command(["sleep", "600"], folder, free_port())
    with Servers(folder) as servers:
        servers.start("one", sleep)
        first = servers.pid("one")
        with pytest.raises(ValueError, match="'one' runs already"):
            servers.start("one", sleep)
    assert proc.alive([first]) == []


def test_servers_and_their_children_end_with_the_block_even_those_that_do_not_want_to(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.servers.STOP_SECONDS", 0.3)
    with pytest.raises(ZeroDivisionError), Servers(folder) as servers:
        port = free_port()
        servers.start("stubborn", Command([sys.executable, "-c", STUBBORN, str(port), str(os.getpid())], folder, port))
        servers.wait_until_ready()
        pids = proc.tree(servers.pid("stubborn"))
        assert len(pids) == 2
        raise ZeroDivisionError
    assert not proc.alive(pids)


def test_ports_are_free_and_never_given_twice() -> None:
    ports = [free_port() for _ in range(200)]
    assert len(set(ports)) == 200


def test_only_the_ports_of_the_plan_move() -> None:
    text = "server 127.0.0.1:8102 max_fails=2; server 127.0.0.1:9; http://127.0.0.1:8105/x"
    assert moved(text, {8102: 1, 8105: 2}) == "server 127.0.0.1:1 max_fails=2; server 127.0.0.1:9; http://127.0.0.1:2/x"


def test_plain_and_bare_applications_answer_what_the_services_do() -> None:
    from twogates.demo import greetings

    assert SMALL == greetings.SMALL
    assert set(framework_commands()) == {f"{name} {kind}" for name in CALLERS for kind in ("plain", "bare")} | {"flask plain again"}


def test_a_round_has_every_cell_once_in_an_order_of_its_seed_with_blocks_together() -> None:
    first, second = one_round(CELLS, random.Random(1)), one_round(CELLS, random.Random(2))
    assert first != second
    assert first == one_round(CELLS, random.Random(1))
    assert sorted(first, key=CELLS.index) == CELLS
    blocks = [cell.block for cell in first]
    assert sum(one != two for one, two in pairwise(blocks)) == len(set(blocks)) - 1


def test_the_cpus_of_generator_and_servers_are_apart_and_given_back() -> None:
    before = os.sched_getaffinity(0)
    if len(before) == 1:
        pytest.skip("one CPU: nothing to divide")
    with apart() as move_off:
        for_servers = os.sched_getaffinity(0)
        move_off()
        assert for_servers.isdisjoint(os.sched_getaffinity(0))
    assert os.sched_getaffinity(0) == before


@pytest.mark.long
def test_every_server_starts_and_a_run_has_a_figure_for_every_cell(folder: Path) -> None:
    with Servers(folder) as servers:
        plan = make_plan()
        ports = new_ports(plan)
        data.start(servers, plan, folder, ports)
        commands = all_commands(plan, ports, folder)
        for name, command in commands.items():
            servers.start(name, command)
        servers.wait_until_ready(commands)
        pids = [pid for name in servers.running for pid in proc.tree(servers.pid(name))]
        samples = run(CELLS, servers, proc.choose_meter()[0], rounds=1, seed=1, progress=lambda stage: None)
        assert all(answers(command) for command in commands.values())
    costs = Costs(samples)
    assert not costs.failed
    found = {cell.name: costs.cost(cell.name) for cell in CELLS}
    # No limits on speed: only that it was measured, and that more work costs more.
    assert all(cost and cost.median > 1 for cost in found.values())
    for name in CALLERS:
        bare, plain, calls = (found[f"{name} {kind}"] for kind in ("bare", "plain", "calls"))
        assert bare and plain and calls and bare.median < plain.median < calls.median
        assert costs.also[f"{name} calls"][0] > 1
        for query in QUERIES:
            alone, ours = found[f"{name} driver {query}"], found[f"{name} {query}"]
            assert alone and ours and bare.median < alone.median < ours.median
            assert costs.also[f"{name} {query}"][0] > 1
    assert not proc.alive(pids)


def test_a_slow_run_has_fewer_rounds_but_as_many_as_it_must(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtest.bench.measure.ROUNDS_SECONDS", 0)
    [cell] = [cell for cell in CELLS if cell.name == "flask bare"]
    with Servers(folder) as servers:
        servers.start(cell.name, framework_commands()[cell.name])
        servers.wait_until_ready()
        found = [run([cell], servers, proc.seconds_by_clock, 4, 1, lambda stage: None, least) for least in (2, None)]
    assert [len(samples) for samples in found] == [2, 4]


def test_a_server_that_dies_in_a_run_makes_its_cells_invalid(folder: Path) -> None:
    cells = [cell for cell in CELLS if cell.name in ("flask bare", "fastapi bare")]
    with Servers(folder) as servers:
        for cell in cells:
            servers.start(cell.name, framework_commands()[cell.name])
        servers.wait_until_ready()
        os.kill(servers.pid("flask bare"), signal.SIGTERM)
        servers.running["flask bare"].wait(60)
        samples = run(cells, servers, proc.seconds_by_clock, rounds=1, seed=1, progress=lambda stage: None)
    costs = Costs(samples)
    assert list(costs.failed) == ["flask bare"]
    assert costs.cost("fastapi bare")


def test_a_cell_whose_worker_was_replaced_meanwhile_is_invalid(folder: Path) -> None:
    [cell] = [cell for cell in CELLS if cell.name == "flask bare"]
    command = framework_commands()["flask bare"]
    with Servers(folder) as servers:
        servers.start(cell.name, replace(command, words=[*command.words, "--max-requests", str(cell.requests // 2)]))
        servers.wait_until_ready()
        sample = measure(cell, servers, proc.seconds_by_clock, 1)
    assert sample.failures  # no request failed, but the CPU time of the ended worker is missing


def test_a_cell_whose_server_got_another_worker_meanwhile_is_invalid(folder: Path) -> None:
    [cell] = [cell for cell in CELLS if cell.name == "flask bare"]
    with Servers(folder) as servers:
        servers.start(cell.name, framework_commands()["flask bare"])
        servers.wait_until_ready()
        master = servers.pid(cell.name)

        def meter(pids: list[int]) -> float:
            if len(proc.tree(master)) == 2:
                os.kill(master, signal.SIGTTIN)
            until("Gunicorn has another worker", lambda: len(proc.tree(master)) > 2)
            return proc.seconds_by_clock(pids)

        sample = measure(cell, servers, meter, 1)
    assert sample.failures == ["the server's processes changed meanwhile"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--rounds", "0"], "bench: ROUNDS is '0'; accepted: a whole number from 1 to 100"),
        (["--seed", "x"], "bench: SEED is 'x'; accepted: a whole number from 0 to 4294967296"),
        (["--fast"], "bench: unrecognized arguments: --fast"),
    ],
)
def test_bad_usage_is_a_sentence(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err == sentence + "\n"


@pytest.mark.parametrize(
    ("sent", "stage"),
    [(signal.SIGINT, "warm-up"), (signal.SIGTERM, "memory of the idle stack")],
    ids=["Ctrl-C while it measures", "SIGTERM while servers start"],
)
def test_an_interrupted_run_leaves_nothing(sent: signal.Signals, stage: str) -> None:
    before = set((RUN / "bench").glob("tmp*"))
    command = [sys.executable, "-m", "loadtest.bench", "--rounds", "100"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as bench:
        assert bench.stderr
        line = ""
        while stage not in line:
            line = bench.stderr.readline()
            assert line, "it ended before that"
        pids: list[int] = []
        while len(pids) < 2:
            pids = proc.tree(bench.pid)[1:]
        bench.send_signal(sent)
        rest = bench.stderr.read()
        assert bench.wait(60) == 130
    assert "interrupted" in rest
    assert "Traceback" not in rest
    assert not proc.alive(pids)
    assert set((RUN / "bench").glob("tmp*")) == before  # tempfile's default prefix
