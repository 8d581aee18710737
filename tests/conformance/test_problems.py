"""Invalid input: all three services answer the same status and bytes, and name the field and the accepted values."""

import json

import pytest

from tests.conformance.answers import Wrong, answer_of_all, errors_of, problem
from tests.wire import Request, Wire

JSON = ((b"Content-Type", b"application/json"),)
DOCUMENT_ID = "7b0bdb8e-2f3c-4d7b-9d4f-0c9a5f1f2a11"
DOCUMENT = {
    "id": DOCUMENT_ID,
    "title": "t",
    "created": "2026-01-01T00:00:00Z",
    "items": [{"name": "n", "quantity": 1, "price": 2.5}],
}
SECONDS = "a number from 0 to 30"
TEXT = "text from 1 to 200 characters"
UUID = "a UUID in lower case, such as 7b0bdb8e-2f3c-4d7b-9d4f-0c9a5f1f2a11"
MOMENT = "a date and time with its zone as in RFC 3339, from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999Z"


QUERIES = [
    Wrong("/wait", {"seconds": SECONDS}),
    Wrong("/wait?seconds=", {"seconds": SECONDS}),
    Wrong("/wait?seconds=soon", {"seconds": SECONDS}),
    Wrong("/wait?seconds=-0.1", {"seconds": SECONDS}),
    Wrong("/wait?seconds=30.001", {"seconds": SECONDS}),
    Wrong("/wait?seconds=nan", {"seconds": SECONDS}),
    Wrong("/wait?seconds=inf", {"seconds": SECONDS}),
    Wrong("/wait?seconds=1e999", {"seconds": SECONDS}),
    *(
        Wrong(f"/wait?seconds={value}", {"seconds": SECONDS})
        for value in ("+1", "%2B1", "%201", "1%20", "1_0", "0x1", ".5", "1.", "01", "%D9%A1", "true")
    ),
    *(
        Wrong(f"/cpu?work={value}", {"work": "a whole number from 1 to 1000"})
        for value in ("+1", "%2B1", "%201", "1%0A", "1_0", "1.0", "1e0", "01", "%D9%A1", "%EF%BC%91", "9" * 5000)
    ),
    Wrong("/wait?seconds=0&seconds=x", {"seconds": SECONDS}),
    Wrong("/wait?second=0", {"second": "the fields seconds", "seconds": SECONDS}),
    Wrong("/wait?seconds=0&extra=1", {"extra": "the fields seconds"}),
    Wrong("/block?seconds=31", {"seconds": SECONDS}),
    *(
        Wrong(f"/block?seconds=0&offload={word}", {"offload": "true or false"})
        for word in ("", "1", "0", "yes", "on", "t", "True", "FALSE", "%20true", "true%20", "null", "true&offload=1")
    ),
    Wrong("/block?seconds=0&offload", {"offload": "true or false"}),
    Wrong("/wait?seconds=0&offload=true", {"offload": "the fields seconds"}),
    Wrong("/upstream?seconds=1&calls=0", {"calls": "a whole number from 1 to 20"}),
    Wrong("/upstream?seconds=1&calls=21", {"calls": "a whole number from 1 to 20"}),
    Wrong("/upstream?seconds=1&calls=1.5", {"calls": "a whole number from 1 to 20"}),
    Wrong("/upstream?seconds=x&calls=y", {"calls": "a whole number from 1 to 20", "seconds": SECONDS}),
    Wrong("/upstream?seconds=2&calls=20", {"": "the fields seconds, calls"}),
    Wrong("/cpu", {"work": "a whole number from 1 to 1000"}),
    Wrong("/cpu?work=0", {"work": "a whole number from 1 to 1000"}),
    Wrong("/cpu?work=1001", {"work": "a whole number from 1 to 1000"}),
    Wrong("/cpu?work=99999999999999999999999999", {"work": "a whole number from 1 to 1000"}),
    Wrong("/query?seconds=0.51", {"seconds": "a number from 0 to 0.5"}),
    Wrong("/query?seconds=nan", {"seconds": "a number from 0 to 0.5"}),
    Wrong("/query?calls=0&work=101", {"calls": "a whole number from 1 to 20", "work": "a whole number from 0 to 100"}),
    Wrong("/query?seconds=0.1&calls=6", {"": "the fields seconds, calls, work"}),
    Wrong("/query?work=21&calls=5", {"": "the fields seconds, calls, work"}),
    Wrong("/listing", {"board": "a whole number from 1 to 2147483647"}),
    Wrong("/listing?board=1&limit=101", {"limit": "a whole number from 1 to 100"}),
    Wrong("/listing?board=1&how=fast", {"how": "one of joined, each"}),
    Wrong("/stream?chunks=0", {"chunks": "a whole number from 1 to 10000"}),
    Wrong("/stream?chunks=10001", {"chunks": "a whole number from 1 to 10000"}),
    Wrong("/stream?interval=-1", {"interval": SECONDS}),
    Wrong("/stream?chunks=10000&interval=1", {"": "the fields chunks, interval"}),
    Wrong("/events?chunks=many", {"chunks": "a whole number from 1 to 10000"}),
]


