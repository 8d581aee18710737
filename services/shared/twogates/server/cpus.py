"""The number of CPUs that this process may use. In a container it differs from the number that the host has."""

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def cpus_given(cgroup: Path = CGROUP) -> int:
    """Return the number of whole CPUs that this process may use, at least 1.

    It is the smallest of three limits: ``CPUS`` (set where no cgroup carries the limit, as in the
    local runtime), the cgroup's CPU quota (version 2, else version 1), and the scheduler's affinity
    mask (cpuset). A fractional limit is rounded up: half a CPU still runs one worker.

    ``os.cpu_count()`` would return the host's CPUs. On a 64-core host, a container limited to one CPU
    would then start 129 workers by the usual formula (2n + 1).
    """
    limits: list[float] = [len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1]
    quota = cgroup_quota(cgroup)
    if quota is not None:
        limits.append(quota)
    if os.environ.get("CPUS"):
        limits.append(float(os.environ["CPUS"]))
    return max(1, math.ceil(min(limits)))


def cgroup_quota(cgroup: Path) -> float | None:
    """Return the CPUs that the cgroup's quota allows, ``None`` if there is no limit.

    Version 2 has ``quota period`` in microseconds in ``cpu.max``; ``max`` means no limit. Version 1
    has one file for each of the two; -1 means no limit.
    """
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (cgroup / "cpu/cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu/cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    return None if quota in ("max", "-1") else int(quota) / int(period)
