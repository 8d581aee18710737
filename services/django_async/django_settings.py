"""Django's settings. What is not here keeps Django's default."""

from twogates.logs import logging_config
from twogates.settings import AppSettings, ServerSettings

# No DEBUG (default off) and no SECRET_KEY: nothing here signs anything, and Django refuses to sign without one.
ROOT_URLCONF = "app"
# Which hosts are served is Nginx's decision, one place for three services. Default: none.
ALLOWED_HOSTS = ["*"]
# Log lines carry UTC, as the other services' do in a container. Default America/Chicago.
TIME_ZONE = "UTC"
# Django reads at most so much of a body into memory. Default 2.5 MB.
DATA_UPLOAD_MAX_MEMORY_SIZE = AppSettings.read().body_limit
# No cookie, no session, no form: none of the middleware that startproject adds has anything to do here.
MIDDLEWARE: list[str] = []
LOGGING = logging_config(ServerSettings.read().log_level)
