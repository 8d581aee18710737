"""Nginx in its container: its configuration rendered anew, tested, and only then taken."""

from runtime.docker.compose import compose, without_progress

# -p and the process id's file as compose.yaml starts it; -t and -s look nowhere else.
NGINX = ["nginx", "-p", "/etc/nginx/", "-g", "pid /tmp/nginx.pid;"]


def test() -> str | None:
    """Return what ``nginx -t`` finds wrong with the configuration, in a container that is there for this alone."""
    tried = compose("run", "--rm", "--no-deps", "-T", "nginx", *NGINX, "-t", quiet=True)
    return without_steps(tried.stderr) if tried.returncode else None


def without_steps(printed: str) -> str:
    """What was printed, less the steps of Compose and of the image's entry point."""
    lines = without_progress(printed).strip().splitlines()
    return "\n".join(line for line in lines if not line.startswith(("/docker-entrypoint", "20-envsubst")))


def reload(**values: str) -> str | None:
    """Let Nginx take its configuration, with these variables in place of those of compose.yaml.

    Returns what ``nginx -t`` finds wrong, and Nginx then goes on with what it has; ``None`` when it has the new one.
    """
    override = [word for name, value in values.items() for word in ("--env", f"{name}={value}")]
    # The image's entry point renders, then runs what it is given.
    tried = compose("exec", "-T", *override, "nginx", "/docker-entrypoint.sh", *NGINX, "-t", quiet=True)
    if tried.returncode:
        return without_steps(tried.stderr)
    # From inside. A signal by docker kill, whichever it is, makes Docker take the container for one that somebody stopped:
    # "restart: unless-stopped" then leaves it alone when it dies.
    compose("exec", "-T", "nginx", *NGINX, "-s", "reload", quiet=True)
    return None
