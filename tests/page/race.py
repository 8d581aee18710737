"""A race on the page, run as a person does, and read from the drawing."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

LONGEST = 30_000  # milliseconds, time limit of a race
READ = """lane => [...lane.querySelectorAll('.row')].map(row => ({
    id: row.dataset.id, status: Number(row.dataset.status), pieces: row.querySelectorAll('.piece').length,
    bars: Object.fromEntries([...row.querySelectorAll('.bar:not(.piece)')].map(bar =>
        [bar.dataset.kind, [Number(bar.dataset.from), Number(bar.dataset.to)]]))}))"""


@dataclass
class Drawn:
    """What a lane shows: the bars of each request by their meaning, in milliseconds after the start."""

    rows: list[dict[str, Any]]
    most: int
    finish: float  # seconds
    predicted: float | None
    slots: int | None
    loops: int

    def longest_in_line(self) -> float:
        """Return the longest time in the queue, in milliseconds."""
        return max(to - begun for row in self.rows for begun, to in [row["bars"].get("queued", (0, 0))])


def choose(page: Page, preset: str, **fields: float) -> None:
    page.wait_for_selector("#race-start:enabled")
    page.check(f"input[value={preset}]")
    for name, value in fields.items():
        page.fill(f"#race-{name}", str(value))


def run(page: Page, preset: str, **fields: float) -> dict[str, Drawn]:
    """Choose a preset, press Start, and read each lane when the race is over."""
    choose(page, preset, **fields)
    page.click("#race-start")
    return read(page)


def read(page: Page) -> dict[str, Drawn]:
    """Wait until the race is over, and return each lane."""
    page.wait_for_selector("#race-start:enabled", timeout=LONGEST)
    result = page.inner_text("#race-result")
    assert "Next" in result, result
    found = {}
    for lane in page.query_selector_all(".lane"):
        data = lane.evaluate("lane => ({...lane.dataset})")
        found[data["service"]] = Drawn(
            lane.evaluate(READ),
            int(data["most"]),
            float(data["finish"]),
            float(data["predicted"]) if data["predicted"] else None,
            int(data["slots"]) if data["slots"] else None,
            int(data["loops"]),
        )
        assert data["failed"] == "0"
    return found
