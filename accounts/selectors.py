"""Who is who, and who may do what at a moment."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from accounts.domain.names import MAX_NAME_LENGTH, fold
from accounts.domain.secrets import is_same, sha256_of_token
from accounts.models import Membership, Person, RoleGrant, ServiceToken, Team
from accounts.roles import Role
from audit.actor import Actor
from audit.models import Record
from audit.verbs import Verb
from core.validity import is_in_force
from jobs.domain.asking import Asker


def grants_in_force(person: Person, at: datetime) -> list[RoleGrant]:
    """Every grant of ``person`` that holds at ``at``; none for a closed account. One query."""
    if not person.is_active:
        return []
    return [grant for grant in RoleGrant.objects.filter(person_id=person.pk) if is_in_force(grant, at)]


def grants_of_roles(person: Person, roles: Iterable[str], at: datetime) -> QuerySet[RoleGrant]:
    """The grants of one of ``roles`` that hold at ``at``, to be asked within a query; none for a closed account."""
    held = RoleGrant.objects.filter(_in_force(at), person=person, person__is_active=True, role__in=list(roles))
    return held.order_by()


def roles_of(person: Person, at: datetime, team: Team | None = None) -> frozenset[Role]:
    """The roles that ``person`` holds everywhere at ``at``; with ``team``, also those held for its things."""
    return frozenset(
        Role(grant.role)
        for grant in grants_in_force(person, at)
        if grant.team_id is None or (team is not None and grant.team_id == team.pk)
    )


def roles_in_any_team(person: Person, at: datetime) -> frozenset[Role]:
    """Roles held anywhere. Not enough to allow a deed: its service asks ``has_role`` for the team concerned."""
    return frozenset(Role(grant.role) for grant in grants_in_force(person, at))


def has_role(person: Person, role: Role, at: datetime, team: Team | None = None) -> bool:
    """Whether ``person`` holds ``role`` at ``at``: everywhere, or for ``team`` when one is given."""
    return role in roles_of(person, at, team)


def person_by_name(name: str) -> Person | None:
    """The person whose name reads the same as ``name``."""
    return Person.objects.filter(username_folded=fold(name)).first()


def people() -> QuerySet[Person]:
    """Every account, open or closed, with what its row on a list shows: three queries."""
    return Person.objects.select_related("created_by", "same_person_as").prefetch_related("role_grants__team")


def grants_of(person: Person) -> QuerySet[RoleGrant]:
    """Every grant of ``person``, past, present and coming, newest first."""
    return (
        RoleGrant.objects.filter(person=person)
        .select_related("person", "team", "granted_by")
        .order_by("-starts_at", "-id")
    )


def holders_of(role: Role, at: datetime) -> QuerySet[Person]:
    """The people who hold ``role`` everywhere at ``at``, by name. One query."""
    in_force = RoleGrant.objects.filter(_in_force(at), role=role, team__isnull=True)
    return Person.objects.filter(is_active=True, pk__in=in_force.values("person_id"))


def identity_of(person: Person) -> str:
    """The human being behind the account, as one comparable text.

    Accounts that were linked, or that the directory gives the same identity, have the same one:
    "k distinct persons" counts these, never accounts (docs/adr/0005).
    """
    root = person.same_person_as or person
    return root.identity or f"person:{root.pk}"


def accounts_of(person: Person) -> QuerySet[Person]:
    """Every account of the human being behind ``person``: those for which ``is_same_person`` holds."""
    root = person.same_person_as or person
    same = Q(pk=root.pk) | Q(same_person_as=root)
    if root.identity:
        same |= Q(identity=root.identity, same_person_as=None) | Q(same_person_as__identity=root.identity)
    return Person.objects.filter(same)


def identities_of(people: Iterable[Person]) -> frozenset[str]:
    """The distinct human beings among ``people``. Load them with ``select_related("same_person_as")``."""
    return frozenset(identity_of(person) for person in people)


def is_same_person(left: Person, right: Person) -> bool:
    """Whether both accounts belong to one human being, as far as is known."""
    return identity_of(left) == identity_of(right)


def created_by_of(person: Person) -> Person | None:
    """Who made the account; None for the first administrator and for accounts that LDAP vouches for."""
    return person.created_by


def is_creation_of(person: Person, other: Person) -> bool:
    """Whether ``person``'s account was made by ``other``, directly or through accounts made by ``other``."""
    maker_id: UUID | None = person.created_by_id
    makers: set[UUID] = set()
    while maker_id is not None and maker_id not in makers:
        if maker_id == other.pk:
            return True
        makers.add(maker_id)
        maker_id = Person.objects.filter(pk=maker_id).values_list("created_by_id", flat=True).first()
    return False


