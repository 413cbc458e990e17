"""Who looks at a page, and which buttons are worth showing them. The table of access and the services decide."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.http import HttpRequest
from django.utils import timezone

from accounts import selectors as accounts
from accounts.models import Person
from accounts.roles import Role
from jobs.domain.asking import Asker


@dataclass(frozen=True, slots=True)
class Viewer:
    """The signed-in person, the roles they hold anywhere, and the moment the page is made for."""

    person: Person
    roles: frozenset[Role]
    now: datetime

    @property
    def is_admin(self) -> bool:
        return Role.PLATFORM_ADMIN in self.roles

    @property
    def is_reviewer(self) -> bool:
        return bool(self.roles & {Role.REVIEWER, Role.SECURITY_REVIEWER})

    @property
    def is_security(self) -> bool:
        return Role.SECURITY_REVIEWER in self.roles

    @property
    def may_ask(self) -> bool:
        return bool(self.roles & {Role.REQUESTER, Role.PLATFORM_ADMIN})

    @property
    def may_propose(self) -> bool:
        return bool(self.roles & {Role.REQUESTER, Role.REVIEWER, Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN})

    @property
    def may_answer(self) -> bool:
        return bool(self.roles & {Role.REVIEWER, Role.SECURITY_REVIEWER, Role.PLATFORM_ADMIN})

    def as_asker(self) -> Asker:
        """Whose jobs they may cancel and have tried again. Two queries."""
        return accounts.asker(self.person, None, self.now)

    @property
    def is_auditor(self) -> bool:
        return bool(self.roles & {Role.AUDITOR, Role.PLATFORM_ADMIN})


def viewer_of(request: HttpRequest) -> Viewer:
    """Who looks at this page, now. No query."""
    # The roles were read once, when the table of access was asked.
    roles: frozenset[Role] = getattr(request, "roles", frozenset())
    return Viewer(cast(Person, request.user), roles, timezone.now())
