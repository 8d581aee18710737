"""Replace a service's replicas while it serves: python3 scripts/venv.py scripts -m scripts.deploy fastapi.

Plain Compose and plain Nginx. New replicas start beside the old ones, and Nginx sends them nothing until all are healthy. Then it
sends them everything, and the old ones are told to stop when nothing stands in line at them any more: a server that is told to
stop resets what its accept queue holds. Where a new one does not become healthy, the new ones go and the old ones stay.
"""

import argparse
import fcntl
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from scripts import nginx_docker, runtime_docker
from scripts.check_variables import check_variables
from scripts.compose_file import ROOT, load, variables
from scripts.docker_compose import compose, without_progress
from scripts.output import fail, say
from scripts.replicas import POLL_SECONDS, NotHealthy, Replica, remove, replicas, stop, wait_until_healthy

SERVICES = ("flask", "fastapi", "django")
HEALTHY_SECONDS = 15  # a start takes some 3; with what comes before and after, a bad version is gone in half a minute
# For so long the Nginx workers of before a reload answer clients that they know (keepalive_min_timeout, 5 s), from their old list.
KNOWN_CLIENTS_SECONDS = 6.0
# Nginx asks Docker's name server each second.
LOOKED_UP_SECONDS = 2.0
# What stands in line then has this long to be served.
LINE_SECONDS = 30.0


def send_to(service: str, addresses: Sequence[str], *, name: bool = False) -> None:
    """Let Nginx send a service's requests to these addresses, and to all that the service's name stands for where asked.

    Raises ``NotHealthy`` where Nginx refuses.
    """
    variable = f"{service.upper()}_SERVERS"
    usual = load()[0]["nginx"].environment[variable]
    servers = [usual.replace(f"server {service}:", f"server {address}:").replace(" resolve", "") for address in addresses]
    if wrong := nginx_docker.reload(**{variable: " ".join([usual] * name + servers)}):
        raise NotHealthy(f"Nginx does not accept its configuration:\n{wrong}")


def back_to_name(service: str, addresses: Sequence[str]) -> None:
    """Let Nginx follow the service's name again, as always; the addresses are those that it stands for.

    In two steps: a name that has just been written is looked up while requests come, and these must have somewhere to go. What
    has been looked up stays known over the next reload.
    """
    send_to(service, addresses, name=True)
    time.sleep(LOOKED_UP_SECONDS)
    send_to(service, [], name=True)


def start_new(service: str, old: Sequence[Replica], count: int) -> list[Replica]:
    """Start so many beside the old ones and wait until they are healthy; raises ``NotHealthy``."""
    scale = f"{service}={len(old) + count}"
    started = compose("up", "--detach", "--no-deps", "--no-recreate", "--no-build", "--scale", scale, service, quiet=True)
    new = [one for one in replicas(service, ended=True) if one not in old]
    if started.returncode or len(new) < count:
        raise NotHealthy(f"Compose did not start them:\n{without_progress(started.stderr)}")
    wait_until_healthy(new, HEALTHY_SECONDS)
    return new


def wait_until_drained(old: Sequence[Replica]) -> None:
    """Return when nobody sends them anything any more, and nothing is in line at them."""
    time.sleep(KNOWN_CLIENTS_SECONDS)
    deadline = time.monotonic() + LINE_SECONDS
    while any(one.in_line() for one in old) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def roll_back(service: str, old: Sequence[Replica], image: str, why: str) -> None:
    """Remove whatever is new, give the image's name back to the old one, and end with the reason."""
    say("  Taking the new ones away again ...")
    remove([one for one in replicas(service, ended=True) if one not in old])
    name = old[0].look()["Config"]["Image"]
    subprocess.run(["docker", "tag", image, name], capture_output=True)
    with suppress(NotHealthy):  # else it has its usual list still, or the reason is told below
        back_to_name(service, [one.address() for one in old])
    fail(f"{service} is as it was. {why}")


def deploy(service: str) -> None:
    """Replace the replicas of a service; ends with a sentence where that fails."""
    old = replicas(service)
    if not old:
        fail(f"{service} does not run. Start the stack with: make up")
    count = load()[0][service].replicas
    image = old[0].look()["Image"]
    say(f"{service}: building ...")
    built = compose("build", "--quiet", service, quiet=True)
    if built.returncode:
        fail(f"The image of {service} could not be built, and nothing has changed:\n{built.stderr.strip()[-2000:]}")
    try:
        send_to(service, [one.address() for one in old])
        say(f"  Starting {count} new beside {len(old)} old ...")
        new = start_new(service, old, count)
        addresses = [one.address() for one in new]
        send_to(service, addresses)
    except NotHealthy as reason:
        roll_back(service, old, image, str(reason))
    except KeyboardInterrupt:
        roll_back(service, old, image, "Interrupted.")
    say("  The new ones serve. Letting the old ones finish ...")
    with suppress(KeyboardInterrupt):  # it is too late to go back; the old ones still finish what they have in hand
        wait_until_drained(old)
    stop(old)
    back_to_name(service, addresses)
    say(f"  Now: {', '.join(one.name for one in new)}.")


def main() -> None:
    parser = argparse.ArgumentParser(prog="deploy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("service", nargs="+", choices=SERVICES, metavar="service", help=", ".join(SERVICES))
    services = parser.parse_args().service
    check_variables(variables())
    if not runtime_docker.is_up():
        fail("The stack does not run on Docker, and only there can replicas be replaced. Start it with: make up RUNTIME=docker")
    (ROOT / ".run").mkdir(exist_ok=True)
    with (ROOT / ".run" / "deploy.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail("Another deploy is under way. Wait for its end")
        for service in services:
            deploy(service)
    say("Next: make status")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
