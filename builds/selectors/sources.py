"""Reads of sources, and of whatever else renews a version."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import CharField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Concat

from audit.actor import Subject
from builds.errors import SourceMissing
from builds.models import Build, Recipe, Source, Watch

ENDED_WELL = (Build.State.SUCCEEDED, Build.State.NO_CHANGE)


def sources(*, text: str = "") -> QuerySet[Source]:
    """Every source by name, with what it names; ``text`` narrows by name or image. One query."""
    found = Source.objects.select_related(
        "version__image__owner", "owner__same_person_as", "created_by", "candidate_repository__registry"
    )
    if text:
        found = found.filter(Q(name__icontains=text) | Q(version__image__name__icontains=text))
    return found.order_by("name", "id")


def sources_told(*, text: str = "") -> QuerySet[Source]:
    """The same with newest build and recipe, and when one last went well: what a row of the list says. One query."""
    renewals = Build.objects.filter(source=OuterRef("pk"), purpose=Build.Purpose.RENEWAL).order_by("-asked_at", "-id")
    newest = Recipe.objects.filter(source=OuterRef("pk")).order_by("-number")
    good = renewals.filter(state__in=ENDED_WELL).order_by("-finished_at")
    return sources(text=text).annotate(
        last_build_id=Subquery(renewals.values("pk")[:1]),
        last_build_number=Subquery(renewals.values("number")[:1]),
        last_build_state=Subquery(renewals.values("state")[:1]),
        last_good_at=Subquery(good.values("finished_at")[:1]),
        newest_recipe_id=Subquery(newest.values("pk")[:1]),
        newest_recipe_number=Subquery(newest.values("number")[:1]),
        newest_recipe_approved_at=Subquery(newest.values("approved_at")[:1]),
        newest_recipe_withdrawn_at=Subquery(newest.values("withdrawn_at")[:1]),
    )


def source_by_id(source_id: UUID | str) -> Source:
    """Raises SourceMissing."""
    found = sources().filter(pk=source_id).first()
    if found is None:
        raise SourceMissing("There is no such source.", cure="See the list of sources.")
    return found


def source_subject(source: Source) -> Subject:
    """How the record names it."""
    return Subject("source", str(source.pk), source.name)


@dataclass(frozen=True, slots=True)
class Renewer:
    """What renews a version: a source that builds it, or an upstream tag that is followed."""

    kind: str  # source | watch
    key: UUID
    label: str
    next_due_at: datetime | None
    is_paused: bool


def renewers(version_ids: Iterable[UUID]) -> dict[UUID, list[Renewer]]:
    """Version id → what renews it, sources first. One query."""
    ids = list(version_ids)
    fields = ("version_id", "kind_", "pk", "label_", "next_due_at", "is_paused")
    built = Source.objects.filter(version_id__in=ids).annotate(kind_=Value("source"), label_=Cast("name", CharField()))
    tags = Watch.objects.filter(version_id__in=ids).annotate(
        kind_=Value("watch"), label_=Cast(Concat("repository__path", Value(":"), "tag"), CharField())
    )
    rows = built.order_by().values_list(*fields).union(tags.order_by().values_list(*fields), all=True)
    found: dict[UUID, list[Renewer]] = {}
    for version_id, *values in sorted(rows, key=lambda row: (row[1], row[3])):
        found.setdefault(version_id, []).append(Renewer(*values))
    return found