@pytest.mark.parametrize("wrong", QUERIES, ids=lambda wrong: wrong.target)
def test_query(wrong: Wrong) -> None:
    document = problem(Request(target=wrong.target.encode()))
    assert (document["status"], document["title"]) == (422, "Unprocessable Content")
    assert errors_of(document, "query") == wrong.errors


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"id": "x"}, {"id": UUID}),
        ({"title": ""}, {"title": TEXT}),
        ({"title": "x" * 201}, {"title": TEXT}),
        ({"title": "\ud800"}, {"title": TEXT}),
        ({"title": None}, {"title": TEXT}),
        ({"created": "yesterday"}, {"created": MOMENT}),
        # Values that pydantic itself converts: it would read 253402300800 as milliseconds, a date in 1978.
        *(({"created": value}, {"created": MOMENT}) for value in (253402300800, -1e20, 0, "253402300800", "0", "2026-01-01", True, None)),
        *(
            ({"created": f"2026-01-01{rest}"}, {"created": MOMENT})
            for rest in ("T00:00:00", " 00:00:00Z", "T00:00Z", "T24:00:00Z", "t00:00:00z")
        ),
        *(
            ({"created": f"2026-01-01T00:00:00{rest}"}, {"created": MOMENT})
            for rest in (".1234567Z", "+01", "+0100", "+24:00", " Z", "Z ", ",5Z")
        ),
        *(
            ({"created": f"{day}T00:00:00Z"}, {"created": MOMENT})
            for day in ("2026-02-30", "0000-01-01", "10000-01-01", "26-01-01", "+2026-01-01")
        ),
        *(
            ({"id": value}, {"id": UUID})
            for value in (
                DOCUMENT_ID.upper(),
                f"{{{DOCUMENT_ID}}}",
                f"urn:uuid:{DOCUMENT_ID}",
                DOCUMENT_ID.replace("-", ""),
                f" {DOCUMENT_ID}",
                1,
            )
        ),
        *(({"urgent": value}, {"urgent": "true or false"}) for value in ("true", "on", 1, 0, 1.0, None)),
        *(
            ({"items": [{"name": "n", "quantity": 1, "price": value}]}, {"items.0.price": "a number from 0 to 1000000000"})
            for value in (False, True, "1", "", None, [], 10**400)
        ),
        *(
            ({"items": [{"name": "n", "quantity": value, "price": 1}]}, {"items.0.quantity": "a whole number from 1 to 1000000"})
            for value in (True, "1", 1.0000001, 1000001.0, 0.0, 1e300, None)
        ),
        ({"title": 1}, {"title": TEXT}),
        ({"tags": "ab"}, {"tags": f"a list of at most 20 entries, each {TEXT}"}),
        ({"tags": {"a": 1}}, {"tags": f"a list of at most 20 entries, each {TEXT}"}),
        ({"urgent": "perhaps"}, {"urgent": "true or false"}),
        ({"note": 1}, {"note": f"{TEXT} or null"}),
        ({"tags": ["x"] * 21}, {"tags": f"a list of at most 20 entries, each {TEXT}"}),
        ({"tags": ["x", ""]}, {"tags.1": TEXT}),
        ({"items": []}, {"items": "a list from 1 to 100 entries, each the fields name, quantity, price"}),
        ({"items": [1]}, {"items.0": "the fields name, quantity, price"}),
        ({"items": [{"name": "n", "quantity": 1.5, "price": 1}]}, {"items.0.quantity": "a whole number from 1 to 1000000"}),
        (
            {"items": [{"name": "n", "quantity": True, "price": -1}]},
            {"items.0.price": "a number from 0 to 1000000000", "items.0.quantity": "a whole number from 1 to 1000000"},
        ),
        ({"more": 1}, {"more": "the fields id, title, created, urgent, note, tags, items"}),
    ],
)
def test_document(change: dict[str, object], errors: dict[str, str]) -> None:
    document = problem(Request(b"POST", b"/echo", JSON, json.dumps({**DOCUMENT, **change}).encode()))
    assert document["status"] == 422
    assert errors_of(document, "body") == errors


