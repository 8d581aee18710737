"""Nginx in its container: render its configuration, test it, and apply it only if it is valid."""

from runtime.docker.compose import compose, without_progress

# -p and the pid file as in compose.yaml: nginx -t and nginx -s look nowhere else.
NGINX = ["nginx", "-p", "/etc/nginx/", "-g", "pid /tmp/nginx.pid;"]


def test() -> str | None:
    """Return the errors that ``nginx -t`` finds in the configuration, in a temporary container; ``None`` if there are none."""
    tried = compose("run", "--rm", "--no-deps", "-T", "nginx", *NGINX, "-t", quiet=True)
    return without_steps(tried.stderr) if tried.returncode else None


def without_steps(printed: str) -> str:
    """Return the output without the progress lines of Compose and of the image's entry point."""
    lines = without_progress(printed).strip().splitlines()
    return "\n".join(line for line in lines if not line.startswith(("/docker-entrypoint", "20-envsubst")))


def reload(**values: str) -> str | None:
    """Make Nginx reload its configuration, with these variables in place of those of compose.yaml.

    Return the errors that ``nginx -t`` finds; Nginx then keeps its configuration. ``None`` means that the new one is active.
    """
    override = [word for name, value in values.items() for word in ("--env", f"{name}={value}")]
    # The image's entry point renders the templates, then runs the given command.
    tried = compose("exec", "-T", *override, "nginx", "/docker-entrypoint.sh", *NGINX, "-t", quiet=True)
    if tried.returncode:
        return without_steps(tried.stderr)
    # Send the signal from inside. After any signal by docker kill, Docker treats the container as stopped by the operator:
    # "restart: unless-stopped" then does not restart it when it dies.
    compose("exec", "-T", "nginx", *NGINX, "-s", "reload", quiet=True)
    return None
