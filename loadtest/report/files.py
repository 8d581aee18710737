"""A run in a folder of its own: results.json, and the reports for readers that are made from it."""

import json
import re
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from loadtest.report.page import page
from loadtest.report.schema import ReportError, restore, wrong
from loadtest.report.text import markdown
from loadtest.results import Results

FORMAT = Results.format
RESULTS = Path("results")


def write(results: Results, folder: Path) -> Path:
    """Write a new folder below ``folder``, point ``latest`` to it, and return it.

    Raise ReportError where the results do not match the schema. results.json is kept even then, since a run may have taken hours.
    Raise OSError where nothing can be written.
    """
    made = folder_of(folder, results.name)
    put(results, made)
    return made


def folder_of(folder: Path, name: str) -> Path:
    """Create a folder below ``folder`` for a run of that name, and return it."""
    plain = re.sub(r"[^\w.-]+", "-", name).strip("-.")[:80] or "run"
    return new_folder(folder, f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{plain}")


def put(results: Results, made: Path) -> None:
    """Write a run to its folder, replacing older files, and point ``latest`` to it. Raise the same errors as ``write``."""
    source = made / "results.json"
    replace_text(source, json.dumps(asdict(results), indent=1) + "\n")
    parsed(source)
    draw_into(results, made)
    point(made.parent / "latest", made.name)


def replace_text(file: Path, text: str) -> None:
    """Replace a file atomically: after a crash, or for a concurrent reader, it holds either the old text or the new one."""
    new = file.with_name(f".{file.name}.new")
    new.write_text(text, encoding="utf-8", errors="replace")  # an error's text may contain a lone surrogate
    new.replace(file)


def read(path: Path | str, results: Path = RESULTS) -> Results:
    """Return the results in a folder, in a results.json, or of the newest run (``latest``, below ``results``).

    Raise ReportError with a sentence where there are none that this program can read.
    """
    return parsed(found(path, results))


def draw(path: Path | str, results: Path = RESULTS) -> Path:
    """Recreate the page and the text of a run from its results.json alone; return its folder."""
    source = found(path, results)
    draw_into(parsed(source), source.parent)
    return source.parent


def found(path: Path | str, results: Path) -> Path:
    """Return the results.json that ``path`` names. Raise ReportError where there is none."""
    meant = results / "latest" if str(path) == "latest" else Path(path)
    file = meant / "results.json" if meant.is_dir() else meant
    if not file.is_file():
        raise ReportError(f"There are no results at {path}; accepted: the folder of a run, its results.json, or latest.")
    return file


def parsed(file: Path) -> Results:
    """Return the results that a file holds. Raise ReportError where they are not valid."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"), parse_constant=refuse)
    except OSError as error:
        raise ReportError(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError as error:  # includes text that is not UTF-8
        raise ReportError(f"{file} is not JSON: {error}.") from None
    found_format = document.get("format") if isinstance(document, dict) else None
    if found_format != FORMAT:
        stated = "has no format" if found_format is None else f"has format {found_format!r}"
        raise ReportError(f"{file} {stated}; this version reads format {FORMAT}.")
    if problem := wrong(document):
        raise ReportError(f"{file} is not valid: {problem}.")
    return restore(document)


def refuse(constant: str) -> float:
    """Raise ValueError for NaN and Infinity. Python reads them, but JSON does not have them, and they allow no conclusion."""
    raise ValueError(f"{constant} is not a number")


def new_folder(parent: Path, name: str) -> Path:
    """Create a folder under a name that is free, and return it: two runs may start in the same second."""
    parent.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        made = parent / (name if number == 1 else f"{name}-{number}")
        try:
            made.mkdir()
        except FileExistsError:
            continue
        return made
    raise AssertionError("count() does not end")


def draw_into(results: Results, folder: Path) -> None:
    """Write the files for readers."""
    for name, text in (("report.html", page(results)), ("report.md", markdown(results))):
        replace_text(folder / name, text)
    verdicts = {experiment.name: experiment.verdict.outcome for experiment in results.experiments}
    replace_text(folder / "verdicts.json", json.dumps(verdicts) + "\n")  # for a list of many runs


def point(link: Path, target: str) -> None:
    """Replace a symbolic link atomically: a concurrent reader finds either the old run or the new one."""
    new = link.with_name(f".{link.name}-{target}")
    new.unlink(missing_ok=True)  # left by a run that was killed between the next two steps
    new.symlink_to(target)
    new.replace(link)
