"""Count the database connections of each service by sampling while something happens to it."""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.waiting import PATIENCE

# PostgreSQL reserves three more for its superuser, and two are left for the operator (connections.py of Django).
RESERVED = 5
EVERY_SECONDS = 0.05
# psql repeats the query itself: one connection, and no process per sample. ``count`` limits the samples if nothing stops psql.
LOOK = r"""SELECT coalesce(json_object_agg(application_name, connections), '{}') FROM (
  SELECT application_name, count(*) AS connections FROM pg_stat_activity
  WHERE usename IN ('twogates_flask', 'twogates_fastapi', 'twogates_django') GROUP BY application_name
) AS held \watch interval=%g count=4000
"""


@dataclass
class Held:
    """The samples: connections by service."""

    looks: list[dict[str, int]] = field(default_factory=list)

    @property
    def most(self) -> int:
        """Return the highest total of all services."""
        return max(sum(look.values()) for look in self.looks)

    def most_of(self, service: str) -> int:
        return max(look.get(f"twogates-{service}", 0) for look in self.looks)


@contextmanager
def sampled(psql: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Iterator[Held]:
    """Sample for the duration of the block, through a psql that is given only the database's address."""
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
            while not looking.stdout.readline().startswith("{"):  # psql has started to sample
                assert time.monotonic() < began + PATIENCE, "psql has printed nothing"
                assert looking.poll() is None, looking.stderr and looking.stderr.read()
            yield held
        finally:
            looking.terminate()
            held.looks += [json.loads(line) for line in looking.stdout if line.startswith("{") and line.endswith("}\n")]
    assert len(held.looks) > 10
