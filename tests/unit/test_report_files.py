"""A run in its folder: written, read, drawn again, and refused if a file is not as it should be."""

import json
from collections.abc import Iterator
from dataclasses import asdict, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from loadtest import results as dataclasses
from loadtest.model import Chart
from loadtest.report.files import draw, read, write
from loadtest.report.schema import SCHEMA, ReportError, validator, wrong
from loadtest.results import Results
from tests.unit.lab_results import cell, everything, experiment, results, thousands

DEFINITIONS: dict[str, Any] = json.loads(SCHEMA.read_text())["$defs"]
TYPES = {name: kind for name, kind in vars(dataclasses).items() if isinstance(kind, type) and is_dataclass(kind)}


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    folder = write(everything(), tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.md", "results.json", "verdicts.json"]
    for path in (folder, str(folder), folder / "results.json", tmp_path / "latest"):
        assert read(path) == everything()
    assert read("latest", tmp_path) == everything()


def test_each_run_has_a_folder_and_latest_is_the_newest(tmp_path: Path) -> None:
    first = write(results(name="first"), tmp_path / "results")
    again = write(results(name="first"), tmp_path / "results")
    assert first != again
    assert first.name.endswith("Z-first")
    assert (tmp_path / "results" / "latest").readlink() == Path(again.name)
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == sorted([first.name, again.name, "latest"])


@pytest.mark.parametrize("name", ["../up", "a b/c", "größe", "", "..", "x" * 500])
def test_any_name_makes_one_folder(tmp_path: Path, name: str) -> None:
    folder = write(results(name=name), tmp_path)
    assert folder.parent == tmp_path
    assert read(folder).name == name


def test_the_page_is_drawn_again_from_the_results_alone(tmp_path: Path) -> None:
    folder = write(everything(), tmp_path)
    drawn = {name: (folder / name).read_bytes() for name in ("report.html", "report.md")}
    for name in drawn:
        (folder / name).unlink()
    assert draw(folder) == folder
    assert {name: (folder / name).read_bytes() for name in drawn} == drawn


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "There are no results at"),
        ("{", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        ("[]", "has no format; this version reads format 5"),
        ('{"format": 1, "cells": []}', "has format 1; this version reads format 5"),
        ('{"format": 5}', "is not valid: $: 'name' is a required property"),
    ],
)
def test_what_cannot_be_read_gets_a_sentence(tmp_path: Path, content: str | bytes | None, words: str) -> None:
    file = tmp_path / "results.json"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ReportError) as caught:
        read(file)
    assert words in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_value_of_the_wrong_kind_is_named_with_its_place(tmp_path: Path) -> None:
    document = asdict(everything())
    document["experiments"][0]["cells"][1]["limiter"] = 5
    assert wrong(document) == "experiments[0].cells[1].limiter: 5 is not of type 'string'"
    document = asdict(results(experiment(columns=("speed",))))
    assert str(wrong(document)).startswith("thousands has the unknown metric 'speed'; known: throughput")


def test_results_that_are_not_valid_are_kept_but_not_shown(tmp_path: Path) -> None:
    broken = results(experiment(cell(throughput=float("nan"))))
    with pytest.raises(ReportError, match="NaN is not a number"):
        write(broken, tmp_path)
    (folder,) = tmp_path.iterdir()
    assert [path.name for path in folder.iterdir()] == ["results.json"]


def test_huge_and_tiny_numbers_stay_what_they_are(tmp_path: Path) -> None:
    strange = results(experiment(cell(throughput=1e18, p99=1e-9), cell(step=0.1, throughput=0.0, p99=86400.0)))
    assert read(write(strange, tmp_path)) == strange


def test_any_text_is_written(tmp_path: Path) -> None:
    odd = results(experiment(cell("größe 数 \ud800 \x00", throughput=1.0)))
    assert read(write(odd, tmp_path)) == odd


@pytest.mark.parametrize("name", TYPES)
def test_the_schema_has_the_fields_of_the_dataclass(name: str) -> None:
    expected = {field.name for field in fields(TYPES[name])}
    assert set(DEFINITIONS[name]["properties"]) == expected
    assert set(DEFINITIONS[name]["required"]) == expected
    assert DEFINITIONS[name]["additionalProperties"] is False


def test_the_schema_has_the_fields_of_a_chart_and_the_outcomes() -> None:
    assert set(DEFINITIONS["Chart"]["properties"]) == {field.name for field in fields(Chart)}
    outcome = get_type_hints(dataclasses.Verdict)["outcome"]
    assert DEFINITIONS["Verdict"]["properties"]["outcome"]["enum"] == list(outcome.__args__)
    kind = get_type_hints(Chart)["kind"]
    assert DEFINITIONS["Chart"]["properties"]["kind"]["enum"] == list(kind.__args__)
    assert DEFINITIONS["Results"]["properties"]["format"]["const"] == Results.format


def test_every_field_is_described_and_every_number_has_a_unit() -> None:
    for name, definition in DEFINITIONS.items():
        assert definition["description"], name
        for field, schema in definition.get("properties", {}).items():
            assert schema["description"].endswith("."), (name, field)
        for schema in numbers(definition):
            assert schema["unit"], (name, schema)


def numbers(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every part of a schema that describes a number."""
    if isinstance(schema, dict):
        kinds = schema.get("type", [])
        if {"number", "integer"} & set([kinds] if isinstance(kinds, str) else kinds):
            yield schema
        for part in schema.values():
            yield from numbers(part)


def test_the_schema_itself_is_valid() -> None:
    validator().check_schema(json.loads(SCHEMA.read_text()))
    assert wrong(asdict(replace(results(thousands()), full=False))) is None
