"""Platforms: what one child of an index runs on."""

import re
from dataclasses import dataclass
from typing import Self

from oci.errors import MalformedPlatform

_PART = re.compile(r"\A[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}\Z")


@dataclass(frozen=True, slots=True, order=True)
class Platform:
    """``os/architecture[/variant]`` (OCI image-spec v1.1.1, image-index.md)."""

    os: str
    architecture: str
    variant: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The platform that ``text`` spells. Raises MalformedPlatform."""
        parts = text.split("/")
        if len(parts) not in (2, 3) or not all(_PART.match(part) for part in parts):
            raise MalformedPlatform(
                f"{text[:100]!r} is not a platform.", cure="Write it like linux/amd64 or linux/arm/v7."
            )
        return cls(*parts)

    @property
    def is_unknown(self) -> bool:
        """``unknown/unknown``: what BuildKit gives to attestations, which never run."""
        return self.os == "unknown" and self.architecture == "unknown"

    def matches(self, asked: "Platform") -> bool:
        """Whether this is the platform that was ``asked`` for; one asked without a variant takes any."""
        same = (self.os, self.architecture) == (asked.os, asked.architecture)
        return same and asked.variant in ("", self.variant)

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)
