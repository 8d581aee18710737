"""Django's settings. What is not here keeps Django's default."""

from twogates.database.common import connection_options, pool_options
from twogates.database.pool_size import LOOP_POOL
from twogates.server.logs import logging_config
from twogates.server.settings import DatabaseSettings, DjangoSettings, ProcessSettings

settings = DjangoSettings.read()
database_settings = DatabaseSettings.read()
database = connection_options(database_settings, "django")

# No DEBUG: default off.
ROOT_URLCONF = "app"
# From a file: a variable would be seen by whoever may inspect the container, and by every process that this one starts.
SECRET_KEY = settings.secret_key
# Which hosts are served is Nginx's decision, one place for three services. Default: none.
ALLOWED_HOSTS = ["*"]
# Log lines carry UTC, as the other services' do in a container. Default America/Chicago.
TIME_ZONE = "UTC"
# Django reads at most so much of a body into memory. Default 2.5 MB.
DATA_UPLOAD_MAX_MEMORY_SIZE = settings.body_limit
# No cookie, no session, no form: none of the middleware that startproject adds has anything to do here. The admin site has its own.
MIDDLEWARE: list[str] = []
# What Django's check for production (server.py) misses, and why: its middleware for headers (W001, W002) since Nginx sends them, for
# all three services; its protection of forms (W003) since the contract has none, and each view of the admin site protects its own.
SILENCED_SYSTEM_CHECKS = ["security.W001", "security.W002", "security.W003"]
# The queue, with its tables and their migrations; it finds notices/tasks.py by that name.
INSTALLED_APPS = ["procrastinate.contrib.django", "notices"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"  # with 32 bits, the default, ids end at two thousand million
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database.pop("dbname"),
        "USER": database.pop("user"),
        "PASSWORD": database.pop("password"),
        "HOST": database.pop("host"),
        "PORT": database.pop("port"),
        # A pool, for all threads of the process. Default: none, and every request makes a connection of its own.
        "OPTIONS": {**database, "pool": pool_options(database_settings.pool or LOOP_POOL)},
    }
}
LOGGING = logging_config(ProcessSettings.read().log_level)

if settings.admin == "on":
    from admin_site.settings import *  # noqa: F403

    INSTALLED_APPS = [*ADMIN_APPS, *INSTALLED_APPS]  # noqa: F405
