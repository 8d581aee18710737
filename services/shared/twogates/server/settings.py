"""Settings from environment variables, validated once at start. compose.yaml holds their defaults."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    DirectoryPath,
    Field,
    FilePath,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from twogates.http.problems import describe_errors

Profile = Literal["development", "production"]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[int, Field(ge=1, le=3600)]
# With "auto", server.py derives the number from the CPUs of the service.
Workers = Annotated[
    Annotated[int, Field(ge=1, le=256)] | None,
    BeforeValidator(lambda value: None if value == "auto" else value),
    Field(description="a whole number from 1 to 256, or auto"),
]


def writable(folder: Path) -> Path:
    """Reject a folder in which this process cannot create a file."""
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ValueError("not writable")
    return folder


class Settings(BaseModel):
    """Base of a group of settings. The field ``body_limit`` reads the variable ``BODY_LIMIT``."""

    model_config = ConfigDict(frozen=True)

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read this group from the environment. Exit with status 2 and one message per invalid variable."""
        environ = os.environ if environ is None else environ
        given = {name: environ[name.upper()] for name in cls.model_fields if environ.get(name.upper())}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            for wrong in describe_errors(error.errors(), cls):
                variable = wrong["field"].upper()
                what = "is not set" if variable.lower() not in given else f"is {given[variable.lower()]!r}"
                print(f"twogates: {variable} {what}; accepted: {wrong['accepted'].removesuffix(' or null')}", file=sys.stderr)
            sys.exit(2)


class AppSettings(Settings):
    """Settings of an application, independent of its server."""

    profile: Profile
    body_limit: int = Field(ge=1)  # bytes of a JSON body
    upload_limit: int = Field(ge=1)  # bytes of an upload


PasswordFile = Annotated[FilePath | None, Field(description="a file with the password, as make secrets writes it")]


class DatabaseSettings(Settings):
    """The address of the database, and the connection limit of each process."""

    database_url: str = Field(pattern="^postgresql://")
    database_password_file: PasswordFile = None
    pool: Annotated[
        Annotated[int, Field(ge=1, le=1000)] | None,
        BeforeValidator(lambda value: None if value == "auto" else value),
        Field(description="a whole number from 1 to 1000, or auto"),
    ]

    @property
    def database_password(self) -> str:
        """The password itself, empty if there is none."""
        return self.database_password_file.read_text().strip() if self.database_password_file else ""


class CacheSettings(Settings):
    """The address of Valkey, whose data may be lost: the cache, counters, and chat notifications."""

    cache_url: str = Field(pattern="^redis://")
    cache_password_file: PasswordFile = None

    @property
    def cache_password(self) -> str | None:
        """The password itself, ``None`` if there is none."""
        return self.cache_password_file.read_text().strip() if self.cache_password_file else None


class DjangoSettings(AppSettings):
    """Additional settings of Django."""

    admin: Literal["on", "off"]
    # Required in production, even if nothing is signed yet: an application that adds sessions or password resets must not start with
    # an empty key. Without a key, Django refuses to sign anything.
    secret_key_file: str | None = Field(
        None, validate_default=True, description="a file with 50 characters or more made at random, as make secrets writes it"
    )

    @field_validator("secret_key_file")
    @classmethod
    def strong(cls, path: str | None, others: ValidationInfo) -> str | None:
        """Reject a weak key, and a missing key in production or with the admin site on."""
        needed = others.data.get("profile") == "production" or others.data.get("admin") == "on"
        if (path or needed) and len(set(read_secret(path))) < 20:
            raise ValueError("weak")
        return path

    @property
    def secret_key(self) -> str:
        """The key itself, empty if there is none."""
        return read_secret(self.secret_key_file) if self.secret_key_file else ""


def read_secret(path: str | None) -> str:
    """Return the text of a secret file. Raises ValueError if it is not readable or shorter than 50 characters."""
    try:
        text = Path(path or "").read_text().strip()
    except (OSError, UnicodeDecodeError):
        raise ValueError("not readable") from None
    if len(text) < 50:
        raise ValueError("too short")
    return text


class TlsSettings(Settings):
    """Settings from which the certificate for HTTPS is made, or against which it is checked."""

    profile: Profile
    server_names: str = Field(pattern=r"^[A-Za-z0-9.:\[\]-]+( [A-Za-z0-9.:\[\]-]+)*$")
    tls_folder: Path
    authority_folder: Path | None = None


class ProcessSettings(Settings):
    """Settings of every long-running process."""

    profile: Profile
    log_level: Literal["debug", "info", "warning", "error"]
    graceful_timeout: Seconds


class WorkerSettings(ProcessSettings):
    """Settings of the worker, which listens on no port. It touches a file to show that it is alive."""

    alive_file: Path
    reload: bool = False


class ServerSettings(ProcessSettings):
    """Settings of a server. ``None`` if the server has no such option: Daphne has no workers."""

    host: str
    port: Port
    trusted_proxies: str
    keepalive: Seconds
    reload: bool = False
    preload: bool = False
    workers: Workers = None
    threads: Annotated[int, Field(ge=1, le=1024)] = 1
    timeout: Seconds | None = None
    backlog: Annotated[int, Field(ge=1, le=65535)] | None = None
    # Validated here, but read by http/counters.py, which cannot import this module.
    counters: Annotated[Annotated[DirectoryPath, AfterValidator(writable)] | None, Field(description="a folder to write to")] = None
    counted_as: Annotated[str, Field(pattern="^[a-z]+$")] | None = None  # the name of a folder in it
