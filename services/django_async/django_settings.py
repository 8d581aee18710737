"""Django's settings. A setting that is not here keeps Django's default."""

from twogates.database.common import connection_options, pool_options
from twogates.database.pool_size import LOOP_POOL
from twogates.server.logs import logging_config
from twogates.server.settings import DatabaseSettings, DjangoSettings, ProcessSettings

settings = DjangoSettings.read()
database_settings = DatabaseSettings.read()
database = connection_options(database_settings, "django")

# DEBUG is not set: default off.
ROOT_URLCONF = "app"
# From a file: an environment variable is visible to users who may inspect the container, and to every child process.
SECRET_KEY = settings.secret_key
# Nginx decides which hosts are served, in one place for three services. Default: none.
ALLOWED_HOSTS = ["*"]
# Log times are in UTC, as those of the other services in a container. Default America/Chicago.
TIME_ZONE = "UTC"
# Django reads at most this many bytes of a body into memory. Default 2.5 MB.
DATA_UPLOAD_MAX_MEMORY_SIZE = settings.body_limit
# The contract has no cookies, sessions or forms, so it needs none of the middleware that startproject adds. The admin site has its own.
MIDDLEWARE: list[str] = []
# Warnings of Django's production check (server.py) that do not apply. W001 and W002, no middleware for security headers: Nginx sends them
# for all three services. W003, no CSRF middleware: the contract has no forms, and each view of the admin site protects its own.
SILENCED_SYSTEM_CHECKS = ["security.W001", "security.W002", "security.W003"]
# Procrastinate is the queue, with its tables and migrations. It finds notices/tasks.py by the file's name.
INSTALLED_APPS = ["procrastinate.contrib.django", "notices"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"  # default: 32 bits, so ids end at two thousand million
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database.pop("dbname"),
        "USER": database.pop("user"),
        "PASSWORD": database.pop("password"),
        "HOST": database.pop("host"),
        "PORT": database.pop("port"),
        # A connection pool for all threads of the process. Default: none, so every request opens a connection of its own.
        "OPTIONS": {**database, "pool": pool_options(database_settings.pool or LOOP_POOL)},
    }
}
LOGGING = logging_config(ProcessSettings.read().log_level)

if settings.admin == "on":
    from admin_site.settings import *  # noqa: F403

    INSTALLED_APPS = [*ADMIN_APPS, *INSTALLED_APPS]  # noqa: F405
