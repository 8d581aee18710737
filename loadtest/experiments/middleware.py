"""The same middleware around a WSGI and an ASGI application."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextvars import copy_context
from time import process_time
from typing import Any

from loadtest.experiment import Experiment
from loadtest.generator.parameters import Parameters
from loadtest.judging.evidence import Evidence
from loadtest.metrics import number
from loadtest.model import Cell, Chart, Load, loop, sync
from loadtest.results import Verdict

WAIT, CALLS = 0.25, 5000
# A request with an id, the same for both interfaces: what a server must supply, as far as a middleware reads it.
ENVIRON = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "QUERY_STRING": "", "HTTP_X_REQUEST_ID": "an id for all"}
HEADERS = [(b"x-request-id", b"an id for all")]
SCOPE = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": HEADERS}
VARIANTS = (sync(4), loop("fastapi"), loop("django"))


def cells(full: bool) -> list[Cell]:
    """Server-Timing, which Nginx logs, must state the wait; it does not contain the time that a request queued."""
    load = Load("closed", "wait", Parameters(wait=WAIT), users=8)
    return [Cell(variant, load, "app's own time", {"app_time": WAIT}, seconds=None if full else 2.0) for variant in VARIANTS]


def price() -> Mapping[str, Mapping[str, float]]:
    """Return the CPU time in microseconds that each wrapper adds to a call of a bare application."""
    from twogates.http import asgi, wsgi

    def bare_wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [b""]

    async def bare_asgi(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None: ...

    async def calls(app: Any) -> None:
        for _ in range(CALLS):
            await app({**SCOPE}, None, send)

    def wsgi_calls(app: Any) -> None:
        for _ in range(CALLS):
            list(app({**ENVIRON}, lambda *_: None))

    def least(job: Callable[[], None]) -> float:
        times = []
        for _ in range(5):
            begun = process_time()
            copy_context().run(job)  # keeps the context variable with the request id inside
            times.append(process_time() - begun)
        return min(times) / CALLS * 1e6

    return {
        "WSGI middleware": {
            "price_us": least(lambda: wsgi_calls(wsgi.RequestIdMiddleware(bare_wsgi))) - least(lambda: wsgi_calls(bare_wsgi))
        },
        "ASGI middleware": {
            "price_us": least(lambda: asyncio.run(calls(asgi.RequestIdMiddleware(bare_asgi))))
            - least(lambda: asyncio.run(calls(bare_asgi)))
        },
    }


def judge(seen: Evidence) -> Verdict:
    checks = [seen.near(seen.cell(variant), "app_time", 0.05) for variant in VARIANTS]
    costs = {name: seen.cell(name).estimates["price_us"].value for name in ("WSGI middleware", "ASGI middleware")}
    words = ", ".join(f"{name} {number(cost)} µs" for name, cost in costs.items())
    return seen.verdict(
        checks,
        holds=f"One idea in two interfaces: on all three services it tells the application's own time, and costs a call {words}.",
        fails="The middleware does not tell the application's own time.",
    )


EXPERIMENT = Experiment(
    name="middleware",
    question="Does one middleware fit around every service without touching it, and what does it cost?",
    claim="Middleware wraps any application of its interface.",
    frame="equal cores",
    cells=cells,
    chart=Chart("bars", "app_time"),
    columns=("app_time", "p50", "price_us"),
    misreading="The application's own time is not the user's: eight users of four workers wait twice as long as their requests take.",
    judge=judge,
    compares=False,
    look=price,
)
