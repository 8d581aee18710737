"""What the other views show of the real stack: a load, a chat across replicas, one request's path, and reports."""

import re
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

import httpx
import pytest
from playwright.sync_api import Route

from tests.measured import Measure
from tests.page.conftest import Opened
from tests.page.race import Drawn, run
from tests.stack import SERVICES, TARGET

NEAR = 20.0  # milliseconds
PATIENCE = 60_000  # milliseconds


def number(text: str) -> float:
    """Return the first number in a text of the page."""
    found = re.search(r"[\d,.]+", text)
    assert found, text
    return float(found[0].replace(",", ""))


def request_id(event: dict[str, Any]) -> str:
    """Return the request id of a WebSocket, from the browser's report of its handshake."""
    return str(event["response"]["headers"]["X-Request-ID"])


def test_each_request_of_the_race_has_its_line(opened: Opened) -> None:
    """Forty requests to each service: Nginx logged each one that is drawn, once."""
    rows = with_lines(run(opened.show("race"), "queue", requests=40, amount=0.5))
    assert len(rows) == 120


@pytest.mark.measured
def test_the_race_agrees_with_nginx(opened: Opened, measure: Measure) -> None:
    """Forty requests of 0.5 s to each service: compare what the page draws of each with Nginx's log line."""
    rows = with_lines(run(opened.show("race"), "queue", requests=40, amount=0.5))
    assert len(rows) == 120
    far = max(abs(drawn(bars) - line["request_time"] * 1000) for bars, line in rows)
    late = max(max(to for _, to in bars.values()) - bars["served"][1] for bars, _ in rows)
    assert ("read an answer up to" in opened.page.inner_text("#race-result")) == (late > NEAR)
    measure.that(far <= NEAR, f"up to {far:.0f} ms apart")


@pytest.mark.measured
def test_the_browsers_own_times_agree_with_nginx(opened: Opened, measure: Measure) -> None:
    """42 requests: the browser's own measurement of each, from sending it to having read the answer.

    The test uses the median. A browser that shares two cores with the services reads some answers late. A page that counts wrong does so
    each time.
    """
    rows = with_lines(run(opened.show("race"), "queue", requests=14, amount=0.5))
    assert len(rows) == 42
    apart = sorted(abs(own_time(bars) - line["request_time"] * 1000) for bars, line in rows)
    measure.that(median(apart) <= NEAR, f"half of them are more than {median(apart):.0f} ms apart, one {apart[-1]:.0f} ms")


def drawn(bars: dict[str, tuple[float, float]]) -> float:
    """Return a request's time in milliseconds, from the start of its wait for its service to the service's answer."""
    return bars["served"][1] - bars.get("queued", bars["served"])[0]


def own_time(bars: dict[str, tuple[float, float]]) -> float:
    """Return a request's time in milliseconds, from the first bar after the browser's to the first byte of its answer."""
    between = [bar for name, bar in bars.items() if name not in ("browser", "way", "reading")]
    return max(to for _, to in between) - min(begun for begun, _ in between)


def with_lines(lanes: dict[str, Drawn]) -> list[tuple[dict[str, tuple[float, float]], dict[str, Any]]]:
    """Return the bars of each request, and its line in the log."""
    found = []
    with httpx.Client(base_url=TARGET) as client:
        for name, lane in lanes.items():
            for row in lane.rows:
                [line] = client.get(f"/live/requests/{row['id']}").raise_for_status().json()["lines"]
                assert line["uri"] == f"/{name}/wait?seconds=0.5"
                found.append((row["bars"], line))
    return found


def test_the_live_view_moves_under_load(opened: Opened) -> None:
    page = opened.show("live")
    page.wait_for_selector("#live th[data-service=flask][data-busy='0']")
    with ThreadPoolExecutor(6) as users, httpx.Client(base_url=TARGET, timeout=30) as client:
        asked = [users.submit(client.get, "/flask/wait?seconds=3") for _ in range(6)]
        page.wait_for_selector("#live th[data-service=flask][data-busy='4']", timeout=PATIENCE)
        assert "4 of 4" in page.inner_text("#live tr:has-text('Held')")
        assert page.get_attribute("#live th[data-service=fastapi]", "data-busy") == "0"
        for one in asked:
            one.result().raise_for_status()
        client.post("/live/load", json={"users": 37, "name": "a test"}).raise_for_status()
        page.wait_for_selector("text=37 users: a test", timeout=PATIENCE)
    page.wait_for_selector("text=No load test runs.", timeout=PATIENCE)
    for service in SERVICES:
        row = page.locator(f"#live th[data-service={service}]")
        assert number(row.get_attribute("data-memory") or "") > 10e6
    assert page.locator("#live polyline[data-service=flask]").first.get_attribute("points")


