"""The attack large-bodies."""

from loadtest.chaos.assault import assault

FAULT = assault("large-bodies", "Bodies of 100 MB, and bodies without an end.")
