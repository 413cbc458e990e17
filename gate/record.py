"""One decision as it is kept: written to the spool before the answer leaves, shipped to the portal later.

The fields are those of ``POST /api/v1/gates/decisions``; each line of a spool segment is one of them.
"""

from typing import Any
from uuid import UUID

import msgspec
import uuid6

from gate.line import refusal_line, warning_lines
from gate.verdict import ImageVerdict, Verdict
from gate.words import moment

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no I, L, O, U
SHORT_ID_LENGTH = 10  # 50 random bits of the id


class Asker(msgspec.Struct, kw_only=True, omit_defaults=True):
    """For whom, by whom and about what a review was asked. Everything as the API server said it."""

    cluster: str = ""
    operation: str = ""
    object_kind: str = ""
    object_namespace: str = ""
    object_name: str = ""
    object_uid: str = ""
    user: str = ""
    user_uid: str = ""
    groups: list[str] = []
    # A Pod's asker is its controller: the owners lead to the person or robot at the head of the chain.
    owner_refs: list[dict[str, Any]] = []


class Decision(msgspec.Struct, kw_only=True):
    """One answer, kept."""

    id: str  # UUIDv7: the portal counts each once
    short_id: str
    cluster: str
    at: str  # RFC 3339, UTC
    operation: str
    object_kind: str
    object_namespace: str
    object_name: str
    object_uid: str
    user: str
    user_uid: str
    groups: list[str]
    owner_refs: list[dict[str, Any]]
    allowed: bool
    message: str  # what the cluster showed
    failed_codes: list[str]
    digests: list[str]
    images: tuple[ImageVerdict, ...]
    warnings: list[str]
    snapshot_version: int
    policy_version: int
    valid_until: str | None


class DecisionId(msgspec.Struct, frozen=True):
    """The id of a decision in full and short, the short form being for links and eyes."""

    full: str
    short: str

    @classmethod
    def new(cls) -> "DecisionId":
        """A new one; ids rise with time (UUIDv7)."""
        found = uuid6.uuid7()
        return cls(str(found), short_id(found))


def short_id(full: UUID) -> str:
    """Ten letters and digits from the random end of ``full``."""
    rest, letters = full.int & ((1 << 50) - 1), ""
    for _ in range(SHORT_ID_LENGTH):
        rest, digit = divmod(rest, 32)
        letters = _ALPHABET[digit] + letters
    return letters


def decision(verdict: Verdict, *, asker: Asker, decision_id: DecisionId, at: int, message: str) -> Decision:
    """The record of ``verdict``, made at ``at`` (Unix seconds), with what the cluster was shown."""
    failed: dict[str, None] = {}
    if not verdict.allowed:
        failed = {check.code: None for image in verdict.images for check in image.checks if check.refuses}
    return Decision(
        id=decision_id.full,
        short_id=decision_id.short,
        cluster=asker.cluster,
        at=moment(at),
        operation=asker.operation,
        object_kind=asker.object_kind,
        object_namespace=asker.object_namespace,
        object_name=asker.object_name,
        object_uid=asker.object_uid,
        user=asker.user,
        user_uid=asker.user_uid,
        groups=asker.groups,
        owner_refs=asker.owner_refs,
        allowed=verdict.allowed,
        message=message,
        failed_codes=list(failed),
        digests=list(dict.fromkeys(image.digest for image in verdict.images if image.digest)),
        images=verdict.images,
        warnings=warning_lines(verdict),
        snapshot_version=verdict.snapshot_version,
        policy_version=verdict.policy_version,
        valid_until=moment(verdict.valid_until) if verdict.valid_until else None,
    )


def shown(verdict: Verdict, *, portal_url: str, decision_id: DecisionId | None) -> str:
    """The line for the cluster; without an id (a dry run is not kept) there is nothing to link to."""
    if verdict.allowed:
        return ""
    link = f"{portal_url}/d/{decision_id.short}" if portal_url and decision_id else ""
    return refusal_line(verdict, link=link)
