"""Users for Locust's web page and command line: ``locust -f loadtest/locustfile.py --class-picker``.

There is one class for each service and workload, such as ``FlaskWait`` and ``FastapiStream``. There are also visitors of each
service's notice board, such as ``DjangoVisitor``. ``TARGET`` is the base URL of the stack. ``WAIT``, ``WORK``, ``CALLS``, ``CHUNKS``,
``LIMIT`` and ``INTERVAL`` set what a request asks for (parameters.py). ``THINK`` is a visitor's pause between two requests, in seconds.
"""

import os
from contextlib import ExitStack
from typing import Any

from locust import events
from locust.env import Environment

from loadtest.generator.live import told
from loadtest.generator.own_page import LOOPBACK, guard
from loadtest.generator.parameters import THINK, Parameters, read_number
from loadtest.generator.users import user_class
from loadtest.generator.visitors import visitor_class
from loadtest.generator.workloads import SERVICES, TABLE, services_of
from loadtest.stack import read_target

parameters = Parameters.read(os.environ)
target = read_target(os.environ)
# Without the workloads that only experiments use: errors, files that no service sees, and what only the laboratory's database has.
workloads = [workload for workload in TABLE if workload.status == 200 and not workload.by_proxy and not workload.of_laboratory]
classes = [user_class(f"/{service}", workload, parameters, target) for workload in workloads for service in services_of(workload)]
visitors = [visitor_class(service, target, read_number(os.environ, "think", THINK)) for service in SERVICES]

# Locust finds its user classes among a locustfile's global names.
globals().update({made.__name__: made for made in (*classes, *visitors)})

telling = ExitStack()


@events.init.add_listener
def guard_page(environment: Environment, **_: Any) -> None:
    """Protect the page before it answers its first request."""
    if environment.web_ui:
        guard(environment.web_ui.app, target, loopback=environment.parsed_options.web_host in LOOPBACK)


@events.test_start.add_listener
def begin_telling(environment: Environment, **_: Any) -> None:
    """Start to report the number of users to the page's live view."""
    chosen = ", ".join(made.__name__ for made in environment.user_classes)
    telling.enter_context(told(target, f"make locust, {chosen}", lambda: environment.runner.user_count))


@events.test_stop.add_listener
def end_telling(**_: Any) -> None:
    """Stop reporting. The live view drops the users when it gets no more reports."""
    telling.close()
