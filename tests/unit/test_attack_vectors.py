"""The generator of malformed requests: the same seed gives the same requests, all families are covered, and ids are distinct."""

from collections import Counter
from itertools import islice

import pytest

from loadtest.chaos.attacks.model import PREFIXES, Target
from loadtest.chaos.attacks.vectors import families, generate
from loadtest.chaos.attacks.vectors.model import Vector

TARGET = Target("127.0.0.1", 8080)
NUMBER = 20 * len(families())


@pytest.fixture(scope="module")
def vectors() -> list[Vector]:
    return list(generate(1, NUMBER, TARGET, "mark"))


def test_the_same_seed_makes_the_same(vectors: list[Vector]) -> None:
    assert list(generate(1, NUMBER, TARGET, "mark")) == vectors
    assert [vector.data for vector in generate(2, NUMBER, TARGET, "mark")] != [vector.data for vector in vectors]


def test_there_are_as_many_as_asked_for() -> None:
    assert [len(list(generate(1, number, TARGET, "mark"))) for number in (0, 1, 1000)] == [0, 1, 1000]


def test_every_family_has_its_turn(vectors: list[Vector]) -> None:
    assert Counter(vector.family for vector in vectors) == dict.fromkeys(families(), 20)
    assert {name.partition(".")[0] for name in families()} == {
        *("lines", "headers", "lengths", "codings", "chunks", "pipelines", "paths", "hosts", "protocols", "sockets")
    }
    assert len(families()) >= 50


def test_a_family_varies(vectors: list[Vector]) -> None:
    """Vectors of a family differ in more than their ids, which always differ."""
    for family in families():
        kinds = {
            vector.data.replace(vector.front.encode(), b"").replace(vector.hidden.encode(), b"")
            for vector in vectors
            if vector.family == family
        }
        assert len(kinds) >= 3, family


def test_ids_are_unique_and_nginx_takes_them_as_they_are(vectors: list[Vector]) -> None:
    """The ids match the pattern in nginx/http/request_id.conf. Otherwise Nginx would replace them."""
    ids = [of for vector in vectors for of in (vector.front, vector.hidden)]
    assert len(set(ids)) == len(ids)
    assert all(8 <= len(of) <= 128 and of.replace(".", "").isalnum() for of in ids)


def test_every_service_is_aimed_at(vectors: list[Vector]) -> None:
    for prefix in PREFIXES:
        assert sum(prefix.encode() + b"/" in vector.data for vector in vectors) > NUMBER / 6


def test_of_what_may_be_no_request_there_is_plenty(vectors: list[Vector]) -> None:
    """Both kinds are needed: too few such requests would prove little, and without the others the test might detect nothing at all."""
    hiding = [vector for vector in vectors if vector.hidden.encode() in vector.data]
    assert sum(not vector.may_follow for vector in hiding) > NUMBER / 4
    assert sum(vector.may_follow for vector in hiding) > NUMBER / 4


def test_a_body_in_order_is_framed_to_the_byte() -> None:
    """If the declared length is honest, the body is exactly the hidden request."""
    unwanted = (vector for vector in generate(3, 100 * len(families()), TARGET, "mark") if vector.family == "lengths.unwanted")
    for vector in islice(unwanted, 50):
        head, _, body = vector.data.partition(b"\r\n\r\n")
        [length] = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
        assert int(length.partition(b":")[2]) == len(body)
        assert vector.hidden.encode() in body
        assert not vector.may_follow
