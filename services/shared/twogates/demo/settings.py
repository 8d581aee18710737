"""Settings of the demonstration: the upstream that the lessons call, and the page's live view."""

from pydantic import DirectoryPath, Field

from twogates.server.settings import Settings


class UpstreamSettings(Settings):
    """The service that every lesson about waiting calls, and the number of connections to it."""

    upstream_url: str = Field(pattern="^http://")
    upstream_connections: int = Field(ge=1, le=65535)  # open at once, in each process


class LiveSettings(Settings):
    """What the monitor reads, beside the settings of its server."""

    body_limit: int = Field(ge=1)
    live_folder: DirectoryPath
    flask_threads: int = Field(ge=1, le=1024)
