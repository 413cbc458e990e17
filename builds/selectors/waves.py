"""Reads of waves: one row an image, with what came of it and who must act."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from builds.domain.wave import Reviews, RowFacts, RowOutcome, row_outcome
from builds.errors import WaveMissing
from builds.models import Build, Source, Watch, Wave, WaveRow
from catalog import selectors as catalog
from catalog.domain.state import state_at
from catalog.models import Subversion

ReviewsOf = Callable[[Collection[UUID], datetime], Mapping[UUID, Reviews]]
"""Subversion id to how its review stands. ``approvals/`` knows; it stands above this room and hands it in."""


def _no_reviews(_ids: Collection[UUID], _at: datetime) -> Mapping[UUID, Reviews]:
    return {}


_reviews_of: ReviewsOf = _no_reviews


def use_reviews(reviews_of: ReviewsOf) -> None:
    """Ask ``reviews_of`` how candidates' reviews stand. Called once at start."""
    global _reviews_of
    _reviews_of = reviews_of


@dataclass(frozen=True, slots=True)
class RowView:
    """One image in a wave."""

    row: WaveRow
    outcome: RowOutcome
    subversion: Subversion | None


def waves() -> QuerySet[Wave]:
    """Every wave with how many images it has and how many are done, newest first."""
    done = Count("rows", filter=Q(rows__finished_at__isnull=False))
    return Wave.objects.annotate(row_count=Count("rows"), done_count=done).order_by("-opened_at", "-id")


def wave_by_id(wave_id: UUID | str) -> Wave:
    """Raises WaveMissing."""
    found = waves().filter(pk=wave_id).first()
    if found is None:
        raise WaveMissing("There is no such wave.", cure="See the list of waves.")
    return found


def wave_told(wave_id: UUID | str, at: datetime) -> tuple[Wave, list[RowView]]:
    """A wave and its images, base images first, in a fixed number of queries. Raises WaveMissing."""
    views = row_views(wave_id, at)
    return (views[0].row.wave if views else wave_by_id(wave_id)), views


def row_views(wave_id: UUID | str, at: datetime) -> list[RowView]:
    """The images of a wave, base images first. A fixed number of queries, however many there are."""
    rows = list(rows_of([wave_id]))
    facts = facts_of(rows, at)
    return [RowView(row, row_outcome(facts[row.pk]), candidate_of(row)) for row in rows]


def rows_of(wave_ids: Iterable[UUID | str]) -> QuerySet[WaveRow]:
    """Rows in the order in which they are decided, with what their outcome follows from."""
    rows = WaveRow.objects.filter(wave_id__in=list(wave_ids)).select_related(
        "wave",
        "version__image",
        "parent__version__image",
        "import_asked",
        "build__source__owner",
        "build__subversion__version__image",
        "build__subversion__artifact",
        "subversion__version__image",
        "subversion__artifact",
    )
    return rows.order_by("wave", "id")


def candidate_of(row: WaveRow) -> Subversion | None:
    """What came of its build, or of its import."""
    return row.subversion or (row.build.subversion if row.build else None)


def facts_of(rows: Collection[WaveRow], at: datetime) -> dict[UUID, RowFacts]:
    """What each row's outcome follows from. Four queries, however many rows there are."""
    candidates = {row.pk: one for row in rows if (one := candidate_of(row)) is not None}
    known = _known({row.version_id for row in rows}, {one.pk for one in candidates.values()}, at)
    return {row.pk: _facts(row, candidates.get(row.pk), known, at) for row in rows}


@dataclass(frozen=True, slots=True)
class _Known:
    """What rows of all versions are held against; by version, reviews by subversion."""

    newest: Mapping[UUID, Subversion]
    watches: Mapping[UUID, Watch]
    owners: Mapping[UUID, str]
    reviews: Mapping[UUID, Reviews]


def _known(version_ids: Collection[UUID], candidate_ids: Collection[UUID], at: datetime) -> _Known:
    watches = {one.version_id: one for one in Watch.objects.filter(version_id__in=version_ids).select_related("owner")}
    sources = Source.objects.filter(version_id__in=version_ids).select_related("owner").order_by("-is_paused")
    owners = {version_id: str(watch.owner) for version_id, watch in watches.items()}
    owners |= {source.version_id: str(source.owner) for source in sources}
    return _Known(_newest_certified(version_ids, at), watches, owners, _reviews_of(candidate_ids, at))


def _newest_certified(version_ids: Collection[UUID], at: datetime) -> dict[UUID, Subversion]:
    rows = Subversion.objects.filter(catalog.usable_at(at), version_id__in=version_ids, retiring_from=None)
    return {one.version_id: one for one in rows.select_related("version__image").order_by("created_at", "pk")}


def _facts(row: WaveRow, candidate: Subversion | None, known: _Known, at: datetime) -> RowFacts:
    newer = known.newest.get(row.version_id)
    is_newer = newer is not None and candidate is not None and newer.created_at > candidate.created_at
    view = state_at(catalog.facts_of(candidate), at) if candidate else None
    watch = known.watches.get(row.version_id)
    return RowFacts(
        written=row.outcome,
        written_detail=row.outcome_detail,
        is_started=row.started_at is not None,
        parent=str(row.parent.version) if row.parent else "",
        owner=known.owners.get(row.version_id, ""),
        candidate=candidate.name if candidate else "",
        candidate_state=str(view.state) if view else "",
        candidate_reason=candidate.reason if candidate else "",
        newer_certified=newer.name if newer is not None and is_newer else "",
        reviews=known.reviews.get(candidate.pk, Reviews()) if candidate else Reviews(),
        build_state=_build_state(row.build),
        build_failure=row.build.failure if row.build else "",
        import_state=row.import_asked.state if row.import_asked else "",
        import_failure=row.import_asked.failure if row.import_asked else "",
        upstream_failure=watch.last_failure if watch and not row.build_id and not row.import_asked_id else "",
    )


def _build_state(build: Build | None) -> str:
    return str(build.state) if build else ""
