"""Adopting a policy."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from accounts.models import Person
from accounts.roles import Role
from accounts.selectors import has_role
from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from policies import selectors
from policies.domain.default import DEFAULT
from policies.domain.document import PolicyDocument
from policies.errors import DemoPolicy, NotPolicyAdmin
from policies.models import Policy

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
