"""Bodies for /echo: valid documents, mutated ones, and JSON that parsers disagree on."""

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

ODD_TEXTS = ["", " ", "\ud800", "\x00", "a" * 200, "a" * 201, "\u00e9" * 200, "\U0001f600" * 101, "\u202e"]
TEXT = st.text(max_size=20) | st.sampled_from(ODD_TEXTS)
UUIDS = st.uuids().flatmap(
    lambda uuid: st.sampled_from(
        [str(uuid), uuid.hex, uuid.urn, f"{{{uuid}}}", str(uuid).upper(), str(uuid)[:-1], f" {uuid}", str(uuid.int)]
    )
)
ODD_TIMES: list[Any] = [
    *("2026-01-01T00:00:00Z", "2026-01-01", "2026-01-01T00:00", "2026-01-01 00:00:00.123456789", "2026-02-30T00:00:00Z"),
    *("2026-01-01T24:00:00Z", "2026-01-01T00:00:00+99:00", "2026-01-01T00:00:00-00:00", "0000-01-01T00:00:00Z"),
    *("9999-12-31T23:59:59.9999999Z", "2026-W01-1", "20260101T000000Z", "2026-12-31T23:59:60Z", "now", "", "0", "1e3", 0, -1, 1.5, 1e11),
    *(1e20, -1e20, 2**63, True, 1e308),
]
TIMES = st.datetimes(timezones=st.timezones() | st.none()).map(lambda time: time.isoformat()) | st.sampled_from(ODD_TIMES)
ODD_NUMBERS: list[Any] = [0, -0.0, 1e9, 1e9 + 1, 1e308, "1", "1.5", " 1", "1_0", "nan", "inf", "\u0661", True, 2**64, 10**400, 1.0, 1.5]
NUMBERS = st.integers() | st.floats() | st.sampled_from(ODD_NUMBERS)
JUNK: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)

VALID_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
PRICE = st.floats(0, 1e9) | st.integers(0, 10**9)
VALID_ITEM = st.fixed_dictionaries({"name": VALID_TEXT, "quantity": st.integers(1, 1_000_000), "price": PRICE})
VALID: SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"id": st.uuids().map(str), "title": VALID_TEXT, "created": TIMES, "items": st.lists(VALID_ITEM, min_size=1, max_size=3)},
    optional={"urgent": st.booleans(), "note": st.none() | VALID_TEXT, "tags": st.lists(VALID_TEXT, max_size=4)},
)
HALF_ITEM = st.fixed_dictionaries({}, optional={"name": TEXT, "quantity": NUMBERS, "price": NUMBERS, "extra": JUNK})
FIELDS: dict[str, SearchStrategy[Any]] = {
    "id": UUIDS,
    "title": TEXT,
    "created": TIMES,
    "urgent": st.sampled_from([True, 0, 1, 2, "yes", "no", "on", "true", "TRUE", "t", "", 1.0, 0.5]),
    "note": TEXT,
    "tags": st.lists(TEXT, max_size=22) | TEXT,
    "items": st.lists(VALID_ITEM | HALF_ITEM | JUNK, max_size=3),
}
UNKNOWN_FIELDS = TEXT | st.sampled_from(["Id", "id ", "self", "body", "__class__", "model_config", "items.0", "0"])


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """Return a valid document with a few fields removed, replaced or added."""
    document = dict(draw(VALID))
    for _ in range(draw(st.integers(1, 3))):
        field = draw(st.sampled_from(sorted(FIELDS)))
        match draw(st.sampled_from(["remove", "replace", "junk", "add"])):
            case "remove":
                document.pop(field, None)
            case "replace":
                document[field] = draw(FIELDS[field])
            case "junk":
                document[field] = draw(JUNK)
            case "add":
                document[draw(UNKNOWN_FIELDS)] = draw(JUNK)
    return document


