"""A certificate and its key, as two files. Each file is replaced atomically, so that no reader sees half of it."""

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

CERTIFICATE, KEY = "fullchain.pem", "privkey.pem"  # as ACME clients name them


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: CertificateIssuerPrivateKeyTypes


def read(folder: Path) -> Pair:
    """Return the pair in a folder; raises OSError and ValueError."""
    certificate = read_certificate(folder)
    try:
        key = load_pem_private_key((folder / KEY).read_bytes(), password=None)
    except TypeError as error:  # the library raises it for a key with a password
        raise ValueError(str(error)) from error
    if key.public_key() != certificate.public_key():
        raise ValueError(f"{KEY} is not the key of {CERTIFICATE}")
    return Pair(certificate, key)  # type: ignore[arg-type]


def read_certificate(folder: Path) -> x509.Certificate:
    """Return the first certificate of the chain in a folder; raises OSError and ValueError."""
    return x509.load_pem_x509_certificates((folder / CERTIFICATE).read_bytes())[0]


def write(folder: Path, pair: Pair) -> None:
    """Write both files; only this user may read the key. The key comes first: Nginx does not start with a certificate without its key."""
    replace(folder / KEY, pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
    replace(folder / CERTIFICATE, pair.certificate.public_bytes(Encoding.PEM), 0o644)


def replace(path: Path, content: bytes, mode: int) -> None:
    """Replace a file atomically: write a new file and rename it."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    new.rename(path)
