"""Lists of sources, recipes, builds and watches, and the parts that a page about one of them shows."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Concat

from builds.errors import SourceMissing
from builds.models import (
    Build,
    Cause,
    Check,
    DriftAlarm,
    Inspection,
    LogChunk,
    PullProbe,
    Recipe,
    Source,
    TrustedPipeline,
    Watch,
)
from builds.selectors.builds import builds
from builds.selectors.inspections import inspections_of

ENDED_WELL = (Build.State.SUCCEEDED, Build.State.NO_CHANGE)


def sources(*, text: str = "") -> QuerySet[Source]:
    """Sources by name, with newest build and recipe, and when one last went well; ``text`` narrows by name or image."""
    renewals = Build.objects.filter(source=OuterRef("pk"), purpose=Build.Purpose.RENEWAL).order_by("-asked_at", "-id")
    newest = Recipe.objects.filter(source=OuterRef("pk")).order_by("-number")
    good = renewals.filter(state__in=ENDED_WELL).order_by("-finished_at")
    found = Source.objects.all()
    if text:
        found = found.filter(Q(name__icontains=text) | Q(version__image__name__icontains=text))
    return (
        found.select_related("version__image", "owner")
        .annotate(
            last_build_id=Subquery(renewals.values("pk")[:1]),
            last_build_number=Subquery(renewals.values("number")[:1]),
            last_build_state=Subquery(renewals.values("state")[:1]),
            last_good_at=Subquery(good.values("finished_at")[:1]),
            newest_recipe_id=Subquery(newest.values("pk")[:1]),
            newest_recipe_number=Subquery(newest.values("number")[:1]),
            newest_recipe_approved_at=Subquery(newest.values("approved_at")[:1]),
            newest_recipe_withdrawn_at=Subquery(newest.values("withdrawn_at")[:1]),
        )
        .order_by("name")
    )


def source_by_id(source_id: UUID | str) -> Source:
    """One source, with what ``sources`` adds. Raises SourceMissing."""
    found = sources().select_related("candidate_repository__registry", "created_by").filter(pk=source_id).first()
    if found is None:
        raise SourceMissing("There is no such source.", cure="See the sources.")
    return found


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
    sources = Source.objects.filter(version_id__in=ids).annotate(
        kind_=Value("source"), label_=Cast("name", CharField())
    )
    tags = Watch.objects.filter(version_id__in=ids).annotate(
        kind_=Value("watch"), label_=Cast(Concat("repository__path", Value(":"), "tag"), CharField())
    )
    rows = sources.order_by().values_list(*fields).union(tags.order_by().values_list(*fields), all=True)
    found: dict[UUID, list[Renewer]] = {}
    for version_id, *values in sorted(rows, key=lambda row: (row[1], row[3])):
        found.setdefault(version_id, []).append(Renewer(*values))
    return found


def recipes(*, state: str = "", source: str = "") -> QuerySet[Recipe]:
    """Recipes, newest first, without their texts; narrowed to unreviewed, approved or withdrawn, and to a source."""
    conditions = {
        "unreviewed": Q(approved_at=None),
        "approved": Q(approved_at__isnull=False, withdrawn_at=None),
        "withdrawn": Q(withdrawn_at__isnull=False),
    }
    found = Recipe.objects.select_related("source__version__image", "source__owner", "author")
    if state:
        found = found.filter(conditions[state])
    if source:
        found = found.filter(source__name__icontains=source)
    return found.defer("dockerfile", "files").order_by("-created_at", "-id")


def recipes_waiting() -> QuerySet[Recipe]:
    """The newest recipe of each source, where nobody approved it yet."""
    newer = Recipe.objects.filter(source=OuterRef("source"), number__gt=OuterRef("number"))
    return recipes().filter(~Exists(newer), approved_at=None)


@dataclass(frozen=True, slots=True)
class Inspected:
    """An image's inspection and what the rules found in its files."""

    inspection: Inspection
    checks: list[Check]


def checks_of_images(artifact_ids: Iterable[UUID]) -> dict[UUID, Inspected]:
    """Artifact id → what was found in its files, where somebody looked. Two queries."""
    found = {one.artifact_id: Inspected(one, []) for one in inspections_of(artifact_ids).values()}
    images = {one.inspection.pk: one for one in found.values()}
    for check in Check.objects.filter(inspection__in=list(images)).order_by("rule", "path", "id"):
        images[check.inspection_id].checks.append(check)  # type: ignore[index]
    return found


