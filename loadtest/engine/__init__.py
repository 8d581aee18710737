"""Carry out a run: start and watch the servers, request the load, and restore the machine."""

import sys

from runtime.compose_file import ROOT

# The services' middleware writes counters. The module for their file format is in services/shared (twogates.http.counters).
sys.path.insert(0, str(ROOT / "services" / "shared"))
