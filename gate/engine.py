"""The verdict: every check of every image, from one snapshot, at one moment. Pure.

- Each check is pass, warn, fail or unknown; unknown refuses like fail.
- A snapshot that has expired answers nothing, and an object that shows no image is not allowed by it.
- One image refused refuses the object. All of them are judged all the same: who repairs one thing at a
  time needs as many attempts as there are faults.
"""

from collections.abc import Sequence
from typing import NamedTuple

from gate.checks import decision, evidence, reference, user
from gate.checks.subject import Subject
from gate.facts import ArtifactKind, DigestFacts
from gate.policy import Of, PolicyDocument
from gate.snapshot import Snapshot
from gate.standing import of_image
from gate.verdict import CHECKS, FAIL, UNKNOWN, Check, ImageUse, ImageVerdict, Line, Verdict, Where
from gate.words import DAY, moment, short_digest

NOBODY = Where()
_INDEX, _IMAGE, _DEPLOY, _RESTART = ArtifactKind.INDEX, Of.IMAGE, Line.DEPLOY, Line.RESTART


class _Asked(NamedTuple):
    """What holds for every image of one question."""

    snapshot: Snapshot
    at: int
    where: Where


def decide(uses: Sequence[ImageUse], *, snapshot: Snapshot, at: int, where: Where = NOBODY) -> Verdict:
    """Whether ``where`` may run all of ``uses`` at ``at`` (Unix seconds), and why.

    Raises MalformedSnapshot when the snapshot's files contradict themselves; the caller denies.
    """
    if at >= snapshot.expires_at:
        return refusal(
            f"the gate's snapshot {snapshot.version} expired at {moment(snapshot.expires_at)}; "
            "it knows nothing newer, so it allows nothing",
            snapshot=snapshot,
        )
    if not uses:
        return refusal("no image was found to judge", snapshot=snapshot)
    asked = _Asked(snapshot, at, where)
    images = tuple(_judge(use, asked) for use in uses)
    allowed = all(image.allowed for image in images)
    ends = [image.valid_until for image in images if image.valid_until]
    return Verdict(
        allowed=allowed,
        cause="",
        images=images,
        valid_until=min(ends, default=0) if allowed else 0,
        retry_after_seconds=0 if allowed else _retry_after(images),
        snapshot_version=snapshot.version,
        policy_version=snapshot.policy_version,
    )


def refusal(cause: str, *, snapshot: Snapshot | None) -> Verdict:
    """A denial that no image is to blame for."""
    return Verdict(
        allowed=False,
        cause=cause,
        images=(),
        valid_until=0,
        retry_after_seconds=0,
        snapshot_version=snapshot.version if snapshot else 0,
        policy_version=snapshot.policy_version if snapshot else 0,
    )


def _judge(use: ImageUse, asked: _Asked) -> ImageVerdict:
    snapshot = asked.snapshot
    read = reference.parsed(use.reference)
    first = reference.check_reference(use.reference, read, snapshot)
    if first is not reference.PINNED:
        return _verdict(use, read.digest, _DEPLOY, (first, *_unasked(CHECKS[1:], "which image is meant is not sure")))
    registry = reference.check_registry(read.name, snapshot)
    facts = snapshot.lookup(read.digest)
    if facts is None:
        known = reference.unknown_digest(read.name, read.digest, snapshot)
        checks = (first, registry, known, *_unasked(CHECKS[3:], "nothing is known about this digest"))
        return _verdict(use, read.digest, _DEPLOY, checks)
    known = reference.check_known(read.name, facts, snapshot)
    if not facts.members and facts.kind is _INDEX:
        checks = (first, registry, known, *_unasked(CHECKS[3:], "nothing is known of what it would run"))
        return _verdict(use, read.digest, _DEPLOY, checks)
    subject = _subject(use, read.name, facts, asked)
    checks = (
        first,
        registry,
        known,
        evidence.check_scanned(subject),
        evidence.check_findings(subject),
        decision.check_signed(subject),
        decision.check_approved(subject),
        user.check_root(subject),
    )
    return _verdict(use, read.digest, subject.line, checks)


def _subject(use: ImageUse, name: str, facts: DigestFacts, asked: _Asked) -> Subject:
    snapshot, at = asked.snapshot, asked.at
    policy = snapshot.policy
    asks = policy.modes.of(policy.deploy.mode)
    members: tuple[tuple[DigestFacts | None, str], ...] = ()
    alone: DigestFacts | None = facts
    if facts.kind is _INDEX:
        alone = None
        members = tuple(
            (_member(snapshot, digest), f" (platform image {short_digest(digest)})") for digest in facts.members
        )
    standings = of_image(facts, at, snapshot, by_base=asks.approved is not _IMAGE)
    line = _line(policy, facts.digest, asked)
    # In the order of its fields: by name it costs a twentieth of the whole verdict.
    return Subject(use, name, facts, members, alone, standings, line, policy, asks, snapshot, at)


def _member(snapshot: Snapshot, digest: str) -> DigestFacts | None:
    """A child of an index; an index in an index is none that anybody could have examined."""
    found = snapshot.lookup(digest)
    return None if found is None or found.kind is _INDEX else found


def _line(policy: PolicyDocument, digest: str, asked: _Asked) -> Line:
    where = asked.where
    ran_at = asked.snapshot.ran_at(cluster=where.cluster, namespace=where.namespace, digest=digest)
    return _RESTART if ran_at and asked.at < ran_at + policy.restart.window_days * DAY else _DEPLOY


def _retry_after(images: Sequence[ImageVerdict]) -> int:
    """Seconds after which the answer may be another one; 0 when something refuses that waiting cannot cure."""
    refusing = [check for image in images for check in image.checks if check.refuses]
    if any(check.outcome is FAIL for check in refusing):
        return 0
    return max((check.retry_after_seconds for check in refusing), default=0)


def _unasked(codes: Sequence[str], why: str) -> tuple[Check, ...]:
    return tuple(Check(code, UNKNOWN, why) for code in codes)


def _verdict(use: ImageUse, digest: str, line: Line, checks: tuple[Check, ...]) -> ImageVerdict:
    allowed, end = True, 0
    for check in checks:
        outcome = check.outcome
        if outcome is FAIL or outcome is UNKNOWN:
            allowed, end = False, 0
            break
        if check.until and (not end or check.until < end):
            end = check.until
    text = use.reference
    return ImageVerdict(
        # An answer and its record repeat what was asked; megabytes of it would fill the spool.
        reference=text if len(text) <= reference.MAX_REFERENCE else f"{text[: reference.MAX_REFERENCE]}…",
        path=use.path,
        digest=digest,
        allowed=allowed,
        line=line,
        checks=checks,
        valid_until=end,
    )
