"""A private key in a file: PKCS#8 PEM, ECDSA P-256, mode 0600, with or without a passphrase.

Only the signer process is given the file. Without a passphrase the key is as safe as the file: the start
says "unprotected".
"""

import logging
import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from signing.domain.ecdsa import key_id_of
from signing.errors import KeyExists, SignerUnavailable

log = logging.getLogger(__name__)


class FileSigner:
    """Signs with the key of one file. Construct with ``load``."""

    def __init__(self, private_key: ec.EllipticCurvePrivateKey) -> None:
        self._private_key = private_key
        self._key_id = key_id_of(private_key.public_key())

    @property
    def key_id(self) -> str:
        return self._key_id

    def sign(self, message: bytes) -> bytes:
        return self._private_key.sign(message, ec.ECDSA(hashes.SHA256()))

    @classmethod
    def load(cls, path: str, *, passphrase_path: str = "") -> "FileSigner":
        """Raises SignerUnavailable, saying what is wrong with the file; never what stands in it."""
        if not path:
            raise SignerUnavailable(
                "This process has no signing key.", cure="Set GOLDGATE_SIGNING_KEY_FILE in the signer's environment."
            )
        body = _read_private(Path(path))
        passphrase = _read_private(Path(passphrase_path)).strip() if passphrase_path else None
        if passphrase is None:
            log.warning("signing key %s is unprotected: no passphrase file", path)
        try:
            key = serialization.load_pem_private_key(body, password=passphrase)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise SignerUnavailable(f"The signing key {path} cannot be read: wrong passphrase or format.") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise SignerUnavailable(f"The signing key {path} is not an ECDSA P-256 key.")
        return cls(key)


def make_key_file(path: Path, *, passphrase: bytes | None) -> ec.EllipticCurvePublicKey:
    """Write a new private key that did not exist before. Raises KeyExists; never writes over a file."""
    key = ec.generate_private_key(ec.SECP256R1())
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        protection = serialization.BestAvailableEncryption(passphrase)
    body = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise KeyExists(f"{path} exists already; a key is never written over.") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    return key.public_key()


def read_public_key(path: Path, *, passphrase_path: str = "") -> ec.EllipticCurvePublicKey:
    """The public half of a private key file. Raises SignerUnavailable."""
    return FileSigner.load(str(path), passphrase_path=passphrase_path)._private_key.public_key()


def _read_private(path: Path) -> bytes:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise SignerUnavailable(
                f"{path} can be read by others (mode {mode:04o}).", cure=f"chmod 600 {path}, and consider it known."
            )
        return path.read_bytes()
    except OSError as error:
        raise SignerUnavailable(f"{path} cannot be read: {error.strerror}.") from error
