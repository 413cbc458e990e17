"""A Kubernetes validating webhook (``admission.k8s.io/v1``), answered whatever came in.

- A refusal is HTTP 200 with ``allowed: false``: a 4xx or 5xx would hand the decision to the webhook's
  failurePolicy, which a cluster may have set to Ignore.
- CREATE, and UPDATE that changes the images, are judged, all images of the object. DELETE, CONNECT and an
  UPDATE that changes none pass: finalizers must go through. Any other operation is refused.
- A dry run gets the same answer, and nothing of it is kept.
- What cannot be read is refused, with its uid where one can be found.
- Nothing in the object exempts it: no label, annotation, owner, deletion timestamp or user.
"""

from collections import Counter
from typing import Any, ClassVar, NamedTuple

import msgspec

from core.errors import GoldgateError, Kind
from gate.engine import decide, refusal
from gate.line import cut, warning_lines
from gate.objects import carries_pods, images_in
from gate.record import Asker, Decision, DecisionId, decision, shown
from gate.snapshot import Snapshot
from gate.verdict import ImageUse, Verdict, Where

API_VERSION = "admission.k8s.io/v1"
MAX_BODY_BYTES = 8 * 1024 * 1024  # the API server takes objects of 3 MiB and sends the old one as well
MAX_GROUPS = 100
MAX_OWNERS = 20
MAX_TEXT = 500  # characters of a name that we keep
_PASSED_OPERATIONS = frozenset(("DELETE", "CONNECT"))


class MalformedReview(GoldgateError):
    """The body is no AdmissionReview that can be judged."""

    code: ClassVar[str] = "malformed_review"
    kind: ClassVar[Kind] = Kind.MALFORMED

    def __init__(self, detail: str, *, uid: str = "") -> None:
        super().__init__(detail)
        self.uid = uid


class _Kind(msgspec.Struct):
    kind: str = ""
    group: str = ""


class _User(msgspec.Struct):
    username: str = ""
    uid: str = ""
    groups: list[str] | None = None


class _Request(msgspec.Struct, rename="camel"):
    uid: str
    kind: _Kind
    operation: str
    request_kind: _Kind | None = None
    sub_resource: str = ""
    name: str = ""
    namespace: str = ""
    user_info: _User | None = None
    object: Any = None
    old_object: Any = None
    dry_run: bool | None = None


class Review(msgspec.Struct, rename="camel"):
    """What we read of an AdmissionReview; the object itself stays generic."""

    api_version: str
    kind: str
    request: _Request

    @classmethod
    def parse(cls, body: bytes) -> "Review":
        """Decode ``body`` once. Raises MalformedReview, with the uid where one can be read."""
        if len(body) > MAX_BODY_BYTES:
            raise MalformedReview(f"the review has {len(body)} bytes, more than {MAX_BODY_BYTES}")
        try:
            review = _DECODER.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedReview(f"the review cannot be read: {error}", uid=_uid_of(body)) from error
        if review.api_version != API_VERSION or review.kind != "AdmissionReview":
            detail = f"{review.api_version} {review.kind} is not {API_VERSION} AdmissionReview"
            raise MalformedReview(detail, uid=review.request.uid)
        if not review.request.uid:
            raise MalformedReview("the review has no uid")
        return review


_DECODER = msgspec.json.Decoder(Review)
_ENCODER = msgspec.json.Encoder()


class Answer(NamedTuple):
    """The reply, and the decision that must be durable before it leaves (None: nothing was decided)."""

    uid: str
    reply: bytes
    decision: Decision | None


def answer(body: bytes, *, snapshot: Snapshot | None, at: int, cluster: str = "") -> Answer:
    """Answer the review in ``body`` at ``at`` (Unix seconds). Without a snapshot it is refused."""
    try:
        review = Review.parse(body)
    except MalformedReview as error:
        return Answer(error.uid, refused(error.uid, cut(f"goldgate: {error.detail}", MAX_TEXT)), None)
    request = review.request
    try:
        uses = _images_to_judge(request)
    except GoldgateError as error:
        return _decided(request, refusal(error.detail, snapshot=snapshot), snapshot, at, cluster)
    if uses is None:
        return Answer(request.uid, _reply({"uid": request.uid, "allowed": True}), None)
    if snapshot is None:
        return _decided(request, refusal("this gate has no valid snapshot yet", snapshot=None), None, at, cluster)
    if not uses:
        cause = f"this {request.kind.kind or 'object'} carries Pods but shows no image"
        return _decided(request, refusal(cause, snapshot=snapshot), snapshot, at, cluster)
    where = Where(cluster=cluster, namespace=request.namespace)
    try:
        verdict = decide(uses, snapshot=snapshot, at=at, where=where)
    except GoldgateError as error:
        verdict = refusal(error.detail, snapshot=snapshot)
    return _decided(request, verdict, snapshot, at, cluster)


