"""The laboratory on Docker: its measurements pass its own audit, and it leaves nothing behind."""

import pytest

from tests.docker.lab_run import LAB_PROJECT, OF_THE_MACHINE, Found, left, run_cells


@pytest.fixture(autouse=True)
def _running() -> None:
    """Start no stack: the laboratory starts its own services."""


@pytest.fixture(scope="module")
def cells() -> list[Found]:
    return run_cells()


def test_every_cell_passes_the_audit(cells: list[Found]) -> None:
    findings = [finding for cell in cells for finding in cell["audit"]]
    assert {"counts agree", "as declared", "successes only", "percentiles"} <= {finding["rule"] for finding in findings}
    assert not [finding for finding in findings if not finding["passed"] and finding["rule"] not in OF_THE_MACHINE]


def test_cpu_time_and_memory_are_seen(cells: list[Found]) -> None:
    for cell in [cell for cell in cells if cell["lost"] is None]:
        assert cell["usage"]["app_user"] + cell["usage"]["app_system"] > 0
        assert cell["usage"]["proxy"] > 0
        for from_here, from_inside in cell["pss"]:
            assert from_here is None or abs(from_here / from_inside - 1) < 0.1


def test_a_server_leaves_without_a_loss_and_is_back_for_the_next_cell(cells: list[Found]) -> None:
    """The killed worker's request goes to the other server, since it is a GET."""
    assert [cell["lost"] for cell in cells] == [None, None, 0, 0]
    for cell in cells[2:]:
        assert {"as disturbed", "each has a fate"} <= {finding["rule"] for finding in cell["audit"]}


def test_nothing_is_left(cells: list[Found]) -> None:
    assert left(LAB_PROJECT) == ""
