"""The laboratory's own Valkey, and the cache experiment, without any load."""

from pathlib import Path
from typing import Any

import pytest

from loadtest.engine import cache as engine
from loadtest.engine.docker_file import Maker
from loadtest.experiments import cache
from loadtest.generator import large_board
from loadtest.generator.workloads import WORKLOADS
from loadtest.judging.audit import audit
from loadtest.judging.evidence import Evidence
from loadtest.judging.values import values
from loadtest.model import loop
from loadtest.results import CellResult, Verdict
from tests.unit.lab_raw import cell, load, raw
from tests.unit.lab_results import cell as result
from twogates.cache import entries as cache_entries

ENDED = load()["counts"]["ended"]


def test_what_is_known_of_the_services_cache_is_so() -> None:
    assert (engine.COUNTS, engine.FIELDS) == (cache_entries.COUNTS, cache_entries.FIELDS)
    assert cache.FRESH_SECONDS == cache_entries.FRESH_SECONDS


def test_the_summary_of_the_large_board_adds_up() -> None:
    """This checks the expected answer alone. Each request of an experiment verifies that a service returns it."""
    found: Any = WORKLOADS["summary"].expected(cell().load.parameters)
    assert sum(author["messages"] for author in found["authors"]) == large_board.MESSAGES
    assert [one["word"] for one in found["words"]] == ["a", "group", "notice", "of", "0", "1", "2", "3"]


def test_each_variant_has_a_part_of_its_own() -> None:
    assert engine.part_of("redis://valkey:6379/0", 12) == "redis://valkey:6379/12"
    assert len([*cache.WITHOUT, *cache.WITH]) <= 16  # Valkey's own number of databases


def test_on_docker_it_is_there_for_who_asks() -> None:
    variants = [loop(name="without"), loop(pool=2, cache=True, name="both"), loop(cache=True, name="cache alone")]
    ports = {f"nginx-{number}": 5001 + number for number in range(3)}
    made = Maker({0}, {1, 2}, None).document(variants, Path("/lab"), ports)
    services = made["services"]
    assert (services["valkey"]["cpuset"], services["valkey"]["secrets"]) == ("2", ["valkey_users"])
    without, both, alone = (services[f"app-{number}-0"] for number in range(3))
    assert (without["environment"]["CACHE_URL"], without["environment"]["CACHE_PASSWORD_FILE"]) == (engine.NOWHERE, "")
    assert without["networks"] == ["backend"]
    assert both["environment"]["CACHE_URL"].endswith(":6379/1")
    assert both["secrets"] == ["fastapi_password", "valkey_password"]
    assert set(both["depends_on"]) == {"migrate", "valkey"}
    assert (alone["environment"]["CACHE_URL"][-2:], alone["secrets"]) == ("/2", ["valkey_password"])
    assert alone["networks"] == ["backend", "data"]
    assert set(alone["depends_on"]) == {"valkey"}
    assert "valkey" not in Maker({0}, {1}, None).document(variants[:1], Path("/lab"), ports)["services"]


def test_the_metrics_of_a_run() -> None:
    found = engine.values({"hits": 90, "stale": 5, "misses": 5, "computed": 2})
    assert found == {"computed": 2, "misses": 5, "hit_ratio": 95}
    assert "hit_ratio" not in engine.values(dict.fromkeys(engine.FIELDS, 0))


@pytest.mark.parametrize(("missing", "passes"), [(0, True), (1, False)])
def test_a_request_that_did_without_the_cache_is_seen(missing: int, passes: bool) -> None:
    counts = {"hits": ENDED - 10 - missing, "stale": 2, "misses": 8, "computed": 2}
    run = raw(cell(loop(cache=True), workload="summary"), cache=counts)
    (found,) = [finding for finding in audit(run, values(run)) if finding.rule == "counts agree"]
    assert (found.passed, found.sentence.endswith(f"the cache {ENDED - missing}")) == (passes, True)


def test_who_does_not_ask_the_cache_is_not_counted_there() -> None:
    run = raw(cell(loop(cache=True)), cache=dict.fromkeys(engine.FIELDS, 0))
    assert all(finding.passed for finding in audit(run, values(run)))


def test_how_often_the_database_is_asked() -> None:
    """Once for the empty cache, and once every three seconds of warm-up and window: 3.6 s in a quick run, 10.3 s in a full one."""
    for full, times in ((False, 2.0), (True, 4.0)):
        of_cached = [one for one in cache.cells(full) if one.variant.cache]
        assert [one.predicted["computed"] for one in of_cached] == [times, 1.0] * 2
        assert [one.predicted.get("throughput") for one in of_cached] == [pytest.approx(640), None] * 2
        assert [one.predicted.get("misses") for one in of_cached] == [cache.USERS + times - 1, None] * 2
        assert not any(one.predicted for one in cache.cells(full) if not one.variant.cache)
        # The prediction still holds if a warm-up takes a second longer, or a query a tenth of a second.
        for one in of_cached:
            if one.step == cache.ON:
                assert one.seconds
                assert 0.5 < (cache.WARM_UP + one.seconds) % cache.FRESH_SECONDS < cache.FRESH_SECONDS - 1


def judged(computed: float, misses: float, faster: float, spared: float, cheaper: float = 2.0, held_up: float = 1.0) -> Verdict:
    """Return the verdict if a cached window computed this often, and its throughput was this many times higher."""
    cells: list[CellResult] = []
    for one in cache.cells(False):
        kept = one.variant.cache
        found = {"throughput": 200.0, "database_us": 4000.0, "cpu_us": 1000.0}
        if kept:
            slower = held_up if one.variant.slots else 1.0
            found = {"throughput": 200 * faster / slower, "database_us": 4000 / spared, "cpu_us": 1000 / cheaper}
            found |= {"computed": computed if one.step == cache.ON else 1.0, "misses": misses, "hit_ratio": 99.0}
        cells.append(result(one.variant.name, one.step, dict(one.predicted), **found))
    return cache.judge(Evidence(cells, {}, full=False))


def test_the_verdict() -> None:
    found = judged(computed=2.0, misses=cache.USERS + 1, faster=3.1, spared=1000)
    assert found.outcome == "holds"
    assert "answers 3.1 times (3.1 to 3.1) what it does without" in found.sentence
    assert "99.0 % of answers were kept ones, with 2 questions to the database" in found.sentence


@pytest.mark.parametrize(
    "wrong",
    [
        {"computed": 13.0},
        {"computed": 1.0},
        {"misses": 100.0},
        {"faster": 1.1},
        {"spared": 1.5},
        {"cheaper": 1.0},
        {"held_up": 1.5},
    ],
    ids=["a stampede", "nothing ran out", "nothing is kept", "no faster", "nothing spared", "no cheaper", "threads are held up"],
)
def test_what_refutes_it(wrong: dict[str, float]) -> None:
    assert judged(**{"computed": 2.0, "misses": 33.0, "faster": 3.1, "spared": 1000.0, **wrong}).outcome == "does not hold"