def refused(uid: str, message: str) -> bytes:
    """A well-formed denial for ``uid``."""
    return _reply({"uid": uid, "allowed": False, "status": _status(message)})


def _images_to_judge(request: _Request) -> list[ImageUse] | None:
    """The images; an empty list where some should be; None where there is nothing to judge."""
    if request.operation in _PASSED_OPERATIONS:
        return None
    if request.operation not in ("CREATE", "UPDATE"):
        raise MalformedReview(f"the operation {request.operation[:40]!r} is none that this gate knows")
    if not isinstance(request.object, dict):
        raise MalformedReview("the review shows no object")
    uses = images_in(request.object)
    before = request.old_object
    if request.operation == "UPDATE" and isinstance(before, dict) and _signature(uses) == _signature(images_in(before)):
        return None
    if uses:
        return uses
    kinds = (request.kind.kind, request.request_kind.kind if request.request_kind else "")
    shown_kind = request.object.get("kind")
    return [] if carries_pods(*kinds, shown_kind if isinstance(shown_kind, str) else "") else None


def _signature(uses: list[ImageUse]) -> Counter[tuple[str, str, int | None, bool]]:
    """What must not change. Whom an image runs as belongs to it: adding it again as root is a change."""
    return Counter((use.reference, use.place, use.run_as_user, use.is_user_malformed) for use in uses)


def _decided(request: _Request, verdict: Verdict, snapshot: Snapshot | None, at: int, cluster: str) -> Answer:
    decision_id = None if request.dry_run else DecisionId.new()
    message = shown(verdict, portal_url=snapshot.portal_url if snapshot else "", decision_id=decision_id)
    response: dict[str, Any] = {"uid": request.uid, "allowed": verdict.allowed}
    if not verdict.allowed:
        response["status"] = _status(message, verdict.retry_after_seconds)
    elif warnings := warning_lines(verdict):
        response["warnings"] = warnings
    if decision_id is None:
        return Answer(request.uid, _reply(response), None)
    response["auditAnnotations"] = {"decision": decision_id.full}
    asker = _asker(request, cluster)
    kept = decision(verdict, asker=asker, decision_id=decision_id, at=at, message=message)
    return Answer(request.uid, _reply(response), kept)


def _status(message: str, retry_after_seconds: int = 0) -> dict[str, Any]:
    status: dict[str, Any] = {"code": 403, "reason": "Forbidden", "message": message}
    if retry_after_seconds:
        status["details"] = {"retryAfterSeconds": retry_after_seconds}
    return status


def _reply(response: dict[str, Any]) -> bytes:
    return _ENCODER.encode({"apiVersion": API_VERSION, "kind": "AdmissionReview", "response": response})


def _asker(request: _Request, cluster: str) -> Asker:
    metadata = request.object.get("metadata") if isinstance(request.object, dict) else None
    metadata = metadata if isinstance(metadata, dict) else {}
    user = request.user_info or _User()
    owners = metadata.get("ownerReferences")
    return Asker(
        cluster=cluster,
        operation=request.operation[:16],
        object_kind=request.kind.kind[:200],
        object_namespace=request.namespace[:253],
        object_name=(request.name or _text(metadata.get("name")) or _text(metadata.get("generateName")))[:253],
        object_uid=_text(metadata.get("uid"))[:100],
        user=user.username[:MAX_TEXT],
        user_uid=user.uid[:200],
        groups=[group[:MAX_TEXT] for group in (user.groups or [])[:MAX_GROUPS]],
        owner_refs=[_owner(owner) for owner in (owners if isinstance(owners, list) else [])[:MAX_OWNERS]],
    )


def _owner(owner: Any) -> dict[str, Any]:
    if not isinstance(owner, dict):
        return {}
    found: dict[str, Any] = {key: _text(owner.get(key))[:253] for key in ("apiVersion", "kind", "name", "uid")}
    found["controller"] = owner.get("controller") is True
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _uid_of(body: bytes) -> str:
    """The request's uid in a review that is otherwise unreadable; empty where there is none."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    request = value.get("request") if isinstance(value, dict) else None
    uid = request.get("uid") if isinstance(request, dict) else None
    return uid[:MAX_TEXT] if isinstance(uid, str) else ""
