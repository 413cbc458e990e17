"""Service tokens: made once, shown once, ended at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from accounts import selectors
from accounts.domain import secrets
from accounts.errors import BadPeriod, NotOwnToken, PersonInactive, TokenOver, UnknownScope
from accounts.models import Person, ServiceToken
from accounts.roles import Role, Scope
from accounts.services import shared
from audit import services as audit
from audit.verbs import Verb
from core.validity import is_in_force

LONGEST_LIFE = timedelta(days=366)
# The last use is written at most this often: a busy token must not write a row at every request.
USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token and its secret, which is shown once and not kept."""

    token: ServiceToken
    secret: str


@transaction.atomic
def create_token(
    *, owner: Person, name: str, scopes: Sequence[str], expires_at: datetime, now: datetime, by: Person | None = None
) -> NewToken:
    """Make a token of ``owner``, good for ``scopes`` until ``expires_at`` (at most 366 days ahead).

    ``by`` is None for the owner's own deed.
    Raises PersonInactive, BadName, UnknownScope, BadPeriod.
    """
    if not owner.is_active:
        raise PersonInactive(f"{owner.username} is deactivated.")
    shared.require_name(name)
    unknown = sorted(set(scopes) - set(Scope))
    if unknown or not scopes:
        raise UnknownScope(
            f"There is no scope {unknown[0]!r}." if unknown else "A token needs at least one scope.",
            cure=f"The scopes are {', '.join(Scope)}.",
        )
    if not now < expires_at <= now + LONGEST_LIFE:
        raise BadPeriod(f"The token must expire within the next {LONGEST_LIFE.days} days.")
    secret = secrets.new_token()
    start = len(secrets.TOKEN_PREFIX)
    token = ServiceToken.objects.create(
        owner=owner,
        name=name,
        sha256=secrets.sha256_of_token(secret),
        hint=secret[start : start + secrets.HINT_LENGTH],
        scopes=sorted({str(scope) for scope in scopes}),
        created_at=now,
        expires_at=expires_at,
    )
    audit.record(
        Verb.TOKEN_CREATED,
        actor=shared.actor_of(by or owner),
        subject=shared.subject_of(token),
        at=now,
        data={"owner": owner.username, "scopes": token.scopes, "expires_at": expires_at.isoformat()},
    )
    return NewToken(token=token, secret=secret)


@transaction.atomic
def end_token(*, token: ServiceToken, by: Person, now: datetime) -> ServiceToken:
    """End a token at once: its owner may, and any platform administrator.

    Raises NotOwnToken, worded as if it did not exist; TokenOver.
    """
    locked = ServiceToken.objects.select_for_update(of=("self",)).select_related("owner").get(pk=token.pk)
    if locked.owner_id != by.pk and not selectors.has_role(by, Role.PLATFORM_ADMIN, now):
        raise NotOwnToken("There is no such token.")
    if not is_in_force(locked, now):
        raise TokenOver("The token has ended already.")
    _end(locked, by=by, now=now)
    return locked


def end_tokens_of(person: Person, *, by: Person | None, now: datetime) -> int:
    """End every live token of ``person``, in the caller's transaction; how many there were."""
    live = [
        token
        for token in ServiceToken.objects.select_for_update().filter(owner=person, ended_at__isnull=True)
        if is_in_force(token, now)
    ]
    for token in live:
        _end(token, by=by, now=now)
    return len(live)


def _end(token: ServiceToken, *, by: Person | None, now: datetime) -> None:
    token.ended_at = now
    token.ended_by = by
    token.save(update_fields=["ended_at", "ended_by"])
    audit.record(
        Verb.TOKEN_ENDED,
        actor=shared.actor_of(by),
        subject=shared.subject_of(token),
        at=now,
        data={"owner": token.owner.username},
    )


def note_token_use(*, token: ServiceToken, now: datetime) -> None:
    """Write down that the token was used, at most once a minute. No deed, so no record."""
    if token.last_used_at is None or now - token.last_used_at >= USE_NOTED_EVERY:
        ServiceToken.objects.filter(pk=token.pk).update(last_used_at=now)
        token.last_used_at = now
