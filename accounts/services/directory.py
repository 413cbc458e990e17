"""People whom a directory vouches for: received at sign-in, looked at again while they are here."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.utils.module_loading import import_string

from accounts import selectors
from accounts.domain.directory import Directory, Entry
from accounts.domain.names import MAX_NAME_LENGTH, fold
from accounts.errors import DirectoryUnavailable, LastAdministrator, NameTaken, PersonInactive
from accounts.models import Person, RoleGrant
from accounts.models.person import PersonSource
from accounts.models.role_grant import GrantSource
from accounts.roles import Role
from accounts.services import shared
from accounts.services.people import deactivate_person
from accounts.services.roles import record_grant
from audit import services as audit
from audit.actor import Actor
from audit.verbs import Verb

log = logging.getLogger(__name__)

ACTOR = Actor.system("directory")
# A directory that does not answer is not asked again for this long: each question may take seconds.
PAUSE_SECONDS = 30
# Whom no directory vouched for during this time gets nowhere, by session or token.
LONGEST_UNCHECKED = timedelta(hours=24)


@transaction.atomic
def receive_person(*, entry: Entry, now: datetime) -> Person:
    """The account of a person of the directory, made or brought up to date with name, mail and roles.

    The account is found by the directory's identity alone: an account of the same name that the directory does not
    vouch for is never taken over.
    Raises NameTaken, BadName; PersonInactive when an administrator closed the account.
    """
    shared.require_name(entry.username)
    # Whoever asks for roles once more before a deed takes effect holds this (hold_roles).
    shared.lock_administrators()
    person = Person.objects.select_for_update().filter(source=PersonSource.LDAP, identity=entry.identity).first()
    person = _update(person, entry, now=now) if person else _create(entry, now=now)
    _keep_roles(person, entry.roles, now=now)
    return person


def _create(entry: Entry, *, now: datetime) -> Person:
    person = Person(
        username=entry.username,
        username_folded=fold(entry.username),
        display_name=entry.display_name[:MAX_NAME_LENGTH],
        email=entry.email,
        source=PersonSource.LDAP,
        identity=entry.identity,
        directory_checked_at=now,
    )
    person.set_unusable_password()
    _save(person)
    data = {"source": PersonSource.LDAP.value, "identity": entry.identity}
    audit.record(Verb.PERSON_CREATED, actor=ACTOR, subject=shared.subject_of(person), at=now, data=data)
    return person


def _update(person: Person, entry: Entry, *, now: datetime) -> Person:
    if not person.is_active:
        raise PersonInactive(f"{person.username} is deactivated.")
    told = {"username": entry.username, "display_name": entry.display_name[:MAX_NAME_LENGTH], "email": entry.email}
    changed = {name: value for name, value in told.items() if getattr(person, name) != value}
    for name, value in changed.items():
        setattr(person, name, value)
    person.username_folded = fold(person.username)
    person.directory_checked_at = now
    _save(person)
    if changed:
        audit.record(Verb.PERSON_CHANGED, actor=ACTOR, subject=shared.subject_of(person), at=now, data=changed)
    return person


def _save(person: Person) -> None:
    try:
        with transaction.atomic():
            person.save()
    except IntegrityError as error:
        raise NameTaken(f"Another account has a name that reads like {person.username!r}.") from error


def _keep_roles(person: Person, roles: frozenset[Role], *, now: datetime) -> None:
    """Hold exactly ``roles`` from the directory; grants made here by people are left alone."""
    held = {
        Role(grant.role): grant for grant in selectors.grants_in_force(person, now) if grant.source == GrantSource.LDAP
    }
    for role in sorted(roles - set(held)):
        grant = RoleGrant.objects.create(person=person, role=role, starts_at=now, source=GrantSource.LDAP)
        record_grant(Verb.ROLE_GRANTED, grant, actor=ACTOR, now=now)
    ended = sorted(set(held) - roles)
    for role in ended:
        held[role].ends_at = now
        held[role].save(update_fields=["ends_at"])
        record_grant(Verb.ROLE_ENDED, held[role], actor=ACTOR, now=now)
    if ended:
        shared.end_sessions(person)


def keep_current(*, person: Person, now: datetime) -> Person | None:
    """``person`` as the directory has them, asked at most every ``GOLDGATE_LDAP_REFRESH_SECONDS``; None for nobody.

    Called for every request of such a person, by session or token, so that whoever left a group, or the company, is
    noticed although they never sign in again. While the directory does not answer, what it last said holds, for at
    most 24 hours. A person whom it no longer has is deactivated.
    """
    if person.source != PersonSource.LDAP:
        return person
    if not settings.GOLDGATE_LDAP_URI:
        return None
    checked = person.directory_checked_at
    if checked is not None and now - checked < timedelta(seconds=settings.GOLDGATE_LDAP_REFRESH_SECONDS):
        return person
    try:
        entry = _ask(person.username)
    except DirectoryUnavailable as error:
        log.warning("%s is taken as the directory last had them: %s", person.username, error)
        return person if checked is not None and now - checked < LONGEST_UNCHECKED else None
    if entry is None or entry.identity != person.identity:
        _leave(person, now=now)
        return None
    before = person.session_epoch
    current = receive_person(entry=entry, now=now)
    # A role that ended ends the session too, with this very request.
    return current if current.session_epoch == before else None


def _ask(username: str) -> Entry | None:
    if cache.get("accounts.directory.paused"):
        raise DirectoryUnavailable("It did not answer a moment ago.")
    directory: Directory = import_string(settings.GOLDGATE_DIRECTORY)()
    try:
        return directory.find(username)
    except DirectoryUnavailable:
        cache.set("accounts.directory.paused", 1, PAUSE_SECONDS)
        raise


def _leave(person: Person, *, now: datetime) -> None:
    try:
        deactivate_person(person=person, by=None, now=now)
    except PersonInactive:
        return
    except LastAdministrator:
        # Whoever is left without an administrator needs a shell on the host; until then nobody gets in by this account.
        log.error("%s left the directory and is the last platform administrator", person.username)  # noqa: TRY400
        shared.end_sessions(person)
