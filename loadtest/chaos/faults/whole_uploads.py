"""The attack whole-uploads."""

from loadtest.chaos.assault import assault

FAULT = assault("whole-uploads", "Twenty uploads of 8 MiB to Django that are completed together.", short=True)
