"""Django's additional settings when the admin site is on (django_settings.py)."""

from typing import Any

from twogates.server.settings import DjangoSettings

# The path prefix under which Nginx serves Django (nginx/templates/server.conf.template). Only the admin site needs it, for the links
# between its pages.
MOUNTED_AT = "/django"
SITE = f"{MOUNTED_AT}/admin/"
HOURS = 3600

ADMIN_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
]
# No CSRF middleware: each view of the admin site checks the form's token itself.
MIDDLEWARE = [f"admin_site.middleware.{name}" for name in ("Session", "Authentication", "Message")]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
USE_I18N = False  # English only, as everything else; the image has no other translation. Default on
# The public path of the files that the pages load (static_files.py).
STATIC_URL = f"{MOUNTED_AT}/static/"

# Browsers send the cookies only to the admin pages, only from these pages, and in production only over HTTPS. Defaults: to every path of
# the host, including Flask's and FastAPI's; from links on other sites; over HTTP too.
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = SITE
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = DjangoSettings.read().profile == "production"
CSRF_COOKIE_HTTPONLY = True  # the form contains the token, so no script of the admin site reads the cookie
# In seconds: a working day. Default two weeks.
SESSION_COOKIE_AGE = 10 * HOURS
# No CSRF_TRUSTED_ORIGINS: a form must come from the address that it is sent to. Nginx passes that address, with the published port
# (nginx/http/admin.conf). No SECURE_PROXY_SSL_HEADER: Daphne reads X-Forwarded-Proto, which Nginx overwrites (server.py).
CSRF_FAILURE_VIEW = "admin_site.urls.csrf_failure"

# For users created on the admin pages. Default: any password.
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
