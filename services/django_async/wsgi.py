"""The same Django application over WSGI, for `make lab X=django-both`: gunicorn --config wsgi_server.py wsgi:application."""

from django.core.wsgi import get_wsgi_application
from wsgi_server import slots

import app
from twogates.http.payloads import Identity
from twogates.http.wsgi import RequestIdMiddleware

app.identity = Identity("django", "django", "WSGI", "gunicorn", "gthread", slots)
application = RequestIdMiddleware(get_wsgi_application())
