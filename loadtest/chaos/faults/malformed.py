"""The attack malformed."""

from loadtest.chaos.assault import assault

FAULT = assault("malformed", "Ten thousand requests that are not quite HTTP, or that hide another.", seconds=90)
