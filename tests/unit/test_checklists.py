"""Every item of the security checklists is in the docs, with an existing test or a reason."""

import re

import pytest

from tests.conftest import ROOT
from tests.docker.test_hardening import RULES, RULES_FOR_SERVERS

PAGE = (ROOT / "docs/checklists.md").read_text()
SECTIONS = {title: body for title, _, body in (part.partition("\n") for part in PAGE.split("\n## ")[1:])}
ROWS = [(title, line) for title, body in SECTIONS.items() for line in body.splitlines() if line.startswith("| ")]
ROWS = [(title, line) for title, line in ROWS if not line.startswith("| item |")]


def numbers(section: str, last: int) -> set[str]:
    return {f"{section}.{number}" for number in range(1, last + 1)}


NGINX = {"1.1": 2, "1.2": 2, "2.1": 4, "2.2": 3, "2.3": 4, "2.4": 4, "2.5": 4, "3": 7, "4.1": 14, "5.1": 2, "5.2": 5, "5.3": 4}
HEADERS = (
    "Strict-Transport-Security, X-Frame-Options, X-Content-Type-Options, Content-Security-Policy, X-Permitted-Cross-Domain-Policies, "
    "Referrer-Policy, Clear-Site-Data, Cross-Origin-Embedder-Policy, Cross-Origin-Opener-Policy, Cross-Origin-Resource-Policy, "
    "Cache-Control, X-DNS-Prefetch-Control, Permissions-Policy, Server"
)
ITEMS = {
    "OWASP Top 10:2025": {f"A{number:02}" for number in range(1, 11)},
    "OWASP Docker Security Cheat Sheet": {f"Rule {number}" for number in range(14)},
    "OWASP Secure Headers Project": set(HEADERS.split(", ")),
    "CIS Docker Benchmark 1.7, sections 4 and 5": numbers("4", 12) | numbers("5", 32),
    "CIS NGINX Benchmark 2.1": {item for section, last in NGINX.items() for item in numbers(section, last)},
}


@pytest.mark.parametrize("title", ITEMS)
def test_every_item_is_there_once(title: str) -> None:
    cells = ", ".join(line.split("|")[1].strip() for section, line in ROWS if section == title)
    found = re.findall(r"A\d\d|Rule \d+|\d+(?:\.\d+)+|\b[A-Z][\w-]+", cells)
    listed = [item for item in found if item in ITEMS[title]]
    assert sorted(listed) == sorted(ITEMS[title])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1].split("|")[1].strip()[:30])
def test_a_row_names_a_test_that_exists_or_a_reason(row: tuple[str, str]) -> None:
    _, _, held, test, _ = row[1].split("|")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::([^`]+))?`", test)
    assert named or "declined: " in held
    for path, name in named:
        text = (ROOT / path).read_text()
        assert not name or name in RULES.keys() | RULES_FOR_SERVERS.keys() or f"\ndef {name}(" in text, name


def test_every_section_is_one_that_is_looked_at() -> None:
    assert SECTIONS.keys() == ITEMS.keys()
