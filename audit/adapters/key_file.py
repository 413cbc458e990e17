"""The Ed25519 key that signs checkpoints: one of the five secrets, in a file of its own (0600)."""

import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from audit.domain.checkpoint import key_id_of
from audit.errors import KeyUnreadable

CURE = "`script/manage create_audit_key FILE` makes one."


class CheckpointSigner:
    """Signs checkpoints with one key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key_id = key_id_of(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the signature (RFC 8032)."""
        return self._key.sign(message)


def load_signer(path: Path) -> CheckpointSigner:
    """The signer of the PKCS #8 PEM file. Raises KeyUnreadable, also when others may read the file."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_bytes()
    except OSError as error:
        raise KeyUnreadable(f"The checkpoint key {path} cannot be read: {error.strerror}.", cure=CURE) from error
    if mode & 0o027:  # the group may read: Kubernetes gives a mounted secret to one
        raise KeyUnreadable(f"The checkpoint key {path} is open to others (mode {mode:o}).", cure="`chmod 600` it.")
    try:
        key = load_pem_private_key(text, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyUnreadable(f"The checkpoint key {path} is not a PEM key: {error}", cure=CURE) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnreadable(f"The checkpoint key {path} is not an Ed25519 key.", cure=CURE)
    return CheckpointSigner(key)


def create_key(path: Path) -> CheckpointSigner:
    """Make a key at ``path`` with mode 0600. Raises FileExistsError: a key is never replaced in silence."""
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return CheckpointSigner(key)
