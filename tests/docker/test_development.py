"""make dev on Docker, in a copy of the checkout with its own Compose project: an edit shows in the next response."""

from pathlib import Path

from tests.checkouts import OwnStack, edit_shows_everywhere


def test_an_edit_shows(tmp_path: Path) -> None:
    own = OwnStack(tmp_path, "edit")
    started = own.run("ops.stack", "dev")
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        edit_shows_everywhere(own.folder, own.port)
    finally:
        stopped = own.run("ops.stack", "down")
        own.remove()
    assert stopped.returncode == 0, stopped.stderr
