"""The page of a run: a single self-contained file, without network access and without scripts."""

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
    """Return the page as HTML."""
    # Not at the top: importing matplotlib takes longer than all other imports together, and a refused command draws nothing.
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
    """Return the SVG as safe markup: matplotlib has escaped it already."""
    return None if drawing.svg is None else Markup(drawing.svg)  # noqa: S704


def in_words(value: Any) -> str:
    """Return a value of the manifest as one line of text."""
    if value is None:
        return "unknown"
    if value in ("", [], {}):
        return "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {in_words(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(in_words, value))
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)
