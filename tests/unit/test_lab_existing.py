"""The log of a stack that runs, read from where it was, across a rotation."""

from pathlib import Path

from loadtest.engine.existing import written_since


def test_what_was_written_since(tmp_path: Path) -> None:
    log = tmp_path / "nginx.log"
    log.write_text("before\n")
    then = log.stat()
    with log.open("a") as file:
        file.write("after\n")
    assert written_since(log, then) == "after\n"

    # It is rotated in between.
    log.rename(tmp_path / "nginx.log.1")
    log.write_text("in the new file\n")
    assert written_since(log, then) == "after\nin the new file\n"
