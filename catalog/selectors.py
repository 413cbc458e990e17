"""Reads of the catalog: what may be used now, since when, and what came before."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, F, Q, QuerySet, Subquery, Value, Window
from django.db.models.functions import Coalesce, JSONObject, RowNumber

from catalog.domain.state import Cause, Facts, State, StateView, state_at
from catalog.errors import HostSystemMissing, NoSuchImage
from catalog.models import HostSystem, Image, Subversion, Version


@dataclass(frozen=True, slots=True)
class Entry:
    """A subversion with its state at one moment."""

    subversion: Subversion
    view: StateView


def facts_of(subversion: Subversion, *, successor: Subversion | None = None) -> Facts:
    """The stored facts that its state follows from."""
    return Facts(
        certifying_since=subversion.certifying_since,
        certified_from=subversion.certified_from,
        certified_until=subversion.certified_until,
        retiring_from=subversion.retiring_from,
        retiring_until=subversion.retiring_until,
        suspended_from=subversion.suspended_from,
        suspended_until=subversion.suspended_until,
        revoked_at=subversion.revoked_at,
        rejected_at=subversion.rejected_at,
        reason=subversion.reason,
        successor=successor.name if successor is not None and successor.pk != subversion.pk else "",
    )


def state_of(subversion: Subversion, at: datetime) -> StateView:
    """Its state at ``at``, naming what to move to where there is something."""
    return state_at(facts_of(subversion, successor=successor_of(subversion, at)), at)


def _loaded() -> QuerySet[Subversion]:
    return Subversion.objects.select_related("version__image", "artifact", "created_by")


def usable_at(at: datetime) -> Q:
    """The condition for certified or retiring at ``at``: ``state_at``'s rules 1 to 5, for the database."""
    in_window = Q(certified_from__lte=at, certified_until__gt=at, rejected_at=None)
    not_revoked = Q(revoked_at=None) | Q(revoked_at__gt=at)
    suspended = Q(suspended_from__isnull=False, suspended_from__lte=at, suspended_until__gt=at)
    not_retired = Q(retiring_until=None) | Q(retiring_until__gt=at)
    return in_window & not_revoked & ~suspended & not_retired


def _fully_certified(at: datetime) -> Q:
    return usable_at(at) & (Q(retiring_from=None) | Q(retiring_from__gt=at))


def successor_of(subversion: Subversion, at: datetime) -> Subversion | None:
    """The newest certified subversion of the same version, other than itself; None when there is none."""
    return (
        _loaded()
        .filter(_fully_certified(at), version_id=subversion.version_id)
        .exclude(pk=subversion.pk)
        .order_by("-certified_from", "-pk")
        .first()
    )


def entries(subversions: Iterable[Subversion], at: datetime) -> list[Entry]:
    """Each with its state; the successors of all of them in one query."""
    found = list(subversions)
    newest: dict[UUID, list[Subversion]] = {}
    versions = {subversion.version_id for subversion in found}
    candidates = Subversion.objects.filter(_fully_certified(at), version_id__in=versions)
    for candidate in candidates.order_by("-certified_from", "-pk"):
        newest.setdefault(candidate.version_id, []).append(candidate)
    return [
        Entry(one, state_at(facts_of(one, successor=_other(one, newest.get(one.version_id, []))), at)) for one in found
    ]


def _other(subversion: Subversion, candidates: list[Subversion]) -> Subversion | None:
    return next((candidate for candidate in candidates if candidate.pk != subversion.pk), None)


def approved_subversions(at: datetime) -> QuerySet[Subversion]:
    """What may be used at ``at``, certified and retiring, by name. One query."""
    return _loaded().filter(usable_at(at)).order_by("version__image__name", "version__name", "-certified_from", "-pk")


def approved_list(at: datetime) -> list[Entry]:
    """The approved list at ``at``: every usable subversion with its state. Two queries."""
    return entries(approved_subversions(at), at)


def _storable(name: str) -> str:
    """``name``, or "" for what no name can be: PostgreSQL knows no NUL, and would fail instead of finding nothing."""
    return "" if "\0" in name else name


