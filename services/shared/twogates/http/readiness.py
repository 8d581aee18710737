"""The body of ``/readyz``: the state of the dependencies."""

from typing import Any

from twogates.http.problems import Problem


def readiness(**answering: bool) -> dict[str, Any]:
    """Return the body of the answer. Raises the 503 answer if a dependency does not answer."""
    dependencies = {name: "up" if answers else "down" for name, answers in answering.items()}
    if not all(answering.values()):
        raise Problem(503, "A dependency is down.", headers={"Retry-After": "1"}, dependencies=dependencies)
    return {"status": "ready", "dependencies": dependencies}
