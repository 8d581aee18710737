"""FastAPI as in the first example of its documentation."""

from typing import Any

from fastapi import FastAPI

SMALL = {"message": "Hello, World!", "numbers": [1, 2, 3], "nested": {"ok": True, "nothing": None}}

application = FastAPI()


@application.get("/json")
async def small_json() -> dict[str, Any]:
    return SMALL
