"""Who may attest an inventory: which keys are read, what a scope is, and whether a signature is a key's.

A scope names images of the catalog, and places in registries. A place is ``host`` or ``host/path``, and holds what
lies at it or below it, by whole path components: ``registry.example/base`` holds ``registry.example/base/tool`` and
not ``registry.example/base-old``. There are no patterns: what somebody may speak for can be read off.
"""

import re
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from core.errors import FieldError
from oci.reference import is_host, is_repository_path
from signing.domain.dsse import Envelope, pre_authentication_encoding
from signing.domain.ecdsa import PublicKey

MAX_PEM = 4000  # characters
MAX_PLACES = 50  # of one scope, images and repositories each
P256, ED25519 = "ecdsa-p256", "ed25519"
_NAME = re.compile(r"\A[A-Za-z0-9](?:[A-Za-z0-9 ._@/+()-]{0,98}[A-Za-z0-9.)])?\Z")
_IMAGE = re.compile(r"\A[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*\Z")


class KeyUnreadable(ValueError):
    """Not a public key of a kind that is read here."""


def load_key(pem: str) -> PublicKey:
    """An ECDSA P-256 or Ed25519 public key. Raises KeyUnreadable, and never repeats what it was given."""
    if "PRIVATE KEY" in pem:
        raise KeyUnreadable("That is a private key. Nothing was kept; hand in its public half, and replace it.")
    if len(pem) > MAX_PEM:
        raise KeyUnreadable(f"A public key in PEM form has at most {MAX_PEM} characters.")
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnreadable("The public key cannot be read: it begins with -----BEGIN PUBLIC KEY-----.") from error
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise KeyUnreadable("The public key is neither ECDSA P-256 nor Ed25519.")


def algorithm_of(key: PublicKey) -> str:
    """Its name here."""
    return ED25519 if isinstance(key, ed25519.Ed25519PublicKey) else P256


def is_signed_by(envelope: Envelope, public_pem: str) -> bool:
    """Whether the envelope's signature over type and payload was made with this key."""
    key, signed = load_key(public_pem), pre_authentication_encoding(envelope.payload)
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(envelope.signature, signed)
        else:
            key.verify(envelope.signature, signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def wrong_fields(*, name: str, images: Iterable[str], repositories: Iterable[str]) -> list[FieldError]:
    """What is wrong with a signer's name and scope."""
    images, repositories = list(images), list(repositories)
    wrong = []
    if not _NAME.match(name):
        wrong.append(FieldError("/name", "invalid", "A name has 1 to 100 letters, digits, spaces and . _ @ / + - ( )."))
    if not images and not repositories:
        wrong.append(FieldError("/repositories", "scope_missing", "Say for which images: names, or repositories."))
    for field, listed in (("/images", images), ("/repositories", repositories)):
        if len(listed) > MAX_PLACES:
            wrong.append(FieldError(field, "too_many", f"At most {MAX_PLACES}."))
    wrong += [
        FieldError(f"/images/{at}", "invalid", f"{one[:100]!r} is no image's name, such as debian.")
        for at, one in enumerate(images[:MAX_PLACES])
        if not _IMAGE.match(one) or len(one) > 100
    ]
    wrong += [
        FieldError(f"/repositories/{at}", "invalid", f"{one[:100]!r} is not host[:port] or host[:port]/path.")
        for at, one in enumerate(repositories[:MAX_PLACES])
        if not _is_place(one)
    ]
    return wrong


def _is_place(text: str) -> bool:
    host, slash, path = text.partition("/")
    return len(text) <= 512 and is_host(host) and (not slash or is_repository_path(path))
