"""Serve the files that the admin pages load, from Django's package: Nginx runs in another container and has no access to them."""

from pathlib import Path

import django.contrib.admin
from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.cache import get_conditional_response
from web import get

from twogates.http.problems import Problem

FOLDER = Path(django.contrib.admin.__file__).parent / "static" / "admin"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
# An index of all files by name. A name that is not in it never reaches the file system, so path traversal is impossible.
FILES = {found.relative_to(FOLDER).as_posix(): found for found in FOLDER.rglob("*") if found.suffix in TYPES}
# The files change only with Django's version, but keep their names, so a browser revalidates them after an hour.
ETAG, CACHED = f'"{django.get_version()}"', "max-age=3600"


@get
async def admin_file(request: HttpRequest, name: str) -> HttpResponse:
    if not (file := FILES.get(name)):
        raise Problem(404)
    headers = {"ETag": ETAG, "Cache-Control": CACHED}
    if get_conditional_response(request, etag=ETAG):
        return HttpResponse(status=304, headers=headers)
    body = await sync_to_async(file.read_bytes, thread_sensitive=False)()
    return HttpResponse(body, content_type=TYPES[file.suffix], headers={**headers, "Content-Length": len(body)})


routes = [path("static/admin/<path:name>", admin_file)]
