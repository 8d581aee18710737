"""The page of a run: one file that needs nothing else, no network and no script."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from loadtest.judging.steadiness import sentence
from loadtest.metrics import duration, number
from loadtest.report import rows
from loadtest.results import Results

if TYPE_CHECKING:
    from loadtest.report.charts import Drawing

ENVIRONMENT = Environment(
    loader=PackageLoader("loadtest", "report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
ENVIRONMENT.globals.update(number=number, duration=duration, rows=rows)


def page(results: Results) -> str:
    """The whole page."""
    # Not above: matplotlib takes longer to import than all else together, and a command that is refused draws nothing.
    from loadtest.report.charts import draw

    results = results.marked()
    drawings = [draw(experiment, f"chart-{place}") for place, experiment in enumerate(results.experiments, 1)]
    return ENVIRONMENT.get_template("page.html").render(
        results=results,
        pace=sentence(results),
        drawings=[(drawing, safe(drawing)) for drawing in drawings],
        manifest=[(name, in_words(value)) for name, value in results.manifest.items()],
        time=results.manifest.get("time", ""),
    )


def safe(drawing: "Drawing") -> Markup | None:
    """The SVG, which matplotlib has escaped already."""
    return None if drawing.svg is None else Markup(drawing.svg)  # noqa: S704


def in_words(value: Any) -> str:
    """A value of the manifest in a line."""
    if value is None:
        return "unknown"
    if value in ("", [], {}):
        return "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {in_words(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(in_words, value))
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)
