"""A certificate authority for development, and the certificates that it signs.

Name constraints (RFC 5280, section 4.2.1.10) limit it to the names of this stack: a client that trusts it does so for no other name.
"""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pem import Pair

# Mozilla's guideline recommends 90 days for a certificate, and browsers refuse more than 398.
CERTIFICATE_LASTS, AUTHORITY_LASTS = timedelta(days=90), timedelta(days=3650)
# The clocks of other machines may be behind this one.
BACKDATED = timedelta(hours=1)
NAME = x509.Name(
    [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Two Gates"), x509.NameAttribute(NameOID.COMMON_NAME, "Two Gates development authority")]
)
SIGNS, SHAKES_HANDS = {"key_cert_sign", "crl_sign"}, {"digital_signature"}
USES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign")


def new_authority(names: list[str]) -> Pair:
    """Create an authority for these names."""
    key = ec.generate_private_key(ec.SECP256R1())
    constraints = x509.NameConstraints([constraint(name) for name in names], None)
    certificate = (
        begun(NAME, key, AUTHORITY_LASTS, SIGNS)
        .issuer_name(NAME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(constraints, critical=True)
        .sign(key, hashes.SHA256())
    )
    return Pair(certificate, key)


def new_certificate(authority: Pair, names: list[str]) -> Pair:
    """Create a server certificate for these names, signed by the authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        begun(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]), key, CERTIFICATE_LASTS, SHAKES_HANDS)
        .issuer_name(authority.certificate.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([general_name(name) for name in names]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(signer), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return Pair(certificate, key)


def begun(subject: x509.Name, key: ec.EllipticCurvePrivateKey, lasts: timedelta, uses: set[str]) -> x509.CertificateBuilder:
    """Return a builder with the parts that an authority's and a server's certificate have in common."""
    begins = datetime.now(UTC) - BACKDATED
    usage = x509.KeyUsage(**{use: use in uses for use in USES}, encipher_only=False, decipher_only=False)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + lasts)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(usage, critical=True)
    )


def address(name: str) -> IPv4Address | IPv6Address | None:
    """Return a name as an IP address, with or without brackets, or ``None`` if it is not one."""
    try:
        return ip_address(name.strip("[]"))
    except ValueError:
        return None


def general_name(name: str) -> x509.GeneralName:
    return x509.IPAddress(found) if (found := address(name)) else x509.DNSName(name)


def constraint(name: str) -> x509.GeneralName:
    return x509.IPAddress(ip_network(found)) if (found := address(name)) else x509.DNSName(name)