def test_what_is_posted_through_one_service_is_read_on_all_and_across_replicas(opened: Opened) -> None:
    session = opened.page.context.new_cdp_session(opened.page)
    sockets: dict[str, str] = {}  # URLs by the browser's request number
    session.send("Network.enable")
    session.on("Network.webSocketCreated", lambda event: sockets.update({event["requestId"]: event["url"]}))
    ids: dict[str, str] = {}
    session.on("Network.webSocketHandshakeResponseReceived", lambda event: ids.update({event["requestId"]: request_id(event)}))
    page = opened.show("talk")
    readers = page.locator(".reader")
    readers.nth(3).wait_for(timeout=PATIENCE)
    assert readers.count() == 4
    for reader in readers.all():
        reader.locator('text="connected"').wait_for()
    for service in SERVICES:
        page.fill("#talk-form [name=text]", f"through {service}")
        page.select_option("#talk-form select", service.name)
        page.click("#talk-form button")
        for reader in readers.all():
            reader.locator(f"li:has-text('through {service}')").wait_for(timeout=PATIENCE)
    for reader in readers.all():
        texts = [text for text in reader.locator("li").all_inner_texts() if "through" in text]
        assert [text.split()[2] for text in texts[:3]] == [str(service) for service in reversed(SERVICES)]
        reader.locator("li").first.locator("text=after").wait_for(timeout=PATIENCE)
    page.click("#talk-refused")
    page.wait_for_selector("text=WSGI cannot speak WebSocket")
    opened.said = [line for line in opened.said if "501" not in line]  # the answer that this test asked Flask for
    page.click("nav >> text=Facts")  # Nginx writes a socket's line when the socket closes
    of_django = [ids[number] for number, url in sockets.items() if "/django/" in url]
    replicas = {httpx.get(f"{TARGET}/live/requests/{one}").raise_for_status().json()["lines"][0]["upstream"] for one in of_django}
    assert len(of_django) == len(replicas) == 2


def test_a_reader_who_leaves_gives_the_worker_back(opened: Opened) -> None:
    page = opened.show("talk")
    page.locator('.reader[data-service=flask] >> text="connected"').wait_for()
    page.click("nav >> text=Live")
    page.wait_for_selector("#live th[data-service=flask][data-busy='0']", timeout=PATIENCE)


def test_a_reader_who_leaves_before_he_is_there_does_not_come(opened: Opened) -> None:
    held: list[Route] = []
    opened.page.route("**/boards?limit=1", lambda route: held.append(route))
    with opened.page.expect_request("**/boards?limit=1"):
        page = opened.show("talk")
    page.click("nav >> text=Facts")
    with page.expect_response("**/boards?limit=1"):
        held[0].continue_()
    page.wait_for_load_state("networkidle")
    assert [url for url in opened.asked if "/feed" in url] == []


def test_a_request_is_drawn_with_the_times_of_its_line(opened: Opened) -> None:
    page = opened.show("path")
    page.select_option("#path-form [name=service]", "django")
    page.select_option("#path-form [name=asked]", "query")
    page.click("#path-form button")
    page.wait_for_selector(".way[data-service=django] li")
    steps = page.locator("#path li")
    assert [text.split(" ")[0] for text in steps.all_inner_texts()] == ["Browser", "Nginx", "Daphne", "Django", "PostgreSQL"]
    own = [float(step.get_attribute("data-own") or "nan") for step in steps.all()]
    whole = [float(step.get_attribute("data-whole") or "nan") for step in steps.all()]
    assert abs(sum(own) - whole[0]) < 0.001
    assert whole[-1] == 0.1
    assert whole == sorted(whole, reverse=True)
    assert '"uri": "/django/query?seconds=0.1"' in page.inner_text("#path pre")


def test_no_step_of_a_way_is_shorter_than_what_it_contains(opened: Opened) -> None:
    """Nginx's times have a resolution of milliseconds: occasionally a request takes a millisecond less than its upstream."""

    def shorten(route: Route) -> None:
        found = route.fetch().json()
        line = found["lines"][0]
        line["request_time"] = float(line["upstream_time"]) - 0.001
        route.fulfill(json=found)

    opened.page.route("**/live/requests/*", shorten)
    page = opened.show("path")
    page.click("#path-form button")
    page.wait_for_selector("#path li")
    own = [float(step.get_attribute("data-own") or "nan") for step in page.locator("#path li").all()]
    assert min(own) >= 0


def test_the_reports_are_listed(opened: Opened) -> None:
    found = httpx.get(f"{TARGET}/results/").raise_for_status().json()
    page = opened.show("results")
    if any(re.fullmatch(r"\d{8}T\d{6}Z-.+", one["name"]) for one in found):
        page.click("#results tbody a >> nth=0")
        page.wait_for_selector("h1")
        assert "/results/" in page.url
    else:
        page.wait_for_selector("text=There is none yet")
