"""Results as tables, as a web page, and as text."""

import os
from pathlib import Path

# Where matplotlib keeps its font cache. Default: the home directory, but nothing may be written outside the checkout.
os.environ.setdefault("MPLCONFIGDIR", str(Path(__file__).resolve().parents[2] / ".cache" / "matplotlib"))
