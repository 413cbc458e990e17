"""The server's certificate: an authority and a leaf of its own, made at first start.

The authority stays; the leaf is made again when its end is near or its names have changed. The API server
pins the authority as ``caBundle``, so renewing the leaf needs no change in the cluster.
"""

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gate.clock import write_durably
from gate.home import Home

AUTHORITY_DAYS = 3650
LEAF_DAYS = 397
RENEW_DAYS = 60
CA_NAME, CA_KEY, LEAF_NAME, LEAF_KEY = "ca.pem", "ca-key.pem", "server.pem", "server-key.pem"


def ensure_certificate(home: Home, *, now: datetime) -> None:
    """Make the authority if there is none, and the leaf if there is none that will do. Raises OSError."""
    directory = home.tls_path
    if not (directory / CA_NAME).exists():
        _make_authority(directory, home, now)
    leaf_path = directory / LEAF_NAME
    if leaf_path.exists() and _will_do(x509.load_pem_x509_certificate(leaf_path.read_bytes()), home.dns_names, now):
        return
    _make_leaf(directory, home.dns_names, now)


def ca_bundle(home: Home) -> str:
    """The authority's certificate as PEM: what a webhook configuration pins. Raises FileNotFoundError."""
    return (home.tls_path / CA_NAME).read_text()


def _make_authority(directory: Path, home: Home, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Goldgate gate of {home.cluster}"[:64])])
    certificate = (
        _builder(name, name, key.public_key(), now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_durably(directory / CA_KEY, _private_pem(key), mode=0o600)
    write_durably(directory / CA_NAME, certificate.public_bytes(serialization.Encoding.PEM))


def _make_leaf(directory: Path, names: tuple[str, ...], now: datetime) -> None:
    authority = x509.load_pem_x509_certificate((directory / CA_NAME).read_bytes())
    signer = serialization.load_pem_private_key((directory / CA_KEY).read_bytes(), password=None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise TypeError("the authority's key is not the one this gate made")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    certificate = (
        _builder(subject, authority.subject, key.public_key(), now, LEAF_DAYS)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    write_durably(directory / LEAF_KEY, _private_pem(key), mode=0o600)
    write_durably(directory / LEAF_NAME, certificate.public_bytes(serialization.Encoding.PEM))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # clocks of API servers differ a little
        .not_valid_after(now + timedelta(days=days))
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _will_do(leaf: x509.Certificate, names: tuple[str, ...], now: datetime) -> bool:
    held = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    is_lasting = leaf.not_valid_after_utc > now.astimezone(UTC) + timedelta(days=RENEW_DAYS)
    return is_lasting and list(held) == [_general_name(name) for name in names]


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
