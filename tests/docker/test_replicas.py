"""Replicas come and go under load: Nginx follows them by name, and no GET is lost."""

import threading
import time
from collections import Counter

import httpx
import pytest

from tests.docker.conftest import docker
from tests.measured import Measure
from tests.stack import TARGET
from tests.waiting import until

FOLLOWS_WITHIN = 3.0


class Load:
    """Threads that send GETs until they are stopped. Each answer is checked, and counted for the replica that gave it."""

    def __init__(self, threads: int) -> None:
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self.threads = [threading.Thread(target=self.send) for _ in range(threads)]

    def send(self) -> None:
        with httpx.Client(base_url=TARGET, timeout=60) as client:
            while not self.stopping.is_set():
                try:
                    response = client.get("/django/")
                    host = response.json()["host"] if response.status_code == 200 else ""
                except (httpx.HTTPError, ValueError) as error:
                    host, response = "", None
                    reason = repr(error)
                with self.lock:
                    if host:
                        self.answers[host] += 1
                    else:
                        self.failures.append(reason if response is None else f"{response.status_code} {response.text}")

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()


@pytest.mark.measured
def test_nginx_follows_a_new_replica_within_seconds(measure: Measure) -> None:
    with Load(threads=8) as load:
        until("both replicas have answered", lambda: len(load.answers) >= 2)
        docker("compose", "up", "--detach", "--wait", "--no-recreate", "--scale", "django=4", "django")
        healthy = time.monotonic()
        until("all four replicas have answered", lambda: len(load.answers) >= 4)
        took = time.monotonic() - healthy
    docker("compose", "up", "--detach", "--wait", "--no-recreate", "--scale", "django=2", "django")
    measure.that(took <= FOLLOWS_WITHIN, f"the last of the new replicas answered {took:.1f} s after it was healthy")


def test_scale_up_and_down_under_load() -> None:
    with Load(threads=8) as load:
        until("both replicas have answered", lambda: len(load.answers) >= 2)
        docker("compose", "up", "--detach", "--wait", "--no-recreate", "--scale", "django=4", "django")
        until("all four replicas have answered", lambda: len(load.answers) >= 4)
        docker("compose", "up", "--detach", "--wait", "--no-recreate", "--scale", "django=1", "django")
        before = sum(load.answers.values())
        until("the replica that is left has answered 500 times", lambda: sum(load.answers.values()) >= before + 500)
    log = [line for line in docker("compose", "logs", "--no-log-prefix", "nginx").splitlines() if '"status":5' in line or "[error]" in line]
    docker("compose", "up", "--detach", "--wait", "--no-recreate", "django")
    assert not load.failures, f"{len(load.failures)} of {sum(load.answers.values())} failed: {load.failures[:3]}\n" + "\n".join(log[-20:])
    assert sum(load.answers.values()) > 500
