"""The planner: its plans meet the p99, smaller plans do not, and it says what is impossible."""

from dataclasses import replace

import pytest

from loadtest.plan.planner import NoPlan, Plan, plan, plans, smallest
from loadtest.plan.predict import Configuration, Demand, Kind, overloaded, predict
from loadtest.plan.profile import Profile

# Round figures that no machine has, so that they are not mistaken for measurements.
FLASK = Profile("flask", overhead=0.0005, shared_mib=100, process_mib=10, thread_mib=1, request_mib=0.1)
FASTAPI = Profile("fastapi", overhead=0.0001, shared_mib=100, process_mib=20, thread_mib=0, request_mib=0.1)
DJANGO = Profile("django", overhead=0.001, shared_mib=100, process_mib=30, thread_mib=0, request_mib=0.1)
DEMANDS = [
    Demand(0.1, 0.004, 800, 0.3),
    Demand(0.1, 0.004, 80, 0.3, cores=2),
    Demand(0.0, 0.004, 300, 0.05),
    Demand(0.1, 0.004, 8, 0.12),
    Demand(1.0, 0.001, 3000, 1.5),
    Demand(0.1, 0.004, 8000, 0.2),
]
WAYS: list[tuple[Kind, Profile]] = [("workers", FLASK), ("threads", FLASK), ("loops", FASTAPI), ("loops", DJANGO)]


def planned(kind: Kind, demand: Demand, profile: Profile) -> Plan:
    found = plan(kind, demand, profile)
    assert isinstance(found, Plan), found
    return found


def keeps(configuration: Configuration, demand: Demand, profile: Profile) -> bool:
    found = predict(configuration, demand, profile)
    return found is not None and found.p99 <= demand.p99


@pytest.mark.parametrize("demand", DEMANDS)
@pytest.mark.parametrize(("kind", "profile"), WAYS)
def test_one_fewer_does_not_keep_the_p99(kind: Kind, profile: Profile, demand: Demand) -> None:
    one = planned(kind, demand, profile).configuration
    assert keeps(one, demand, profile)
    fewer = replace(one, threads=one.threads - 1) if kind == "threads" else replace(one, processes=one.processes - 1)
    if fewer.processes and (kind != "threads" or fewer.threads > 1):
        assert not keeps(fewer, demand, profile)


@pytest.mark.parametrize("demand", DEMANDS)
@pytest.mark.parametrize(("kind", "profile"), WAYS)
def test_the_margin_is_where_it_ends(kind: Kind, profile: Profile, demand: Demand) -> None:
    found = planned(kind, demand, profile)
    at, above = (replace(demand, rate=demand.rate * found.margin.ratio * more) for more in (1, 1.01))
    assert keeps(found.configuration, at, profile)
    assert not keeps(found.configuration, above, profile)
    if found.margin.limit != "p99":
        assert overloaded(found.configuration, above, profile) == found.margin.limit


def test_an_event_loop_by_hand() -> None:
    """At 50 % utilisation, the mean wait of M/D/1 is half a service time."""
    demand = Demand(wait=0.1, cpu=0.0049, rate=100, p99=1.0)
    found = predict(Configuration("fastapi", "loops", 1, 1, 1), demand, FASTAPI)
    assert found is not None
    assert found.cpu_utilisation == pytest.approx(0.5)
    assert found.mean == pytest.approx(0.1 + 0.005 + 0.0025, rel=1e-3)
    assert found.slot_utilisation is None


def test_slots_by_hand() -> None:
    """With a core for each worker, nothing is added. The slots' utilisation follows from the CPU time and the wait."""
    found = predict(Configuration("flask", "workers", 4, 1, 4), Demand(0.0955, 0.004, 20, 1.0), FLASK)
    assert found is not None
    assert found.slot_utilisation == pytest.approx(0.5)
    assert found.cpu_utilisation == pytest.approx(20 * 0.0045 / 4)


def test_memory_by_hand() -> None:
    demand = Demand(0.1, 0.004, 10, 1.0)
    workers = predict(Configuration("flask", "workers", 6, 1, 4), demand, FLASK)
    threads = predict(Configuration("flask", "threads", 2, 3, 2), demand, FLASK)
    assert workers is not None and threads is not None
    assert workers.memory_mib == pytest.approx(100 + 6 * 10 + 6 * 0.1)
    assert threads.memory_mib == pytest.approx(100 + 2 * 10 + 4 * 1 + 6 * 0.1)


def test_memory_of_a_loop_grows_with_what_it_holds() -> None:
    """Almost no CPU time: on average 100 requests are held, and at most 124 for 99 % of the time."""
    found = predict(Configuration("fastapi", "loops", 1, 1, 1), Demand(9.9999, 0.0, 10, 99), FASTAPI)
    assert found is not None
    assert found.memory_mib == pytest.approx(100 + 20 + 124 * 0.1)


def test_threads_share_the_core_of_their_process() -> None:
    """The same slots and cores, but the threads of a single process wait for each other."""
    demand = Demand(0.1, 0.004, 150, 1.0)
    many = predict(Configuration("flask", "workers", 24, 1, 4), demand, FLASK)
    one = predict(Configuration("flask", "threads", 1, 24, 4), demand, FLASK)
    assert many is not None and one is not None
    assert one.cpu_utilisation == pytest.approx(4 * many.cpu_utilisation)
    assert one.p99 > many.p99


@pytest.mark.parametrize(
    ("demand", "says"),
    [
        (Demand(0.1, 0.004, 800, 0.1042), "P99 is 0.1042; accepted: more than 0.1045"),
        (Demand(0.1, 0.004, 800, 0.3, cores=2), "RATE is 800; accepted with CORES=2: at most 422.2"),
        (Demand(0.1, 0.004, 100, 0.1046, cores=1), "No number of workers with CORES=1 keeps a p99 of 105 ms"),
        (Demand(0.1, 0.004, 400, 0.3, memory_mib=300), "MEMORY is 300"),
        (Demand(30, 0.0, 1000, 40), "more than 20,000 slots"),
    ],
)
def test_what_cannot_be_done(demand: Demand, says: str) -> None:
    found = plan("workers", demand, FLASK)
    assert isinstance(found, NoPlan)
    assert says in found.reason


def test_every_way_gets_an_answer() -> None:
    found = plans(Demand(0.1, 0.004, 400, 0.3, memory_mib=300), [FLASK, FASTAPI, DJANGO])
    assert [one.configuration.service for one in found.plans] == ["flask", "fastapi", "django"]
    assert [(one.service, one.kind) for one in found.without] == [("flask", "workers")]


@pytest.mark.parametrize("least", range(1, 40))
def test_smallest(least: int) -> None:
    assert smallest(3, 30, lambda number: number >= least) == (max(3, least) if least <= 30 else None)
