"""Replace the replicas of services without an interruption: python3 runtime/venv.py runtime -m ops.deploy fastapi.

Also: make deploy S="flask django", or S=all. First the migration job must succeed. Then all services that share an image with a named
service are replaced. runtime/docker/rollout.py explains how a service is replaced.
"""

import argparse
import sys
from collections.abc import Sequence

from runtime.checks import floors, preflight
from runtime.compose_file import variables
from runtime.console import fail, say
from runtime.docker import bundled
from runtime.docker import stack as runtime_docker
from runtime.docker.compose import compose
from runtime.docker.old_images import remove_old
from runtime.docker.replicas import NotHealthy, replicas
from runtime.docker.rollout import BEHIND_NGINX, MIGRATION, ORDER, alone, give_names_back, migrate, replace, running_images
from runtime.docker.wanted import Wanted, wanted

ACCEPTED = (*BEHIND_NGINX, "worker", "upstream")
ALL = "all"


def chosen(asked: Sequence[str], services: dict[str, Wanted]) -> list[Wanted]:
    """Return the services to replace, in the order of their replacement, including all that share an image with one of them."""
    names = ACCEPTED if ALL in asked else asked
    images = {services[name].image for name in names}
    return [services[name] for name in ORDER if name in services and services[name].image in images]


def build(services: dict[str, Wanted], images: set[str]) -> None:
    """Build those of these images whose sources changed; exit with a message if a build fails."""
    names = [name for name in bundled.to_build() if name in services and services[name].image in images]
    if not names:
        return
    say(f"Building {', '.join(names)} ...")
    built = compose("build", "--quiet", *names, quiet=True)
    if built.returncode:
        fail(f"An image of {', '.join(names)} could not be built, and nothing has changed:\n{built.stderr.strip()[-2000:]}")


def deploy(asked: Sequence[str]) -> None:
    """Build, migrate, and replace one service after another; exit with a message if a step fails."""
    services = wanted()
    those = chosen(asked, services)
    if missing := [one.name for one in those if not replicas(one.name)]:
        fail(f"{', '.join(missing)} {'do' if len(missing) > 1 else 'does'} not run. Start the stack with: make up")
    images = running_images(services)
    done: list[str] = []
    try:
        with_schema = any(one.name != "upstream" for one in those)
        build(services, {one.image for one in those} | ({services[MIGRATION].image} if with_schema else set()))
        if runtime_docker.in_production():
            floors.require(floors.below(those))
        if with_schema:
            migrate()
        for one in those:
            new = replace(one, replicas(one.name), drain=True)
            images.pop(one.image, None)
            done.append(one.name)
            say(f"  Now: {', '.join(replica.name for replica in new)}.")
    except (NotHealthy, KeyboardInterrupt) as reason:
        replaced = f" Replaced before that, and serving: {', '.join(done)}." if done else ""
        old = [one.name for one in those if one.name not in done]
        next_step = f'Mend the cause, and then: make deploy S="{" ".join(old)}"'
        fail(f"{reason or 'Interrupted.'}\nThe old replicas of {', '.join(old)} serve.{replaced} {next_step}")
    finally:
        give_names_back(images)  # also for an image that was built only for the migration job
        remove_old(services.values())


def main() -> None:
    parser = argparse.ArgumentParser(prog="deploy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("service", nargs="*", metavar="service", help=", ".join((*ACCEPTED, ALL)))
    asked = parser.parse_args().service
    if wrong := [name for name in asked if name not in (*ACCEPTED, ALL)] or ([] if asked else [""]):
        fail(f"S is {wrong[0]!r}; accepted: {', '.join(ACCEPTED)}, several of them with spaces between, or {ALL}", 2)
    preflight.check(variables(), starts=False)
    if not runtime_docker.is_up():
        fail("The stack does not run on Docker, and only there can replicas be replaced. Start it with: make up RUNTIME=docker")
    with alone():
        deploy(asked)
    say("Next: make status")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
