"""The laboratory's Compose file, and what is read from a container, without a Docker engine."""

import socket
import subprocess
import sys
from pathlib import Path

from loadtest.engine.docker_file import Maker
from loadtest.engine.docker_look import cgroup_here, parse_cpu
from loadtest.engine.sampler import served
from loadtest.model import loop, sync
from runtime.compose_file import ROOT
from twogates.http.counters import LAYOUT

VARIANTS = [sync(4), sync(2, proxied=False, name="direct"), loop("django", workers=2, arguments=("--x",))]
PORTS = {"nginx-0": 5001, "app-1-0": 5002, "nginx-2": 5003}


def services(network: str | None = None) -> dict[str, dict[str, object]]:
    made: dict[str, dict[str, object]] = Maker({0}, {1, 2}, network).document(VARIANTS, Path("/lab"), PORTS)["services"]
    return made


def test_a_variant_has_its_containers() -> None:
    assert set(services()) == {"certificates", "upstream", "app-0-0", "nginx-0", "app-1-0", "app-2-0", "app-2-1", "nginx-2"}


def test_without_nginx_there_is_nothing_that_ends() -> None:
    made = Maker({0}, {1}, None).document(VARIANTS[1:2], Path("/lab"), {"app-0-0": 5001})
    assert set(made["services"]) == {"upstream", "app-0-0"}


def test_applications_have_the_same_cpus_and_memory() -> None:
    limits = [(one["cpuset"], one["deploy"], one["memswap_limit"]) for name, one in services().items() if name.startswith("app-")]
    assert limits[0][0] == "0"
    assert all(one == limits[0] for one in limits)
    assert {one["cpuset"] for name, one in services().items() if not name.startswith("app-")} == {"1,2"}


def test_every_container_is_hardened_as_in_the_stack() -> None:
    for one in services().values():
        assert one["read_only"] is True
        assert one["cap_drop"] == ["ALL"]
        assert one["security_opt"] == ["no-new-privileges:true"]


def test_only_what_is_asked_is_published_and_only_here() -> None:
    published = {name: one["ports"] for name, one in services().items() if "ports" in one}
    assert published == {"nginx-0": ["127.0.0.1:5001:8080"], "app-1-0": ["127.0.0.1:5002:8000"], "nginx-2": ["127.0.0.1:5003:8080"]}


def test_nothing_is_there_for_the_live_view() -> None:
    for name, one in services().items():
        environment, volumes = one["environment"], one["volumes"]
        assert isinstance(environment, dict)
        assert isinstance(volumes, list)
        assert (environment.get("COUNTERS") or "/counters", environment.get("COUNTED_AS") or "") == ("/counters", "")
        assert not [volume for volume in volumes if volume.startswith(("live", "./results"))]
        assert environment.get("LIVE_LOG_OFF") == ("#" if name.startswith("nginx") else None)


def test_each_container_counts_for_itself() -> None:
    mounts = [one["volumes"] for name, one in services().items() if name.startswith("app-")]
    assert len({str(one) for one in mounts}) == len(mounts)


def test_what_generators_in_containers_load_joins_their_network() -> None:
    document = Maker(None, None, "theirs").document(VARIANTS, Path("/lab"), PORTS)
    assert document["networks"]["edge"] == {"name": "theirs", "external": True}
    assert document["networks"]["backend"] == {"internal": True}


def test_cpu_time_of_either_version() -> None:
    assert parse_cpu("usage_usec 3000000\nuser_usec 2000000\nsystem_usec 1000000\nnr_periods 0\n") == (2.0, 1.0)
    assert parse_cpu("4000000000\nuser 30\nsystem 10\n") == (3.0, 1.0)
    assert parse_cpu("5\nuser 0\nsystem 0\n") == (0.0, 5e-9)


def test_a_process_of_another_machine_is_not_taken_for_the_container() -> None:
    assert cgroup_here(1, "f" * 64) is None


def test_counts_of_replicas_with_the_same_process_id_are_added(tmp_path: Path) -> None:
    for replica in ("app-0-0", "app-0-1"):
        (tmp_path / replica).mkdir()
        (tmp_path / replica / "1").write_bytes(LAYOUT.pack(3, 2, 0, 0, 0.0, 0.0, 0.0, 0))
    assert served(tmp_path) == 4


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        # A separate process, because Locust patches the process that imports it.
        program = f"import loadtest.engine.master as m; m.check_free('127.0.0.1', {port})"
        ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert f"GeneratorError: Port {port} on 127.0.0.1 cannot be used for the load generators" in ran.stderr
