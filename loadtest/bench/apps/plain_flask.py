"""Flask as in the first example of its documentation."""

from typing import Any

from flask import Flask

SMALL = {"message": "Hello, World!", "numbers": [1, 2, 3], "nested": {"ok": True, "nothing": None}}

application = Flask(__name__)


@application.get("/json")
def small_json() -> dict[str, Any]:
    return SMALL
