"""The chaos suite: inject faults into a separate stack under a steady open load, and measure what each fault costs."""

from typing import Literal

Setting = Literal["configured", "plain"]
SETTINGS: tuple[Setting, Setting] = ("configured", "plain")
