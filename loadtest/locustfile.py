"""Users for Locust's web page and command line: ``locust -f loadtest/locustfile.py --class-picker``.

A class for each service and workload, such as ``FlaskWait`` and ``FastapiStream``, and visitors of its notice board, such as
``DjangoVisitor``. ``TARGET`` says where the stack is; ``WAIT``, ``WORK``, ``CALLS``, ``CHUNKS``, ``LIMIT`` and ``INTERVAL`` say what a
request asks for (parameters.py), ``THINK`` how many seconds a visitor thinks between two.
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
# Without what only an experiment asks: for an error, for a file that no service sees, and for what only the laboratory has.
workloads = [workload for workload in TABLE if workload.status == 200 and not workload.by_proxy and not workload.of_laboratory]
classes = [user_class(f"/{service}", workload, parameters, target) for workload in workloads for service in services_of(workload)]
visitors = [visitor_class(service, target, read_number(os.environ, "think", THINK)) for service in SERVICES]

# Locust takes the user classes that it finds among a locustfile's names.
globals().update({made.__name__: made for made in (*classes, *visitors)})

telling = ExitStack()


@events.init.add_listener
def guard_page(environment: Environment, **_: Any) -> None:
    """Before the page answers anything."""
    if environment.web_ui:
        guard(environment.web_ui.app, target, loopback=environment.parsed_options.web_host in LOOPBACK)


@events.test_start.add_listener
def begin_telling(environment: Environment, **_: Any) -> None:
    """Let the page's live view show how many users there are."""
    chosen = ", ".join(made.__name__ for made in environment.user_classes)
    telling.enter_context(told(target, f"make locust, {chosen}", lambda: environment.runner.user_count))


@events.test_stop.add_listener
def end_telling(**_: Any) -> None:
    """It forgets them when nothing more is said."""
    telling.close()