def encode(document: Any, ascii_only: bool, indent: int | None, encoding: str) -> bytes:
    """Return JSON in a text encoding; a lone surrogate is written unchanged."""
    return json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode(encoding, "surrogatepass")


ENCODINGS = st.sampled_from(["utf-8"] * 6 + ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
ENCODED = st.builds(encode, st.one_of(VALID, mutated(), mutated(), JUNK), st.booleans(), st.none() | st.integers(0, 2), ENCODINGS)

EXAMPLE = (
    '{"id":"7b0bdb8e-2f3c-4d7b-9d4f-0c9a5f1f2a11","title":"t","created":"2026-01-01T00:00:00Z",'
    '"items":[{"name":"n","quantity":1,"price":2.5}]}'
)
TITLES = [
    *('"title":"t","title":"u"', '"title":"\\ud800"', '"title":"\ud800"', '"title":NaN', '"\\ud800":1,"title":"t"', '"title":"\\u0000"'),
    '"title":"\\ud83d\\ude80"',
]
PRICES = [
    *("NaN", "Infinity", "-0", "-0.0", "1e9", "1e999", "9" * 400, "0." + "3" * 400, "1E+2", '"2.5"', "1000000000.0000001", "0.1e1"),
    "5e-324",
]
QUANTITIES = ["1.0", "1e0", "true", '"1"', "0", "-1", "1000001", "9" * 100, "9" * 4300, "9" * 4301]
# Nesting near Python's recursion limit of 1000 is left out: there, the result depends on the depth of a service's own calls.
DEPTHS = [10, 500, 2000, 30_000]
HOSTILE: SearchStrategy[bytes] = st.one_of(
    st.sampled_from(
        [
            *(b"", b" ", b"null", b"true", b"0", b'""', b"[]", b"{}", b"NaN", b"-Infinity", b"nan", b"{", b"}", b"[", b'"', b"'"),
            *(b"{'a':1}", b"{a:1}", b"[1,]", b'{"a":1,}', b"// x\n{}", b"\xef\xbb\xbf{}", b"\xff\xfe", b"\x00", b"\x00{}", b"{}\x00"),
            *(b"{} {}", b"{}garbage", b"\xff", b'"\xff"', b'"\xed\xa0\x80"', b'"\\ud800"', b'"\\udc00\\ud800"', b'{"\\ud800":1}'),
            *(b'"\\x"', b'"\t"', b'"\n"', b"01", b"1.", b".1", b"+1", b"1e", b"0x1", b"--1", b"1e999", b"-1e999", b"9" * 4300),
            *(b"9" * 4301, b"1" + b"0" * 20_000, b"1." + b"0" * 20_000, b"1e99999999999"),
            *(b"[" * depth + b"]" * depth for depth in DEPTHS),
            *(b'{"a":' * depth + b"1" + b"}" * depth for depth in (10, 500, 2000, 9000)),
            *(b"[" * 60_000, b'{"a":' * 10_000, EXAMPLE.encode("utf-16"), EXAMPLE.encode("utf-32-be"), EXAMPLE.encode()[:-1]),
            EXAMPLE.encode() + b",",
            *(EXAMPLE.replace('"title":"t"', title).encode("utf-8", "surrogatepass") for title in TITLES),
            *(EXAMPLE.replace("2.5", price).encode() for price in PRICES),
            *(EXAMPLE.replace('"quantity":1', f'"quantity":{quantity}').encode() for quantity in QUANTITIES),
            *(EXAMPLE.ljust(size).encode() for size in (65_535, 65_536, 65_537, 100_000)),
        ]
    ),
    st.binary(max_size=60),
    st.builds(lambda at, junk: EXAMPLE[:at].encode() + junk + EXAMPLE[at:].encode(), st.integers(0, len(EXAMPLE)), st.binary(max_size=3)),
)
BODIES: SearchStrategy[bytes] = st.one_of(ENCODED, ENCODED, HOSTILE)
