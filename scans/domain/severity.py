"""How bad a vulnerability is, by whom, and which word decides when sources disagree.

- One scale. ``UNKNOWN`` is its own value: it is neither below LOW nor above CRITICAL, so nothing may
  compare it; ``is_at_least`` says False for it and the policy has its own line for unrated findings.
- Every source's rating is kept. The severity used is the highest that any source gives: a source that
  rates lower must convince a person, not a ``max()``.
- CVSS vectors are scored by their own version's rules (v2, v3.x, v4.0), never mixed. CVSS v2 has no
  "critical": NVD's scale for v2 (low, medium, high) is kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum

from cvss import CVSS2, CVSS3, CVSS4
from cvss.exceptions import CVSSError


class Severity(IntEnum):
    """One scale for every surface. The numbers order the known values; UNKNOWN is not part of the order."""

    UNKNOWN = 0
    NONE = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5

    @property
    def word(self) -> str:
        """The lower-case word that pages, API and CSV show."""
        return self.name.lower()

    @classmethod
    def of_word(cls, word: str) -> "Severity":
        """The severity of exactly one of our words, in any case. Raises ValueError for any other text."""
        try:
            return cls[word.upper()]
        except KeyError as error:
            raise ValueError(f"{word!r} is not a severity") from error


class VectorMalformed(ValueError):
    """A CVSS vector that no version's grammar accepts."""


@dataclass(frozen=True, slots=True)
class RatedVector:
    """A CVSS vector with what follows from it: the version, the base score, the severity."""

    version: str  # "2.0", "3.0", "3.1", "4.0"
    vector: str
    score: Decimal  # base score, 0.0 to 10.0
    severity: Severity


def is_at_least(severity: Severity, line: Severity) -> bool:
    """Whether a *known* severity reaches ``line``. Unknown reaches none: it is judged by its own rule."""
    return severity is not Severity.UNKNOWN and severity >= line


def highest(severities: Iterable[Severity]) -> Severity:
    """The severity used when sources disagree: the highest known one; UNKNOWN when none is known."""
    return max(severities, default=Severity.UNKNOWN)


def severity_of_score(score: Decimal, *, version: str) -> Severity:
    """The qualitative rating of a base score (CVSS v3.1 §5, v4.0 §6; NVD's three words for v2)."""
    if version.startswith("2"):
        return Severity.HIGH if score >= 7 else Severity.MEDIUM if score >= 4 else Severity.LOW
    if score >= 9:
        return Severity.CRITICAL
    if score >= 7:
        return Severity.HIGH
    if score >= 4:
        return Severity.MEDIUM
    return Severity.LOW if score > 0 else Severity.NONE


def rate_vector(vector: str) -> RatedVector:
    """Score a CVSS vector by the rules of the version that it names; without a name it is v2.

    Raises VectorMalformed: a vector that cannot be read rates nothing, and is said to.
    """
    try:
        if vector.startswith("CVSS:4.0/"):
            version, score = "4.0", Decimal(str(CVSS4(vector).base_score))
        elif vector.startswith(("CVSS:3.0/", "CVSS:3.1/")):
            version, score = vector[5:8], Decimal(str(CVSS3(vector).scores()[0]))
        else:
            version, score = "2.0", Decimal(str(CVSS2(vector).scores()[0]))
    except (CVSSError, ArithmeticError, KeyError) as error:
        raise VectorMalformed(f"{vector[:120]!r} is not a CVSS vector: {error}") from error
    return RatedVector(version=version, vector=vector, score=score, severity=severity_of_score(score, version=version))
