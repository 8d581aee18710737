"""What HTTPS costs Nginx: a full handshake, a resumed session, and a request on an open connection."""

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.generator.transports import WORDS, Way
from loadtest.judging.evidence import Evidence
from loadtest.metrics import number
from loadtest.model import Cell, Chart, Load, loop
from loadtest.results import CellResult, Verdict

# A file that Nginx serves itself, so that no service takes part in the measurement.
NGINX = loop(name="Nginx")
USERS, PAUSE = 5, 0.1
WAYS: tuple[Way, ...] = ("kept", "tls kept", "http2 kept", "new", "tls resumed", "tls new")


def cells(full: bool) -> list[Cell]:
    def load(way: Way) -> Load:
        return Load("closed", "static-by-nginx", Parameters(), users=USERS, pause=PAUSE, way=way)

    return [Cell(NGINX, load(way), WORDS[way], seconds=None if full else 1.2) for way in WAYS]


def judge(seen: Evidence) -> Verdict:
    found: dict[Way, CellResult] = {way: seen.cell(NGINX, WORDS[way]) for way in WAYS}
    cost = {way: one.estimates["proxy_us"].value for way, one in found.items()}
    times = {way: cost[way] / cost["kept"] for way in WAYS}
    return seen.verdict(
        [
            seen.compare(found["tls new"], found["new"], "proxy_us"),
            seen.compare(found["tls new"], found["tls kept"], "proxy_us", more_than=2),
        ],
        holds=f"HTTP/1.1 and HTTP/2 both answered over TLS. A full handshake costs Nginx {number(cost['tls new'] - cost['new'])} µs more "
        f"than a connection without one. A request with one costs {number(times['tls new'])} times what it costs without TLS on a kept "
        f"connection, with a resumed session {number(times['tls resumed'])} times; on a kept connection, over TLS "
        f"{number(times['tls kept'])} times and over HTTP/2 {number(times['http2 kept'])} times.",
        fails="A TLS handshake does not cost what was expected.",
    )


EXPERIMENT = Experiment(
    name="tls",
    question="What does TLS cost Nginx: in a full handshake, in a resumed session, and on a connection that is kept?",
    claim="Nginx terminates TLS, so that no application has to.",
    frame="one service against itself",
    cells=cells,
    chart=Chart("bars", "proxy_us"),
    columns=("proxy_us", "throughput", "p50"),
    misreading="This is not what a visitor waits: a handshake is round trips, and on this machine a round trip takes no time.",
    judge=judge,
)
