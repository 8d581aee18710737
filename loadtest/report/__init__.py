"""Results as a table, a page, and a text."""

import os
from pathlib import Path

# Where matplotlib keeps what it knows of fonts; by default in the home directory, and nothing is written outside the checkout.
os.environ.setdefault("MPLCONFIGDIR", str(Path(__file__).resolve().parents[2] / ".cache" / "matplotlib"))