def causes_of(build: Build) -> list[Cause]:
    """Why a build was started, the first reason first."""
    return list(Cause.objects.filter(build=build).order_by("at", "id"))


def log_tail(build: Build, *, chunks: int = 60) -> tuple[list[LogChunk], bool]:
    """The last pieces of a build's log in their order, and whether there are earlier ones. One query."""
    found = list(LogChunk.objects.filter(build=build).order_by("-number")[: chunks + 1])
    return list(reversed(found[:chunks])), len(found) > chunks


def log_chunks(build: Build) -> QuerySet[LogChunk]:
    """The whole log, piece by piece."""
    return LogChunk.objects.filter(build=build).order_by("number")


def reproductions_of(build: Build) -> list[Build]:
    """Second builds of the same recipe, newest first."""
    return list(Build.objects.filter(reproduces=build).order_by("-asked_at", "-id"))


def failing_builds() -> QuerySet[Build]:
    """The newest renewal of each source, where it failed or was stopped."""
    newer = Build.objects.filter(
        source=OuterRef("source"), purpose=Build.Purpose.RENEWAL, number__gt=OuterRef("number")
    )
    return builds().filter(
        ~Exists(newer), purpose=Build.Purpose.RENEWAL, state__in=(Build.State.FAILED, Build.State.STOPPED)
    )


def pipelines_of(source: Source) -> list[TrustedPipeline]:
    """The pipelines elsewhere that a source believes, those that ended last."""
    return sorted(TrustedPipeline.objects.filter(source=source), key=lambda one: one.ended_at is not None)


def drift_alarms() -> QuerySet[DriftAlarm]:
    """Every drift alarm, newest first."""
    return DriftAlarm.objects.select_related("repository__registry", "closed_by").order_by("-opened_at", "-id")


def pull_probes() -> QuerySet[PullProbe]:
    """The last probe of each certified digest, those that failed first."""
    return PullProbe.objects.select_related("subversion__version__image", "subversion__artifact").order_by(
        "is_pullable", "-probed_at", "pk"
    )


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that waits for a person: a drift, a failing pull or build, a stopped watch, a recipe to approve."""

    kind: str  # drift | pull | build | watch | recipe
    key: UUID
    label: str
    at: datetime


MAX_ALERTS = 20  # of each kind


def alerts() -> list[Alert]:
    """Everything of supply that waits for a person, at most 20 of each kind. One query."""
    newer_build = Build.objects.filter(
        source=OuterRef("source"), purpose=Build.Purpose.RENEWAL, number__gt=OuterRef("number")
    )
    newer_recipe = Recipe.objects.filter(source=OuterRef("source"), number__gt=OuterRef("number"))
    colon, space, slash = Value(":"), Value(" "), Value("/")
    parts = [
        _alert_rows(
            "drift", DriftAlarm.objects.filter(closed_at=None), Concat("repository__path", colon, "tag"), "opened_at"
        ),
        _alert_rows(
            "pull",
            PullProbe.objects.filter(is_pullable=False),
            Concat("subversion__version__image__name", slash, "subversion__version__name", space, "subversion__name"),
            "failing_since",
            key="subversion_id",
        ),
        _alert_rows(
            "build",
            Build.objects.filter(
                ~Exists(newer_build), purpose=Build.Purpose.RENEWAL, state__in=(Build.State.FAILED, Build.State.STOPPED)
            ),
            Concat("source__name", Value(" build "), Cast("number", CharField())),
            "finished_at",
        ),
        _alert_rows(
            "watch",
            Watch.objects.filter(stopped_at__isnull=False),
            Concat("repository__path", colon, "tag"),
            "stopped_at",
        ),
        _alert_rows(
            "recipe",
            Recipe.objects.filter(~Exists(newer_recipe), approved_at=None),
            Concat("source__name", Value(" recipe "), Cast("number", CharField())),
            "created_at",
        ),
    ]
    rows = parts[0].union(*parts[1:], all=True)
    return [Alert(kind, key, label, at) for kind, key, label, at in rows]


def _alert_rows(kind: str, rows: QuerySet[Any], label: Any, at: str, *, key: str = "pk") -> Any:
    return (
        rows.annotate(kind_=Value(kind), key_=F(key), label_=Cast(label, CharField()), at_=F(at))
        .order_by("-at_")
        .values_list("kind_", "key_", "label_", "at_")[:MAX_ALERTS]
    )
