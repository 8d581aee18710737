"""Each service has one colour, on the page and in the laboratory's reports, which every reader can see and tell from the others."""

import re
from itertools import combinations

import pytest

from loadtest.model import Chart
from loadtest.report.charts import draw
from runtime.compose_file import ROOT
from tests.unit.lab_results import DJANGO, FASTAPI, FLASK, cell, experiment

PAGE = (ROOT / "nginx" / "html" / "style.css").read_text()
REPORT = (ROOT / "loadtest" / "report" / "style.css").read_text()
SERVICES = ("flask", "fastapi", "django")
SCHEMES = ("light", "dark")
# Contrast ratios of WCAG 2.2: 1.4.3 for text, 1.4.11 for graphics.
TEXT, DRAWN = 4.5, 3.0
# Distance in Oklab, where black to white is 1. About five times the just noticeable difference.
APART = 0.1
Linear = tuple[float, ...]
# Colour vision deficiencies at full severity, by Machado, Oliveira and Fernandes (2009).
SIGHT = {
    "every cone": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "no green": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "no blue": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
OKLAB = (
    ((0.4122214708, 0.5363325363, 0.0514459929), (0.2119034982, 0.6806995451, 0.1073969566), (0.0883024619, 0.2817188376, 0.6299787005)),
    ((0.2104542553, 0.7936177850, -0.0040720468), (1.9779984951, -2.4285922050, 0.4505937099), (0.0259040371, 0.7827717662, -0.8086757660)),
)


def of_page(name: str, scheme: str) -> str:
    """Return the page's colour. The page has both in one place: ``light-dark(#fff, #000)``."""
    found = re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\)", PAGE)
    assert found, name
    return full(found[1 + SCHEMES.index(scheme)])


def of_report(name: str, scheme: str) -> str:
    """Return the report's colour. The report has both schemes one after the other."""
    return full(re.findall(rf"--{name}: (#\w+);", REPORT)[SCHEMES.index(scheme)])


def full(colour: str) -> str:
    return colour if len(colour) == 7 else "#" + "".join(2 * digit for digit in colour[1:])


def linear(colour: str) -> Linear:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return tuple(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)


def times(matrix: tuple[tuple[float, ...], ...], vector: Linear) -> Linear:
    return tuple(sum(one * other for one, other in zip(row, vector, strict=True)) for row in matrix)


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted(times(((0.2126, 0.7152, 0.0722),), linear(colour))[0] for colour in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def seen(colour: str, sight: str) -> Linear:
    """Return the colour in Oklab, as an eye with this kind of vision sees it."""
    light = (min(1.0, max(0.0, part)) for part in times(SIGHT[sight], linear(colour)))
    return times(OKLAB[1], tuple(part ** (1 / 3) for part in times(OKLAB[0], tuple(light))))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_the_same_colour_on_the_page_and_in_a_report(service: str, scheme: str) -> None:
    assert of_page(service, scheme) == of_report(service, scheme)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("service", SERVICES)
def test_it_is_read_as_text_and_seen_as_a_bar(service: str, scheme: str) -> None:
    colour = of_page(service, scheme)
    assert contrast(colour, of_page("ground", scheme)) >= TEXT
    assert contrast(colour, of_page("raised", scheme)) >= DRAWN
    assert contrast(colour, of_report("back", scheme)) >= DRAWN


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_three_are_told_apart_by_every_colour_vision(scheme: str, sight: str) -> None:
    for one, other in combinations(SERVICES, 2):
        pairs = zip(seen(of_page(one, scheme), sight), seen(of_page(other, scheme), sight), strict=True)
        assert sum((left - right) ** 2 for left, right in pairs) ** 0.5 >= APART, (one, other)


@pytest.mark.parametrize("kind", ["lines", "bars"])
def test_a_chart_gives_a_service_its_colour_wherever_it_stands(kind: str) -> None:
    names = ("the bare server", DJANGO, FASTAPI, FLASK, "Flask, 8 sync workers", *(f"number {number}" for number in range(8)))
    drawing = draw(experiment(*(cell(name, 1, throughput=10.0) for name in names), chart=Chart(kind, "throughput")), "c")  # type: ignore[arg-type]
    found = {key.text: key for key in drawing.legend if key.text in names}
    assert [found[name].colour for name in (FLASK, FASTAPI, DJANGO)] == ["--flask", "--fastapi", "--django"]
    others = [key for name, key in found.items() if name not in (FLASK, FASTAPI, DJANGO)]
    assert all(key.colour.startswith("--series-") for key in others)
    assert len({(key.colour, key.shape) for key in found.values()}) == len(names)
    assert all(f"var({key.colour})" in str(drawing.svg) for key in found.values())
