"""Django's admin site, through Nginx: access, changes made there, and the effect on other requests."""

import re
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from ops import trust
from tests.conftest import run_stack
from tests.stack import SECURE_PORT, SERVICES, TARGET, Service

DJANGO = f"{TARGET}/django"
SITE = "/django/admin/"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
SEEN = re.compile(r'name="seen" value="(\d+)"')
ALLOWED_AT_ONCE = 10  # nginx/templates/rate.conf.template


@pytest.fixture(scope="module")
def password() -> str:
    """A new password for the user admin."""
    done = run_stack("admin")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().rpartition(" ")[2]


def patiently(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """Retry after ``Retry-After`` seconds: earlier attempts have used up the rate limit (429), or the machine is busy (503)."""
    for _ in range(10):
        answer = ask()
        if answer.status_code not in (429, 503):
            break
        time.sleep(int(answer.headers["Retry-After"]))
    return answer


class Visitor:
    """A browser, as the admin site sees it: it keeps cookies, and sends an Origin with each form."""

    def __init__(self, base: str, **options: Any) -> None:
        self.client = httpx.Client(base_url=base, headers={"Origin": base}, timeout=60, trust_env=False, **options)

    def get(self, path: str, **query: str) -> httpx.Response:
        return patiently(lambda: self.client.get(SITE + path, params=query))

    def send(self, path: str, fields: dict[str, str], shown: str | None = None) -> httpx.Response:
        """Submit a form with the token of its page, or of ``shown`` if given."""
        page = self.get(path).text if shown is None else shown
        token = TOKEN.search(page)
        assert token, page
        return patiently(lambda: self.client.post(SITE + path, data={"csrfmiddlewaretoken": token[1], **fields}))

    def log_in(self, password: str) -> httpx.Response:
        return self.send("login/", {"username": "admin", "password": password, "next": SITE})


@pytest.fixture(scope="module")
def visitor(password: str, stack: None) -> Iterator[Visitor]:
    """A visitor who is logged in."""
    made = Visitor(TARGET)
    with made.client:
        answer = made.log_in(password)
        assert (answer.status_code, answer.headers["Location"]) == (302, SITE), answer.text
        yield made


@pytest.fixture
def board(client: httpx.Client) -> Iterator[dict[str, Any]]:
    """A board with two messages, as the API returns it."""
    made = client.post(f"{DJANGO}/boards", json={"name": f"admin {uuid4()}"}).json()
    url = f"{DJANGO}/boards/{made['id']}"
    for text in ("one\ntwo", "three"):
        assert client.post(f"{url}/messages", json={"author": "Ada", "text": text}).status_code == 201
    yield client.get(url).json()
    client.delete(url, headers={"If-Match": "*"})


def everywhere(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    """Return what each of the three services answers for ``path``, with its ETag."""
    answers = [client.get(f"{service.url}{path}") for service in SERVICES]
    return [{**answer.json(), "etag": answer.headers.get("ETag")} for answer in answers]


def test_a_visitor_is_sent_to_the_login() -> None:
    other = Visitor(TARGET)
    for path in ("", "notices/board/", "nothing/"):
        answer = other.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (302, f"{SITE}login/?next={SITE}{path}")


def test_a_user_comes_in(visitor: Visitor) -> None:
    page = visitor.get("")
    assert page.status_code == 200
    assert f'href="{SITE}notices/board/"' in page.text
    assert f'href="{SITE}procrastinate/' not in page.text  # no user may read the queue here
    assert visitor.get("nothing/").json()["status"] == 404
    assert page.headers["Referrer-Policy"] == "same-origin"  # with the other pages' no-referrer, no browser could submit a form


def test_a_user_comes_in_over_https(password: str) -> None:
    base = f"https://localhost:{SECURE_PORT}"
    other = Visitor(base, verify=ssl.create_default_context(cafile=trust.authority()))
    with other.client:
        assert other.log_in(password).status_code == 302
        assert other.get("").status_code == 200
        # Over HTTPS, a form without an Origin needs a Referer. Django learns from Nginx how the browser connected.
        del other.client.headers["Origin"]
        assert other.send("logout/", {}, other.get("").text).status_code == 403


def test_a_wrong_password_is_refused(visitor: Visitor) -> None:
    other = Visitor(TARGET)
    with other.client:
        answer = other.log_in("wrong")
        assert answer.status_code == 200
        assert "Please enter the correct username and password" in answer.text
        assert "sessionid" not in other.client.cookies


def test_a_form_without_its_token_is_refused(visitor: Visitor) -> None:
    answer = visitor.client.post(f"{SITE}notices/board/add/", data={"name": "x"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (403, "application/problem+json")


def test_a_form_from_elsewhere_is_refused(visitor: Visitor) -> None:
    shown = visitor.get("notices/board/add/").text
    for origin in ("https://evil.example", "null"):
        token = TOKEN.search(shown)
        assert token
        fields = {"name": "x", "csrfmiddlewaretoken": token[1]}
        assert visitor.client.post(f"{SITE}notices/board/add/", data=fields, headers={"Origin": origin}).status_code == 403


def test_the_cookies_go_to_these_pages_alone(visitor: Visitor) -> None:
    cookies = {cookie.name: cookie for cookie in visitor.client.cookies.jar}
    assert set(cookies) == {"sessionid", "csrftoken"}
    for cookie in cookies.values():
        assert cookie.path == SITE
        assert (cookie.get_nonstandard_attr("SameSite"), cookie.has_nonstandard_attr("HttpOnly")) == ("Strict", True)


def test_a_board_is_made_and_deleted_with_its_messages(visitor: Visitor, client: httpx.Client) -> None:
    name = f"made in the admin {uuid4()}"
    assert visitor.send("notices/board/add/", {"name": name}).status_code == 302
    listed = visitor.get("notices/board/", q=name).text
    found = re.search(rf"{SITE}notices/board/(\d+)/change/", listed)
    assert found, listed
    [made, *others] = everywhere(client, f"/boards/{found[1]}")
    assert (made["name"], made["messages"], made["version"], made["etag"]) == (name, 0, 1, '"1"')
    assert others == [made, made]
    client.post(f"{DJANGO}/boards/{made['id']}/messages", json={"author": "Ada", "text": "t"})
    asked = visitor.get(f"notices/board/{made['id']}/delete/").text
    assert "<li>Messages: 1</li>" in asked
    assert visitor.send(f"notices/board/{made['id']}/delete/", {"post": "yes"}).status_code == 302
    assert client.get(f"{DJANGO}/boards/{made['id']}/messages").status_code == 404


def test_a_changed_board_has_another_version(visitor: Visitor, client: httpx.Client, board: dict[str, Any]) -> None:
    path, before = f"notices/board/{board['id']}/change/", board["version"]
    shown = visitor.get(path).text
    seen = SEEN.search(shown)
    assert seen
    assert int(seen[1]) == before
    new = f"renamed {uuid4()}"
    assert visitor.send(path, {"name": new, "seen": seen[1]}, shown).status_code == 302
    [after, *others] = everywhere(client, f"/boards/{board['id']}")
    assert after == {**board, "name": new, "version": before + 1, "etag": f'"{before + 1}"'}
    assert others == [after, after]
    # Submit the same page again: the version that it shows is outdated.
    refused = visitor.send(path, {"name": "lost", "seen": seen[1]}, shown)
    assert refused.status_code == 200
    assert "It has changed since this page was made" in refused.text
    # A submission that changes nothing makes no new version.
    assert visitor.send(path, {"name": new, "seen": str(before + 1)}).status_code == 302
    assert everywhere(client, f"/boards/{board['id']}")[0] == after


@pytest.mark.parametrize(
    ("name", "said"), [("n" * 101, "at most 100 characters"), ("", "This field is required"), ("a\0", "Null characters")]
)
def test_what_the_contract_refuses_is_refused(visitor: Visitor, board: dict[str, Any], name: str, said: str) -> None:
    answer = visitor.send(f"notices/board/{board['id']}/change/", {"name": name, "seen": str(board["version"])})
    assert answer.status_code == 200
    assert said in answer.text


def messages(client: httpx.Client, board: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"{DJANGO}/boards/{board['id']}/messages").json()["messages"]
    return found


def test_a_changed_message_keeps_its_lines(visitor: Visitor, client: httpx.Client, board: dict[str, Any]) -> None:
    message = messages(client, board)[0]
    path = f"notices/message/{message['id']}/change/"
    assert visitor.send(path, {"text": "one\r\ntwo", "seen": "1"}).status_code == 302  # a browser submits the text it was shown with CRLF
    assert messages(client, board)[0] == message
    assert visitor.send(path, {"text": "one\r\nthree", "seen": "1"}).status_code == 302
    assert messages(client, board)[0] == {**message, "text": "one\nthree", "version": 2}


@pytest.mark.parametrize("way", ["page", "list"])
def test_a_deleted_message_is_counted_off(visitor: Visitor, client: httpx.Client, board: dict[str, Any], way: str) -> None:
    gone, stays = messages(client, board)
    if way == "page":
        answer = visitor.send(f"notices/message/{gone['id']}/delete/", {"post": "yes"})
    else:
        chosen = {"action": "delete_selected", "_selected_action": str(gone["id"]), "post": "yes"}
        answer = visitor.send("notices/message/", chosen)
    assert answer.status_code == 302
    assert messages(client, board) == [stays]
    assert client.get(f"{DJANGO}/boards/{board['id']}").json()["messages"] == 1


def test_a_search_finds_words(visitor: Visitor, client: httpx.Client, board: dict[str, Any]) -> None:
    word = f"w{uuid4().hex}"
    client.post(f"{DJANGO}/boards/{board['id']}/messages", json={"author": "Ada", "text": f"a {word} b"})
    assert "1 message" in visitor.get("notices/message/", q=word).text
    assert "0 messages" in visitor.get("notices/message/", q=word[:-1]).text


def test_authors_can_only_be_looked_at(visitor: Visitor) -> None:
    assert visitor.get("notices/author/").status_code == 200
    assert visitor.get("notices/author/add/").json()["status"] == 403


def test_every_file_of_the_pages_is_there(visitor: Visitor, client: httpx.Client) -> None:
    pages = [visitor.get(path).text for path in ("", "notices/board/", "notices/message/", "notices/board/add/", "auth/user/add/")]
    files = set(re.findall(r'(?:href|src)="(/django/static/[^"]+)"', "".join(pages)))
    assert len(files) > 10
    for file in files:
        answer = client.get(TARGET + file)
        assert answer.status_code == 200, file
        assert answer.headers["Content-Type"].startswith(("text/css", "text/javascript", "image/svg+xml"))
        again = client.get(TARGET + file, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.headers["Cache-Control"]) == (304, "max-age=3600")


@pytest.mark.parametrize(
    "name", ["nothing.css", "css/", "", "css/../../../__init__.py", "..%2f__init__.py", "/etc/passwd", "README", "css/a%00"]
)
def test_no_other_file_is_there(client: httpx.Client, name: str) -> None:
    answer = client.get(f"{DJANGO}/static/admin/{name}")
    assert answer.status_code in (400, 404)
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("service", SERVICES, ids=str)
def test_other_requests_have_no_session(client: httpx.Client, service: Service) -> None:
    """A session cookie does not log in a request outside the admin site either."""
    answer = client.get(f"{service.url}/json", headers={"Cookie": "sessionid=0123456789abcdef0123456789abcdef; csrftoken=x"})
    assert (answer.status_code, answer.headers.get("Set-Cookie"), answer.headers.get("Vary")) == (200, None, None)


def test_the_prefix_is_the_admin_sites_alone(client: httpx.Client) -> None:
    assert client.get(f"{DJANGO}/django/json").status_code == 404
    assert client.get(f"{DJANGO}/django/admin/").status_code == 404
    for service in SERVICES[:2]:
        assert client.get(f"{service.url}/admin/").status_code == 404


def test_who_tries_passwords_is_stopped(client: httpx.Client) -> None:
    """Runs last: the other tests must log in before it uses up the rate limit."""
    url = f"{TARGET}{SITE}login/"
    # Without a token, Django rejects them before the slow password check. They count all the same.
    answers = (client.post(url, data={"username": "admin", "password": str(number)}) for number in range(2 * ALLOWED_AT_ONCE))
    refused = next(answer for answer in answers if answer.status_code not in (403, 503))
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "6")
    assert refused.json()["title"] == "Too Many Requests"
    assert client.get(url).status_code == 200  # a request for the form is not counted
