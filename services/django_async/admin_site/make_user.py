"""Create the admin site's superuser or set a new password, which is printed once: python -m admin_site.make_user."""

import os
import secrets
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_settings")

import django

from twogates.server.settings import DjangoSettings

NAME = "admin"
BYTES = 18  # 24 characters


def main() -> None:
    """Create or update the superuser. Sessions that used the old password are invalidated."""
    if DjangoSettings.read().admin == "off":
        sys.exit("twogates: ADMIN is 'off'; accepted: on, with make up ADMIN=on first")
    django.setup()
    from django.contrib.auth import get_user_model
    from django.db import Error, connection

    connection.settings_dict["OPTIONS"].pop("pool")  # use a connection without a pool: this command may wait longer for it than a request
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
