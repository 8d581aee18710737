"""Settings of the demonstration: the upstream service that the lessons call, and the page's live view."""

from pydantic import DirectoryPath, Field

from twogates.server.settings import Settings


class UpstreamSettings(Settings):
    """The service that the lessons about waiting call, and the connection limit."""

    upstream_url: str = Field(pattern="^http://")
    upstream_connections: int = Field(ge=1, le=65535)  # per process


class LiveSettings(Settings):
    """Settings of the monitor, beside those of its server."""

    body_limit: int = Field(ge=1)
    live_folder: DirectoryPath
    flask_threads: int = Field(ge=1, le=1024)
