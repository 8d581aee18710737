"""Certificates for tests that look like another authority's: our own code issues them under another issuer name."""

import importlib
import os
import sys
from datetime import timedelta
from pathlib import Path
from types import ModuleType

from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.conftest import ROOT

FOLDER = ROOT / "services" / "certificates"
ELSEWHERE = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority elsewhere")])


def modules() -> tuple[ModuleType, ModuleType]:
    """Return the service's own modules ``authority`` and ``pem``. Its folder is a program and not a package."""
    sys.path.insert(0, str(FOLDER))
    try:
        return importlib.import_module("authority"), importlib.import_module("pem")
    finally:
        sys.path.remove(str(FOLDER))


def write_certificate(folder: Path, names: list[str], owner: int | None = None, days: int = 90) -> Path:
    """Write a certificate and its key into a folder, owned by UID ``owner`` if given. Return the CA file, which is beside the folder."""
    authority, pem = modules()
    usual = authority.NAME, authority.CERTIFICATE_LASTS
    authority.NAME, authority.CERTIFICATE_LASTS = ELSEWHERE, timedelta(days=days)
    try:
        pair = authority.new_authority([name.removeprefix("*.") for name in names])
        pem.write(folder, authority.new_certificate(pair, names))
    finally:
        authority.NAME, authority.CERTIFICATE_LASTS = usual
    if owner is not None and os.geteuid() == 0:
        for file in folder.iterdir():
            os.chown(file, owner, owner)
    trusted = folder.parent / "elsewhere.pem"
    trusted.write_bytes(pair.certificate.public_bytes(pem.Encoding.PEM))
    return trusted
