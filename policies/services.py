"""Adopting a policy; writing grants down."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from accounts.models import Person
from accounts.roles import Role
from accounts.selectors import has_role, identity_of
from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from core.errors import FieldError
from oci.digest import Digest
from oci.errors import MalformedDigest
from policies import selectors
from policies.domain.default import DEFAULT
from policies.domain.document import PolicyDocument
from policies.domain.grants import MAX_DAYS, GrantState, is_rule_id
from policies.errors import BadEnd, BadRule, BadScope, DemoPolicy, GrantAsked, NotPolicyAdmin
from policies.models import Grant, Policy

# Any constant of our own: versions are numbered one after the other, whoever adopts.
_NUMBERING_LOCK = 0x60_1D_01


@transaction.atomic
def adopt_policy(*, document: dict[str, Any], adopted_by: Person, now: datetime) -> Policy:
    """Put a document in force from ``now`` on, as the next version.

    Raises: NotPolicyAdmin; MalformedPolicy; DemoPolicy (outside a demonstration).
    """
    if not has_role(adopted_by, Role.PLATFORM_ADMIN, now):
        raise NotPolicyAdmin(f"{adopted_by} is not a platform admin.", cure="Ask one to adopt it.")
    read = PolicyDocument.from_json(document)
    if read.is_demo and not settings.GOLDGATE_DEMO:
        raise DemoPolicy(
            "This policy accepts advisories that stand still.", cure="It is for script/server --demo; adopt another."
        )
    return _adopt(read, adopted_by=adopted_by, actor=adopted_by.as_actor(), now=now)


@transaction.atomic
def adopt_policy_for_demo(*, document: PolicyDocument, now: datetime) -> Policy:
    """Put a demo policy in force, by the demonstration's own loader. Raises DemoPolicy outside of it."""
    if not settings.GOLDGATE_DEMO:
        raise DemoPolicy("This is no demonstration.", cure="Start it with script/server --demo.")
    return _adopt(document, adopted_by=None, actor=Actor.system("demo"), now=now)


@transaction.atomic
def policy_in_force(*, now: datetime) -> Policy:
    """The active policy, stored, so that others can refer to it; at first the default, adopted by this call."""
    active = selectors.active_policy(now)
    if active.version > 0:
        return active
    return _adopt(DEFAULT, adopted_by=None, actor=Actor.system("setup"), now=now)


def _adopt(document: PolicyDocument, *, adopted_by: Person | None, actor: Actor, now: datetime) -> Policy:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_NUMBERING_LOCK])
    latest = Policy.objects.order_by("-version").first()
    if latest is not None and latest.sha256 == document.sha256:
        return latest
    policy = Policy.objects.create(
        version=latest.version + 1 if latest else 1,
        name=document.name,
        document=document.to_json(),
        sha256=document.sha256,
        is_demo=document.is_demo,
        adopted_at=now,
        adopted_by=adopted_by,
    )
    subject = Subject(kind="policy", id=str(policy.pk), label=str(policy))
    record(Verb.POLICY_ADOPTED, actor=actor, subject=subject, at=now, data={"sha256": policy.sha256})
    return policy


# What follows writes grants. approvals/ decides who may, and calls these inside its own transaction; nobody else does.


@transaction.atomic
def add_waiver(
    *,
    rule: str,
    scope_kind: Grant.ScopeKind,
    scope: str,
    reason: str,
    ticket: str,
    ends_at: datetime,
    asked_by: Person,
    actor: Actor,
    now: datetime,
) -> Grant:
    """Write down that somebody asks to let a check fail. Nothing passes by it yet.

    Raises: BadRule; BadScope; BadEnd; GrantAsked (the same waits already).
    """
    _require_waiver(rule, scope_kind, scope)
    _require_end(ends_at, now)
    _close_lapsed(rule, scope_kind, scope, asked_by=asked_by, now=now)
    try:
        with transaction.atomic():
            grant = Grant.objects.create(
                kind=Grant.Kind.WAIVER,
                rule=rule,
                scope_kind=scope_kind,
                scope=scope,
                reason=reason,
                ticket=ticket,
                asked_by=asked_by,
                asker_identity=identity_of(asked_by),
                asked_at=now,
                asked_until=ends_at,
                ends_at=ends_at,
            )
    except IntegrityError as error:
        cure = "Wait for its answer, or let it be refused and ask anew."
        raise GrantAsked(f"A waiver of {rule} for {scope} waits for its answer already.", cure=cure) from error
    data = {"kind": grant.kind, "rule": rule, "scope_kind": str(scope_kind), "scope": scope, "reason": reason}
    told = {**data, "ticket": ticket, "ends_at": ends_at.isoformat()}
    record(Verb.GRANT_ASKED, actor=actor, subject=grant_subject(grant), at=now, data=told)
    return grant


