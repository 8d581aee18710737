"""Django's settings with the sync views, for the laboratory, which names this file in DJANGO_SETTINGS_MODULE."""

from django_settings import *  # noqa: F403  all of them

ROOT_URLCONF = "sync_views"
