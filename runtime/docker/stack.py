"""The stack as containers, run by Docker Compose."""

import hashlib
import os
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime

from runtime import progress, secrets
from runtime.checks import floors, preflight
from runtime.compose_file import ROOT, Service, load, project, variables
from runtime.console import console, fail, say, show_addresses
from runtime.docker import bundled, rollout, update
from runtime.docker import engine as docker_engine
from runtime.docker import nginx as nginx_docker
from runtime.docker.compose import POOLER, PRODUCTION, build, compose, files, without_progress
from runtime.docker.old_images import remove_old
from runtime.docker.replicas import NotHealthy
from runtime.docker.wanted import Wanted
from runtime.docker.wanted import wanted as wanted_services
from runtime.environment import for_network
from runtime.error_hints import cause
from runtime.progress import step
from runtime.ready import SERVICES, wait_until_ready

DEVELOPMENT = "compose.dev.yaml"
START_SECONDS, PULL_SECONDS, READY_SECONDS = 120, 600, 30
ADMIN = ["python", "-m", "admin_site.make_user"]


def answers() -> bool:
    """Return whether a Docker engine with Compose answers, and both are new enough."""
    return not docker_engine.look().trouble


def missing_image() -> str | None:
    """Return the first base image that is not here and cannot be pulled, ``None`` if there is none."""
    document = load()[1]
    for image in document["x-images"].values():
        if subprocess.run(["docker", "image", "inspect", image], capture_output=True).returncode == 0:
            continue
        pull = ["docker", "pull", "--quiet", image]
        with step(f"image {image} (once)"):
            if subprocess.run(pull, env=for_network(), capture_output=True, timeout=PULL_SECONDS).returncode:
                progress.stop()
                return str(image)
    return None


def up(reload: bool = False) -> None:
    """Build what changed, replace and start every container that is not as defined, and wait until all of them answer."""
    nginx = load()[0]["nginx"]
    (bind, port, _), (_, secure_port, _) = (published.rsplit(":", 2) for published in nginx.ports)
    if other := docker_engine.elsewhere(project(), ROOT):
        named = f"COMPOSE_PROJECT_NAME={project()}-2"
        fail(f"{other} runs under the name {project()} too. First there: make down. Or name this one, with other ports: make up {named}")
    docker_engine.remember(project())
    for number, variable in ((port, "HTTP_PORT"), (secure_port, "HTTPS_PORT")):
        if wrong := preflight.taken(bind, int(number), variable):
            fail(wrong)
    more = [word for file in [*files(), DEVELOPMENT] for word in ("--file", file)] if reload else []
    if not in_production():
        secrets.make_missing(secrets.files())
    with rollout.alone():
        bring_up(more)
    if in_production():
        show_production(nginx)
        return
    base = f"http://{bind}:{port}"
    try:
        with step("answers through Nginx"):
            answers = wait_until_ready(base, READY_SECONDS)
    except TimeoutError as error:
        fail(f"{error}\nAll logs: make logs")
    show_addresses(base, f"https://{nginx.environment['SERVER_NAMES'].split()[0]}:{secure_port}", answers)


def bring_up(more: list[str]) -> None:
    """Build images, replace the services that already serve one after another, and start the rest."""
    wanted = wanted_services()
    serving = update.serves(wanted) and not more  # make dev uses another set of files, and need not keep serving
    images = rollout.running_images(wanted) if serving else {}
    if services := bundled.to_build(*["pgbouncer"] * (POOLER in files())):
        with step("images of this project, those that changed") as shown:
            if wrong := build(*more, services=services, tell=shown.tell):
                fail(f"An image could not be built, and nothing was replaced:\n{cause(wrong)}")
    if in_production():
        check_certificate()
        check_versions(wanted, images)
    in_place = update.changed_in_place(wanted) if serving else []
    try:
        if serving:
            update.update(wanted, drain=in_production(), in_place=in_place)
        update.remove_unwell(wanted)
        with step("containers, until each is well"):
            start_containers(more, [*wanted])
    except NotHealthy as reason:
        if serving:
            rollout.give_names_back(images)
            if "nginx" in in_place and update.troubles(["nginx"]):
                say(update.put_back(["nginx"]))
            fail(f"{reason}\nMend the cause, and then: make up. All logs: make logs")
        fail(f"The stack did not start:\n{reason}\nMend the cause, and then: make up. All logs: make logs. Stop what did start: make down")
    if POOLER not in files():
        compose("rm", "--stop", "--force", "pgbouncer", quiet=True)  # left over from a start with it: it would keep holding connections
    reload_nginx_if_changed()
    update.keep_as_good()
    remove_old(wanted.values())


def check_certificate() -> None:
    """Run the job that checks the certificate, as Nginx's user, before anything else starts. Exit if it fails."""
    checked = compose("run", "--rm", "--no-deps", "-T", "certificates", quiet=True)
    if checked.returncode:
        said = [line.removeprefix("twogates: ") for line in checked.stderr.splitlines() if line.startswith("twogates: ")]
        folder = variables().get("TLS_CERTIFICATES", "./tls")
        user = "this user is number 101, Nginx's"
        fail(f"The certificate in {folder}, where {user}:\n" + ("\n".join(said) or without_progress(checked.stderr)))


def check_versions(services: Mapping[str, Wanted], running: Mapping[str, str]) -> None:
    """Exit if an image has a known vulnerable program. The images in ``running`` then get their names back."""
    compose("pull", "--quiet", "--policy", "missing", "--ignore-buildable", *services, quiet=True)
    try:
        with step("versions of the images"):
            found = floors.below(services.values())
        floors.require(found)
    except NotHealthy as reason:
        rollout.give_names_back(running)
        fail(str(reason))


