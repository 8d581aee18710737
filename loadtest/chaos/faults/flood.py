"""The attack flood."""

from loadtest.chaos.assault import assault

FAULT = assault("flood", "One client that asks as fast as it is answered.")
