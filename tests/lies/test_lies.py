"""Breaks the measuring on purpose. The audit must catch every lie by the rule that is there for it, and call no honest run a lie."""

import os

import pytest

from loadtest.judging.audit import audit, disturbed
from loadtest.judging.raw import Raw
from loadtest.judging.values import values
from loadtest.results import Finding
from tests.lies.laboratory import Laboratory
from tests.lies.planted import HONEST, LIES, Lie

# An honest run that something else on the machine disturbed is made again; LIES_TRIES=1 for a proof on a quiet one.
TRIES = int(os.environ.get("LIES_TRIES", "5"))


def said(findings: list[Finding]) -> str:
    return "; ".join(f"{finding.rule}: {finding.sentence}" for finding in findings)


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_run_raises_nothing(name: str, time: int, laboratory: Laboratory) -> None:
    for _ in range(TRIES):
        raw = laboratory.honest(HONEST[name], time)
        raised = [finding for finding in audit(raw, values(raw)) if not finding.passed]
        if not disturbed(raised):
            break
        laboratory.forget(HONEST[name], time)
    assert not raised, said(raised)


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.name)
def test_a_lie_is_caught(lie: Lie, time: int, laboratory: Laboratory) -> None:
    raw: Raw = laboratory.honest(lie.cell, time) if lie.report else laboratory.measure(lie.cell, lie.generator)
    found = values(raw)
    findings = audit(raw, lie.report(raw, found) if lie.report else found)
    failed = {finding.rule for finding in findings if not finding.passed}
    assert lie.rule in failed, said(findings)
