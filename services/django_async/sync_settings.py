"""Django's settings with the synchronous views. The laboratory selects this module with DJANGO_SETTINGS_MODULE."""

from django_settings import *  # noqa: F403  all of them

ROOT_URLCONF = "sync_views"
