"""The one base error: every refusal in Goldgate is a subclass that names a fact.

No HTTP in here. ``portal/problem.py`` turns ``kind`` into a status code and the rest into
``application/problem+json`` (RFC 9457); job handlers retry only ``Kind.UNAVAILABLE``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Kind(StrEnum):
    """What sort of no this is, in the caller's terms."""

    MALFORMED = "malformed"  # the input cannot be read: 400
    REFUSED = "refused"  # read, and not allowed: 403
    MISSING = "missing"  # names nothing: 404
    CONFLICT = "conflict"  # would be allowed in another state: 409
    UNAVAILABLE = "unavailable"  # an outside part does not answer; trying again may help: 503


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: a JSON pointer (RFC 6901), a stable code, and the cure in words."""

    pointer: str
    code: str
    detail: str


class GoldgateError(Exception):
    """A refusal with a stable ``code``, a sentence that says what, and one that says the cure."""

    code: ClassVar[str] = "error"
    kind: ClassVar[Kind] = Kind.REFUSED

    def __init__(self, detail: str, *, cure: str = "", errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.cure = cure
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return f"{self.detail} {self.cure}".strip()
