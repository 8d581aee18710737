"""Settings from the environment, checked once at start. compose.yaml holds the one default of each."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, DirectoryPath, Field, ValidationError

from twogates.problems import describe_errors

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

    body_limit: int = Field(ge=1)  # bytes of a JSON body
    upload_limit: int = Field(ge=1)  # bytes of an upload
    upstream_url: str = Field(pattern="^http://")
    upstream_connections: int = Field(ge=1, le=65535)  # open at once, in each process


class TlsSettings(Settings):
    """What the certificate for HTTPS is made of, or checked against."""

    profile: Literal["development", "production"]
    server_names: str = Field(pattern=r"^[A-Za-z0-9.:\[\]-]+( [A-Za-z0-9.:\[\]-]+)*$")
    tls_folder: Path
    authority_folder: Path | None = None


class ServerSettings(Settings):
    """What a server reads. ``None`` where a server has no such thing: Daphne has no workers."""

    host: str
    port: Port
    log_level: Literal["debug", "info", "warning", "error"]
    graceful_timeout: Seconds
    trusted_proxies: str
    reload: bool = False
    preload: bool = False
    workers: Workers = None
    threads: Annotated[int, Field(ge=1, le=1024)] = 1
    timeout: Seconds | None = None
    keepalive: Seconds | None = None
    backlog: Annotated[int, Field(ge=1, le=65535)] | None = None
    # Checked here and used by counters.py, which cannot import this module.
    counters: Annotated[Annotated[DirectoryPath, AfterValidator(writable)] | None, Field(description="a folder to write to")] = None
