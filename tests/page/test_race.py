"""Each preset of the race, run in a browser: the drawing shows what the services do."""

import os
import signal
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from runtime import proc
from tests.live import Event, wait_for, watching
from tests.measured import Measure
from tests.page.conftest import Opened, watched
from tests.page.race import choose, read, run
from tests.stack import EVENT_LOOPS, SECURE_PORT, TARGET

LOOPS = [service.name for service in EVENT_LOOPS]


def test_every_request_of_a_queue_is_answered_and_drawn(opened: Opened) -> None:
    lanes = run(opened.show("race"), "queue")
    flask = lanes["flask"]
    assert flask.slots
    assert flask.most <= flask.slots
    turns = 40 / flask.slots * 0.5
    assert flask.finish >= turns
    assert all((lanes[name].predicted or 0) > least for name, least in {"flask": turns, **dict.fromkeys(LOOPS, 0.5)}.items())
    for lane in lanes.values():
        assert [row["status"] for row in lane.rows] == [200] * 40
        assert all(row["bars"]["served"][1] - row["bars"]["served"][0] >= 499 for row in lane.rows)


@pytest.mark.measured
def test_each_finishes_when_it_is_predicted_to(opened: Opened, measure: Measure) -> None:
    for name, lane in run(opened.show("race"), "queue").items():
        assert lane.predicted
        measure.that(abs(lane.finish / lane.predicted - 1) < 0.2, f"{name}: {lane.finish} s, predicted {lane.predicted} s")


@pytest.mark.measured
def test_the_queue_is_four_at_a_time_against_all_at_once(opened: Opened, measure: Measure) -> None:
    lanes = run(opened.show("race"), "queue")
    flask = lanes["flask"]
    measure.that(flask.most == flask.slots, f"{flask.most} at once of {flask.slots} slots")
    for name in LOOPS:
        measure.that(lanes[name].most == 40, f"{name}: {lanes[name].most} of 40 at once")
        measure.that(0.5 <= lanes[name].finish < flask.finish / 2, f"{name}: {lanes[name].finish} s, flask: {flask.finish} s")


def test_a_blocked_loop_is_predicted_one_at_a_time(opened: Opened) -> None:
    lanes = run(opened.show("race"), "blocked")
    assert lanes["flask"].most <= (lanes["flask"].slots or 0)
    for name in LOOPS:
        turns = 12 / lanes[name].loops * 0.25
        assert (lanes[name].predicted or 0) > turns
        assert lanes[name].finish >= turns * 0.98


@pytest.mark.measured
def test_a_blocked_loop_ends_long_after_the_workers(opened: Opened, measure: Measure) -> None:
    lanes = run(opened.show("race"), "blocked")
    measure.that(
        lanes["fastapi"].finish > lanes["flask"].finish * 2, f"fastapi: {lanes['fastapi'].finish} s, flask: {lanes['flask'].finish} s"
    )


def test_work_for_the_cpu_is_shared_and_not_faster(opened: Opened) -> None:
    lanes = run(opened.show("race"), "cpu", requests=8)
    for lane in lanes.values():
        assert lane.predicted is None
        assert len(lane.rows) == 8
    assert lanes["flask"].most <= (lanes["flask"].slots or 0)


def test_quick_requests_wait_for_slow_ones_where_a_worker_waits(opened: Opened) -> None:
    """As many slow requests as Flask has workers: the quick ones wait for one to end, on a machine of any speed."""
    lanes = run(opened.show("race"), "neighbour", amount=1.5)
    assert lanes["flask"].finish >= 1.5
    assert lanes["flask"].longest_in_line() > 1000


@pytest.mark.measured
def test_quick_requests_wait_for_nothing_on_an_event_loop(opened: Opened, measure: Measure) -> None:
    lanes = run(opened.show("race"), "neighbour", amount=1.5)
    for name in LOOPS:
        measure.that(lanes[name].finish < 1.2, f"{name}: {lanes[name].finish} s")


def test_a_stream_comes_in_pieces(opened: Opened) -> None:
    for lane in run(opened.show("race"), "stream", amount=1).values():
        assert (lane.predicted or 0) > 1
        assert lane.finish >= 1
        assert min(row["pieces"] for row in lane.rows) > 0  # on a busy machine, many arrive together


@pytest.mark.measured
def test_a_stream_holds_a_worker_to_its_last_word(opened: Opened, measure: Measure) -> None:
    lanes = run(opened.show("race"), "stream", amount=1)
    flask = lanes["flask"]
    measure.that(flask.most == flask.slots, f"{flask.most} at once of {flask.slots} slots")
    measure.that(flask.longest_in_line() > 800, f"{flask.longest_in_line()} ms in line")
    for name in LOOPS:
        measure.that(lanes[name].most == 8, f"{name}: {lanes[name].most} of 8 at once")
    for lane in lanes.values():
        pieces = min(row["pieces"] for row in lane.rows)
        measure.that(pieces > 5, f"{pieces} pieces")


