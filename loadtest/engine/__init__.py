"""What carries a run out: servers started and watched, load asked for, and the machine left as it was."""

import sys

from runtime.compose_file import ROOT

# The services' middleware writes counters, and the format of them lies beside it (twogates.http.counters).
sys.path.insert(0, str(ROOT / "services" / "shared"))
