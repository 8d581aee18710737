"""Two Nginx servers: ours with its complete configuration, and one that only proxies."""

from pathlib import Path

from loadtest.bench.plan import moved
from runtime.local import nginx as nginx_local
from runtime.local.plan import Plan, run_jobs
from runtime.servers import Command, ServerFailed, free_port

# Sets only the paths of the files that Nginx writes, since they differ between builds. All else is the default, also the
# access log: one unbuffered line for each request in the format "combined". Keep-alive to an upstream is the default (since
# 1.29.7) only for an upstream block. Without the block, this Nginx would open a connection for each request and would not
# be a fair comparison.
PLAIN = """\
events {{}}
http {{
    access_log access.log;
    client_body_temp_path spool/client_body;
    proxy_temp_path spool/proxy;
    fastcgi_temp_path spool/fastcgi;
    uwsgi_temp_path spool/uwsgi;
    scgi_temp_path spool/scgi;
    upstream services {{
        server 127.0.0.1:{upstream};
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://services;
        }}
    }}
}}
"""


def ours(plan: Plan, folder: Path, port: int, ports: dict[int, int], workers: str) -> Command:
    """Return our Nginx on ``port``; ``ports`` maps the plan's service ports to the ports used here. Raise ServerFailed if a job fails."""
    if wrong := run_jobs(plan.jobs):  # creates its certificate on a checkout that has never been started
        raise ServerFailed(wrong)
    values = {name: moved(value, ports) for name, value in plan.nginx_values.items()}
    nginx_local.render(folder, values | {"NGINX_LISTEN": f"127.0.0.1:{port}", "NGINX_LISTEN_TLS": f"127.0.0.1:{free_port()}"})
    return Command([*plan.nginx_command, *nginx_local.arguments(folder, workers)], folder, port, path="/healthz")


def plain(plan: Plan, folder: Path, port: int, upstream: int) -> Command:
    """Return the plain Nginx, also with one worker, in front of the port ``upstream``."""
    (folder / "spool").mkdir(parents=True)
    (folder / "nginx.conf").write_text(PLAIN.format(port=port, upstream=upstream))
    return Command([*plan.nginx_command, *nginx_local.arguments(folder, "1")], folder, port)
