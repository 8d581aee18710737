"""One cell's share of load in this process: users warm up, a window opens and closes, and the requests in flight are drained."""

from collections.abc import Callable
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import gevent
from gevent.event import Event
from locust.env import Environment

from loadtest.generator.connections import established
from loadtest.generator.metronome import Metronome
from loadtest.generator.parameters import Parameters
from loadtest.generator.ramp_up import Entrance
from loadtest.generator.recorder import Recorder
from loadtest.generator.users import WorkloadUser, user_class
from loadtest.generator.workloads import WORKLOADS

# Time limit of a warm-up, which lasts until each user has had an answer.
LONGEST_WARM_UP_SECONDS = 60.0
# Time limit for draining requests in flight. If cut off, they would still occupy the service when the next cell begins.
LONGEST_DRAIN_SECONDS = 40.0
# Limit of distinct error texts that are kept. There are far fewer kinds of errors, but a text with a port in it may never repeat.
MOST_ERRORS = 50


class Part:
    """The users of one load, as many as are this process's share."""

    def __init__(self, load: dict[str, Any], mark: str, target: str, prefix: str, seconds: float, seed: int) -> None:
        self.kind = load["kind"]
        self.recorder = Recorder(seconds, load["rhythm"][1])
        self.users = 1 if self.kind == "open" else load["users"]
        self.target = target
        self.warm_up = load["warm_up"]
        made: type[WorkloadUser] = user_class(
            prefix,
            WORKLOADS[load["workload"]],
            Parameters(**load["parameters"]),
            target,
            self.kind,
            mark=mark,
            recorder=self.recorder,
            rate=load["rate"],
            poisson=load["arrivals"] == "poisson",
            pause=load["pause"],
            source=load["source"],
            way=load["way"],
            seed=seed,
            entrance=Entrance(self.users, *load["rhythm"], *load["process"]) if self.kind == "closed" else None,
        )
        self.environment = Environment(user_classes=[made], stop_timeout=LONGEST_DRAIN_SECONDS)
        self.environment.events.request.add_listener(self.recorder.request)
        self.environment.events.user_error.add_listener(self.recorder.user_error)
        self.runner = self.environment.create_local_runner()

    def start(self) -> None:
        if self.users:
            self.runner.start(self.users, spawn_rate=self.users)

    @property
    def ready(self) -> bool:
        """Whether every user has had an answer, waits for its burst, or holds its connection. An open workload has no such moment."""
        return self.kind == "open" or len(self.recorder.ready) >= self.users

    def stop(self) -> None:
        self.recorder.over.set()
        self.runner.stop()

    def end(self) -> None:
        """Stop immediately whatever still runs."""
        self.recorder.over.set()
        self.environment.stop_timeout = 0.0
        self.runner.quit()

    def result(self, users_ready: int) -> dict[str, Any]:
        """Return the counts in the form in which they are sent to the master."""
        recorder = self.recorder
        port = urlsplit(self.target).port
        return {
            "counts": {
                name: getattr(recorder, name) for name in ("begun", "ended", "succeeded", "failures", "failures_outside", "dropped", "late")
            },
            "users": self.users,
            "users_ready": users_ready,
            "slices": recorder.successes,
            "arrivals": recorder.arrivals,
            "histograms": [latencies.encode() for latencies in recorder.latencies],
            "first_pieces": recorder.first_pieces.encode() if recorder.first_pieces.count else "",
            "errors": dict(recorder.errors.most_common(MOST_ERRORS)),
            "seconds": recorder.window_seconds,
            "longest_gap": recorder.longest_gap,
            "last_trouble": recorder.last_trouble,
            "asking_seconds": recorder.last_end - recorder.first_begin,
            "in_flight_seconds": recorder.in_flight_seconds,
            "connections": self.connections if port else 0,
        }

    def close(self) -> None:
        """Close the window. The window of a burst lasted until its last answer."""
        self.recorder.close(self.recorder.last_end if self.kind == "burst" else None)
        self.connections = established(urlsplit(self.target).port or 0)


class CellRun:
    """A cell as this process plays it. ``tell`` sends a message to the master."""

    def __init__(self, asked: dict[str, Any], metronome: Metronome, tell: Callable[[str, dict[str, Any]], None]) -> None:
        self.seconds = float(asked["seconds"])
        self.metronome, self.tell = metronome, tell
        self.may_open = Event()
        self.parts = [
            Part(load, f"{asked['mark']}{number}", asked["target"], asked["prefix"], self.seconds, asked["seed"] + number)
            for number, load in enumerate(asked["loads"])
        ]

    def run(self) -> None:
        """Play the cell. Send one message when it is warm, and one with the counts."""
        try:
            for part in self.parts:
                part.start()
            begun = perf_counter()
            warm_up = max(part.warm_up for part in self.parts)
            while (passed := perf_counter() - begun) < warm_up or (not self.ready and passed < LONGEST_WARM_UP_SECONDS):
                gevent.sleep(0.05)
            self.tell("warm", {"ready": self.ready})
            if not self.may_open.wait(LONGEST_WARM_UP_SECONDS):
                return
            ready = [len(part.recorder.ready) for part in self.parts]
            self.metronome.open()
            for part in reversed(self.parts):  # the first part is the measured one, so its window opens last
                part.recorder.open()
            self.wait_for_the_end()
            for part in self.parts:
                part.close()
            lag = self.metronome.mean()
            for part in self.parts:
                part.recorder.over.set()
            gevent.joinall([gevent.spawn(part.stop) for part in self.parts])
            results = [part.result(users) for part, users in zip(self.parts, ready, strict=True)]
            self.tell("result", {"loads": results, "cpu": self.parts[0].recorder.cpu, "lag": lag})
        finally:
            for part in self.parts:
                part.end()

    @property
    def ready(self) -> bool:
        return all(part.ready for part in self.parts)

    def wait_for_the_end(self) -> None:
        """Wait for the window's seconds, or until all requests of a burst have been answered."""
        deadline = perf_counter() + (LONGEST_WARM_UP_SECONDS if self.parts[0].kind == "burst" else self.seconds)
        while (left := deadline - perf_counter()) > 0:
            if self.parts[0].kind == "burst" and self.parts[0].recorder.ended >= self.parts[0].users:
                return
            gevent.sleep(min(left, 0.02 if self.parts[0].kind == "burst" else left))