@pytest.mark.parametrize("body", [b"null", b"1", b'"text"', b"[]"])
def test_json_that_is_no_object(body: bytes) -> None:
    document = problem(Request(b"POST", b"/echo", JSON, body))
    assert document["detail"] == "The body is not valid. body: Input should be an object."
    assert errors_of(document, "body") == {"": "the fields id, title, created, urgent, note, tags, items"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", ": Expecting value at character 0."),
        (b"{", ": Expecting property name enclosed in double quotes at character 1."),
        (b'{"a":1,}', None),  # the wording changed in Python 3.13
        (b"{} x", ": Extra data at character 3."),
        (b"\xff", ": byte 0 is not UTF-8."),
        (b'"a\nb"', ": Invalid control character at character 2."),
        (b'{"title":"\x00', ": Invalid control character at character 10."),
        (b'{"title":"a', ": Unterminated string starting at character 9."),
        (b"[" * 60_000, None),  # before Python 3.14 nested too deeply, since then incomplete
    ],
    ids=lambda value: repr(value)[:20],
)
def test_malformed_json(body: bytes, said: str | None) -> None:
    document = problem(Request(b"POST", b"/echo", JSON, body))
    assert (document["status"], document["title"]) == (400, "Bad Request")
    assert said is None or document["detail"] == "The body is not valid JSON" + said


def test_a_number_of_too_many_digits() -> None:
    document = problem(Request(b"POST", b"/echo", JSON, b"9" * 5000))
    assert (document["status"], document["detail"]) == (400, "A number in the body has too many digits.")


@pytest.mark.parametrize("content_type", [None, b"", b"text/plain", b"application/x-www-form-urlencoded", b"multipart/form-data", b"json"])
def test_wrong_content_type(content_type: bytes | None) -> None:
    headers = () if content_type is None else ((b"Content-Type", content_type),)
    document = problem(Request(b"POST", b"/echo", headers, json.dumps(DOCUMENT).encode()))
    assert (document["status"], document["title"]) == (415, "Unsupported Media Type")
    assert document["detail"] == "The body must be JSON: send Content-Type: application/json."


GETS = [
    *("/", "/healthz", "/readyz", "/json", "/hello/a", "/wait", "/upstream", "/cpu", "/block", "/query", "/listing", "/stream", "/events"),
    *("/static/gates.svg", "/ws"),
]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", GETS)
def test_wrong_method_for_a_get(path: str, method: str) -> None:
    answer = answer_of_all(Request(method.encode(), path.encode(), (), b"{}"))
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert json.loads(answer.body)["title"] == "Method Not Allowed"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/echo", "/upload"])
def test_wrong_method_for_a_post(path: str, method: str) -> None:
    answer = answer_of_all(Request(method.encode(), path.encode()))
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("method", [b"FOO", b"TRACE", b"PROPFIND", b"X" * 40])
def test_a_method_that_no_path_answers(method: bytes) -> None:
    assert problem(Request(method, b"/json"))["status"] == 405


@pytest.mark.parametrize(
    "target",
    [
        "/nothing",
        "/json/",
        "//json",
        "/JSON",
        "/json%2F",
        "/json/../json",
        "/hello",
        "/hello/",
        "/hello/a/b",
        "/hello/a%2Fb",
        "/wait/0",
        "/static",
        "/static/",
        "/static/gates.svg/",
        "/static/gates.svgz",
        "/static/GATES.SVG",
        "/static//gates.svg",
        "/static/../static_file.py",
        "/static/..%2fstatic_file.py",
        "/static/%2e%2e/static_file.py",
        "/static/.%2fgates.svg",
        "/static/%2fetc/passwd",
        "/static/gates.svg%2f..%2f..%2fsettings.py",
    ],
)
def test_unknown_path(target: str) -> None:
    document = problem(Request(target=target.encode()))
    assert document == {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "There is nothing at this path."}


def test_a_folder_of_nginx_is_not_found() -> None:
    answer = Wire().send(Request(target=b"/js/").encode(""))
    assert (answer.status, answer.content_type) == (404, "application/problem+json")
    assert json.loads(answer.body)["status"] == 404


@pytest.mark.parametrize("target", [b"/%", b"/%zz", b"/a b", b"/hello/%00%", b"/a\x00", b"/json%0A", b"/wait%00?seconds=0"])
def test_a_target_that_is_not_http(target: bytes) -> None:
    assert problem(Request(target=target))["status"] == 400


def test_too_large() -> None:
    document = problem(Request(b"POST", b"/echo", JSON, b" " * 10_000_000))
    assert (document["status"], document["title"]) == (413, "Content Too Large")


def test_too_long() -> None:
    document = problem(Request(target=b"/hello/" + b"x" * 9000))
    assert (document["status"], document["title"]) == (414, "URI Too Long")
