"""Replace the containers of a service while the old ones serve, for make deploy and for make up on a running stack.

Plain Compose and plain Nginx. New replicas start beside the old ones, and Nginx sends them nothing until all are healthy. Then it
sends them everything, and the old ones stop when no connection waits in their accept queues any more: a server that stops resets
what its queue holds. When a new replica does not become healthy, the new ones are removed and the old ones stay.
"""

import fcntl
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from runtime.compose_file import ROOT, load
from runtime.console import fail, say
from runtime.docker import nginx as nginx_docker
from runtime.docker.compose import compose, without_progress
from runtime.docker.replicas import POLL_SECONDS, NotHealthy, Replica, remove, replicas, stop, wait_until_healthy
from runtime.docker.wanted import Wanted

# Those that Nginx sends requests to by an upstream of their own.
BEHIND_NGINX = ("flask", "fastapi", "django")
# In this order. The worker before Django: jobs of a new kind then find a worker that knows them.
ORDER = ("upstream", "monitor", "worker", *BEHIND_NGINX)
MIGRATION = "migrate"
# A migration may rewrite a large table.
MIGRATION_SECONDS = 1800
# A start takes some 3 on a machine that is idle. One that ends is found at once; this is for one that runs and never answers.
HEALTHY_SECONDS = 120
# After a reload, old Nginx workers serve clients they are connected to from the old list for this long (keepalive_min_timeout, 5 s).
KNOWN_CLIENTS_SECONDS = 6.0
# Nginx asks Docker's name server each second.
LOOKED_UP_SECONDS = 2.0
# What stands in line then has this long to be served.
LINE_SECONDS = 30.0


@contextmanager
def alone() -> Iterator[None]:
    """Hold the lock that lets one deploy or start at a time change the stack."""
    (ROOT / ".run").mkdir(exist_ok=True)
    with (ROOT / ".run" / "deploy.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail("Another make deploy or make up of this checkout is under way. Wait for its end")
        yield


def send_to(service: str, addresses: Sequence[str], *, name: bool = False) -> None:
    """Let Nginx send a service's requests to these addresses, and to all that the service's name stands for where asked.

    Raises ``NotHealthy`` where Nginx refuses.
    """
    variable = f"{service.upper()}_SERVERS"
    usual = load()[0]["nginx"].environment[variable]
    servers = [usual.replace(f"server {service}:", f"server {one}:").replace(" resolve", "") for one in addresses if one]
    if wrong := nginx_docker.reload(**{variable: " ".join([usual] * (name or not servers) + servers)}):
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
    """Start ``count`` replicas beside the old ones and wait until they are healthy; raises ``NotHealthy``."""
    scale = f"{service}={len(old) + count}"
    started = compose("up", "--detach", "--no-deps", "--no-recreate", "--no-build", "--scale", scale, service, quiet=True)
    new = [one for one in replicas(service, ended=True) if one not in old]
    if started.returncode or len(new) < count:
        raise NotHealthy(f"Compose did not start them:\n{without_progress(started.stderr)}")
    wait_until_healthy(new, float(os.environ.get("WITHIN") or HEALTHY_SECONDS))
    return new


def wait_until_drained(old: Sequence[Replica]) -> None:
    """Return when Nginx sends the old replicas nothing any more, and their accept queues are empty."""
    time.sleep(KNOWN_CLIENTS_SECONDS)
    deadline = time.monotonic() + LINE_SECONDS
    while any(one.in_line() for one in old) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def migrate() -> None:
    """Run the job that brings the schema up to date, and wait for its end; raises ``NotHealthy``."""
    say(f"{MIGRATION}: bringing the schema up to date ...")
    started = compose("up", "--detach", "--no-deps", "--no-build", "--force-recreate", MIGRATION, quiet=True)
    jobs = replicas(MIGRATION, ended=True)
    if started.returncode or not jobs:
        raise NotHealthy(f"The job for the schema did not start:\n{without_progress(started.stderr)}")
    [job] = jobs
    try:
        waited = subprocess.run(["docker", "wait", job.id], capture_output=True, text=True, timeout=MIGRATION_SECONDS)
    except subprocess.TimeoutExpired:
        raise NotHealthy(f"The job for the schema runs on after {MIGRATION_SECONDS} seconds: docker logs {job.name}") from None
    except KeyboardInterrupt:
        stop([job])  # each migration is a transaction
        raise
    if status := waited.stdout.strip().removeprefix("0"):
        raise NotHealthy(f"The job for the schema ended with status {status}, and no replica was replaced.{job.last_words()}")


def replace(one: Wanted, retired: Sequence[Replica], *, drain: bool) -> list[Replica]:
    """Replace these replicas of a service, and leave it with as many as it should have; the ones that serve at the end.

    ``drain`` lets Nginx leave the old ones before they stop: no request is lost, and it takes some 10 s more. Without it Nginx
    follows the service's name. Raises ``NotHealthy``, and all is as before, when new ones do not become healthy.
    """
    service, drain = one.name, drain and one.name in BEHIND_NGINX
    old = replicas(service)
    remove([ended for ended in replicas(service, ended=True) if ended not in old])  # Compose would start and count them
    kept = [replica for replica in old if replica not in retired]
    retired = [replica for replica in old if replica in retired] + kept[one.count :]
    kept = kept[: one.count]
    missing = one.count - len(kept)
    try:
        if drain:
            send_to(service, [replica.address() for replica in old])
        new: list[Replica] = []
        if missing:
            say(f"{service}: starting {missing} new beside {len(old)} old ...")
            new = start_new(service, old, missing)
        if drain:
            send_to(service, [replica.address() for replica in (*kept, *new)])
    except (NotHealthy, KeyboardInterrupt) as reason:
        take_back(service, old, drain)
        raise NotHealthy(f"{service} is as it was. Its old replicas serve. {reason or 'Interrupted.'}") from None
    say(f"{service}: {'the new ones serve; ' * bool(new)}letting {len(retired)} old finish ...")
    with suppress(KeyboardInterrupt):  # it is too late to go back; the old ones still finish what they have in hand
        if drain:
            wait_until_drained(retired)
    stop(retired)
    if drain:
        back_to_name(service, [replica.address() for replica in (*kept, *new)])
    return [*kept, *new]


def take_back(service: str, old: Sequence[Replica], drain: bool) -> None:
    """Remove all replicas but the old ones, to which Nginx sends everything again."""
    say(f"{service}: removing the new ones ...")
    remove([one for one in replicas(service, ended=True) if one not in old])
    if drain:
        with suppress(NotHealthy):  # else it has its usual list still, or the reason is told below
            back_to_name(service, [one.address() for one in old])


def running_images(services: Mapping[str, Wanted]) -> dict[str, str]:
    """The id of the image that containers run, by the image's name; a build gives that name to another one."""
    found: dict[str, str] = {}
    for one in services.values():
        for replica in replicas(one.name)[:1] if one.built and not one.ends else []:
            found.setdefault(one.image, replica.look()["Image"])
    return found


def give_names_back(images: Mapping[str, str]) -> None:
    """Let images that still run have their names again: else the next scaling would start what did not become healthy."""
    for name, one in images.items():
        subprocess.run(["docker", "tag", one, name], capture_output=True)
