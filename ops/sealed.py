"""Encrypted backups that this machine can write but not read: age (https://age-encryption.org/v1), by the package pyrage.

BACKUP_RECIPIENTS are public keys. The private key of any one of them can decrypt the backup.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import IO, Any

import pyrage
from pyrage import x25519

from ops.postgres import Failed
from runtime import given_file
from runtime.compose_file import variables
from runtime.console import fail

ENDING = ".age"
MAGIC = b"age-encryption.org/v1"
ACCEPTED = "a file with a private key of age's, AGE-SECRET-KEY-1..., as make backup-key writes it"


def recipients() -> list[Any]:
    """Return the public keys that backups are encrypted for, or an empty list; exit with a message if a key is not valid."""
    return [recipient(text) for text in variables().get("BACKUP_RECIPIENTS", "").split()]


def recipient(text: str) -> Any:
    """Return a text as a public key; exit with a message if it is not one."""
    try:
        return x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        fail(f"BACKUP_RECIPIENTS has {text}, which is no public key of age's; accepted: age1..., as make backup-key prints it")


def identities(named: Path | None) -> list[Any]:
    """Return the private keys in a file; exit with a message if there are none."""
    if named is None:
        fail(f"The backup is encrypted. Say where the key is: make restore B=... BACKUP_KEY=FILE; accepted: {ACCEPTED}")
    given_file.readable(named, ACCEPTED)
    lines = [line.strip() for line in given_file.text(named).splitlines()]
    try:
        found = [x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except pyrage.IdentityError:
        found = []
    return found or fail(f"{named} holds no key; accepted: {ACCEPTED}")


def is_sealed(path: Path) -> bool:
    """Whether a file is encrypted, judged by its content and not by its name."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def seal(source: Any, file: IO[bytes], keys: Sequence[Any]) -> None:
    """Encrypt a source for each of the public keys, and write the result to a file."""
    pyrage.encrypt_io(source, file, list(keys))


@contextmanager
def opened(path: Path, keys: Sequence[Any]) -> Iterator[IO[bytes]]:
    """Open a file's content as a stream, decrypted with one of the private keys if it is encrypted. It needs no disk space.

    Raise ``Failed`` if no key fits, or if the file was altered or cut off.
    """
    with path.open("rb") as file:
        if not is_sealed(path):
            yield file
            return
        out, into = os.pipe()
        wrong = list[str]()

        def decrypt() -> None:
            try:
                with os.fdopen(into, "wb") as writer:
                    pyrage.decrypt_io(file, writer, list(keys))
            except BrokenPipeError:  # the reader has closed the pipe early
                pass
            except (pyrage.DecryptError, OSError) as error:
                wrong.append(f"{path.name} cannot be decrypted, since it is not whole or for another key: {error}")

        thread = Thread(target=decrypt)
        thread.start()
        try:
            with os.fdopen(out, "rb") as reader:
                yield reader
        except Failed as error:
            thread.join()
            raise Failed(wrong[0] if wrong else str(error)) from error
        finally:
            thread.join()
        if wrong:
            raise Failed(wrong[0])


def new_key(path: str) -> str:
    """Write a new private key to a file that does not exist yet; return its public key."""
    if not path:
        fail("Say where the key is to be: make backup-key F=FILE")
    made = x25519.Identity.generate()
    public = str(made.to_public())
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"# public key: {public}\n{made}\n")
    except OSError as error:
        fail(f"{path} cannot be written ({error.strerror}); accepted: a file that is not there yet, in a folder of this user")
    return public
