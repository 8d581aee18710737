"""A load generator: a Locust worker that plays its share of each cell. ``python -m loadtest.generator HOST PORT``.

It ends when the master says so. With ``--with-parent`` it also ends when its standard input closes, because its parent has ended.
"""

import logging
import os
import signal
import sys
from typing import Any

import gevent
from gevent import monkey

monkey.patch_all()

from gevent.fileobject import FileObjectPosix  # noqa: E402
from locust import runners  # noqa: E402
from locust.env import Environment  # noqa: E402

from loadtest.generator.cell import CellRun  # noqa: E402
from loadtest.generator.metronome import Metronome  # noqa: E402

# Seconds without a heartbeat from the master until this process ends. Default 60: on a busy machine, the master can take longer than
# that to draw a report between two experiments. A local process still ends with the master, its parent (end_with_parent).
runners.MASTER_HEARTBEAT_TIMEOUT = 1800


def main() -> None:
    """Connect to the master and play what it asks for."""
    host, port, *rest = sys.argv[1:]
    # In a container this is process 1, which SIGTERM does not end unless there is a handler.
    gevent.signal_handler(signal.SIGTERM, sys.exit)
    logging.disable()  # Locust would warn of what is intended (all users start together), audited (its CPU) or counted (errors)
    if "--with-parent" in rest:
        gevent.spawn(end_with_parent)
    metronome = Metronome()
    runner = Environment(user_classes=[]).create_worker_runner(host, int(port))
    current: list[CellRun] = []

    def play(msg: Any, **_: Any) -> None:
        run = CellRun(msg.data, metronome, lambda name, data: runner.send_message(name, {**data, "mark": msg.data["mark"]}))
        current[:] = [run]
        gevent.spawn(run.run)

    def open_window(**_: Any) -> None:
        current[0].may_open.set()

    runner.register_message("cell", play)
    runner.register_message("open", open_window)
    # The master knows this process before the process can receive a cell. Only from this message on may the master send one.
    runner.send_message("listening", {"mark": "."})
    try:
        runner.greenlet.join()
    finally:
        metronome.end()


def end_with_parent() -> None:
    """End this process when its standard input closes: the parent has ended, so no request for load can come any more."""
    FileObjectPosix(0, "rb", closefd=False).read()
    os._exit(0)


if __name__ == "__main__":
    main()
