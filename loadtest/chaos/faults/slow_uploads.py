"""The attack slow-uploads."""

from loadtest.chaos.assault import assault

FAULT = assault("slow-uploads", "Two hundred clients that send a body a byte at a time.")
