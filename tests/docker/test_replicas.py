"""Replicas come and go under load: Nginx follows them by name, and no GET is lost."""

import threading
import time
from collections import Counter

import httpx

from tests.docker.conftest import docker
from tests.stack import TARGET

FOLLOWS_WITHIN = 3.0


class Load:
    """Threads that send GETs until told to stop, each answer checked and counted by the replica that gave it."""

    def __init__(self, threads: int) -> None:
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.first_seen: dict[str, float] = {}
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self.threads = [threading.Thread(target=self.send) for _ in range(threads)]

    def send(self) -> None:
        with httpx.Client(base_url=TARGET, timeout=10) as client:
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
                        self.first_seen.setdefault(host, time.monotonic())
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


def wait_for(load: Load, replicas: int, seconds: float) -> None:
    """Until so many replicas have answered."""
    deadline = time.monotonic() + seconds
    while len(load.answers) < replicas:
        assert time.monotonic() < deadline, f"{len(load.answers)} of {replicas} replicas answered"
        time.sleep(0.05)


def test_scale_up_and_down_under_load() -> None:
    with Load(threads=8) as load:
        wait_for(load, 2, 10)
        docker("compose", "up", "--detach", "--wait", "--no-recreate", "--scale", "django=4", "django")
        healthy = time.monotonic()
        wait_for(load, 4, FOLLOWS_WITHIN)
        for seen in load.first_seen.values():
            assert seen - healthy <= FOLLOWS_WITHIN
        docker("compose", "up", "--detach", "--wait", "--no-recreate", "--scale", "django=1", "django")
        before = sum(load.answers.values())
        deadline = time.monotonic() + 30
        while sum(load.answers.values()) < before + 500:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    log = [line for line in docker("compose", "logs", "--no-log-prefix", "nginx").splitlines() if '"status":5' in line or "[error]" in line]
    docker("compose", "up", "--detach", "--wait", "--no-recreate", "django")
    assert not load.failures, f"{len(load.failures)} of {sum(load.answers.values())} failed: {load.failures[:3]}\n" + "\n".join(log[-20:])
    assert sum(load.answers.values()) > 500
