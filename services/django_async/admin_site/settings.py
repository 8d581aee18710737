"""What Django's settings have beyond django_settings.py where the admin site is on."""

from typing import Any

from twogates.server.settings import DjangoSettings

# Where Nginx has Django (nginx/templates/server.conf.template). The admin site alone has to know: its pages link to each other.
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
# None for forms: each view of the admin site looks at their tokens itself.
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
USE_I18N = False  # in English, as the rest; the image has no other language. Default on
# Where the files are that its pages load (static_files.py).
STATIC_URL = f"{MOUNTED_AT}/static/"

# A cookie goes to these pages, from these pages, and never over HTTP in production. Defaults: to every path of the host, Flask's and
# FastAPI's too; from a link elsewhere; over HTTP.
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = SITE
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = DjangoSettings.read().profile == "production"
CSRF_COOKIE_HTTPONLY = True  # the token is in the form; no script of the admin site asks for the cookie
# A working day. Default two weeks.
SESSION_COOKIE_AGE = 10 * HOURS
# A form comes from the address that it is sent to, and no other is trusted. Nginx says which, with the published port
# (nginx/http/admin.conf). No SECURE_PROXY_SSL_HEADER: Daphne reads X-Forwarded-Proto, which Nginx overwrites (server.py).
CSRF_FAILURE_VIEW = "admin_site.urls.csrf_failure"

# For the users that are made on its pages. Default: any password.
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
