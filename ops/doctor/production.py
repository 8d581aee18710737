"""Check what production needs from the operator, with the same checks as make up."""

from ops.doctor.finding import DOCKER, Finding
from runtime.checks import preflight
from runtime.compose_file import variables


def findings() -> list[Finding]:
    """Check the secrets and the certificate; in development, check nothing, since the stack creates them itself."""
    given = variables()
    if given.get("PROFILE") != "production":
        return []
    checks = [
        ("secrets", preflight.wrong_secrets(given), "a file for each secret of compose.yaml"),
        ("certificate", preflight.wrong_certificate(given), "for every name in SERVER_NAMES, with its key"),
    ]
    found = [(name, "; ".join(sentences), needed) for name, sentences, needed in checks]
    return [
        Finding(name, wrong or "can be used", needed, "See docs/production.md, steps 2 to 4" if wrong else "", [DOCKER] if wrong else ())
        for name, wrong, needed in found
    ]
