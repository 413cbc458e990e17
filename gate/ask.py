"""The engine asked in plain JSON: ``POST /v1/decide``, and the portal's own decision call.

    {"images": ["registry.corp/base/py@sha256:…"], "namespace": "web", "dry_run": false}
    {"object": {…a manifest…}, "namespace": "web"}

One verdict on every surface: the same engine, snapshot, walk and words as the webhook's.
"""

from typing import Any, ClassVar

import msgspec

from core.errors import GoldgateError, Kind
from gate.admission_review import MAX_BODY_BYTES
from gate.engine import decide, refusal
from gate.line import warning_lines
from gate.objects import MAX_IMAGES, carries_pods, images_in
from gate.record import Asker, Decision, DecisionId, decision, shown
from gate.snapshot import Snapshot
from gate.verdict import ImageUse, ImageVerdict, Place, Verdict, Where
from gate.words import moment

OPERATION = "ASK"  # how such a decision is kept: a question, never an admission


class MalformedQuestion(GoldgateError):
    """The body does not ask what this gate can answer."""

    code: ClassVar[str] = "malformed_question"
    kind: ClassVar[Kind] = Kind.MALFORMED


class Question(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Images by reference, or one object; not both."""

    images: list[str] = []
    object: dict[str, Any] | None = None
    cluster: str = ""
    namespace: str = ""
    dry_run: bool = False  # answered, and nothing of it is kept

    @classmethod
    def parse(cls, body: bytes) -> "Question":
        """Read ``body``. Raises MalformedQuestion."""
        if len(body) > MAX_BODY_BYTES:
            raise MalformedQuestion(f"The question has {len(body)} bytes, more than {MAX_BODY_BYTES}.")
        try:
            question = msgspec.json.decode(body, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedQuestion(f"The question cannot be read: {error}.") from error
        if bool(question.images) == (question.object is not None):
            raise MalformedQuestion("Ask about images or about an object.")
        if len(question.images) > MAX_IMAGES:
            raise MalformedQuestion(f"Ask about at most {MAX_IMAGES} images.")
        return question


class Reply(msgspec.Struct, kw_only=True):
    """The verdict in JSON."""

    decision_id: str | None
    short_id: str | None
    allowed: bool
    message: str
    cause: str
    images: tuple[ImageVerdict, ...]
    warnings: list[str]
    valid_until: str | None
    retry_after_seconds: int
    snapshot_version: int
    snapshot_expires_at: str | None
    policy_version: int


class Asked(msgspec.Struct, frozen=True):
    """The reply, and the decision to record before it leaves (None for a dry run)."""

    reply: Reply
    decision: Decision | None


def decide_question(question: Question, *, snapshot: Snapshot | None, at: int, cluster: str = "") -> Asked:
    """Answer ``question`` at ``at`` (Unix seconds). ``cluster`` overrides what the question names.

    Raises ObjectTooDeep, TooManyImages.
    """
    place = cluster or question.cluster
    verdict = _verdict(question, snapshot, at, Where(cluster=place, namespace=question.namespace))
    decision_id = None if question.dry_run else DecisionId.new()
    message = shown(verdict, portal_url=snapshot.portal_url if snapshot else "", decision_id=decision_id)
    reply = Reply(
        decision_id=decision_id.full if decision_id else None,
        short_id=decision_id.short if decision_id else None,
        allowed=verdict.allowed,
        message=message,
        cause=verdict.cause,
        images=verdict.images,
        warnings=warning_lines(verdict),
        valid_until=moment(verdict.valid_until) if verdict.valid_until else None,
        retry_after_seconds=verdict.retry_after_seconds,
        snapshot_version=verdict.snapshot_version,
        snapshot_expires_at=moment(snapshot.expires_at) if snapshot else None,
        policy_version=verdict.policy_version,
    )
    if decision_id is None:
        return Asked(reply, None)
    asker = Asker(
        cluster=place,
        operation=OPERATION,
        object_kind=_kind(question),
        object_namespace=question.namespace[:253],
        object_name=_name(question)[:253],
    )
    return Asked(reply, decision(verdict, asker=asker, decision_id=decision_id, at=at, message=message))


def uses_of(question: Question) -> list[ImageUse]:
    """The images that ``question`` is about."""
    if question.object is not None:
        return images_in(question.object)
    return [ImageUse(reference=text, place=Place.BARE) for text in question.images]


def _verdict(question: Question, snapshot: Snapshot | None, at: int, where: Where) -> Verdict:
    if snapshot is None:
        return refusal("this gate has no valid snapshot yet", snapshot=None)
    uses = uses_of(question)
    if not uses and carries_pods(_kind(question)):
        return refusal(f"this {_kind(question)} carries Pods but shows no image", snapshot=snapshot)
    return decide(uses, snapshot=snapshot, at=at, where=where)


def _kind(question: Question) -> str:
    kind = (question.object or {}).get("kind")
    return kind[:200] if isinstance(kind, str) else ""


def _name(question: Question) -> str:
    metadata = (question.object or {}).get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else ""
