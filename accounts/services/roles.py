"""Roles: granted for a time, ended at once."""

from datetime import datetime

from django.db import IntegrityError, transaction

from accounts import selectors
from accounts.errors import (
    BadPeriod,
    OwnRole,
    PersonInactive,
    RoleAlreadyHeld,
    RoleKeptElsewhere,
    RoleOver,
    UnknownRole,
)
from accounts.models import Person, RoleGrant, Team
from accounts.models.role_grant import GrantSource
from accounts.roles import Role
from accounts.services import shared
from audit import services as audit
from audit.actor import Actor
from audit.verbs import Verb


@transaction.atomic
def grant_role(
    *,
    person: Person,
    role: Role,
    now: datetime,
    by: Person | None = None,
    team: Team | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> RoleGrant:
    """Give ``person`` a role from ``starts_at`` (now) until ``ends_at`` (further notice): everywhere, or for one team.

    Raises NotAnAdministrator; OwnRole (nobody grants themselves a role, by any account of theirs, except where
    Goldgate is set to one person); PersonInactive; UnknownRole; BadPeriod; RoleAlreadyHeld.
    """
    # Asked under the lock: an administrator whose role is ended at this moment grants nothing more.
    shared.lock_administrators()
    shared.require_administrator(by, now)
    role = _known(role)
    if by is not None and selectors.is_same_person(by, person) and not selectors.is_one_person():
        raise OwnRole("Nobody grants themselves a role.", cure="Ask another platform administrator.")
    if not person.is_active:
        raise PersonInactive(f"{person.username} is deactivated.")
    begins = starts_at or now
    if ends_at is not None and ends_at <= max(begins, now):
        raise BadPeriod("The role would end before it begins.")
    if role is Role.PLATFORM_ADMIN and team is not None:
        raise UnknownRole("platform_admin is never held for one team only.")
    try:
        with transaction.atomic():
            grant = RoleGrant.objects.create(
                person=person, role=role, team=team, starts_at=begins, ends_at=ends_at, granted_by=by
            )
    except IntegrityError as error:
        raise RoleAlreadyHeld(f"{person.username} holds {role} until further notice.") from error
    record_grant(Verb.ROLE_GRANTED, grant, actor=shared.actor_of(by), now=now)
    return grant


def _known(role: str) -> Role:
    try:
        return Role(role)
    except ValueError as error:
        raise UnknownRole(f"There is no role {role!r}.", cure=f"The roles are {', '.join(Role)}.") from error


@transaction.atomic
def end_role(*, grant: RoleGrant, by: Person | None, now: datetime) -> RoleGrant:
    """End a grant at once: roles are asked for at every request, and the person's sessions end.

    Raises NotAnAdministrator; RoleOver; RoleKeptElsewhere (an LDAP group would grant it again);
    LastAdministrator.
    """
    shared.lock_administrators()
    shared.require_administrator(by, now)
    locked = RoleGrant.objects.select_for_update(of=("self",)).select_related("person", "team").get(pk=grant.pk)
    if locked.ends_at is not None and locked.ends_at <= max(now, locked.starts_at):
        raise RoleOver("The grant has ended already.")
    if locked.source == GrantSource.LDAP:
        raise RoleKeptElsewhere("The role follows from a group of the directory.", cure="Change the group there.")
    if locked.role == Role.PLATFORM_ADMIN and locked.person.is_active:
        shared.require_other_administrator(locked.person, now)
    locked.ends_at = max(shared.after_deeds(now), locked.starts_at)
    locked.ended_by = by
    locked.save(update_fields=["ends_at", "ended_by"])
    shared.end_sessions(locked.person)
    record_grant(Verb.ROLE_ENDED, locked, actor=shared.actor_of(by), now=now)
    return locked


def hold_roles() -> None:
    """Until the caller's transaction ends, nobody's role and nobody's account is ended.

    For deeds that ask for roles once more before they take effect: what they read stays true until they commit.
    """
    shared.lock_administrators()


def record_grant(verb: Verb, grant: RoleGrant, *, actor: Actor, now: datetime) -> None:
    """Write a grant, as it is now, into the record; in the deed's transaction."""
    audit.record(
        verb,
        actor=actor,
        subject=shared.subject_of(grant.person),
        at=now,
        data={
            "grant": str(grant.pk),
            "role": grant.role,
            "team": grant.team.name if grant.team else "",
            "starts_at": grant.starts_at.isoformat(),
            "ends_at": grant.ends_at.isoformat() if grant.ends_at else "",
            "source": grant.source,
        },
    )
