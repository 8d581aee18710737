"""What every container of the project may do, those that come later included: nothing that it does not need."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.docker.conftest import docker

Container = dict[str, Any]

RULES: dict[str, Callable[[Container], bool]] = {
    "runs as a user other than root, by number": lambda c: (
        c["Config"]["User"].split(":")[0] not in ("", "0") and c["Config"]["User"][0].isdigit()
    ),
    "has a read-only root file system": lambda c: c["HostConfig"]["ReadonlyRootfs"] is True,
    "has dropped all capabilities": lambda c: c["HostConfig"]["CapDrop"] == ["ALL"] and not c["HostConfig"]["CapAdd"],
    "can gain no privileges": lambda c: "no-new-privileges:true" in (c["HostConfig"]["SecurityOpt"] or []),
    "is not privileged": lambda c: c["HostConfig"]["Privileged"] is False,
    "shares no namespace of the host": lambda c: (
        "host" not in (c["HostConfig"]["PidMode"], c["HostConfig"]["IpcMode"], c["HostConfig"]["NetworkMode"])
    ),
    "has a memory limit": lambda c: c["HostConfig"]["Memory"] > 0,
    "has no swap beyond it": lambda c: c["HostConfig"]["MemorySwap"] == c["HostConfig"]["Memory"],
    "has a CPU limit": lambda c: c["HostConfig"]["NanoCpus"] > 0,
    "has a limit of processes": lambda c: 0 < (c["HostConfig"]["PidsLimit"] or 0) <= 256,
    "has a health check": lambda c: c["Config"]["Healthcheck"]["Test"][0] == "CMD",
    "rotates its log": lambda c: c["HostConfig"]["LogConfig"]["Type"] == "local" and "max-size" in c["HostConfig"]["LogConfig"]["Config"],
    "restarts after a crash": lambda c: c["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped",
    "has a signal and a time to stop": lambda c: (
        c["Config"].get("StopSignal") in ("SIGTERM", "SIGQUIT") and c["Config"].get("StopTimeout", 0) >= 10
    ),
    "mounts no socket of Docker": lambda c: not any("docker.sock" in mount.get("Source", "") for mount in c["Mounts"]),
    "writes only to tmpfs and volumes": lambda c: not any(mount["Type"] == "bind" and mount["RW"] for mount in c["Mounts"]),
    "has a tmpfs with a size and without programs": lambda c: all(
        "size=" in options and "noexec" in options for options in c["HostConfig"]["Tmpfs"].values()
    ),
}


@pytest.fixture(scope="module")
def every_container(stack: None) -> list[Container]:
    """One container of every service, those of profiles too: created if they do not run, and removed again."""
    docker("compose", "--profile", "*", "up", "--no-start", "--no-recreate", "--quiet-pull")
    made: list[Container] = json.loads(docker("inspect", *docker("compose", "--profile", "*", "ps", "--all", "--quiet").split()))
    return made


@pytest.mark.parametrize("rule", RULES)
def test_every_container(rule: str, every_container: list[Container]) -> None:
    breaking = [container["Name"] for container in every_container if not RULES[rule](container)]
    assert not breaking, f"a container that not: {rule}"


def test_every_service_has_a_container_here(every_container: list[Container]) -> None:
    services = {container["Config"]["Labels"]["com.docker.compose.service"] for container in every_container}
    assert services == set(yaml.safe_load((ROOT / "compose.yaml").read_text())["services"])


def test_only_nginx_is_published_and_only_on_loopback(every_container: list[Container]) -> None:
    published = {
        (container["Config"]["Labels"]["com.docker.compose.service"], binding["HostIp"])
        for container in every_container
        for bindings in (container["HostConfig"]["PortBindings"] or {}).values()
        for binding in bindings
    }
    assert published == {("nginx", "127.0.0.1")}


def test_only_nginx_is_on_the_outer_network(every_container: list[Container]) -> None:
    for container in every_container:
        nginx = container["Config"]["Labels"]["com.docker.compose.service"] == "nginx"
        assert ("twogates_edge" in container["NetworkSettings"]["Networks"]) is nginx
    assert json.loads(docker("network", "inspect", "twogates_backend"))[0]["Internal"] is True


def test_health_check_fails_on_a_bad_status() -> None:
    """The service's own check, against a path of the same server that answers 404."""
    check = "import twogates.healthcheck as h, http.client as c; r = c.HTTPConnection.request\n"
    check += "c.HTTPConnection.request = lambda s, m, p: r(s, m, '/nothing-here')\nraise SystemExit(h.main())"
    for service in ("flask", "fastapi", "django", "upstream"):
        healthy = "import twogates.healthcheck as h; raise SystemExit(h.main())"
        docker("compose", "exec", service, "python", "-c", healthy)
        with pytest.raises(Exception, match="exit status 1"):
            docker("compose", "exec", service, "python", "-c", check)


def test_no_compiler_or_package_manager_in_our_images() -> None:
    for service in ("flask", "fastapi", "django", "upstream"):
        for module in ("pip", "uv", "ensurepip._bundled"):
            with pytest.raises(Exception, match="exit status 1"):
                docker("compose", "exec", service, "/opt/venv/bin/python", "-m", module)
        found = docker("compose", "exec", service, "sh", "-c", "command -v gcc cc make || true; ls -A /root/.cache 2>/dev/null || true")
        assert found.strip() == ""
