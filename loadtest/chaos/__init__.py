"""The chaos suite: faults on a stack of its own under a steady open load, and what each one cost."""

from typing import Literal

Setting = Literal["configured", "plain"]
SETTINGS: tuple[Setting, Setting] = ("configured", "plain")
