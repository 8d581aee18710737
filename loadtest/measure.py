"""One cell: a number of users on one workload of one service, run by Locust in this process."""

from collections.abc import Callable
from time import perf_counter

import gevent
from locust.env import Environment

from loadtest.recorder import Recorder
from loadtest.users import WorkloadUser

# A warm-up lasts until each user has had an answer, but not for longer.
LONGEST_WARM_UP_SECONDS = 60.0
# For requests in flight at the end: cut off, they would still occupy the service when the next cell begins.
LONGEST_DRAIN_SECONDS = 30.0


def run_cell(user: type[WorkloadUser], users: int, warm_up: float, seconds: float, progress: Callable[[str], None]) -> Recorder:
    """Run ``users`` users through a warm-up of at least ``warm_up`` seconds and a window of ``seconds``.

    ``progress`` is told about once a second what happens. When this returns or raises, no user is left running.
    """
    environment = Environment(user_classes=[user], stop_timeout=LONGEST_DRAIN_SECONDS)
    recorder = Recorder()
    environment.events.request.add_listener(recorder.request)
    environment.events.user_error.add_listener(recorder.user_error)
    runner = environment.create_local_runner()
    try:
        runner.start(users, spawn_rate=users)
        begun = perf_counter()
        while (passed := perf_counter() - begun) < warm_up or (len(recorder.users_answered) < users and passed < LONGEST_WARM_UP_SECONDS):
            progress(f"warm-up, {len(recorder.users_answered)} of {users} users have an answer")
            gevent.sleep(min(1.0, max(0.1, warm_up - passed)))
        recorder.open()
        while (passed := perf_counter() - recorder.opened) < seconds:
            progress(f"{passed:.0f} of {seconds:g} s, {recorder.latencies.count} requests, {recorder.failures} failures")
            gevent.sleep(min(1.0, seconds - passed))
        recorder.close()
        progress("requests in flight end")
        runner.stop()
    finally:
        environment.stop_timeout = 0.0
        runner.quit()
    return recorder
