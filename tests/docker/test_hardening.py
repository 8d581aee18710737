"""The privileges of every container of the project, including future ones: none that it does not need."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from runtime.compose_file import project
from tests.conftest import ROOT
from tests.docker.conftest import docker

Container = dict[str, Any]
Rule = Callable[[Container], bool]

# Folders of the host that no container may see (CIS 5.6).
SENSITIVE = ("/", "/boot", "/dev", "/etc", "/lib", "/proc", "/sys", "/usr", "/run", "/var/run", "/var/lib/docker", "/root", "/home")


def is_host(container: Container, *namespaces: str) -> bool:
    """Return whether one of these namespaces is the host's own."""
    return any(container["HostConfig"][namespace] == "host" for namespace in namespaces)


# The numbers are those of the CIS Docker Benchmark 1.7, for its items about containers. test_images.py covers its items about images. Its
# items about the host and the engine are outside this project.
RULES: dict[str, Rule] = {
    "4.1 runs as a user other than root, by number": lambda c: (
        c["Config"]["User"].split(":")[0] not in ("", "0") and c["Config"]["User"][0].isdigit()
    ),
    "5.2 keeps the engine's AppArmor profile": lambda c: not any("apparmor" in option for option in c["HostConfig"]["SecurityOpt"]),
    "5.3 keeps the engine's SELinux label": lambda c: not any("label" in option for option in c["HostConfig"]["SecurityOpt"]),
    "5.4 has dropped all capabilities": lambda c: c["HostConfig"]["CapDrop"] == ["ALL"] and not c["HostConfig"]["CapAdd"],
    "5.5 is not privileged": lambda c: c["HostConfig"]["Privileged"] is False,
    "5.6 mounts no sensitive folder of the host": lambda c: (
        not any(
            mount["Type"] == "bind" and mount["Source"].rstrip("/") in {folder.rstrip("/") for folder in SENSITIVE} for mount in c["Mounts"]
        )
    ),
    "5.8 publishes no privileged port": lambda c: all(int(port) >= 1024 for _, port in published(c)),
    "5.10 has a network of its own": lambda c: not is_host(c, "NetworkMode"),
    "5.11 has a memory limit": lambda c: c["HostConfig"]["Memory"] > 0,
    "5.11 has no swap beyond it": lambda c: c["HostConfig"]["MemorySwap"] == c["HostConfig"]["Memory"],
    "5.12 has a CPU limit": lambda c: c["HostConfig"]["NanoCpus"] > 0,
    "5.13 has a read-only root file system": lambda c: c["HostConfig"]["ReadonlyRootfs"] is True,
    "5.14 publishes on a named address": lambda c: all(address not in ("", "0.0.0.0", "::") for address, _ in published(c)),
    "5.16 has process ids of its own": lambda c: not is_host(c, "PidMode"),
    "5.17 has shared memory of its own": lambda c: c["HostConfig"]["IpcMode"] in ("private", "none"),
    "5.18 has no device of the host": lambda c: not c["HostConfig"]["Devices"] and not c["HostConfig"].get("DeviceRequests"),
    "5.19 has its own limits of open files and dumps": lambda c: (
        {limit["Name"]: limit["Hard"] for limit in c["HostConfig"]["Ulimits"]} == {"nofile": 16384, "core": 0}
    ),
    "5.20 shares no mount with the host": lambda c: not any("shared" in mount.get("Propagation", "") for mount in c["Mounts"]),
    "5.21 has a host name of its own": lambda c: not is_host(c, "UTSMode"),
    "5.22 keeps the engine's filter of system calls": lambda c: not any("seccomp" in option for option in c["HostConfig"]["SecurityOpt"]),
    "5.25 is in the engine's control group": lambda c: c["HostConfig"]["CgroupParent"] == "",
    "5.26 can gain no privileges": lambda c: "no-new-privileges:true" in (c["HostConfig"]["SecurityOpt"] or []),
    "5.28 names the version of its image": lambda c: c["Config"]["Image"].rpartition(":")[2] not in ("", "latest", c["Config"]["Image"]),
    "5.29 has a limit of processes": lambda c: 0 < (c["HostConfig"]["PidsLimit"] or 0) <= 256,
    "5.30 is not on the engine's default bridge": lambda c: (
        "bridge" not in c["NetworkSettings"]["Networks"] and c["HostConfig"]["NetworkMode"] not in ("default", "bridge")
    ),
    "5.31 has the engine's user ids": lambda c: not is_host(c, "UsernsMode"),
    "5.32 mounts no socket of Docker": lambda c: not any("docker.sock" in mount.get("Source", "") for mount in c["Mounts"]),
    "rotates its log": lambda c: c["HostConfig"]["LogConfig"]["Type"] == "local" and "max-size" in c["HostConfig"]["LogConfig"]["Config"],
    "writes only to tmpfs and volumes": lambda c: not any(mount["Type"] == "bind" and mount["RW"] for mount in c["Mounts"]),
    "has a tmpfs with a size and without programs": lambda c: all(
        "size=" in options and "noexec" in options for options in (c["HostConfig"].get("Tmpfs") or {}).values()
    ),
}
# For containers that run until they are stopped. A container that does one job and exits needs none of these.
RULES_FOR_SERVERS: dict[str, Rule] = {
    # The benchmark asks for on-failure:5, so that a container that cannot start does not take the host's CPU. The engine doubles its wait
    # before each restart, up to a minute. After five attempts, a service would stay down for good.
    "5.15 restarts after a crash": lambda c: c["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped",
    "5.27 has a health check": lambda c: c["Config"]["Healthcheck"]["Test"][0] == "CMD",
    "has a signal and a time to stop": lambda c: (
        c["Config"].get("StopSignal") in ("SIGTERM", "SIGQUIT", "SIGINT") and c["Config"].get("StopTimeout", 0) >= 10
    ),
}


def published(container: Container) -> list[tuple[str, str]]:
    """Return the addresses and ports of this machine that lead to a container."""
    bindings = (container["HostConfig"]["PortBindings"] or {}).values()
    return [(one["HostIp"], one["HostPort"]) for several in bindings for one in several]


@pytest.fixture(scope="module")
def every_container(stack: None) -> list[Container]:
    """One container of every service, including those in profiles. It is created if it does not run."""
    docker("compose", "--profile", "*", "up", "--no-start", "--no-recreate", "--quiet-pull")
    made: list[Container] = json.loads(docker("inspect", *docker("compose", "--profile", "*", "ps", "--all", "--quiet").split()))
    return made


@pytest.mark.parametrize("rule", RULES)
def test_every_container(rule: str, every_container: list[Container]) -> None:
    breaking = [container["Name"] for container in every_container if not RULES[rule](container)]
    assert not breaking, f"a container that not: {rule}"


@pytest.mark.parametrize("rule", RULES_FOR_SERVERS)
def test_every_server(rule: str, every_container: list[Container]) -> None:
    servers = [container for container in every_container if container["HostConfig"]["RestartPolicy"]["Name"] != "no"]
    ending = [container["Name"] for container in every_container if container not in servers]
    assert len(ending) == 2, f"not the certificates and migrate alone: {ending}"
    breaking = [container["Name"] for container in servers if not RULES_FOR_SERVERS[rule](container)]
    assert not breaking, f"a container that not: {rule}"


def test_every_service_has_a_container_here(every_container: list[Container]) -> None:
    services = {container["Config"]["Labels"]["com.docker.compose.service"] for container in every_container}
    assert services == set(yaml.safe_load((ROOT / "compose.yaml").read_text())["services"])


def test_only_nginx_is_published_and_only_on_loopback(every_container: list[Container]) -> None:
    """CIS 5.9."""
    found = {
        (container["Config"]["Labels"]["com.docker.compose.service"], address)
        for container in every_container
        for address, _ in published(container)
    }
    assert found == {("nginx", "127.0.0.1")}


def test_only_nginx_is_on_the_outer_network(every_container: list[Container]) -> None:
    for container in every_container:
        nginx = container["Config"]["Labels"]["com.docker.compose.service"] == "nginx"
        assert (f"{project()}_edge" in container["NetworkSettings"]["Networks"]) is nginx
    assert json.loads(docker("network", "inspect", f"{project()}_backend"))[0]["Internal"] is True


def test_health_check_fails_on_a_bad_status() -> None:
    """Run the service's own check against a path of the same server that answers 404."""
    check = "import twogates.server.healthcheck as h; h.PATH = b'/nothing-here'; raise SystemExit(h.main())"
    for service in ("flask", "fastapi", "django", "upstream", "monitor"):
        healthy = "import twogates.server.healthcheck as h; raise SystemExit(h.main())"
        docker("compose", "exec", service, "python", "-c", healthy)
        with pytest.raises(Exception, match="exit status 1"):
            docker("compose", "exec", service, "python", "-c", check)
