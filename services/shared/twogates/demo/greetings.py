"""The small answers."""

SMALL = {"message": "Hello, World!", "numbers": [1, 2, 3], "nested": {"ok": True, "nothing": None}}


def greeting(name: str) -> dict[str, str]:
    """Return the body of ``/hello/{name}``."""
    return {"message": f"Hello, {name}!"}
