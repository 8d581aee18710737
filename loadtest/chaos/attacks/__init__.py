"""Attacks: malicious clients, each limited in time and number. One module is one attack."""

from loadtest.chaos.attacks import flood, large_bodies, malformed, slow_readers, slow_requests, slow_uploads, slowloris, whole_uploads
from loadtest.chaos.attacks.model import Attack, Tally, Target

ATTACKS: dict[str, Attack] = {
    "slowloris": slowloris.attack,
    "slow-readers": slow_readers.attack,
    "slow-uploads": slow_uploads.attack,
    "slow-requests": slow_requests.attack,
    "whole-uploads": whole_uploads.attack,
    "flood": flood.attack,
    "large-bodies": large_bodies.attack,
    "malformed": malformed.attack,
}

__all__ = ["ATTACKS", "Attack", "Tally", "Target"]
