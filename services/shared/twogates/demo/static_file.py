"""The one static file. Each service serves it in its framework's way, and Nginx serves it directly."""

from pathlib import Path

FILE = Path(__file__).parent / "static" / "gates.svg"
TYPE = "image/svg+xml"
