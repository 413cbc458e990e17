"""Words that several checks share: dates, short digests, counts."""

from datetime import UTC, datetime
from functools import lru_cache

from gate.facts import DigestFacts

DAY = 86_400
HOUR = 3_600


@lru_cache(maxsize=4_096)
def day(at: int) -> str:
    """The UTC date of ``at`` (Unix seconds), ``2026-11-20``."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()


@lru_cache(maxsize=4_096)
def moment(at: int) -> str:
    """``at`` in RFC 3339, UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def age(seconds: int) -> str:
    """How long ago, in the largest unit that says something: ``3 days``, ``5 h``, ``2 min``."""
    if seconds >= 2 * DAY:
        return f"{seconds // DAY} days"
    if seconds >= 2 * HOUR:
        return f"{seconds // HOUR} h"
    return f"{max(seconds, 0) // 60} min"


def short_digest(digest: str) -> str:
    """``sha256:`` and the first 12 hex digits: for eyes, never for comparing."""
    return digest[: len("sha256:") + 12] if digest.startswith("sha256:") else digest[:19]


def successor(facts: DigestFacts) -> str:
    """The certified successor as a reference to paste, and its name; "" where there is none."""
    if not facts.use_instead:
        return ""
    return f"{facts.use_instead} ({facts.use_instead_name})" if facts.use_instead_name else facts.use_instead
