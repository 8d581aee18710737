"""The attack slow-readers."""

from loadtest.chaos.assault import assault

FAULT = assault("slow-readers", "Two hundred clients that ask for much and read almost nothing.")
