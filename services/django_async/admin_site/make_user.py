"""Make the admin site's user, or give him a new password, which is printed once: python -m admin_site.make_user."""

import os
import secrets
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_settings")

import django

from twogates.server.settings import DjangoSettings

NAME = "admin"
BYTES = 18  # 24 characters


def main() -> None:
    """Make him, with all rights. Whoever is logged in by the old password no longer is."""
    if DjangoSettings.read().admin == "off":
        sys.exit("twogates: ADMIN is 'off'; accepted: on, with make up ADMIN=on first")
    django.setup()
    from django.contrib.auth import get_user_model
    from django.db import Error, connection

    connection.settings_dict["OPTIONS"].pop("pool")  # one connection, for which this may wait longer than a request
    password = secrets.token_urlsafe(BYTES)
    try:
        user, made = get_user_model().objects.get_or_create(username=NAME)
        user.is_active = user.is_staff = user.is_superuser = True
        user.set_password(password)
        user.save()
    except Error as error:
        sys.exit(f"twogates: the database does not answer: {error}")
    print(f"{'Made the user' if made else 'A new password for'} {NAME}, shown this once: {password}")


if __name__ == "__main__":
    main()
