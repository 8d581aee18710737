"""Settings from the environment, checked once at start. compose.yaml holds the one default of each."""

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
# "auto" leaves the number to server.py, which derives it from the CPUs that the service was given.
Workers = Annotated[
    Annotated[int, Field(ge=1, le=256)] | None,
    BeforeValidator(lambda value: None if value == "auto" else value),
    Field(description="a whole number from 1 to 256, or auto"),
]


def writable(folder: Path) -> Path:
    """Reject a folder in which this process cannot make a file."""
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ValueError("not writable")
    return folder


class Settings(BaseModel):
    """Base of a group of settings: the field ``body_limit`` is the variable ``BODY_LIMIT``."""

    model_config = ConfigDict(frozen=True)

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read this group from the environment; exit with a sentence per wrong variable."""
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
    """What an application reads, whatever serves it."""

    profile: Profile
    body_limit: int = Field(ge=1)  # bytes of a JSON body
    upload_limit: int = Field(ge=1)  # bytes of an upload


PasswordFile = Annotated[FilePath | None, Field(description="a file with the password, as make secrets writes it")]


class DatabaseSettings(Settings):
    """Where the data is, and how many connections to it each process may hold."""

    database_url: str = Field(pattern="^postgresql://")
    database_password_file: PasswordFile = None
    pool: Annotated[
        Annotated[int, Field(ge=1, le=1000)] | None,
        BeforeValidator(lambda value: None if value == "auto" else value),
        Field(description="a whole number from 1 to 1000, or auto"),
    ]

    @property
    def database_password(self) -> str:
        """The password itself, empty where there is none."""
        return self.database_password_file.read_text().strip() if self.database_password_file else ""


class CacheSettings(Settings):
    """Where what may be lost is: the cache, counters, and messages on their way."""

    cache_url: str = Field(pattern="^redis://")
    cache_password_file: PasswordFile = None

    @property
    def cache_password(self) -> str | None:
        """The password itself, ``None`` where there is none."""
        return self.cache_password_file.read_text().strip() if self.cache_password_file else None


class DjangoSettings(AppSettings):
    """What Django reads beyond that."""

    admin: Literal["on", "off"]
    # Production has a key whether something is signed or not: the first session or reset of a password that a copy of this gains
    # must not find an empty one. Without a key, Django refuses to sign anything.
    secret_key_file: str | None = Field(
        None, validate_default=True, description="a file with 50 characters or more made at random, as make secrets writes it"
    )

    @field_validator("secret_key_file")
    @classmethod
    def strong(cls, path: str | None, others: ValidationInfo) -> str | None:
        """Reject what would be no secret, and none at all where there is something to sign."""
        needed = others.data.get("profile") == "production" or others.data.get("admin") == "on"
        if (path or needed) and len(set(read_secret(path))) < 20:
            raise ValueError("weak")
        return path

    @property
    def secret_key(self) -> str:
        """The key itself, empty where there is none."""
        return read_secret(self.secret_key_file) if self.secret_key_file else ""


def read_secret(path: str | None) -> str:
    """The text of a secret's file, of 50 characters or more; raises ValueError."""
    try:
        text = Path(path or "").read_text().strip()
    except (OSError, UnicodeDecodeError):
        raise ValueError("not readable") from None
    if len(text) < 50:
        raise ValueError("too short")
    return text


class TlsSettings(Settings):
    """What the certificate for HTTPS is made of, or checked against."""

    profile: Profile
    server_names: str = Field(pattern=r"^[A-Za-z0-9.:\[\]-]+( [A-Za-z0-9.:\[\]-]+)*$")
    tls_folder: Path
    authority_folder: Path | None = None


class ProcessSettings(Settings):
    """What every process that stays reads."""

    profile: Profile
    log_level: Literal["debug", "info", "warning", "error"]
    graceful_timeout: Seconds


class WorkerSettings(ProcessSettings):
    """What the worker reads, which listens nowhere and shows by a file that it is alive."""

    alive_file: Path
    reload: bool = False


class ServerSettings(ProcessSettings):
    """What a server reads. ``None`` where a server has no such thing: Daphne has no workers."""

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
    # Checked here and used by http/counters.py, which cannot import this module.
    counters: Annotated[Annotated[DirectoryPath, AfterValidator(writable)] | None, Field(description="a folder to write to")] = None
    counted_as: Annotated[str, Field(pattern="^[a-z]+$")] | None = None  # the name of a folder in it
