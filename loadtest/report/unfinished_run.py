"""The folder of an unfinished run: it is written after each experiment, so that an interrupted run can be resumed.

While an experiment is missing, the folder contains ``run.json``: the run's options, and the conditions that its numbers depend on.
"""

import json
import shlex
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from loadtest.report.compare import differences
from loadtest.report.files import folder_of, parsed, put, replace_text
from loadtest.report.schema import ReportError
from loadtest.results import Results, Session

STATE = "run.json"


class Kept:
    """``before`` holds the results from before an interruption. The folder ``place`` is created when there is something to write."""

    def __init__(self, folder: Path, name: str, options: Mapping[str, Any], conditions: Mapping[str, Any]) -> None:
        self.folder, self.name, self.options, self.conditions = folder, name, dict(options), dict(conditions)
        self.place: Path | None = None
        self.before: Results | None = None
        self.done: list[str] = []

    @classmethod
    def newest(cls, folder: Path) -> Self:
        """Return the newest interrupted run below ``folder``. Raise ReportError where there is none."""
        places = sorted(file.parent for file in folder.glob(f"*/{STATE}") if not file.parent.is_symlink())
        if not places:
            raise ReportError(f"There is nothing to continue in {folder}: each run there is finished. Start one with: make lab")
        try:
            state = json.loads((places[-1] / STATE).read_text(encoding="utf-8"))
            found = cls(folder, state["name"], state["options"], state["conditions"])
        except (OSError, ValueError, KeyError, TypeError):
            raise ReportError(f"{places[-1] / STATE} cannot be read. Remove it, and the run before it can be continued") from None
        found.place = places[-1]
        if (file := places[-1] / "results.json").is_file():
            before = parsed(file)
            found.before = replace(before, experiments=[one for one in before.experiments if one.verdict.outcome != "failed"])
            found.done = [one.name for one in found.before.experiments]
        return found

    def check(self, conditions: Mapping[str, Any]) -> None:
        """Raise ReportError where the conditions have changed: one report must not mix numbers from different conditions."""
        if changed := differences(self.conditions, conditions):
            what = "; ".join(f"{name} was {before} and is {now}" for name, before, now in changed)
            raise ReportError(
                f"{self.place} cannot be continued, since a report must not mix what is not alike: {what}. "
                f"Measure the rest by itself: make lab X={shlex.quote(' '.join(self.missing))}"
            )

    @property
    def missing(self) -> list[str]:
        """The experiments that still have to run, in order."""
        return [name for name in self.options["experiments"] if name not in self.done]

    @property
    def left(self) -> str:
        """What exists of a run that ends early, and how to resume it."""
        if self.place is None:
            return "Nothing was written and nothing is left running."
        total = len(self.options["experiments"])
        done = total - len(self.missing)
        return f"{done} of {total} experiments are in {self.place}, and nothing is left running. Continue with: make lab RESUME=1"

    def write(self, results: Results) -> Results:
        """Write the results together with those from before an interruption, and return all of them.

        Raise ReportError and OSError as files.write does.
        """
        place, whole = self.made(), self.whole(results)
        put(whole, place)
        self.done = [one.name for one in whole.experiments if one.verdict.outcome != "failed"]
        if not self.missing:
            (place / STATE).unlink(missing_ok=True)
        return whole

    def log(self, experiment: str, error: Exception) -> Path:
        """Write the traceback of a failed experiment to a file beside the report, and return its path."""
        file = self.made() / f"{experiment}.log"
        file.write_text("".join(traceback.format_exception(error)), encoding="utf-8", errors="replace")
        return file

    def made(self) -> Path:
        """Return the folder of the run; create it the first time."""
        if self.place is None:
            self.place = folder_of(self.folder, self.name)
            state = {"name": self.name, "options": self.options, "conditions": self.conditions}
            replace_text(self.place / STATE, json.dumps(state, indent=1) + "\n")
        return self.place

    def whole(self, results: Results) -> Results:
        """Return all results of the run, in order.

        The manifest names the missing experiments, and says when each of the others was measured.
        """
        before = self.before.experiments if self.before else []
        found = {one.name: one for one in (*before, *results.experiments)}
        names = [name for name in self.options["experiments"] if name in found]
        manifest = {**results.manifest}
        if missing := [name for name in self.options["experiments"] if name not in found]:
            manifest["not measured yet"] = missing
        if not self.before:
            return replace(results, name=self.name, experiments=[found[name] for name in names], manifest=manifest)
        manifest["sittings"] = [*sittings(self.before), *sittings(results)]
        session = both(self.before.session, results.session)
        return replace(results, name=self.name, experiments=[found[name] for name in names], manifest=manifest, session=session)


def sittings(results: Results) -> Sequence[Mapping[str, Any]]:
    """Return what was measured when, and on which commit and calibration; for a resumed run, each of its parts."""
    if "sittings" in results.manifest:
        return list(results.manifest["sittings"])
    facts = {name: results.manifest.get(name) for name in ("time", "commit")}
    measured = [one.name for one in results.experiments]
    return [{**facts, "experiments": measured, "ceiling": results.session.ceiling, "noise": results.session.noise}]


def both(a: Session, b: Session) -> Session:
    """Return the worse values of two calibrations.

    A report has only one calibration, and a comparison must not claim a precision that one of the sessions did not have.
    """
    return Session(
        ceiling=min(a.ceiling, b.ceiling),
        idle_lag=max(a.idle_lag, b.idle_lag),
        generators=b.generators,
        noise={name: max(one.noise.get(name, 0.0) for one in (a, b)) for name in {**a.noise, **b.noise}},
        second_opinions=[*a.second_opinions, *b.second_opinions],
    )