def version_by_name(name: str) -> Version:
    """The version called ``debian/12``. Raises NoSuchImage."""
    image, _, version = _storable(name).partition("/")
    found = Version.objects.select_related("image").filter(image__name=image, name=version).first()
    if found is None:
        raise NoSuchImage(f"There is no {name} in the catalog.", cure="Ask for it: it is not here yet.")
    return found


def image_by_name(name: str) -> Image:
    """The image called ``name``. Raises NoSuchImage."""
    found = Image.objects.select_related("owner", "created_by").filter(name=_storable(name)).first()
    if found is None:
        raise NoSuchImage(f"There is no {name} in the catalog.", cure="Ask for it: it is not here yet.")
    return found


def history(name: str) -> QuerySet[Subversion]:
    """Every subversion of ``debian/12``, the latest certified first, then candidates, newest first."""
    image, _, version = _storable(name).partition("/")
    return (
        _loaded()
        .filter(version__image__name=image, version__name=version)
        .order_by(F("certified_from").desc(nulls_last=True), "-created_at", "-pk")
    )


def current_and_history(name: str, at: datetime) -> tuple[Entry | None, list[Entry]]:
    """The current certified subversion of ``debian/12`` and all there ever were, from one query."""
    every = list(history(name))
    certified = [one for one in every if state_at(facts_of(one), at).state is State.CERTIFIED]
    usable = certified or [one for one in every if state_at(facts_of(one), at).is_usable]
    current = usable[0] if usable else None
    told = [Entry(one, state_at(facts_of(one, successor=_other(one, certified)), at)) for one in every]
    return next((entry for entry in told if current and entry.subversion.pk == current.pk), None), told


def current_certified(name: str, at: datetime) -> Subversion | None:
    """The certified subversion of ``debian/12`` to use at ``at``; a retiring one where there is no other."""
    current, _ = current_and_history(name, at)
    return current.subversion if current else None


def subversion_by_digest(digest: str) -> Subversion | None:
    """The subversion pinned to ``digest``, or to the index that lists it as a runnable child."""
    own = _loaded().filter(artifact__digest=digest).first()
    if own is not None:
        return own
    is_child = Q(artifact__child_links__child__digest=digest, artifact__child_links__kind="runnable")
    return _loaded().filter(is_child).order_by("-certified_from", "-pk").first()


def subversion_by_id(subversion_id: UUID | str) -> Subversion:
    """Raises NoSuchImage."""
    found = _loaded().filter(pk=subversion_id).first()
    if found is None:
        raise NoSuchImage("There is no such subversion.", cure="Look it up in the catalog.")
    return found


def images() -> QuerySet[Image]:
    """Every image with its versions, by name. Two queries."""
    return Image.objects.select_related("owner").prefetch_related("versions").order_by("name")


def is_certifying(view: StateView) -> bool:
    """Whether a candidate's reviews are complete and its copy or signature is outstanding."""
    return view.state is State.CANDIDATE and view.cause is Cause.CERTIFYING


def images_matching(*, text: str = "", purpose: str = "", team: str = "") -> QuerySet[Image]:
    """Images by name; narrowed to a part of the name, a purpose, the name of the owning team."""
    found = images()
    if text:
        found = found.filter(name__icontains=text)
    if purpose:
        found = found.filter(purpose=purpose)
    return found.filter(owner__name=team) if team else found


def newest_of_versions(version_ids: Iterable[UUID], *, each: int = 3) -> list[Subversion]:
    """The newest subversions of each version: the latest certified first, then those made last. One query."""
    place = Window(
        RowNumber(),
        partition_by=F("version_id"),
        order_by=[F("certified_from").desc(nulls_last=True), F("created_at").desc(), F("pk").desc()],
    )
    ranked = Subversion.objects.filter(version_id__in=list(version_ids)).annotate(place=place).filter(place__lte=each)
    return list(ranked.select_related("artifact", "version__image").order_by("version_id", "place"))


def subversion_by_name(image: str, version: str, name: str) -> Subversion:
    """``debian``, ``12``, ``12.15-20261124.1``. Raises NoSuchImage."""
    found = _loaded().filter(version__image__name=image, version__name=version, name=name).first()
    if found is None:
        raise NoSuchImage(f"There is no {image}/{version} {name} in the catalog.", cure="Look it up in the catalog.")
    return found