def was_let_in_by(person: Person, other: Person) -> bool:
    """Whether ``other`` ever gave ``person``'s account a one-time password: they could have come in with it."""
    of_person = Record.objects.filter(subject_kind="person", subject_id=str(person.pk), actor_id=str(other.pk))
    reset = Q(verb=Verb.PASSWORD_CHANGED, data__by="administrator")
    return of_person.filter(reset | Q(verb=Verb.PERSON_CHANGED, data__reactivated=True)).exists()


def is_one_person() -> bool:
    """Whether Goldgate runs for a single person (``GOLDGATE_ONE_PERSON=1``): k is 1, and every certificate says so."""
    return bool(settings.GOLDGATE_ONE_PERSON)


def teams_of(person: Person) -> QuerySet[Team]:
    """The teams that ``person`` is in, by name."""
    return Team.objects.filter(memberships__person=person)


def team_by_name(name: str) -> Team | None:
    """The team whose name reads the same as ``name``."""
    return Team.objects.filter(name_folded=fold(name)).first()


def is_member(person: Person, team: Team) -> bool:
    """Whether ``person`` is in ``team``."""
    return team.memberships.filter(person=person).exists()


def memberships_of(team: Team) -> QuerySet[Membership]:
    """Who is in ``team``, by name."""
    return Membership.objects.filter(team=team).select_related("person").order_by("person__username_folded", "id")


def tokens_of(person: Person) -> QuerySet[ServiceToken]:
    """Every token of ``person``, live and ended, newest first."""
    return ServiceToken.objects.filter(owner=person)


def person_of_id(person_id: UUID) -> Person | None:
    """One person with who made the account and which account it is linked to."""
    return Person.objects.select_related("created_by", "same_person_as").filter(pk=person_id).first()


def grant_of_id(grant_id: UUID) -> RoleGrant | None:
    """One grant."""
    return RoleGrant.objects.select_related("person", "team").filter(pk=grant_id).first()


def teams() -> QuerySet[Team]:
    """Every team with the people in it, by name."""
    return Team.objects.prefetch_related("memberships__person")


def team_of_id(team_id: UUID) -> Team | None:
    """One team with the people in it."""
    return teams().filter(pk=team_id).first()


def tokens() -> QuerySet[ServiceToken]:
    """Every token of everybody with its owner, newest first."""
    return ServiceToken.objects.select_related("owner").order_by("-created_at", "-id")


def tokens_to_end(person: Person, at: datetime) -> QuerySet[ServiceToken]:
    """The tokens that ``person`` may end: their own, and everybody's as a platform administrator."""
    return tokens() if has_role(person, Role.PLATFORM_ADMIN, at) else tokens_of(person)


def live_token(secret: str, at: datetime) -> ServiceToken | None:
    """The token whose secret this is, with its owner; None when unknown, over, or its owner's account is closed."""
    wanted = sha256_of_token(secret)
    token = ServiceToken.objects.select_related("owner").filter(sha256=wanted).first()
    if token is None or not is_same(token.sha256, wanted):
        return None
    return token if is_in_force(token, at) and token.owner.is_active else None


def folded(name: str) -> str:
    """``name`` as names are compared, cut to a name's length."""
    return fold(name)[:MAX_NAME_LENGTH]


def acting(user: Person, auth: object) -> Actor:
    """Who does a deed that the API was asked for: the person, or their token (``request.user``, ``request.auth``)."""
    return auth.as_actor() if isinstance(auth, ServiceToken) else user.as_actor()


def asker(user: Person, auth: object, at: datetime) -> Asker:
    """Who asks about a job: what the person and each of their tokens caused is theirs (``GOLDGATE_JOB_ASKER``)."""
    tokens = ServiceToken.objects.filter(owner_id=user.pk).values_list("pk", flat=True)
    return Asker(
        actor=acting(user, auth),
        answers_for=frozenset({("person", str(user.pk)), *(("token", str(pk)) for pk in tokens)}),
        may_change_all=has_role(user, Role.PLATFORM_ADMIN, at),
    )


def _in_force(at: datetime) -> Q:
    """``core.validity.is_in_force`` within a query."""
    return Q(starts_at__lte=at) & (Q(ends_at__isnull=True) | Q(ends_at__gt=at))
