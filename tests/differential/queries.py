"""Query strings for an endpoint: valid and quick ones, invalid ones, and text that is hardly a query string."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.differential.pieces import PIECE, TEXT, VALUES, encodings
from twogates.http.models import Query
from twogates.http.problems import Problem

PAUSES = st.floats(0, 0.005).map(repr) | st.sampled_from(["0", "0.001", "1e-3", ".002", "+0.001", "0_0.001", " 0.001 ", "-0.0"])
VALID = {
    "seconds": PAUSES,
    "interval": PAUSES,
    "offload": st.sampled_from(["true", "false"]),
    "work": st.integers(1, 5).map(str) | st.sampled_from(["+1", " 2", "3.0", "0_1"]),
    "calls": st.integers(1, 3).map(str),
    "chunks": st.integers(1, 4).map(str),
}
WRONG_NAMES = TEXT | st.sampled_from(["SECONDS", "seconds ", "seconds[]", "", "x", "query", "self", "__class__", "\ufeffseconds"])


def written(name: str, values: SearchStrategy[str]) -> SearchStrategy[bytes]:
    """Return a strategy for ``name=value``, each escaped in some way."""
    return st.builds(lambda name, value: name + b"=" + value, encodings(name), values.flatmap(encodings) | PIECE)


def targets(model: type[Query], path: bytes, quick: Callable[[Any], bool]) -> SearchStrategy[bytes]:
    """Return a strategy for ``path`` with query strings; those that ``model`` accepts are ``quick``."""
    names = sorted(model.model_fields)
    right = st.tuples(*(written(name, VALID[name]) for name in names)).map(list)
    wrong = st.lists((st.sampled_from(names) | WRONG_NAMES).flatmap(lambda name: written(name, VALUES)) | PIECE, max_size=3)
    parts = st.one_of(
        right,
        right.flatmap(st.permutations),
        wrong,
        st.builds(lambda right, wrong: right + wrong, right, wrong),  # added or repeated
        st.builds(lambda right, wrong: right[1:] + wrong, right, wrong),  # missing or replaced
    )
    usual = st.builds(lambda parts, by: by.join(parts), parts, st.sampled_from([b"&"] * 6 + [b"&&", b";"]))
    many = st.integers(1, 1600).map(lambda count: b"&".join(b"n%d" % number for number in range(count)))
    long = st.integers(7000, 9000).map(lambda size: b"seconds=" + b"1" * size)

    def harmless(query: bytes) -> bool:
        try:
            return quick(model.read(query))
        except Problem:
            return True

    query = st.integers(0, 19).flatmap(lambda roll: {0: many, 1: long}.get(roll, usual)).filter(harmless)
    return st.builds(lambda mark, query: path + mark + query, st.sampled_from([b"?"] * 9 + [b"??", b"?&", b"%3F"]), query)
