"""Falsify the measurement on purpose. The audit must catch every lie by the rule for it, and call no honest run a lie."""

import pytest

from loadtest.judging.audit import audit, disturbed
from loadtest.judging.raw import Raw
from loadtest.judging.values import values
from loadtest.results import Finding
from tests.lies.laboratory import Laboratory
from tests.lies.mutations import HONEST, LIES, Lie
from tests.measured import Measure

pytestmark = pytest.mark.measured


def said(findings: list[Finding]) -> str:
    return "; ".join(f"{finding.rule}: {finding.sentence}" for finding in findings)


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_run_raises_nothing(name: str, time: int, laboratory: Laboratory, measure: Measure) -> None:
    raw = laboratory.honest(HONEST[name], time)
    raised = [finding for finding in audit(raw, values(raw)) if not finding.passed]
    # Other work on the machine can break some rules although everything is correct. It can break no other rules.
    measure.that(not disturbed(raised), said(raised))
    assert not raised, said(raised)


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.name)
def test_a_lie_is_caught(lie: Lie, time: int, laboratory: Laboratory, measure: Measure) -> None:
    raw: Raw = laboratory.honest(lie.cell, time) if lie.report else laboratory.measure(lie.cell, lie.generator)
    found = values(raw)
    stated = lie.report(raw, found) if lie.report else found
    findings = audit(raw, stated)
    caught = lie.rule in {finding.rule for finding in findings if not finding.passed}
    if lie.report:  # arithmetic, whatever was measured
        assert stated != found
        assert caught, said(findings)
    measure.that(caught, said(findings))
