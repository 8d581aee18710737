"""systemd units for a host without containers, rendered from compose.yaml: docs/systemd.md."""
