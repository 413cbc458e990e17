"""Accounts: made, closed, opened again, linked."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts import selectors
from accounts.domain import secrets
from accounts.domain.names import fold
from accounts.errors import LinkRefused, NameTaken, PersonInactive, WeakPassword
from accounts.models import Person, RoleGrant
from accounts.roles import Role
from accounts.services import shared
from accounts.services.tokens import end_tokens_of
from audit import services as audit
from audit.verbs import Verb


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person and the password that is shown once; "" when the directory keeps the password."""

    person: Person
    one_time_password: str


@transaction.atomic
def create_person(
    *,
    username: str,
    now: datetime,
    by: Person | None = None,
    display_name: str = "",
    email: str = "",
    password: str = "",
) -> NewPerson:
    """Make an account. Without ``password`` a one-time password is made that must be changed at first sign-in.

    Raises NotAnAdministrator, BadName, NameTaken (also for a name that only looks the same), WeakPassword.
    """
    shared.require_administrator(by, now)
    shared.require_name(username)
    if display_name:
        shared.require_name(display_name)
    person = Person(
        username=username,
        username_folded=fold(username),
        display_name=display_name,
        email=email,
        created_by=by,
        must_change_password=not password,
    )
    if password:
        require_good_password(password, person)
    one_time = "" if password else secrets.new_password()
    person.set_password(password or one_time)
    try:
        with transaction.atomic():
            person.save(force_insert=True)
    except IntegrityError as error:
        raise NameTaken(
            f"A person with a name that reads like {username!r} exists.", cure="Choose another name."
        ) from error
    audit.record(
        Verb.PERSON_CREATED,
        actor=shared.actor_of(by),
        subject=shared.subject_of(person),
        at=now,
        data={"display_name": display_name, "email": email, "source": person.source},
    )
    return NewPerson(person=person, one_time_password=one_time)


def require_good_password(password: str, person: Person) -> None:
    """Raises WeakPassword with every rule that ``password`` breaks (AUTH_PASSWORD_VALIDATORS)."""
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise WeakPassword(" ".join(error.messages), cure="Choose a longer sentence of several words.") from error


@transaction.atomic
def deactivate_person(*, person: Person, by: Person | None, now: datetime) -> Person:
    """Close the account: sessions and tokens end, and so does every role it holds.

    Raises NotAnAdministrator, PersonInactive, LastAdministrator.
    """
    shared.lock_administrators()
    shared.require_administrator(by, now)
    locked = Person.objects.select_for_update().get(pk=person.pk)
    if not locked.is_active:
        raise PersonInactive(f"{locked.username} is deactivated already.")
    if selectors.has_role(locked, Role.PLATFORM_ADMIN, now):
        shared.require_other_administrator(locked, now)
    roles = sorted({grant.role for grant in selectors.grants_in_force(locked, now)})
    _end_every_role(locked, by=by, now=now)
    locked.is_active = False
    locked.deactivated_at = now
    locked.save(update_fields=["is_active", "deactivated_at"])
    shared.end_sessions(locked)
    ended_tokens = end_tokens_of(locked, by=by, now=now)
    audit.record(
        Verb.PERSON_DEACTIVATED,
        actor=shared.actor_of(by),
        subject=shared.subject_of(locked),
        at=now,
        data={"ended_roles": roles, "ended_tokens": ended_tokens},
    )
    return locked


def _end_every_role(person: Person, *, by: Person | None, now: datetime) -> None:
    RoleGrant.objects.filter(person=person, ends_at__isnull=True, starts_at__lte=now).update(ends_at=now, ended_by=by)
    RoleGrant.objects.filter(person=person, ends_at__gt=now, starts_at__lte=now).update(ends_at=now, ended_by=by)
    for grant in RoleGrant.objects.filter(person=person, starts_at__gt=now):
        # A grant that has not begun becomes an empty interval: it never holds, and is still on view.
        grant.ends_at, grant.ended_by = grant.starts_at, by
        grant.save(update_fields=["ends_at", "ended_by"])


@transaction.atomic
def reactivate_person(*, person: Person, by: Person | None, now: datetime) -> NewPerson:
    """Open a closed account again, with a new one-time password and without any role.

    Raises NotAnAdministrator; PersonInactive when it is open.
    """
    shared.require_administrator(by, now)
    locked = Person.objects.select_for_update().get(pk=person.pk)
    if locked.is_active:
        raise PersonInactive(f"{locked.username} is active.")
    one_time = "" if locked.source == "ldap" else secrets.new_password()
    if one_time:
        locked.set_password(one_time)
        locked.must_change_password = True
    locked.is_active = True
    locked.deactivated_at = None
    locked.save(update_fields=["is_active", "deactivated_at", "password", "must_change_password"])
    audit.record(
        Verb.PERSON_CHANGED,
        actor=shared.actor_of(by),
        subject=shared.subject_of(locked),
        at=now,
        data={"reactivated": True},
    )
    return NewPerson(person=locked, one_time_password=one_time)


@transaction.atomic
def link_accounts(*, person: Person, same_person_as: Person, by: Person | None, now: datetime) -> Person:
    """Say that two accounts belong to one human being, so that they count as one (docs/adr/0005).

    Links are one step long: accounts linked to ``person`` move along. There is no unlinking through a
    service: it would turn one reviewer into two.
    Raises NotAnAdministrator; LinkRefused when they are linked already or are the same account.
    """
    shared.require_administrator(by, now)
    root = same_person_as.same_person_as or same_person_as
    if selectors.is_same_person(person, root):
        raise LinkRefused("The two accounts are known to belong to one person already.")
    if person.same_person_as_id is not None:
        raise LinkRefused(
            f"{person.username} is linked to another account.", cure="Link that account instead: all of them follow."
        )
    locked = Person.objects.select_for_update().get(pk=person.pk)
    locked.other_accounts.update(same_person_as=root)
    locked.same_person_as = root
    locked.save(update_fields=["same_person_as"])
    audit.record(
        Verb.PERSON_CHANGED,
        actor=shared.actor_of(by),
        subject=shared.subject_of(locked),
        at=now,
        data={"same_person_as": root.username},
    )
    return locked
