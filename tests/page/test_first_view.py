"""A person who opens the page and does nothing sees a race, and in each view something to start from."""

import json
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from tests.live import wait_for, watching
from tests.page.conftest import Opened
from tests.page.race import read, run
from tests.stack import SERVICES, TARGET

REQUESTS = 16  # to each service, in a demonstration
MOST_REQUESTS = 200  # in total, with the page itself and its earlier requests
LABELS = {"flask": "Flask", "fastapi": "FastAPI", "django": "Django"}
LOAD = {"users": 40, "name": "make load"}
LARGEST_LETTERS = """() => Math.max(...[...document.querySelectorAll('body *')]
    .filter(one => one.checkVisibility() && one.textContent.trim()).map(one => parseFloat(getComputedStyle(one).fontSize)))"""
COLOUR = "(one, where) => getComputedStyle(one)[where]"


def raced(opened: Opened) -> int:
    """Return the number of requests that a race sent."""
    return len([url for url in opened.asked if re.search(r"/(flask|fastapi|django)/wait", url)])


def told(page: Page, load: Any = None, busy: int = 0) -> None:
    """Let the monitor send this event and nothing else."""
    event = {"time": 0, "load": load, "services": {service.name: {"busy": busy} for service in SERVICES}}
    body = f"data: {json.dumps(event)}\n\n"
    page.route("**/live/events", lambda route: route.fulfill(content_type="text/event-stream", body=body))


def at_rest(opened: Opened) -> Page:
    """Return the race view when no request is in flight."""
    page = opened.show("race")
    page.wait_for_selector("#race-start:enabled")
    page.wait_for_load_state("networkidle")
    return page


def test_the_race_starts_a_small_demonstration_by_itself_once(moving: Opened) -> None:
    with watching() as events:
        wait_for(events, lambda event: not any(service["busy"] for service in event["services"].values()))
    page = moving.show("race")
    page.wait_for_selector("#race-finding[data-state=measured]")
    assert "small demonstration" in page.inner_text("#race-label")
    lanes = read(page)
    assert [len(lane.rows) for lane in lanes.values()] == [REQUESTS] * 3
    page.click("nav >> text=Facts")
    page.click("nav >> text=Race")
    page.click("nav >> text=Path")
    page.wait_for_selector("#path li")
    assert raced(moving) == REQUESTS * 3
    assert len([url for url in moving.asked if "/live/events" in url]) == 1  # so it did not consider a second one
    assert len(moving.asked) < MOST_REQUESTS


def test_with_reduced_motion_it_shows_the_prediction_and_sends_no_race(opened: Opened) -> None:
    page = at_rest(opened)
    assert "less motion" in page.inner_text("#race-label")
    assert page.get_attribute("#race-finding", "data-state") == "predicted"
    assert re.fullmatch(r"Flask [\d.]+ s, FastAPI [\d.]+ s, Django [\d.]+ s: Flask holds \d+ at once", page.inner_text("#race-finding"))
    assert page.locator(".lane .ghost").count() == 40 * 3
    page.fill("#race-requests", "8")
    assert page.locator(".lane .ghost").count() == 8 * 3
    assert raced(opened) == 0


@pytest.mark.parametrize(
    ("now", "words"), [({"load": LOAD}, "A load test runs (make load)"), ({"busy": 1}, "The services are busy")], ids=["measured", "busy"]
)
def test_it_disturbs_nothing_that_runs(moving: Opened, now: dict[str, Any], words: str) -> None:
    told(moving.page, **now)
    page = at_rest(moving)
    assert words in page.inner_text("#race-label")
    assert page.locator(".lane .ghost").count() == 40 * 3
    assert raced(moving) == 0


