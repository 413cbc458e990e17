"""What a service token looks like, and the only form of it that is kept."""

import hashlib
import hmac
import secrets

TOKEN_PREFIX = "ggt_"  # noqa: S105 - lets secret scanners find a leaked token
TOKEN_BYTES = 32  # of randomness: a plain SHA-256 is enough, there is nothing to guess
HINT_LENGTH = 8  # characters after the prefix that pages show, so that a person knows which one it is


def new_token() -> str:
    """A fresh secret: ``ggt_`` and 43 characters of base64url."""
    return TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def sha256_of_token(token: str) -> str:
    """Hex SHA-256 of the whole token, prefix included."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_same(left: str, right: str) -> bool:
    """Compares two hashes in constant time."""
    return hmac.compare_digest(left, right)


def new_password() -> str:
    """A one-time password: 20 characters that are not mistaken for each other, 100 bits."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789A"
    text = "".join(secrets.choice(alphabet) for _ in range(20))
    return "-".join(text[start : start + 5] for start in range(0, 20, 5))
