"""Registry passwords at rest: AES-256-GCM, bound to the row they belong to.

The key is ``GOLDGATE_CREDENTIALS_KEY``: 32 bytes in base64. The registry's id is authenticated with the
ciphertext, so that a password copied into another row (a host of the attacker's choosing) cannot be read there.
"""

import base64
import binascii
import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from registry.errors import CredentialsUnreadable

_VERSION = b"\x01"
_NONCE_BYTES = 12
_KEY_BYTES = 32


def encrypt(secret: str, *, registry_id: UUID) -> bytes:
    """What to store for ``secret``; empty for none. Raises CredentialsUnreadable without a usable key."""
    if not secret:
        return b""
    nonce = os.urandom(_NONCE_BYTES)
    return _VERSION + nonce + AESGCM(_key()).encrypt(nonce, secret.encode(), registry_id.bytes)


def decrypt(stored: bytes, *, registry_id: UUID) -> str:
    """The secret; "" where none is stored. Raises CredentialsUnreadable."""
    if not stored:
        return ""
    nonce, sealed = stored[1 : 1 + _NONCE_BYTES], stored[1 + _NONCE_BYTES :]
    try:
        if stored[:1] != _VERSION:
            raise InvalidTag
        return AESGCM(_key()).decrypt(nonce, sealed, registry_id.bytes).decode()
    except (InvalidTag, ValueError) as error:
        raise CredentialsUnreadable(
            "The registry's stored password cannot be read with this key.",
            cure="Enter the password again, or start with the credentials key that it was stored under.",
        ) from error


def _key() -> bytes:
    try:
        key = base64.b64decode(settings.GOLDGATE_CREDENTIALS_KEY, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise CredentialsUnreadable(
            "This process has no key for stored passwords.",
            cure="Set GOLDGATE_CREDENTIALS_KEY_FILE to a file with 32 random bytes in base64.",
        )
    return key
