"""Digests: the only names that do not move."""

import hashlib
from dataclasses import dataclass
from typing import Self

from oci.errors import MalformedDigest

# Accepted algorithms -> length in hex digits. sha384 is not registered by the OCI and is refused.
HEX_LENGTH = {"sha256": 64, "sha512": 128}
_LOWER_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """Names bytes (OCI image-spec v1.1.1, descriptor.md#digests); a tag names only the last push."""

    algorithm: str
    encoded: str  # lower-case hex, without the "sha256:" prefix

    def __post_init__(self) -> None:
        """Raises MalformedDigest, so that an invalid Digest cannot exist."""
        if HEX_LENGTH.get(self.algorithm) != len(self.encoded) or not _LOWER_HEX.issuperset(self.encoded):
            raise MalformedDigest(
                f"{str(self)[:160]!r} is not a digest.",
                cure="Write sha256: and 64 hex digits in lower case (or sha512: and 128).",
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """The digest that ``text`` spells. Raises MalformedDigest."""
        algorithm, _, encoded = text.partition(":")
        return cls(algorithm, encoded)

    @classmethod
    def of(cls, body: bytes) -> Self:
        """The SHA-256 of ``body``: what we name bytes by that we hashed ourselves."""
        return cls("sha256", hashlib.sha256(body).hexdigest())

    def names(self, body: bytes) -> bool:
        """Whether these are the bytes that the digest names."""
        return hashlib.new(self.algorithm, body).hexdigest() == self.encoded

    @property
    def fallback_tag(self) -> str:
        """The tag that stands for the referrers of these bytes (distribution-spec v1.1.1, referrers tag schema)."""
        return f"{self.algorithm}-{self.encoded}"

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.encoded}"
