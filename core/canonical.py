"""Canonical JSON (RFC 8785): one value, one sequence of bytes, so that a hash names the value."""

import hashlib
from typing import Any

import rfc8785


def canonical_json(value: Any) -> bytes:
    """The RFC 8785 bytes of ``value``. Raises ValueError for what JSON cannot hold exactly."""
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise ValueError(str(error)) from error


def sha256_of(value: Any) -> str:
    """Hex SHA-256 over the canonical bytes of ``value``."""
    return hashlib.sha256(canonical_json(value)).hexdigest()
