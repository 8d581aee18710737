"""The attack slowloris."""

from loadtest.chaos.assault import assault

FAULT = assault("slowloris", "Five hundred connections that send a header and never its end.")
