"""Which policy held when, and what was let pass beside it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Max, Q, QuerySet

from core.validity import is_in_force
from policies.domain.default import DEFAULT
from policies.domain.document import PolicyDocument
from policies.domain.grants import EXPIRING_DAYS, INVENTORY_RULE, GrantState, Place
from policies.errors import GrantMissing
from policies.models import Grant, Policy


def active_policy(at: datetime) -> Policy:
    """The policy in force at ``at``: the latest version adopted by then.

    Before anybody adopted one it is the default, as version 0, which is stored nowhere yet
    (``services.policy_in_force`` stores it when something is to refer to it).
    """
    stored = Policy.objects.filter(adopted_at__lte=at).order_by("-version").first()
    return stored or Policy(
        version=0, name=DEFAULT.name, document=DEFAULT.to_json(), sha256=DEFAULT.sha256, is_demo=False, adopted_at=at
    )


def document_of(policy: Policy) -> PolicyDocument:
    """The typed document of a stored version. Raises MalformedPolicy for one that this release cannot read."""
    return PolicyDocument.from_json(policy.document)


def policy_history() -> QuerySet[Policy]:
    """Every version, newest first."""
    return Policy.objects.select_related("adopted_by").order_by("-version")


def grants() -> QuerySet[Grant]:
    """Every grant of every kind, with the people on it, newest first."""
    people = ("asked_by", "given_by", "refused_by", "ended_by")
    return Grant.objects.select_related(*people).order_by("-asked_at", "-pk")


def grant_by_id(grant_id: UUID | str) -> Grant:
    """Raises GrantMissing."""
    found = grants().filter(pk=grant_id).first()
    if found is None:
        raise GrantMissing("There is no such grant.", cure="See the list of grants.")
    return found


def grants_in_force(kind: Grant.Kind, at: datetime, *, place: Place | None = None) -> list[Grant]:
    """The grants of ``kind`` that hold at ``at``, those that end last first; with ``place``, those that reach it.

    One query.
    """
    rows = grants().filter(kind=kind, starts_at__lte=at, ends_at__gt=at)
    if place is not None:
        rows = rows.filter(_reaching(place))
    return [grant for grant in rows.order_by("-ends_at", "-pk") if is_in_force(grant, at)]


def waivers_in_force(
    rules: Iterable[str],
    *,
    at: datetime,
    version: str = "",
    source: str = "",
    digests: Iterable[str] = (),
) -> dict[str, Grant]:
    """The waiver that lets each of ``rules`` fail at ``at``, by rule; rules without one are absent. One query.

    ``version`` is ``debian/12``, ``source`` a source's name. Of several, the one that ends last.
    """
    wanted = set(rules)
    place = Place(version=version, source=source, digests=tuple(digests))
    found: dict[str, Grant] = {}
    if wanted and any(place.scopes()):
        for grant in grants_in_force(Grant.Kind.WAIVER, at, place=place):
            if grant.rule in wanted:
                found.setdefault(grant.rule, grant)
    return found


def inventory_waivers(at: datetime, *, place: Place) -> list[Grant]:
    """The waivers of GG3001 that hold at ``at`` and reach ``place``, those that end last first. One query."""
    return [one for one in grants_in_force(Grant.Kind.WAIVER, at, place=place) if one.rule == INVENTORY_RULE]


def inventory_waiver_ends() -> dict[tuple[str, str], datetime]:
    """By scope, as kind and name, when the last waiver of GG3001 that was ever given for it ends, or ended. One query.

    For whoever must say "until then" and "since then" at moments that it does not know yet.
    """
    given = Grant.objects.filter(kind=Grant.Kind.WAIVER, rule=INVENTORY_RULE, starts_at__isnull=False)
    rows = given.order_by().values_list("scope_kind", "scope").annotate(last=Max("ends_at"))
    return {(scope_kind, scope): last for scope_kind, scope, last in rows}


def grants_expiring(at: datetime) -> list[Grant]:
    """Those in force that end within 14 days, the next first: somebody must cure the check, or ask again."""
    soon = at + timedelta(days=EXPIRING_DAYS)
    return list(grants().filter(starts_at__lte=at, ends_at__gt=at, ends_at__lte=soon).order_by("ends_at", "pk"))


def in_state(state: GrantState, at: datetime) -> Q:
    """The condition under which ``policies.domain.grants.state_at`` gives ``state``."""
    soon = at + timedelta(days=EXPIRING_DAYS)
    given, asked = Q(starts_at__lte=at), Q(starts_at=None, refused_at=None)
    match state:
        case GrantState.ASKED:
            return asked & Q(ends_at__gt=at)
        case GrantState.LAPSED:
            return asked & Q(ends_at__lte=at)
        case GrantState.REFUSED:
            return Q(refused_at__isnull=False)
        case GrantState.IN_FORCE:
            return given & Q(ends_at__gt=soon)
        case GrantState.EXPIRING:
            return given & Q(ends_at__gt=at, ends_at__lte=soon)
        case GrantState.ENDED:
            return given & Q(ends_at__lte=at, ended_at__isnull=False)
        case GrantState.EXPIRED:
            return given & Q(ends_at__lte=at, ended_at=None)


def _reaching(place: Place) -> Q:
    reaching = Q(pk__in=[])
    for scope_kind, scope in place.scopes():
        reaching |= Q(scope_kind=scope_kind, scope=scope)
    return reaching
