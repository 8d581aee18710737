"""What ``/readyz`` says of the dependencies."""

from typing import Any

from twogates.http.problems import Problem


def readiness(**answering: bool) -> dict[str, Any]:
    """The body of the answer, from whether each dependency answers; raises the 503 answer when one does not."""
    dependencies = {name: "up" if answers else "down" for name, answers in answering.items()}
    if not all(answering.values()):
        raise Problem(503, "A dependency is down.", headers={"Retry-After": "1"}, dependencies=dependencies)
    return {"status": "ready", "dependencies": dependencies}
