"""Measure how late this process gets to its work: a child process sends the time, and this process compares it when it reads it.

A response that arrives waits just as long. The child is a separate process, because a thread would wait for the same lock (the GIL).
"""

import subprocess
import sys
from time import monotonic

import gevent
from gevent import socket

BEATS_PER_SECOND = 50
# All processes of a machine share this clock.
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
    """Measures the mean lag in seconds since ``open``."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        # -S -E: nothing to import, so the child starts within milliseconds. It ends when no process reads its output any more.
        self.child = subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", CHILD], stdout=theirs.fileno(), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        theirs.close()
        self.lags: list[float] = []
        self.reader = gevent.spawn(self.read, ours)

    def read(self, source: socket.socket) -> None:
        """Record the lag of each beat."""
        while received := source.recv(4096):
            now = monotonic()
            self.lags += [now - float(beat) for beat in received.split()]

    def open(self) -> None:
        """Discard all lags so far."""
        self.lags.clear()

    def mean(self) -> float:
        """Return the mean lag in seconds since ``open``."""
        return sum(self.lags) / len(self.lags) if self.lags else 0.0

    def end(self) -> None:
        """Stop the child."""
        self.child.terminate()
        self.child.wait()
        self.reader.kill()
