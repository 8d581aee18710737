"""Calls to the upstream service for code that blocks its thread. Compare upstream/asynchronous.py."""

import urllib3

from twogates.demo.upstream.common import CONNECT_SECONDS, READY_SECONDS, SLACK_SECONDS, did_not_answer, took_too_long
from twogates.http.context import REQUEST_ID


class Upstream:
    """A client with a connection pool that the threads of this process share."""

    def __init__(self, url: str, connections: int) -> None:
        self.url = url
        # block: a thread waits for a free connection. By default it would open one beyond the pool and discard it.
        self.pool = urllib3.PoolManager(maxsize=connections, block=True, retries=False)

    def call(self, seconds: float) -> None:
        """Request an answer after ``seconds`` from the upstream, and wait for it. Raises the 502 and 504 answers."""
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, total=seconds + SLACK_SECONDS)
        try:
            answer = self.pool.request(
                "GET", f"{self.url}/wait?seconds={seconds}", timeout=timeout, headers={"X-Request-ID": REQUEST_ID.get()}
            )
        except urllib3.exceptions.NewConnectionError as error:  # refused; for urllib3 a subclass of its time-outs
            raise did_not_answer() from error
        except urllib3.exceptions.TimeoutError as error:
            raise took_too_long() from error
        except urllib3.exceptions.HTTPError as error:
            raise did_not_answer() from error
        if answer.status != 200:
            raise did_not_answer()

    def ready(self) -> bool:
        """Return True if the upstream answers now."""
        try:
            return self.pool.request("GET", f"{self.url}/healthz", timeout=READY_SECONDS).status == 200
        except urllib3.exceptions.HTTPError:
            return False
