"""The table, and the folder of a run."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtest.chaos.results import ChaosResults
from loadtest.report.files import new_folder


def write(results: ChaosResults, folder: Path) -> Path:
    made = new_folder(folder, f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-chaos")
    (made / "chaos.json").write_text(json.dumps(asdict(results), indent=1) + "\n")
    return made


def table(results: ChaosResults) -> None:
    for one in results.cases:
        print(one.setting, one.line)
