"""The attack slow-requests."""

from loadtest.chaos.assault import assault

FAULT = assault("slow-requests", "One client with sixty requests that wait for thirty seconds.", short=True)
