"""A restore that cannot succeed is refused with an explanation, and the data stays.

Both runtimes behave alike, so one is tested.
"""

from contextlib import suppress
from pathlib import Path

from ops import postgres
from tests.backups import checksums, run
from tests.conftest import ROOT


def test_what_cannot_be_restored_is_refused_and_nothing_is_changed(stack: None, tmp_path: Path) -> None:
    before = checksums()
    file = tmp_path / "file.dump"
    whole = postgres.run("pg_dump", "--format=custom")
    for content in (b"PGDMP, it says", whole[:-10]):
        file.write_bytes(content)
        refused = run("restore", str(file))
        assert (refused.returncode, "Traceback" in refused.stderr) == (1, False)
        assert f"{file} is no backup, or not a whole one; accepted: a file that make backup has written" in refused.stderr
    # Also a backup of another project, whose tables conflict with the migrations.
    with suppress(postgres.Failed):
        postgres.sql("CREATE DATABASE another TEMPLATE template0", postgres.USER)
    try:
        postgres.sql("CREATE TABLE boards (theirs int)", "another")
        file.write_bytes(postgres.run("pg_dump", "--format=custom", database="another"))
    finally:
        postgres.sql("DROP DATABASE another", postgres.USER)
    failed = run("restore", str(file))
    assert (failed.returncode, "Traceback" in failed.stderr) == (1, False)
    assert "The database is as it was. PostgreSQL says: " in failed.stderr
    assert checksums() == before
    left = [name for [name] in postgres.sql("SELECT datname FROM pg_database") if name.startswith("twogates")]
    assert left == ["twogates"]


def test_a_file_that_is_not_there_is_named(stack: None) -> None:
    refused = run("restore", "backups/none.dump")
    assert refused.returncode == 1
    assert refused.stderr == "twogates: backups/none.dump is not there; accepted: a file that make backup has written\n"
    assert not list((ROOT / "backups").glob("*.part"))