def subversions_of(image: Image) -> QuerySet[Subversion]:
    """Every subversion of an image, newest first."""
    return _loaded().filter(version__image=image).order_by("-created_at", "-pk")


@dataclass(frozen=True, slots=True)
class Named:
    """A subversion by its names, and when its certificate ends."""

    image: str
    version: str
    name: str
    until: datetime

    def __str__(self) -> str:
        return f"{self.image}/{self.version} {self.name}"


@dataclass(frozen=True, slots=True)
class Usable:
    """How many subversions may be used, and those of them whose certificates end soonest."""

    count: int
    ending: tuple[Named, ...]


def usable_in_short(at: datetime, *, ending_before: datetime, most: int = 10) -> Usable:
    """How many may be used at ``at``, and what of it no longer may at ``ending_before``, soonest first. One query."""
    rows = Subversion.objects.filter(usable_at(at)).order_by()
    ending = rows.filter(certified_until__lte=ending_before).order_by("certified_until", "pk").values(json=_NAMES)
    counted = rows.values(one=Value(1)).annotate(count=Count("pk"), ending=ArraySubquery(ending[:most]))
    for row in counted:
        return Usable(row["count"], tuple(_named(one) for one in row["ending"]))
    return Usable(0, ())


def usable_of_artifact(artifact_id: Any, at: datetime) -> Any:
    """Of each row of a query, what may be used at ``at`` and is, or lists, the artifact of that id: as JSON or NULL.

    ``read_usable`` reads it.
    """
    rows = Subversion.objects.filter(usable_at(at)).order_by("-certified_from", "-pk")
    own = rows.filter(artifact_id=artifact_id)
    listing = rows.filter(artifact__child_links__child_id=artifact_id)
    return Coalesce(Subquery(own.values(json=_NAMES)[:1]), Subquery(listing.values(json=_NAMES)[:1]))


def read_usable(json: dict[str, str]) -> tuple[Named, datetime]:
    """Its names, and since when it is certified."""
    return _named(json), datetime.fromisoformat(json["since"])


_NAMES = JSONObject(
    image="version__image__name", version="version__name", name="name", until="certified_until", since="certified_from"
)


def _named(json: dict[str, str]) -> Named:
    return Named(json["image"], json["version"], json["name"], datetime.fromisoformat(json["until"]))


def version_names() -> list[str]:
    """Every version as ``image/version``, for a list to choose from."""
    rows = Version.objects.order_by("image__name", "name").values_list("image__name", "name")
    return [f"{image}/{name}" for image, name in rows[:500]]


def usable_holding(artifact_ids: Iterable[UUID | str], at: datetime) -> dict[str, Subversion]:
    """Artifact id → what may be used at ``at`` and is it, or is an index that lists it. One query."""
    ids = [str(one) for one in artifact_ids]
    is_held = Q(artifact_id__in=ids) | Q(artifact__child_links__child_id__in=ids)
    rows = _loaded().filter(usable_at(at)).filter(is_held).annotate(child_id=F("artifact__child_links__child_id"))
    found: dict[str, Subversion] = {}
    for row in rows.order_by("-certified_from", "-pk"):
        for one in (str(row.artifact_id), str(row.child_id)):
            found.setdefault(one, row)
    return found


def search(text: str) -> list[Subversion]:
    """Builds whose image, version, name or digest begins with ``text``: ``debian/12``, ``ab12cd``. At most 20."""
    image, _, rest = text.partition("/")
    version, _, name = rest.partition("/")
    named = Q(version__image__name__startswith=image, version__name__startswith=version, name__startswith=name)
    digest = text if text.startswith("sha") else f"sha256:{text}"
    return list(_loaded().filter(named | Q(name=text) | Q(artifact__digest__startswith=digest))[:20])


def host_systems() -> QuerySet[HostSystem]:
    """Every recorded release of a host system, newest first."""
    return HostSystem.objects.select_related("recorded_by").order_by("-recorded_at", "-pk")


def host_system_by_id(host_system_id: UUID | str) -> HostSystem:
    """Raises HostSystemMissing."""
    found = host_systems().filter(pk=host_system_id).first()
    if found is None:
        raise HostSystemMissing("There is no such host system.", cure="See the list of host systems.")
    return found
