"""Passwords: changed by their owner, reset by an administrator."""

from datetime import datetime

from django.db import transaction

from accounts.domain import secrets
from accounts.errors import ForeignPassword, PersonInactive, WeakPassword, WrongPassword
from accounts.models import Person
from accounts.models.person import PersonSource
from accounts.services import shared
from accounts.services.people import require_good_password
from accounts.services.tokens import end_tokens_of
from audit import services as audit
from audit.verbs import Verb


@transaction.atomic
def change_password(*, person: Person, old_password: str, new_password: str, now: datetime) -> Person:
    """Set a new password. Every session of the person ends; the caller renews the one it came by.

    Raises ForeignPassword (LDAP keeps it), WrongPassword, WeakPassword (also when it is the old one).
    """
    locked = Person.objects.select_for_update().get(pk=person.pk)
    _require_local(locked)
    if not locked.check_password(old_password):
        raise WrongPassword("The present password is another one.")
    if new_password == old_password:
        raise WeakPassword("The new password is the old one.", cure="Choose another one.")
    require_good_password(new_password, locked)
    _set(locked, new_password, must_change=False)
    audit.record(
        Verb.PASSWORD_CHANGED, actor=locked.as_actor(), subject=shared.subject_of(locked), at=now, data={"by": "owner"}
    )
    return locked


@transaction.atomic
def reset_password(*, person: Person, by: Person | None, now: datetime) -> str:
    """Give the person a one-time password, returned once. Sessions and tokens end: somebody else may have had them.

    Raises NotAnAdministrator, ForeignPassword, PersonInactive.
    """
    shared.require_administrator(by, now)
    locked = Person.objects.select_for_update().get(pk=person.pk)
    _require_local(locked)
    if not locked.is_active:
        raise PersonInactive(f"{locked.username} is deactivated.", cure="Activate the account instead.")
    one_time = secrets.new_password()
    _set(locked, one_time, must_change=True)
    ended_tokens = end_tokens_of(locked, by=by, now=now)
    audit.record(
        Verb.PASSWORD_CHANGED,
        actor=shared.actor_of(by),
        subject=shared.subject_of(locked),
        at=now,
        data={"by": "administrator", "ended_tokens": ended_tokens},
    )
    return one_time


def _require_local(person: Person) -> None:
    if person.source != PersonSource.LOCAL:
        raise ForeignPassword("The directory keeps this password.", cure="Change it there.")


def _set(person: Person, password: str, *, must_change: bool) -> None:
    person.set_password(password)
    person.must_change_password = must_change
    person.save(update_fields=["password", "must_change_password"])
    shared.end_sessions(person)
