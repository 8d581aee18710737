"""How many CPUs a process may use."""

import os
from pathlib import Path

import pytest

from twogates.server.cpus import cgroup_quota, cpus_given


def version_2(cgroup: Path, content: str) -> None:
    (cgroup / "cpu.max").write_text(content)


def version_1(cgroup: Path, quota: str, period: str = "100000") -> None:
    (cgroup / "cpu").mkdir()
    (cgroup / "cpu/cpu.cfs_quota_us").write_text(f"{quota}\n")
    (cgroup / "cpu/cpu.cfs_period_us").write_text(f"{period}\n")


@pytest.fixture(autouse=True)
def _host_of_64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    monkeypatch.delenv("CPUS", raising=False)


@pytest.mark.parametrize(
    ("content", "cpus"), [("150000 100000\n", 1.5), ("50000 100000\n", 0.5), ("800000 200000\n", 4), ("max 100000\n", None)]
)
def test_quota_of_version_2(tmp_path: Path, content: str, cpus: float | None) -> None:
    version_2(tmp_path, content)
    assert cgroup_quota(tmp_path) == cpus


@pytest.mark.parametrize(("quota", "cpus"), [("250000", 2.5), ("-1", None)])
def test_quota_of_version_1(tmp_path: Path, quota: str, cpus: float | None) -> None:
    version_1(tmp_path, quota)
    assert cgroup_quota(tmp_path) == cpus


def test_version_2_comes_first(tmp_path: Path) -> None:
    version_1(tmp_path, "100000")
    version_2(tmp_path, "300000 100000")
    assert cgroup_quota(tmp_path) == 3


def test_no_cgroup(tmp_path: Path) -> None:
    assert cgroup_quota(tmp_path / "nothing") is None
    assert cpus_given(tmp_path / "nothing") == 64


@pytest.mark.parametrize(
    ("content", "cpus"), [("100000 100000", 1), ("150000 100000", 2), ("10000 100000", 1), ("max 100000", 64), ("9900000 100000", 64)]
)
def test_a_part_of_a_cpu_is_one(tmp_path: Path, content: str, cpus: int) -> None:
    version_2(tmp_path, content)
    assert cpus_given(tmp_path) == cpus


def test_the_affinity_mask_is_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version_2(tmp_path, "800000 100000")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5})
    assert cpus_given(tmp_path) == 2


@pytest.mark.parametrize(("given", "cpus"), [("1", 1), ("2.5", 3), ("100", 8), ("", 8)])
def test_the_variable_is_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, cpus: int) -> None:
    version_2(tmp_path, "800000 100000")
    monkeypatch.setenv("CPUS", given)
    assert cpus_given(tmp_path) == cpus