@transaction.atomic
def set_given(*, grant: Grant, given_by: Person, is_one_person: bool, now: datetime) -> None:
    """It lets its check fail from ``now`` until its end."""
    grant.given_by = given_by
    grant.giver_identity = identity_of(given_by)
    grant.is_one_person = is_one_person
    grant.starts_at = now
    grant.save(update_fields=["given_by", "giver_identity", "is_one_person", "starts_at"])
    data = {**_scope_of(grant), "ends_at": grant.ends_at.isoformat(), "asked_by": str(grant.asked_by_id)}
    record(Verb.GRANT_GIVEN, actor=given_by.as_actor(), subject=grant_subject(grant), at=now, data=data)


@transaction.atomic
def set_refused(*, grant: Grant, refused_by: Person, reason: str, now: datetime) -> None:
    """It never holds."""
    grant.refused_by, grant.refused_at, grant.answer = refused_by, now, reason
    grant.save(update_fields=["refused_by", "refused_at", "answer"])
    data = {**_scope_of(grant), "reason": reason}
    record(Verb.GRANT_REFUSED, actor=refused_by.as_actor(), subject=grant_subject(grant), at=now, data=data)


@transaction.atomic
def set_ended(*, grant: Grant, ended_by: Person, reason: str, now: datetime) -> None:
    """It holds no longer than ``now``."""
    grant.ended_by, grant.ended_at, grant.ends_at, grant.answer = ended_by, now, now, reason
    grant.save(update_fields=["ended_by", "ended_at", "ends_at", "answer"])
    data = {**_scope_of(grant), "reason": reason}
    record(Verb.GRANT_ENDED, actor=ended_by.as_actor(), subject=grant_subject(grant), at=now, data=data)


def lock_grant(grant_id: UUID | str) -> Grant:
    """The row, locked until the transaction ends: two answers take their turns. Raises GrantMissing."""
    Grant.objects.select_for_update().filter(pk=grant_id).first()
    return selectors.grant_by_id(grant_id)


def grant_subject(grant: Grant) -> Subject:
    """How the record names a grant."""
    return Subject(kind="grant", id=str(grant.pk), label=str(grant))


def _close_lapsed(rule: str, scope_kind: Grant.ScopeKind, scope: str, *, asked_by: Person, now: datetime) -> None:
    """One that nobody answered in time does not stand in the way of asking again."""
    same = Grant.objects.select_for_update().filter(
        selectors.in_state(GrantState.LAPSED, now), kind="waiver", rule=rule, scope_kind=scope_kind, scope=scope
    )
    for lapsed in same:
        set_refused(grant=lapsed, refused_by=asked_by, reason="Nobody answered it in time; asked again.", now=now)


def _scope_of(grant: Grant) -> dict[str, str]:
    return {"kind": grant.kind, "rule": grant.rule, "scope_kind": grant.scope_kind, "scope": grant.scope}


def _require_waiver(rule: str, scope_kind: Grant.ScopeKind, scope: str) -> None:
    if not is_rule_id(rule):
        cure = "Name it as the check does, such as GG1003 or DL3008."
        row = FieldError("/rule", "bad_rule", cure)
        raise BadRule(f"{rule[:40]!r} is not the id of a check.", cure=cure, errors=[row])
    match scope_kind:
        case Grant.ScopeKind.VERSION:
            image, _, version = scope.partition("/")
            is_good = bool(image and version) and "/" not in version
        case Grant.ScopeKind.SOURCE:
            is_good = bool(scope.strip())
        case Grant.ScopeKind.DIGEST:
            is_good = _is_digest(scope)
    if not is_good or len(scope) > 300:
        cure = "Name a version as debian/12, a source by its name, or a digest as sha256:…"
        row = FieldError("/scope", "bad_scope", cure)
        raise BadScope(f"{scope[:80]!r} names no {scope_kind}.", cure=cure, errors=[row])


def _require_end(ends_at: datetime, now: datetime) -> None:
    if not now < ends_at <= now + timedelta(days=MAX_DAYS):
        cure = f"Choose a moment within {MAX_DAYS} days from now."
        row = FieldError("/ends_at", "bad_end", cure)
        raise BadEnd(f"A waiver ends, at most {MAX_DAYS} days after it was asked for.", cure=cure, errors=[row])


def _is_digest(text: str) -> bool:
    try:
        Digest.parse(text)
    except MalformedDigest:
        return False
    return True
