"""People, teams and tokens for tests. Rows are written directly: no record, no rights asked for.

person_with(Role.REVIEWER)                      # a person who holds the role from 2020 on
person_with(Role.REVIEWER, username="rita")
token_for(person, Scope.READ) -> (ServiceToken, "ggt_…")
"""

import itertools
from datetime import UTC, datetime

from accounts.domain import secrets
from accounts.domain.names import fold
from accounts.models import Membership, Person, RoleGrant, ServiceToken, Team
from accounts.roles import Role, Scope

EARLY = datetime(2020, 1, 1, tzinfo=UTC)
LATE = datetime(2099, 1, 1, tzinfo=UTC)
PASSWORD = "correct horse battery staple"
_number = itertools.count(1)


def PersonFactory(username: str = "", *, password: str = "", **fields) -> Person:  # noqa: N802
    """An active person without roles; with ``password``, one who can sign in."""
    name = username or f"person-{next(_number)}"
    person = Person(username=name, username_folded=fold(name), **fields)
    if password:
        person.set_password(password)
    else:
        person.set_unusable_password()
    if not person.is_active and person.deactivated_at is None:
        person.deactivated_at = EARLY
    person.save()
    return person


def person_with(*roles: Role, username: str = "", team: Team | None = None, **fields) -> Person:
    """A person who holds ``roles`` since 2020 until further notice."""
    person = PersonFactory(username, **fields)
    for role in roles:
        RoleGrant.objects.create(person=person, role=role, team=team, starts_at=EARLY)
    return person


def TeamFactory(name: str = "", *members: Person, **fields) -> Team:  # noqa: N802
    """A team with ``members``."""
    chosen = name or f"team-{next(_number)}"
    team = Team.objects.create(name=chosen, name_folded=fold(chosen), created_at=EARLY, **fields)
    for person in members:
        Membership.objects.create(team=team, person=person, added_at=EARLY)
    return team


def token_for(
    owner: Person, *scopes: Scope, expires_at: datetime = LATE, created_at: datetime = EARLY, **fields
) -> tuple[ServiceToken, str]:
    """A token of ``owner`` and its secret. Without ``scopes`` it has every scope."""
    secret = secrets.new_token()
    token = ServiceToken.objects.create(
        owner=owner,
        name=f"token-{next(_number)}",
        sha256=secrets.sha256_of_token(secret),
        hint=secret[4:12],
        scopes=[str(scope) for scope in (scopes or tuple(Scope))],
        created_at=created_at,
        expires_at=expires_at,
        **fields,
    )
    return token, secret
