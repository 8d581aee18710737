"""Make Locust's page accept commands from its own pages only, and send load to our own stack only.

The page has no password. Locust checks neither which site sends a form nor the host in it. So any website could make the browser of a
person who runs Locust start a load test, against a host of the website's choice.
"""

from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, request

SAFE = {"GET", "HEAD", "OPTIONS"}  # methods that change nothing here
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def guard(app: Flask, target: str, loopback: bool) -> None:
    """Refuse commands from other sites, and other targets. ``loopback``: there is no proxy, and only this machine reaches the page.

    If another site's name resolves to this machine (DNS rebinding), that site has the same origin. Behind Nginx, a request for such a
    name gets no answer.
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
    """Return whether a browser says that another site sends the request.

    An older browser, or a request without TLS, only has the Origin header.
    """
    if site := request.headers.get("Sec-Fetch-Site"):
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).hostname != host


def refusal(why: str, status: int) -> tuple[Response, int]:
    """Return an answer in the form that the page's own script displays."""
    return jsonify(success=False, message=f"Refused: {why}."), status