def test_a_bad_number_is_named_with_what_is_accepted(opened: Opened) -> None:
    page = opened.show("race")
    choose(page, "queue")
    for field, value in [("requests", "0"), ("requests", "81"), ("requests", "2.5"), ("requests", ""), ("amount", "9")]:
        usual = page.input_value(f"#race-{field}")
        page.fill(f"#race-{field}", value)
        before = len(opened.asked)
        page.evaluate("document.getElementById('race-error').textContent = ''")
        page.click("#race-start")
        assert "accepted is a" in page.inner_text("#race-error"), (field, value)
        assert page.evaluate("document.activeElement.id") == f"race-{field}", (field, value)
        assert len(opened.asked) == before, (field, value)
        page.fill(f"#race-{field}", usual)


@pytest.mark.measured
def test_a_browser_without_our_names_is_said_to_be_the_limit(opened: Opened, measure: Measure) -> None:
    """With HTTP/1.1 and one name, a browser sends six requests concurrently.

    The page draws this queue as the browser's, never as the server's.
    """
    opened.page.route("**://*.localhost:*/**", lambda route: route.abort())
    page = opened.show("race")
    lanes = run(page, "queue", requests=10, amount=0.3)
    assert "6 requests at once" in page.inner_text("#race-way")
    assert "The browser was a limit too" in page.inner_text("#race-result")
    for name in LOOPS:
        assert lanes[name].most <= 6
        measure.that(lanes[name].longest_in_line() < 250, f"{name}: {lanes[name].longest_in_line()} ms in line")
        own = max(row["bars"].get("browser", (0, 0))[1] for row in lanes[name].rows)
        measure.that(own > 400, f"{name}: {own} ms of the browser's own")
    opened.said = [line for line in opened.said if "localhost" not in line]  # for the names that are blocked here


@pytest.mark.measured
def test_what_the_browser_reads_late_is_its_own_and_not_the_servers(opened: Opened, measure: Measure) -> None:
    """The browser's network process is stopped while the answers arrive."""
    [network] = [pid for pid in proc.tree(os.getpid()) if b"NetworkService" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    page = opened.show("race")
    choose(page, "queue", requests=4, amount=1)
    with watching() as events:
        page.click("#race-start")
        wait_for(events, lambda event: busy(event) == 12)
        os.kill(network, signal.SIGSTOP)
        try:
            wait_for(events, lambda event: busy(event) == 0)
            next(events)  # half a second more
        finally:
            os.kill(network, signal.SIGCONT)
    lanes = read(page)
    assert "The browser was a limit too: it read an answer up to" in page.inner_text("#race-result")
    for lane in lanes.values():
        measure.that(lane.finish < 1.2, f"{lane.finish} s")
        late = max(row["bars"].get("late", (0, 0))[1] for row in lane.rows)
        measure.that(late > 1400, f"{late} ms late")


def test_what_ended_as_it_was_read_is_drawn_to_there(opened: Opened) -> None:
    """It ended a moment later by Nginx's clock, and travelled for 200 ms.

    Drawn from when it was sent, it would overlap with those before it.
    """
    begun, left = opened.show("race").evaluate(
        """async () => {
            const { tellLate } = await import("/js/log.js");
            const ask = { id: "one", known: true, app: 500, sent: 0, read: 700, end: 701 };
            const line = { request_id: "one", request_time: 0.5, ended: (Date.now() - performance.now() + 702) / 1000 };
            window.fetch = async () => new Response(JSON.stringify({ lines: [line] }));
            await tellLate([ask]);
            return [ask.begun, ask.left];
        }"""
    )
    assert (begun, left) == (200, 700)


def busy(event: Event) -> int:
    return sum(service["busy"] for service in event["services"].values())


def test_http_2_needs_no_other_names(browser: Browser, stack: None) -> None:
    context = browser.new_context(ignore_https_errors=True, reduced_motion="reduce")
    found = watched(context)
    found.page.goto(f"https://localhost:{SECURE_PORT}/#race")
    lanes = run(found.page, "queue", requests=20, amount=0.5)
    assert "HTTP/2" in found.page.inner_text("#race-way")
    assert lanes["flask"].most <= (lanes["flask"].slots or 0)
    assert found.said == []
    assert all(url.startswith(f"https://localhost:{SECURE_PORT}/") for url in found.asked)
    context.close()


def test_it_runs_by_keyboard_alone(opened: Opened) -> None:
    page = opened.show("race")
    page.wait_for_selector("#race-start:enabled")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "race-requests":
            break
    page.keyboard.press("Control+a")
    page.keyboard.type("4")
    page.keyboard.press("Enter")
    page.wait_for_selector(".lane[data-finish]")
    assert TARGET in page.url