def test_it_waits_until_its_tab_is_seen(moving: Opened) -> None:
    page = moving.page
    told(page)
    page.add_init_script("window.unseen = true; Object.defineProperty(document, 'hidden', {get: () => window.unseen})")
    moving.show("race")
    page.wait_for_selector("#race-way:has-text('HTTP')")
    page.wait_for_load_state("networkidle")
    assert raced(moving) == 0
    page.evaluate("window.unseen = false; document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_selector("#race-finding[data-state=measured]")
    assert raced(moving) == REQUESTS * 3


def test_it_leaves_the_race_to_whoever_has_chosen_one(moving: Opened) -> None:
    held: list[Route] = []
    moving.page.route("**/live/events", lambda route: held.append(route))
    with moving.page.expect_request("**/live/events"):
        page = moving.show("race")
    page.check("input[value=blocked]")
    held[0].fulfill(status=404)
    page.wait_for_selector("#race-start:enabled")
    page.wait_for_load_state("networkidle")
    assert raced(moving) == 0
    assert "a blocked loop runs 1 at a time" in page.inner_text("#race-finding")
    moving.said = [line for line in moving.said if "404" not in line]  # the answer of this test


def test_the_finding_says_when_each_was_done_in_the_largest_letters(opened: Opened) -> None:
    page = opened.show("race")
    lanes = run(page, "queue", requests=8, amount=0.3)
    times = ", ".join(f"{label} {lanes[name].finish:.1f} s" for name, label in LABELS.items())
    assert page.inner_text("#race-finding") == f"{times}: Flask holds {lanes['flask'].slots} at once"
    assert page.eval_on_selector("#race-finding", "one => parseFloat(getComputedStyle(one).fontSize)") == page.evaluate(LARGEST_LETTERS)


def test_the_finding_gives_no_time_to_a_service_that_failed(opened: Opened) -> None:
    opened.page.route("**/flask/wait*", lambda route: route.fulfill(status=503, headers={"Access-Control-Allow-Origin": "*"}))
    page = at_rest(opened)
    page.fill("#race-requests", "4")
    page.click("#race-start")
    page.wait_for_selector("#race-finding[data-state=measured]")
    assert page.inner_text("#race-finding").startswith("Flask failed, FastAPI ")
    assert "4 FAILED" in page.inner_text(".lane[data-service=flask] .said")
    opened.said = [line for line in opened.said if "503" not in line]


def test_bars_are_in_the_order_in_which_they_began_to_be_served(opened: Opened) -> None:
    page = opened.show("race")
    lanes = run(page, "queue", requests=12, amount=0.2)
    for name, lane in lanes.items():
        begun = [row["bars"]["served"][0] for row in lane.rows]
        assert begun == sorted(begun)
        tops = [row.bounding_box() for row in page.query_selector_all(f".lane[data-service={name}] .row")]
        assert all(above and below and above["y"] < below["y"] for above, below in pairwise(tops))


def live(page: Page) -> None:
    page.wait_for_selector("#live th[data-service=flask][data-memory]")
    assert "0 of 4" in page.inner_text("#live tr:has-text('Held')")
    assert page.locator("#live tbody .note").count() == page.locator("#live tbody tr").count()
    assert all(text for text in page.locator("#live .chart .note").all_inner_texts())


def talk(page: Page) -> None:
    page.wait_for_selector("#talk .label:has-text('messages so far')")
    assert page.eval_on_selector(".messages", "one => getComputedStyle(one, '::before').content") != "none"


def path(page: Page) -> None:
    page.wait_for_selector("#path li")
    assert "A sample, sent by this page" in page.inner_text("#path .label")
    assert re.fullmatch(r"[\d.]+ m?s, of which [\d.]+ m?s are .+'s own", page.inner_text("#path .finding"))


def results(page: Page) -> None:
    page.wait_for_selector("#results .finding")
    assert page.locator("#results dd:visible").count() == page.locator("#results dt:visible").count() > 8


def facts(page: Page) -> None:
    assert "A worker holds one request" in page.inner_text("#facts .finding")


@pytest.mark.parametrize("look", [live, talk, path, results, facts])
def test_each_view_has_something_to_go_by_at_first(opened: Opened, look: Callable[[Page], None]) -> None:
    look(opened.show(look.__name__))


@pytest.mark.parametrize(("verdicts", "words"), [({"load": "holds"}, "load: holds"), (None, "load: open the newest report")])
def test_results_begins_with_the_newest_report(opened: Opened, verdicts: dict[str, str] | None, words: str) -> None:
    files = [{"name": "report.html"}, *([{"name": "verdicts.json"}] if verdicts else [])]
    folders = [{"name": name} for name in ("20260101T000000Z-lab", "20260102T000000Z-load", "latest")]
    answers: dict[str, Any] = {"/results/": folders, "verdicts.json": verdicts, "": files}

    def listed(route: Route) -> None:
        route.fulfill(json=next(found for end, found in answers.items() if route.request.url.endswith(end)))

    opened.page.route("**/results/**", listed)
    page = opened.show("results")
    assert page.inner_text("#results .finding") == words
    assert page.get_attribute("#results .finding a", "href") == "/results/20260102T000000Z-load/report.html"


def test_path_sends_one_sample_and_no_more(opened: Opened) -> None:
    page = opened.show("path")
    page.wait_for_selector("#path li")
    page.click("nav >> text=Facts")
    page.click("nav >> text=Path")
    live(opened.show("live"))
    assert len([url for url in opened.asked if "/upstream" in url]) == 1


def test_the_live_view_sends_some_requests_when_it_is_asked_to(opened: Opened) -> None:
    page = opened.show("live")
    with page.expect_response("**/django/wait*"):
        page.click("#live-send")
    page.wait_for_selector("#live-send:enabled")
    assert raced(opened) == 8 * 3


def test_a_service_has_one_colour_in_every_view(opened: Opened) -> None:
    page = opened.show("race")
    run(page, "queue", requests=4, amount=0.05)
    page.click("nav >> text=Live")
    page.wait_for_selector("#live polyline[points]")
    for service in SERVICES:
        mine = f"[data-service={service}]"
        colours = {
            page.eval_on_selector(selector, COLOUR, where)
            for selector, where in (
                (f".lane{mine} .row .served", "backgroundColor"),
                (f".lane{mine} b", "color"),
                (f".lane{mine} .track", "borderLeftColor"),
                (f"#race-finding {mine}", "color"),
                (f"#live polyline{mine}", "stroke"),
                (f"#live .key{mine}", "borderTopColor"),
                (f"#live .finding {mine}", "color"),
            )
        }
        page.click("nav >> text=Talk")
        page.wait_for_selector(f".reader{mine}")
        colours.add(page.eval_on_selector(f".reader{mine}", COLOUR, "borderTopColor"))
        page.click("nav >> text=Path")
        page.select_option("#path-form [name=service]", service.name)
        page.click("#path-form button")
        page.wait_for_selector(f".way{mine} .own")
        colours.add(page.eval_on_selector(f".way{mine} .own", COLOUR, "backgroundColor"))
        assert len(colours) == 1, (service, colours)
        page.click("nav >> text=Live")
    assert page.url.startswith(TARGET)


@pytest.mark.parametrize(
    ("plan", "holds", "finish"),
    [
        ([(0, 1.0)] * 8, {"slots": 4, "loops": 4, "cost": 10}, 2.02),  # two turns, each with the cost of a request
        ([(0, 1.0)] * 7 + [(500, 1.0)], {"slots": None, "loops": 1, "cost": 10}, 1.51),  # counted from when the last was sent
        ([(500, 1.0)] * 4 + [(0, 1.0)] * 4, {"slots": 4, "loops": 4, "cost": 0}, 2.0),  # first in, first out
        ([(0, 0.2)] * 3, {"slots": None, "loops": 1, "cost": 0, "blocks": True}, 0.6),  # a blocked loop is one place
        ([(0, None)], {"slots": 4, "loops": 4, "cost": 10}, None),
    ],
    ids=["turns", "sent late", "in their order", "blocked", "not known"],
)
def test_a_finish_is_predicted_from_when_requests_were_sent_and_what_one_costs(
    loaded: Page, plan: list[tuple[float, float | None]], holds: dict[str, Any], finish: float | None
) -> None:
    found = loaded.evaluate(
        """async ({ plan, sent, holds }) => {
            const { predict, finish } = await import("/js/prediction.js");
            return finish(plan, predict(plan, sent, holds, holds.blocks));
        }""",
        {"plan": [{"wait": wait} for _, wait in plan], "sent": [sent for sent, _ in plan], "holds": holds},
    )
    assert found == (None if finish is None else pytest.approx(finish))


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({}, ""),
        ({"finished": 1100}, ""),
        ({"over": 80}, "FastAPI finished 400 ms later than predicted. Likely cause: the CPU."),
        ({"known": False}, "the browser's connections"),
        ({"told": False}, "the browser's connections"),
        ({"line": 80}, "a busy CPU. Requests waited up to 80 ms"),
        ({"stalled": 300}, "a busy machine"),
        ({"slots": 4, "most": 3}, "only 3 of its 4 places took part"),
        ({"failed": 2}, "2 of its requests failed"),
        ({"finished": 600}, "FastAPI finished 400 ms sooner than predicted"),
    ],
    ids=["none", "near", "CPU", "not sent", "not logged", "line", "timers", "places", "failed", "sooner"],
)
def test_a_miss_is_explained(loaded: Page, seen: dict[str, Any], words: str) -> None:
    usual = {"service": "fastapi", "predicted": 1000, "finished": 1400 if seen else 1000, "failed": 0, "known": True, "told": True}
    usual |= {"slots": None, "most": 12, "requests": 12, "over": 2, "line": 2, "stalled": 5}
    said = loaded.evaluate("async (seen) => (await import('/js/report.js')).explain(seen)", usual | seen)
    assert said.startswith(words) if words.startswith("FastAPI") or not words else words in said
    assert bool(said) == bool(words)
