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
from gate.objects import carries_pods
from gate.record import Asker, Decision, DecisionId, decision, shown
from gate.review_object import ReadObject, read_object
from gate.snapshot import Snapshot
from gate.verdict import ImageUse, Verdict, Where

API_VERSION = "admission.k8s.io/v1"
MAX_BODY_BYTES = 8 * 1024 * 1024  # the API server takes objects of 3 MiB and sends the old one as well
MAX_GROUPS = 100
MAX_OWNERS = 20
MAX_TEXT = 500  # characters of a name that we keep
_NULL = msgspec.Raw(b"null")
_NO_OBJECT = ReadObject([], "", "", "", [])
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


_NOBODY = _User()


class _Request(msgspec.Struct, rename="camel"):
    uid: str
    kind: _Kind
    operation: str
    request_kind: _Kind | None = None
    sub_resource: str = ""
    name: str = ""
    namespace: str = ""
    user_info: _User | None = None
    object: msgspec.Raw = msgspec.Raw(b"null")
    old_object: msgspec.Raw = msgspec.Raw(b"null")
    dry_run: bool | None = None


class Review(msgspec.Struct, rename="camel"):
    """What we read of an AdmissionReview; the objects stay bytes (``gate.review_object``)."""

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
    shown_object: ReadObject | None = None
    try:
        if request.operation in _PASSED_OPERATIONS:
            return Answer(request.uid, _reply({"uid": request.uid, "allowed": True}), None)
        if request.operation not in ("CREATE", "UPDATE"):
            raise MalformedReview(f"the operation {request.operation[:40]!r} is none that this gate knows")
        shown_object = read_object(request.object)
        if not _is_to_be_judged(request, shown_object):
            return Answer(request.uid, _reply({"uid": request.uid, "allowed": True}), None)
        verdict = _verdict(request, shown_object, snapshot, at, cluster)
    except GoldgateError as error:
        verdict = refusal(error.detail, snapshot=snapshot)
    asker = None if request.dry_run else _asker(request, shown_object, cluster)
    return _decided(request, verdict, asker, at, snapshot.portal_url if snapshot else "")


def refused(uid: str, message: str) -> bytes:
    """A well-formed denial for ``uid``."""
    return _reply({"uid": uid, "allowed": False, "status": _status(message)})


def _is_to_be_judged(request: _Request, shown_object: ReadObject) -> bool:
    """Whether something new would run, or should show what would."""
    if request.operation == "UPDATE" and _is_unchanged(request, shown_object):
        return False
    return bool(shown_object.images) or _carries_pods(request, shown_object)


def _is_unchanged(request: _Request, shown_object: ReadObject) -> bool:
    if request.old_object == _NULL:
        return False
    try:
        before = read_object(request.old_object)
    except GoldgateError:
        return False
    return _signature(shown_object.images) == _signature(before.images)


def _carries_pods(request: _Request, shown_object: ReadObject) -> bool:
    asked_kind = request.request_kind.kind if request.request_kind else ""
    return carries_pods(request.kind.kind, asked_kind, shown_object.kind)


def _verdict(request: _Request, shown_object: ReadObject, snapshot: Snapshot | None, at: int, cluster: str) -> Verdict:
    if snapshot is None:
        return refusal("this gate has no valid snapshot yet", snapshot=None)
    if not shown_object.images:
        kind = request.kind.kind or shown_object.kind or "object"
        return refusal(f"this {kind} shows no image", snapshot=snapshot)
    where = Where(cluster=cluster, namespace=request.namespace)
    return decide(shown_object.images, snapshot=snapshot, at=at, where=where)


def _signature(uses: list[ImageUse]) -> Counter[tuple[str, str, int | None, bool]]:
    """What must not change. Whom an image runs as belongs to it: adding it again as root is a change."""
    return Counter((use.reference, use.place, use.run_as_user, use.is_user_malformed) for use in uses)


def _decided(request: _Request, verdict: Verdict, asker: Asker | None, at: int, portal_url: str) -> Answer:
    """The reply; with ``asker`` the decision to keep, without (a dry run) none."""
    decision_id = DecisionId.new() if asker else None
    message = shown(verdict, portal_url=portal_url, decision_id=decision_id)
    response: dict[str, Any] = {"uid": request.uid, "allowed": verdict.allowed}
    if not verdict.allowed:
        response["status"] = _status(message, verdict.retry_after_seconds)
    elif warnings := warning_lines(verdict):
        response["warnings"] = warnings
    if asker is None or decision_id is None:
        return Answer(request.uid, _reply(response), None)
    response["auditAnnotations"] = {"decision": decision_id.full}
    kept = decision(verdict, asker=asker, decision_id=decision_id, at=at, message=message)
    return Answer(request.uid, _reply(response), kept)


def _status(message: str, retry_after_seconds: int = 0) -> dict[str, Any]:
    status: dict[str, Any] = {"code": 403, "reason": "Forbidden", "message": message}
    if retry_after_seconds:
        status["details"] = {"retryAfterSeconds": retry_after_seconds}
    return status


def _reply(response: dict[str, Any]) -> bytes:
    return _ENCODER.encode({"apiVersion": API_VERSION, "kind": "AdmissionReview", "response": response})


def _asker(request: _Request, shown_object: ReadObject | None, cluster: str) -> Asker:
    user = request.user_info or _NOBODY
    found = shown_object or _NO_OBJECT
    groups = user.groups or []
    return Asker(
        cluster=cluster,
        operation=request.operation[:16],
        object_kind=request.kind.kind[:200],
        object_namespace=request.namespace[:253],
        object_name=(request.name or found.name)[:253],
        object_uid=found.uid[:100],
        user=user.username[:MAX_TEXT],
        user_uid=user.uid[:200],
        groups=[group[:MAX_TEXT] for group in groups[:MAX_GROUPS]],
        owner_refs=[_owner(owner) for owner in found.owners[:MAX_OWNERS]],
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
