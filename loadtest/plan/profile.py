"""The cost of a service on this machine, as the laboratory measured it: every number comes from a measurement."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from math import isfinite, nan
from pathlib import Path

SERVICES = ("flask", "fastapi", "django")
PROFILES = Path(".run/profiles.json")


class ProfileError(Exception):
    """The file of profiles is not usable. The text is a sentence."""


@dataclass(frozen=True)
class Profile:
    """One service's costs. CPU time in seconds, memory in MiB."""

    service: str
    overhead: float  # CPU time of a request without work of its own
    shared_mib: float  # once, for any number of processes: the memory that they share
    process_mib: float  # each worker or replica, in addition to the shared memory
    thread_mib: float  # each thread after the first of its process
    request_mib: float  # each request that is held concurrently


# Measures the profile of one service, by name. The laboratory implements it.
MeasureProfile = Callable[[str], Profile]


def read(path: Path) -> dict[str, Profile]:
    """Return the profiles by service, empty where there is no file. Raise ProfileError where the file is not usable."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ProfileError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ProfileError(f"{path} is not JSON; remove it, and the services are measured again.") from error
    if not isinstance(found, list):
        raise ProfileError(f"{path} does not hold a list of profiles; remove it, and the services are measured again.")
    profiles = [profile(entry, path) for entry in found]
    return {one.service: one for one in profiles}


def profile(entry: object, path: Path) -> Profile:
    """Return the profile in ``entry``. Raise ProfileError, which names the invalid field."""
    if not isinstance(entry, Mapping) or entry.get("service") not in SERVICES:
        raise ProfileError(f"{path} holds a profile whose service is none of {', '.join(SERVICES)}.")
    numbers = {}
    for name in (field.name for field in fields(Profile) if field.name != "service"):
        value = entry.get(name)
        least = "more than 0" if name in ("overhead", "process_mib") else "0 or more"
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else nan
        if not isfinite(number) or number < 0 or (number == 0 and least == "more than 0"):
            raise ProfileError(f"{path}: {name} of {entry['service']} is {value!r}; accepted: a number, {least}.")
        numbers[name] = number
    return Profile(service=str(entry["service"]), **numbers)


def write(profiles: Sequence[Profile], path: Path) -> None:
    """Write all profiles, in place of those in the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps([asdict(one) for one in profiles], indent=2) + "\n", encoding="utf-8")
    partial.replace(path)
