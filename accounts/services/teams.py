"""Teams and who is in them."""

from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.domain.names import fold
from accounts.errors import AlreadyMember, NameTaken, NotMember, PersonInactive
from accounts.models import Membership, Person, Team
from accounts.services import shared
from audit import services as audit
from audit.verbs import Verb


@transaction.atomic
def create_team(*, name: str, by: Person | None, now: datetime, description: str = "") -> Team:
    """Make a team. Raises NotAnAdministrator, BadName, NameTaken."""
    shared.require_administrator(by, now)
    shared.require_name(name)
    try:
        with transaction.atomic():
            team = Team.objects.create(
                name=name, name_folded=fold(name), description=description, created_by=by, created_at=now
            )
    except IntegrityError as error:
        raise NameTaken(f"A team with a name that reads like {name!r} exists.", cure="Choose another name.") from error
    audit.record(Verb.TEAM_CREATED, actor=shared.actor_of(by), subject=shared.subject_of(team), at=now)
    return team


@transaction.atomic
def add_member(*, team: Team, person: Person, by: Person | None, now: datetime) -> Membership:
    """Put ``person`` into ``team``. Raises NotAnAdministrator, PersonInactive, AlreadyMember."""
    shared.require_administrator(by, now)
    if not person.is_active:
        raise PersonInactive(f"{person.username} is deactivated.")
    try:
        with transaction.atomic():
            membership = Membership.objects.create(team=team, person=person, added_by=by, added_at=now)
    except IntegrityError as error:
        raise AlreadyMember(f"{person.username} is in {team.name} already.") from error
    _record(Verb.MEMBER_ADDED, team, person, by=by, now=now)
    return membership


@transaction.atomic
def remove_member(*, team: Team, person: Person, by: Person | None, now: datetime) -> None:
    """Take ``person`` out of ``team``. Raises NotAnAdministrator, NotMember."""
    shared.require_administrator(by, now)
    deleted, _ = Membership.objects.filter(team=team, person=person).delete()
    if not deleted:
        raise NotMember(f"{person.username} is not in {team.name}.")
    _record(Verb.MEMBER_REMOVED, team, person, by=by, now=now)


def _record(verb: Verb, team: Team, person: Person, *, by: Person | None, now: datetime) -> None:
    audit.record(
        verb,
        actor=shared.actor_of(by),
        subject=shared.subject_of(team),
        at=now,
        data={"person": person.username, "person_id": str(person.pk)},
    )
