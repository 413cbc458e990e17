"""Sessions: begun with a password, ended by their owner."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.db import transaction
from django.http import HttpRequest

from accounts.domain.names import MAX_NAME_LENGTH, fault_of
from accounts.errors import SignInRefused, TooManyAttempts
from accounts.models import Person
from accounts.services import shared
from audit import services as audit
from audit.actor import Actor, Subject
from audit.verbs import Verb

REFUSED = "The name or the password is wrong, or the account is closed."


def sign_in(*, request: HttpRequest, username: str, password: str, now: datetime) -> Person:
    """Begin a session: a new session key, and an end that use does not move.

    Raises SignInRefused (which of name, password and closed account it was is not said) and
    TooManyAttempts (this name from this address). Both are recorded.
    """
    # An empty password must never reach a directory: a bind with one succeeds as nobody (RFC 4513, 5.1.2).
    is_possible = bool(password) and not fault_of(username) and "\0" not in password
    found = authenticate(request, username=username, password=password) if is_possible else None
    if not isinstance(found, Person):
        is_locked = bool(getattr(request, "axes_locked_out", False))
        _record_refusal(username, now=now, is_locked=is_locked)
        if is_locked:
            raise TooManyAttempts("This name was tried too often from here.", cure="Wait ten minutes.")
        raise SignInRefused(REFUSED)
    with transaction.atomic():
        login(request, found)
        request.session.set_expiry(now + timedelta(seconds=settings.SESSION_COOKIE_AGE))
        audit.record(Verb.SIGNED_IN, actor=found.as_actor(), subject=shared.subject_of(found), at=now)
    return found


def _record_refusal(username: str, *, now: datetime, is_locked: bool) -> None:
    name = username[:MAX_NAME_LENGTH]
    with transaction.atomic():
        audit.record(
            Verb.SIGN_IN_REFUSED,
            actor=Actor.system("web"),
            subject=Subject(kind="sign_in", id="", label=name),
            at=now,
            data={"locked_out": is_locked},
        )


def sign_out(*, request: HttpRequest, now: datetime) -> None:
    """End this session. Nothing happens when nobody is signed in."""
    person = request.user
    if isinstance(person, Person):
        with transaction.atomic():
            audit.record(Verb.SIGNED_OUT, actor=person.as_actor(), subject=shared.subject_of(person), at=now)
    logout(request)
