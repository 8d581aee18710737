"""results.json as a document: validated against its schema, and converted back to dataclasses."""

import json
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import best_match  # type: ignore[import-untyped]

from loadtest.metrics import METRICS
from loadtest.results import Results

SCHEMA = Path(__file__).with_name("schema.json")
# Longest part of a schema error that fits in a sentence, in characters.
SHOWN = 160


class ReportError(Exception):
    """Results that cannot be read or written. The text is a sentence."""


@cache
def validator() -> Any:
    """Return the validator; it is created once, since the schema does not change."""
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def wrong(document: object) -> str | None:
    """Return what does not match the schema, and where; ``None`` for a valid document."""
    error = best_match(validator().iter_errors(document))
    if error is not None:
        message = error.message if len(error.message) <= SHOWN else f"{error.message[:SHOWN]} ..."
        return f"{error.json_path.removeprefix('$.')}: {message}"
    assert isinstance(document, dict)
    for experiment in document["experiments"]:
        drawn = {experiment["chart"]["metric"]} - {"rank"}
        if unknown := sorted({*experiment["columns"], *drawn} - set(METRICS)):
            return f"{experiment['name']} has the unknown metric {unknown[0]!r}; known: {', '.join(METRICS)}"
    return None


def restore(document: dict[str, Any]) -> Results:
    """Return the dataclasses that a valid document was made from."""
    restored = made(Results, document)
    assert isinstance(restored, Results)
    return restored


def made(kind: Any, value: Any) -> Any:
    """Return ``value`` converted to the type of the annotation ``kind``. Simple types stay as JSON has them."""
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{field.name: made(hints[field.name], value[field.name]) for field in fields(kind)})  # type: ignore[operator]
    inner = get_args(kind)
    if get_origin(kind) is list:
        return [made(inner[0], item) for item in value]
    if get_origin(kind) is dict:
        return {key: made(inner[1], item) for key, item in value.items()}
    if get_origin(kind) in (UnionType, Union) and value is not None:
        return made(inner[0], value) if len(inner) == 2 and inner[1] is type(None) else value
    return value