def start_containers(more: list[str], names: list[str]) -> None:
    """Start what does not run yet, and wait until all of it is healthy; raises ``NotHealthy``."""
    since = datetime.now(UTC).isoformat()
    start = ["up", "--wait", "--wait-timeout", str(START_SECONDS), "--remove-orphans", "--no-build"]
    started = compose(*more, *start, quiet=True)
    if started.returncode and "password authentication failed" in our_sentences(since):
        set_database_password()
        since = datetime.now(UTC).isoformat()
        started = compose(*more, *start, quiet=True)
    if started.returncode:
        raise NotHealthy(update.troubles(names) or our_sentences(since) or without_progress(started.stderr))


def set_database_password() -> None:
    """Set the database's password to that of its secret. The image reads the secret on its first start only.

    The volume outlives the secret. Its password may come from an earlier secret, or from one that another clone of this project made.
    """
    password = (ROOT / load()[1]["secrets"]["postgres_password"]["file"]).read_text().strip().replace("'", "''")
    change = ["psql", "--quiet", "--set=ON_ERROR_STOP=1", "--username=postgres", "--dbname=postgres"]  # its socket needs no password
    done = compose("exec", "-T", "postgres", *change, quiet=True, given=f"ALTER ROLE postgres PASSWORD '{password}';\n")
    if done.returncode:
        fail(f"The database's password could not be set: {done.stderr.strip()[-500:]}")


def our_sentences(since: str) -> str:
    """Return the messages that this project's programs printed after ``since``, each once: Compose reports only that a program ended."""
    printed = compose("logs", "--no-log-prefix", "--since", since, quiet=True).stdout
    return "\n".join(dict.fromkeys(line for line in printed.splitlines() if line.startswith("twogates: ")))


def in_production() -> bool:
    """Return whether the stack that runs, or is to run, is for production."""
    return PRODUCTION in files()


def show_production(nginx: Service) -> None:
    """Request each service over HTTPS from inside, by the name that clients use, and print the addresses."""
    name, port = nginx.environment["SERVER_NAMES"].split()[0], nginx.environment["NGINX_LISTEN_TLS"]
    for service in SERVICES:
        url = f"https://{name}:{port}/{service}/readyz"
        # --insecure: only clients can tell whether they trust the certificate; its name has been checked. A service whose database was
        # replaced answers 503 until it has reconnected.
        ask = ["curl", "--insecure", "--fail", "--silent", "--show-error", "--max-time", "10", "--resolve", f"{name}:{port}:127.0.0.1"]
        ask += ["--retry", str(READY_SECONDS), "--retry-delay", "1", "--retry-max-time", str(READY_SECONDS)]
        asked = compose("exec", "-T", "nginx", *ask, url, quiet=True)
        if asked.returncode:
            fail(f"{service} does not answer through Nginx: {asked.stderr.strip()}\nAll logs: make logs")
    console.print(f"  https://{name}:{load()[0]['nginx'].ports[1].rsplit(':', 2)[1]}/".ljust(40) + ", ".join(SERVICES))
    console.print("Next: make status")


def reload_nginx_if_changed() -> None:
    """Render the templates again and reload Nginx, if a file of nginx/ has changed and the container is the same."""
    container = compose("ps", "--quiet", "nginx", quiet=True).stdout.strip()
    configuration = sorted(path for path in (ROOT / "nginx").rglob("*") if path.is_file())
    digest = hashlib.sha256(container.encode() + b"".join(path.read_bytes() for path in configuration)).hexdigest()
    mark = ROOT / ".run" / "nginx-in-container"
    known = mark.read_text() if mark.is_file() else ""
    if known.startswith(container) and known != f"{container} {digest}":
        if wrong := nginx_docker.reload():
            fail(f"Nginx goes on with the configuration it has, since it does not accept the new one:\n{wrong}")
        say("  Nginx has its new configuration.")
    mark.parent.mkdir(exist_ok=True)
    mark.write_text(f"{container} {digest}")


def reload() -> None:
    """Make Nginx apply the changes in nginx/, if it accepts them. A changed variable needs ``make up``."""
    if wrong := nginx_docker.reload():
        fail(f"Nginx goes on with the configuration it has, since it does not accept the new one:\n{wrong}")
    say("Nginx has its new configuration.")


def admin() -> None:
    """Let Django create the user of its admin site, or set a new password for that user."""
    done = compose("exec", "-T", "django", *ADMIN, quiet=True)
    if done.returncode:
        fail(done.stderr.strip().removeprefix("twogates: "))
    say(done.stdout.strip())


def is_up() -> bool:
    """Return whether containers of this project exist, and belong to this checkout."""
    return (
        answers()
        and not docker_engine.elsewhere(project(), ROOT)
        and bool(compose("--profile", "*", "ps", "--quiet", "--all", quiet=True).stdout.strip())
    )


def services_up() -> set[str]:
    """Return the services of this project that have a container."""
    return set(compose("--profile", "*", "ps", "--services", "--all", quiet=True).stdout.split())


def down() -> bool:
    """Remove containers and networks, but not the certificate authority that people may trust. Return whether there was a container."""
    was_up = is_up()
    if answers():
        compose("--profile", "*", "down", "--remove-orphans", quiet=True)
    return was_up


def status() -> None:
    """Print Compose's table of the containers."""
    compose("--profile", "*", "ps", "--all", "--format", "table {{.Name}}\t{{.Status}}\t{{.Ports}}")


def logs() -> None:
    """Follow all logs, from their last 20 lines on, until Ctrl-C."""
    os.chdir(ROOT)
    os.execvp("docker", ["docker", "compose", "--profile", "*", "logs", "--follow", "--tail", "20"])
