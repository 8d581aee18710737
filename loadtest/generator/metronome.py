"""How late this process comes to its work: a child writes the time, and what is measured is when it is read here.

A response that arrives waits as long. The child is a process of its own, since a thread here would wait for the same lock.
"""

import subprocess
import sys
from time import monotonic

import gevent
from gevent import socket

BEATS_PER_SECOND = 50
# The clock is the same for all processes of a machine.
CHILD = """
import sys, time
try:
    while True:
        time.sleep(%f)
        sys.stdout.buffer.write(b"%%.9f\\n" %% time.monotonic())
        sys.stdout.flush()
except (BrokenPipeError, KeyboardInterrupt):
    pass
""" % (1 / BEATS_PER_SECOND)


class Metronome:
    """Mean lag in seconds between ``open`` and ``close``."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        # -S -E: nothing to import, a start of milliseconds. It ends when nobody reads any more.
        self.child = subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", CHILD], stdout=theirs.fileno(), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        theirs.close()
        self.lags: list[float] = []
        self.reader = gevent.spawn(self.read, ours)

    def read(self, source: socket.socket) -> None:
        """Note the lag of each beat."""
        while received := source.recv(4096):
            now = monotonic()
            self.lags += [now - float(beat) for beat in received.split()]

    def open(self) -> None:
        """Forget what was."""
        self.lags.clear()

    def mean(self) -> float:
        """The mean lag since ``open``."""
        return sum(self.lags) / len(self.lags) if self.lags else 0.0

    def end(self) -> None:
        """End the child."""
        self.child.terminate()
        self.child.wait()
        self.reader.kill()
