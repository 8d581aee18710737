"""How many connections to the database each service holds, sampled while something happens to it."""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.waiting import PATIENCE

# Beside them PostgreSQL keeps three for its superuser, and two are for who looks after it (connections.py of Django).
RESERVED = 5
EVERY_SECONDS = 0.05
# psql asks again and again by itself: one connection, and no process for each look. So often at most, should nobody end it.
LOOK = r"""SELECT coalesce(json_object_agg(application_name, connections), '{}') FROM (
  SELECT application_name, count(*) AS connections FROM pg_stat_activity
  WHERE usename IN ('twogates_flask', 'twogates_fastapi', 'twogates_django') GROUP BY application_name
) AS held \watch interval=%g count=4000
"""


@dataclass
class Held:
    """What was seen: connections by service, look by look."""

    looks: list[dict[str, int]] = field(default_factory=list)

    @property
    def most(self) -> int:
        """Of all services together."""
        return max(sum(look.values()) for look in self.looks)

    def most_of(self, service: str) -> int:
        return max(look.get(f"twogates-{service}", 0) for look in self.looks)


@contextmanager
def sampled(psql: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Iterator[Held]:
    """Look for the length of the block, by a psql that is told nothing but where the database is."""
    held = Held()
    words = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--dbname=twogates", "--username=postgres", "--host=127.0.0.1"]
    with subprocess.Popen(
        [*psql, *words], cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as looking:
        assert looking.stdin
        assert looking.stdout
        looking.stdin.write(LOOK % EVERY_SECONDS)
        looking.stdin.close()
        began = time.monotonic()
        try:
            while not looking.stdout.readline().startswith("{"):  # it looks
                assert time.monotonic() < began + PATIENCE, "psql has printed nothing"
                assert looking.poll() is None, looking.stderr and looking.stderr.read()
            yield held
        finally:
            looking.terminate()
            held.looks += [json.loads(line) for line in looking.stdout if line.startswith("{") and line.endswith("}\n")]
    assert len(held.looks) > 10
