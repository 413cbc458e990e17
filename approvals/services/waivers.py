"""Letting a hardening check fail for a while: asked by one person, given by another, always with an end.

- Whoever may propose may ask.
- A reviewer or security reviewer gives; for checks that concern secrets, a security reviewer. Roles held for one team
  alone do not count: a check that is waived opens the line for everybody who builds on it.
- Nobody gives what they asked for, nor what lets pass the work of a source that they own.
- Ended early by reviewers, security reviewers, platform admins or who asked; refused by those who may give, or taken
  back by who asked.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts import selectors as accounts
from accounts.models import Person
from accounts.roles import Role
from approvals.errors import GiverMissing, OwnWaiver
from approvals.services import persons
from audit.actor import Actor
from builds.domain.image_rules.rules import RULES as IMAGE_RULES
from builds.domain.rules import RULES as DOCKERFILE_RULES
from builds.errors import SourceMissing
from builds.models import Source
from catalog import selectors as catalog
from core.errors import FieldError
from policies import services as policies
from policies.domain.grants import INVENTORY_RULE, GrantState, state_at
from policies.errors import BadRule, GrantClosed
from policies.models import Grant
from registry import selectors as registry

GIVERS = frozenset({Role.REVIEWER, Role.SECURITY_REVIEWER})
# Secrets in a Dockerfile; in the files and the environment of an image.
SECRET_RULES = frozenset({"GG1022", "GG1023", "GG1024", "GG1025", "GG2004", "GG2005", "GG2008", "GG2023"})
OWN_RULES = frozenset({*DOCKERFILE_RULES, *IMAGE_RULES, INVENTORY_RULE})
GIVERS_OF_SECRETS = frozenset({Role.SECURITY_REVIEWER})


@transaction.atomic
def ask_waiver(
    *,
    rule: str,
    scope_kind: Grant.ScopeKind | str,
    scope: str,
    reason: str,
    ends_at: datetime,
    asked_by: Person,
    now: datetime,
    ticket: str = "",
    actor: Actor | None = None,
) -> Grant:
    """Ask to let the check ``rule`` fail for one version, source or digest until ``ends_at``.

    Raises: RoleMissing; ReasonMissing; BadRule; BadScope; BadEnd; GrantAsked; and what names nothing: NoSuchImage,
    SourceMissing, ArtifactUnknown.
    """
    persons.require_any_role(asked_by, persons.PROPOSERS, subversion=None, now=now)
    told = persons.require_reason(reason)
    _require_known(rule)
    asked = policies.add_waiver(
        rule=rule,
        scope_kind=Grant.ScopeKind(scope_kind),
        scope=scope,
        reason=told,
        ticket=ticket.strip(),
        ends_at=ends_at,
        asked_by=asked_by,
        actor=actor or asked_by.as_actor(),
        now=now,
    )
    # After the grammar was checked; what names nothing takes the row back with it.
    _require_scope_exists(asked)
    return asked


@transaction.atomic
def give_waiver(*, grant_id: UUID | str, given_by: Person, now: datetime) -> Grant:
    """Let the check fail from now until the end that was asked for.

    Raises: GrantMissing; GrantClosed (answered, or its end has come); GiverMissing; OwnWaiver.
    """
    grant = _locked(grant_id, now, GrantState.ASKED)
    _require_giver(given_by, grant, now)
    is_own = _is_own(grant, given_by)
    if is_own and not accounts.is_one_person():
        raise OwnWaiver(
            "Nobody gives what they asked for, nor lets their own source pass.", cure="Ask another reviewer."
        )
    policies.set_given(grant=grant, given_by=given_by, is_one_person=is_own, now=now)
    return grant


@transaction.atomic
def refuse_waiver(*, grant_id: UUID | str, person: Person, reason: str, now: datetime) -> Grant:
    """Answer no, in words; who asked takes it back in the same way.

    Raises: GrantMissing; GrantClosed; ReasonMissing; GiverMissing.
    """
    grant = _locked(grant_id, now, GrantState.ASKED, GrantState.LAPSED)
    if not accounts.is_same_person(grant.asked_by, person):
        _require_giver(person, grant, now)
    policies.set_refused(grant=grant, refused_by=person, reason=persons.require_reason(reason), now=now)
    return grant


@transaction.atomic
def end_waiver(*, grant_id: UUID | str, person: Person, reason: str, now: datetime) -> Grant:
    """Let it hold no longer, before its time. The check refuses again at once.

    Raises: GrantMissing; GrantClosed (it does not hold); ReasonMissing; RoleMissing.
    """
    grant = _locked(grant_id, now, GrantState.IN_FORCE, GrantState.EXPIRING)
    if not accounts.is_same_person(grant.asked_by, person):
        persons.require_any_role(person, persons.ANSWERERS, subversion=None, now=now)
    policies.set_ended(grant=grant, ended_by=person, reason=persons.require_reason(reason), now=now)
    return grant


def _locked(grant_id: UUID | str, now: datetime, *states: GrantState) -> Grant:
    grant = policies.lock_grant(grant_id)
    state = state_at(grant, now)
    if grant.kind != Grant.Kind.WAIVER or state not in states:
        words = str(state).replace("_", " ")
        raise GrantClosed(f"The {grant.get_kind_display()} is {words}.", cure="Ask for a new one if it is needed.")
    return grant


def givers_of(rule: str) -> frozenset[Role]:
    """Who answers a waiver of ``rule``: any one of these roles does."""
    return GIVERS_OF_SECRETS if rule in SECRET_RULES else GIVERS


def in_words(roles: frozenset[Role]) -> str:
    """Roles as a sentence names them: "reviewer or security reviewer"."""
    return " or ".join(sorted(role.replace("_", " ") for role in roles))


def _require_giver(person: Person, grant: Grant, now: datetime) -> None:
    roles = givers_of(grant.rule)
    if not persons.has_any_role(person, roles, subversion=None, now=now):
        words = in_words(roles)
        raise GiverMissing(f"A waiver of {grant.rule} is answered by a {words}.", cure=f"Ask a {words}.")


def _is_own(grant: Grant, person: Person) -> bool:
    """Whether ``person``, by any account, asked for it or owns the source that it lets pass."""
    if accounts.identity_of(person) == grant.asker_identity or accounts.is_same_person(grant.asked_by, person):
        return True
    return any(accounts.is_same_person(source.owner, person) for source in _sources_of(grant))


def _sources_of(grant: Grant) -> list[Source]:
    rows = Source.objects.select_related("owner__same_person_as")
    match Grant.ScopeKind(grant.scope_kind):
        case Grant.ScopeKind.SOURCE:
            return list(rows.filter(name=grant.scope))
        case Grant.ScopeKind.VERSION:
            image, _, version = grant.scope.partition("/")
            return list(rows.filter(version__image__name=image, version__name=version))
        case Grant.ScopeKind.DIGEST:
            return list(rows.filter(builds__artifact__digest=grant.scope).distinct())


def _require_known(rule: str) -> None:
    """hadolint's rules are its own matter; of ours, one that does not exist would be waived for nothing."""
    if rule.startswith("GG") and rule not in OWN_RULES:
        cure = "Name it as the check does, such as GG1022 or DL3008."
        row = FieldError("/rule", "bad_rule", cure)
        raise BadRule(f"There is no check {rule[:40]!r}.", cure=cure, errors=[row])


def _require_scope_exists(grant: Grant) -> None:
    match Grant.ScopeKind(grant.scope_kind):
        case Grant.ScopeKind.VERSION:
            catalog.version_by_name(grant.scope)
        case Grant.ScopeKind.SOURCE:
            if not Source.objects.filter(name=grant.scope).exists():
                raise SourceMissing(f"There is no source called {grant.scope!r}.", cure="See the list of sources.")
        case Grant.ScopeKind.DIGEST:
            registry.artifact_by_digest(grant.scope)
