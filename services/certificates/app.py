"""Prepare or check the certificate that Nginx serves. Runs before Nginx starts: python app.py.

Development: the first start creates a certificate authority and a certificate, and a start within 30 days of expiry renews them. So
HTTPS works from the first start, and no key is in the repository or in an image. Production: creates nothing. It checks the
certificate that the operator provides, and prints one message for each reason why Nginx should not start with it.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import pem
from authority import NAME, general_name, new_authority, new_certificate
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from twogates.server.settings import TlsSettings

RENEWED_BEFORE = timedelta(days=30)
LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]
SHORTEST_RSA_KEY = 2048


def prepare(folder: Path, authority_folder: Path, names: list[str]) -> pem.Pair:
    """Create the authority and the certificate where one is missing, expires soon or is for other names.

    Clients must trust a new authority again, so an existing one is kept if possible.
    """
    names = list(dict.fromkeys((*names, *LOOPBACK)))
    authority = existing(authority_folder)
    if authority is None or ends_soon(authority.certificate) or constrained_to(authority.certificate) != set(map(general_name, names)):
        authority = new_authority(names)
        pem.write(authority_folder, authority)
    pair = existing(folder)
    if pair is None or ends_soon(pair.certificate) or not issued_by(pair.certificate, authority.certificate):
        pair = new_certificate(authority, names)
        pem.write(folder, pair)
    pem.replace(folder / "authority.pem", (authority_folder / pem.CERTIFICATE).read_bytes(), 0o644)
    return pair


def existing(folder: Path) -> pem.Pair | None:
    """Return the pair in a folder, or ``None`` if it is missing, incomplete or invalid."""
    try:
        return pem.read(folder)
    except (OSError, ValueError):
        return None


def ends_soon(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_after_utc - datetime.now(UTC) < RENEWED_BEFORE


def issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Return whether this authority signed the certificate, not an earlier one with the same name."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def constrained_to(authority: x509.Certificate) -> set[x509.GeneralName]:
    """Return the names that an authority may sign for, in the form of a certificate's alternative names."""
    try:
        permitted = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    except x509.ExtensionNotFound:
        return set()
    return {x509.IPAddress(name.value.network_address) if isinstance(name.value, IPv4Network | IPv6Network) else name for name in permitted}


def faults(folder: Path, names: list[str]) -> Iterator[str]:
    """Yield one message for each reason why Nginx should not start with this certificate and key."""
    unreadable = [error for name in (pem.CERTIFICATE, pem.KEY) if (error := why_unreadable(folder / name))]
    for error in unreadable:
        yield f"{error.filename} cannot be read ({error.strerror}); accepted: {pem.CERTIFICATE} and {pem.KEY}, readable by this user"
    if any(error.filename == str(folder / pem.CERTIFICATE) for error in unreadable):
        return
    try:
        certificate = pem.read_certificate(folder) if unreadable else pem.read(folder).certificate
    except ValueError as wrong:
        yield f"{folder} holds no certificate with its key ({wrong}); accepted: both as PEM, the key without a password"
        return
    key = certificate.public_key()
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not begins <= datetime.now(UTC) < ends:
        yield f"{pem.CERTIFICATE} is valid from {begins:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M} UTC, which is not now"
    if certificate.issuer == NAME:
        yield f"{pem.CERTIFICATE} is one for development; accepted: one of an authority that your clients trust"
    if isinstance(key, RSAPublicKey) and key.key_size < SHORTEST_RSA_KEY:
        yield f"{pem.KEY} is an RSA key of {key.key_size} bits; accepted: {SHORTEST_RSA_KEY} or more, or an elliptic curve"
    missing = [name for name in names if not covered(name, certificate)]
    if missing:
        yield f"{pem.CERTIFICATE} is not for {', '.join(missing)}; accepted: one for every name in SERVER_NAMES"


def why_unreadable(path: Path) -> OSError | None:
    """Try to read a file. Return the error, or ``None`` if the file is readable."""
    try:
        path.read_bytes()
    except OSError as error:
        return error
    return None


def covered(name: str, certificate: x509.Certificate) -> bool:
    """Return whether the certificate covers a name, directly or by a wildcard for its first label."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    wildcard = x509.DNSName(f"*.{name.partition('.')[2]}")
    return general_name(name) in found or wildcard in found


def main() -> int:
    """Create or check the certificate and print a one-line summary. Return exit status 2 when Nginx should not start."""
    settings = TlsSettings.read()
    names = settings.server_names.split()
    if settings.profile == "production":
        found = list(faults(settings.tls_folder, names))
        for fault in found:
            print(f"twogates: {fault}", file=sys.stderr)
        if found:
            return 2
        pair = pem.read(settings.tls_folder)
    else:
        assert settings.authority_folder
        try:
            pair = prepare(settings.tls_folder, settings.authority_folder, names)
        except OSError as error:
            print(f"twogates: {error.filename} cannot be written ({error.strerror}); accepted: folders of this user", file=sys.stderr)
            return 2
    ends = pair.certificate.not_valid_after_utc
    print(f"A certificate for {', '.join(names)}, valid until {ends:%Y-%m-%d}{': renew it' if ends_soon(pair.certificate) else ''}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
