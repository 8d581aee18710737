"""Load generators in containers, two of them."""

import pytest

from tests.docker.lab_run import PROJECT, left, run_cells


@pytest.fixture(autouse=True)
def _running() -> None:
    """No stack: the laboratory starts its own services."""


def test_both_take_part_and_all_counts_agree() -> None:
    burst, closed = run_cells(2)
    assert burst["ended"] == [2, 2]
    assert len(closed["ended"]) == 2
    assert all(ended > 0 for ended in closed["ended"])
    for cell in (burst, closed):
        assert sum(cell["ended"]) == cell["served"] == cell["logged"]["200"]
    assert left("twogates-lab") == left(PROJECT) == ""
