"""ECDSA over P-256 with SHA-256: the one kind of key that every cosign accepts."""

import hashlib
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from signing.errors import SignatureInvalid

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class Signer(Protocol):
    """Whoever holds a private key: a file, later a KMS."""

    @property
    def key_id(self) -> str: ...

    def sign(self, message: bytes) -> bytes:
        """The ASN.1 DER signature. Raises SignerUnavailable."""
        ...


def key_id_of(public_key: PublicKey) -> str:
    """Hex SHA-256 over the DER SubjectPublicKeyInfo."""
    der = public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def pem_of(public_key: PublicKey) -> str:
    """What ``cosign verify --key`` reads: the key alone, in its one spelling, without comments."""
    return public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def load_public_key(pem: str) -> ec.EllipticCurvePublicKey:
    """Raises SignatureInvalid for anything but a P-256 public key."""
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SignatureInvalid("The public key cannot be read.") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SignatureInvalid("The public key is not an ECDSA P-256 key.")
    return key


def require_signed(message: bytes, *, signature: bytes, public_pem: str) -> None:
    """Raises SignatureInvalid unless ``signature`` over ``message`` was made with this key."""
    try:
        load_public_key(public_pem).verify(signature, message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise SignatureInvalid("The signature does not verify with the public key.") from error
