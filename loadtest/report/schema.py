"""results.json as a document: checked against its schema, and made dataclasses again."""

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
# Of a value that is wrong, as much as fits in a sentence.
SHOWN = 160


class ReportError(Exception):
    """Results that cannot be read or written; the text is a sentence."""


@cache
def validator() -> Any:
    """The validator; it is made once, for the schema does not change."""
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def wrong(document: object) -> str | None:
    """What is not as the schema says, and where; ``None`` for a valid document."""
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
    """The dataclasses that a valid document was made of."""
    restored = made(Results, document)
    assert isinstance(restored, Results)
    return restored


def made(kind: Any, value: Any) -> Any:
    """``value`` as what the annotation ``kind`` says. Simple types are as JSON has them."""
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
