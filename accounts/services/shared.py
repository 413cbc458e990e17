"""What several of the accounts' services need: who acts, who may, and locks."""

from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F

from accounts import selectors
from accounts.domain.names import fault_of
from accounts.errors import BadName, LastAdministrator, NotAnAdministrator
from accounts.models import Person, RoleGrant, ServiceToken, Team
from accounts.roles import Role
from audit.actor import Actor, Subject
from audit.models import Record

# pg_advisory_xact_lock's key: one holder at a time grants or ends roles and accounts.
ADMINISTRATORS_LOCK = 0x676F6C64_0001
# What may have been recorded while one deed waited for that lock.
NEWEST_RECORDS, LONGEST_WAIT = 200, timedelta(seconds=30)


def actor_of(by: Person | None) -> Actor:
    """``by`` as the doer in the record; without a person, whoever has a shell on the host."""
    return by.as_actor() if by is not None else Actor.system("host")


def subject_of(thing: Person | Team | ServiceToken) -> Subject:
    """The thing as a record names it."""
    match thing:
        case Person():
            return Subject(kind="person", id=str(thing.pk), label=thing.username)
        case Team():
            return Subject(kind="team", id=str(thing.pk), label=thing.name)
        case ServiceToken():
            return Subject(kind="token", id=str(thing.pk), label=thing.name)


def require_administrator(by: Person | None, at: datetime) -> None:
    """Raises NotAnAdministrator unless ``by`` is a platform administrator at ``at``, or the host itself."""
    if by is not None and not selectors.has_role(by, Role.PLATFORM_ADMIN, at):
        raise NotAnAdministrator(
            f"{by.username} is not a platform administrator.", cure="Ask one; the page People lists them."
        )


def require_name(name: str) -> None:
    """Raises BadName with the sentence that says why."""
    if fault := fault_of(name):
        raise BadName(fault, cure="Choose a name of visible characters.")


def lock_administrators() -> None:
    """Until the transaction's end, nobody else grants or ends a role, or ends an account.

    Two administrators who end each other's role at once would otherwise both see the other one left.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADMINISTRATORS_LOCK])


def after_deeds(now: datetime) -> datetime:
    """``now``, or just after what was recorded later than it: called under ``lock_administrators``.

    ``now`` was read before the lock was had. A deed that asked for a role meanwhile, under that lock too, and is in the
    record with a later time was done while the role was held: the role's end stands behind it.
    """
    newest = Record.objects.order_by("-id").values_list("at", flat=True)[:NEWEST_RECORDS]
    meanwhile = [at for at in newest if now < at <= now + LONGEST_WAIT]
    return max(meanwhile) + timedelta(microseconds=1) if meanwhile else now


def require_other_administrator(person: Person, at: datetime) -> None:
    """Raises LastAdministrator when nobody but ``person`` administers Goldgate until further notice."""
    others = (
        RoleGrant.objects.filter(
            role=Role.PLATFORM_ADMIN, team__isnull=True, starts_at__lte=at, ends_at__isnull=True, person__is_active=True
        )
        .exclude(person=person)
        .exists()
    )
    if not others:
        raise LastAdministrator(
            f"{person.username} is the last platform administrator.",
            cure="Grant the role platform_admin to somebody else first.",
        )


def end_sessions(person: Person) -> None:
    """End every session of ``person`` at its next request."""
    Person.objects.filter(pk=person.pk).update(session_epoch=F("session_epoch") + 1)
    person.refresh_from_db(fields=["session_epoch"])
