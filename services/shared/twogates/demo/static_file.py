"""The one static file, which each service serves in its framework's way and Nginx without any of them."""

from pathlib import Path

FILE = Path(__file__).parent / "static" / "gates.svg"
TYPE = "image/svg+xml"
