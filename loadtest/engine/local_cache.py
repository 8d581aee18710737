"""The laboratory's own Valkey: a new one for each experiment that needs it."""

from time import monotonic, sleep
from typing import Any

import redis

from loadtest.engine.cache import part_of, password
from loadtest.engine.variants import EngineError
from runtime import proc
from runtime.local import data as data_local
from runtime.local.plan import Plan
from runtime.servers import START_SECONDS, Command, Servers, free_port

NAME = "valkey"


class LocalCache:
    """A running Valkey."""

    def __init__(self, servers: Servers, plan: Plan) -> None:
        self.servers, self.port = servers, free_port()
        self.password = password(plan.document["secrets"])
        servers.start(NAME, Command(data_local.valkey_command(plan.document, self.port), servers.folder, self.port))
        deadline = monotonic() + START_SECONDS
        while not data_local.accepts(self.port):
            if servers.running[NAME].poll() is not None or monotonic() > deadline:
                end = servers.log(NAME).read_text(errors="replace").strip().splitlines()[-5:]
                raise EngineError(f"Valkey did not start: {' | '.join(end or ['nothing in its log'])}")
            sleep(0.02)

    def address(self, number: int) -> str:
        """Return the URL of a variant's part."""
        return part_of(f"redis://127.0.0.1:{self.port}/0", number)

    def ask(self, number: int, *words: str) -> list[str]:
        """Return the answer to a command in that part. Raise EngineError if the command fails."""
        try:
            with redis.Redis.from_url(self.address(number), password=self.password, decode_responses=True, protocol=2) as client:
                said: Any = client.execute_command(*words)
        except redis.RedisError as error:
            raise EngineError(f"Valkey does not answer: {error}") from None
        return [one or "" for one in said] if isinstance(said, list) else [str(said or "")]

    def place(self, cpus: set[int] | None) -> None:
        """Pin it to the last of these CPUs, as compose.yaml gives it one."""
        if cpus:
            proc.pin([self.servers.pid(NAME)], {max(cpus)})

    def seconds(self) -> float:
        """Return the CPU seconds used so far."""
        return proc.seconds_by_clock([self.servers.pid(NAME)])
