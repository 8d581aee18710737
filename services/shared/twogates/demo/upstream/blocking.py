"""Calls to the upstream service for code that waits in its thread. Compare upstream/asynchronous.py."""

import urllib3

from twogates.demo.upstream.common import CONNECT_SECONDS, READY_SECONDS, SLACK_SECONDS, did_not_answer, took_too_long
from twogates.http.context import REQUEST_ID


class Upstream:
    """A pooled client: connections are kept and used again by the threads of this process."""

    def __init__(self, url: str, connections: int) -> None:
        self.url = url
        # block: a thread waits for a free connection; the default would open one beyond the pool and throw it away.
        self.pool = urllib3.PoolManager(maxsize=connections, block=True, retries=False)

    def call(self, seconds: float) -> None:
        """Ask the upstream for an answer after ``seconds``, and wait for it."""
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, total=seconds + SLACK_SECONDS)
        try:
            answer = self.pool.request(
                "GET", f"{self.url}/wait?seconds={seconds}", timeout=timeout, headers={"X-Request-ID": REQUEST_ID.get()}
            )
        except urllib3.exceptions.NewConnectionError as error:  # refused; urllib3 counts it among the time-outs
            raise did_not_answer() from error
        except urllib3.exceptions.TimeoutError as error:
            raise took_too_long() from error
        except urllib3.exceptions.HTTPError as error:
            raise did_not_answer() from error
        if answer.status != 200:
            raise did_not_answer()

    def ready(self) -> bool:
        """Whether the upstream answers now."""
        try:
            return self.pool.request("GET", f"{self.url}/healthz", timeout=READY_SECONDS).status == 200
        except urllib3.exceptions.HTTPError:
            return False
