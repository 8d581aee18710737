"""Locust's page obeys its own pages alone, and sends load to our own stack alone.

It has no password, and Locust checks neither who sends a form nor the host in it. So any page on the internet could have the browser
of somebody who runs it start a load test, of a host of its choice.
"""

from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, request

SAFE = {"GET", "HEAD", "OPTIONS"}  # which change nothing here
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def guard(app: Flask, target: str, loopback: bool) -> None:
    """Refuse orders of other pages, and another target. ``loopback``: nothing is in front of the page, and this machine alone asks it.

    A name of another page's that leads to this machine (DNS rebinding) makes it the same origin. Behind Nginx such a name gets no answer.
    """

    @app.before_request
    def refuse() -> tuple[Response, int] | None:
        host = urlsplit(f"//{request.host}").hostname
        if loopback and host not in LOOPBACK:
            return refusal(f"the host is {host!r}; accepted: {', '.join(sorted(LOOPBACK))}", 403)
        if request.method in SAFE:
            return None
        if foreign(host):
            return refusal("another page sent this; accepted: an order from this page", 403)
        asked = request.form.get("host", "")
        if asked not in ("", target):
            return refusal(f"host is {asked!r}; accepted: {target}", 400)
        return None


def foreign(host: str | None) -> bool:
    """Whether a browser says that another page sends the request. One that is older, or asks without TLS, says it by Origin alone."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).hostname != host


def refusal(why: str, status: int) -> tuple[Response, int]:
    """An answer in the form that the page's own script shows."""
    return jsonify(success=False, message=f"Refused: {why}."), status
