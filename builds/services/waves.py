"""Waves: from one event, renewals along lineage, each after its parent's decision, one build each.

Opening and moving waves takes turns under one lock: two events at once must see each other's rows. What a row's build
and candidate say is not copied here; only that a row began, that it ended, and what they cannot say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from accounts.models import Person
from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from builds.domain.wave import Outcome, RowOutcome, plan, row_outcome
from builds.models import Cause, Source, Watch, Wave, WaveRow
from builds.selectors.standing import standing
from builds.selectors.waves import candidate_of, facts_of, rows_of
from builds.services.asking import ask_build
from builds.services.causes import WORKER, note_cause
from builds.services.watches import ask_look
from catalog.models import Subversion, Version
from jobs.services import enqueue

_WAVES_LOCK = 7_306_352
MAX_TITLE = 300


@dataclass(frozen=True, slots=True)
class Event:
    """What sets a wave going. The same key for the same version and reason opens nothing twice."""

    reason: str
    key: str
    title: str
    detail: Mapping[str, Any]


@transaction.atomic
def open_wave(
    *,
    root: Version,
    event: Event,
    now: datetime,
    actor: Actor | None = None,
    certified: Subversion | None = None,
    by: Person | None = None,
) -> Wave:
    """Open a wave at ``root`` and begin it; the one that this event opened before, where there is one.

    With ``certified``, the root's decision was taken already. With ``by``, a person started it.
    Raises what ``ask_build`` and ``ask_look`` raise for a person.
    """
    lock_waves()
    known = Wave.objects.filter(reason=event.reason, detail__root=str(root.pk), detail__key=event.key).first()
    if known is not None:
        return known
    detail = {**event.detail, "root": str(root.pk), "key": event.key, "version": str(root)}
    wave = Wave.objects.create(reason=event.reason, title=event.title[:MAX_TITLE], detail=detail, opened_at=now)
    rows = _plan_rows(wave, root, now)
    if certified is not None:
        rows[root.pk].subversion, rows[root.pk].started_at = certified, now
        rows[root.pk].save(update_fields=["subversion", "started_at"])
    elif by is not None:
        _start_by_hand(rows[root.pk], by, now)
    data = {"reason": event.reason, "images": [str(row.version) for row in rows.values()][:200], "count": len(rows)}
    record(Verb.WAVE_OPENED, actor=actor or WORKER, subject=subject_of(wave), at=now, data=data)
    _advance(wave, now)
    wave.refresh_from_db()
    return wave


def open_wave_by_hand(*, root: Version, by: Person, now: datetime, actor: Actor | None = None) -> Wave:
    """Renew ``root`` now, and then everything that stands on it, because a person wants it.

    Raises what ``ask_build`` and ``ask_look`` raise for a person.
    """
    event = Event(
        reason=Cause.Reason.BY_HAND,
        key=f"{by.pk} {now.isoformat()}",
        title=f"{root}, by hand",
        detail={"by": by.username},
    )
    return open_wave(root=root, event=event, now=now, actor=actor or by.as_actor(), by=by)


@transaction.atomic
def advance_waves(*, now: datetime) -> int:
    """Begin what waited for a decision that was taken, end what came to an end; how many waves are open still."""
    if not Wave.objects.filter(closed_at=None).exists():
        return 0
    lock_waves()
    for wave in Wave.objects.filter(closed_at=None).order_by("opened_at", "pk"):
        _advance(wave, now)
    return Wave.objects.filter(closed_at=None).count()


def lock_waves() -> None:
    """Take turns with everything that opens or moves waves, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_WAVES_LOCK])


def end_row(row: WaveRow, outcome: Outcome, detail: str, *, now: datetime) -> None:
    """Write down what neither build nor candidate can say."""
    row.outcome, row.outcome_detail, row.finished_at = outcome, detail, now
    row.save(update_fields=["outcome", "outcome_detail", "finished_at"])


def subject_of(wave: Wave) -> Subject:
    """How the record names a wave."""
    return Subject("wave", str(wave.pk), wave.title)


def _plan_rows(wave: Wave, root: Version, now: datetime) -> dict[UUID, WaveRow]:
    planned = plan(standing(now).children_of, root.pk)
    versions = {one.pk: one for one in Version.objects.filter(pk__in=[pk for pk, _ in planned]).select_related("image")}
    rows: dict[UUID, WaveRow] = {}
    for version_id, parent_id in planned:
        parent = rows[parent_id] if parent_id is not None else None
        rows[version_id] = WaveRow(wave=wave, version=versions[version_id], parent=parent)
    WaveRow.objects.bulk_create(rows.values())
    return rows


def _advance(wave: Wave, now: datetime) -> None:
    rows = list(rows_of([wave.pk]))
    facts = facts_of(rows, now)
    outcomes: dict[UUID, RowOutcome] = {}
    for row in rows:  # parents come first
        outcome = row_outcome(facts[row.pk])
        if row.finished_at is None:
            outcome = _move(row, outcome, outcomes, now)
        outcomes[row.pk] = outcome
    if all(row.finished_at for row in rows):
        wave.closed_at = now
        wave.save(update_fields=["closed_at"])
        told = {str(row.version): outcomes[row.pk].outcome for row in rows[:200]}
        record(Verb.WAVE_CLOSED, actor=WORKER, subject=subject_of(wave), at=now, data={"outcomes": told})


def _move(row: WaveRow, outcome: RowOutcome, outcomes: Mapping[UUID, RowOutcome], now: datetime) -> RowOutcome:
    """One step of a row that has not ended; its outcome afterwards."""
    if row.started_at is None:
        parent = outcomes[row.parent_id] if row.parent_id is not None else None
        if parent is None or parent.outcome is Outcome.CERTIFIED:
            _start(row, now)
        elif parent.is_ended:
            _end_with_parent(row, parent, now)
    else:
        _follow(row, outcome, now)
    return row_outcome(facts_of([row], now)[row.pk])


def _end_with_parent(row: WaveRow, parent: RowOutcome, now: datetime) -> None:
    name = row.parent.version if row.parent else ""
    end_row(row, parent.outcome, f"Not renewed, as it stands on {name}: {parent.sentence}", now=now)


def _follow(row: WaveRow, outcome: RowOutcome, now: datetime) -> None:
    """Write down that a row that began has ended, and its candidate where one came."""
    candidate = candidate_of(row)
    if candidate is not None and row.subversion_id is None:
        row.subversion = candidate
        row.save(update_fields=["subversion"])
        enqueue("builds.check_fixes", subject_id=candidate.artifact_id, now=now)
    if outcome.outcome is Outcome.NO_CHANGE and row.wave.reason == Cause.Reason.FIX_AVAILABLE and row.parent_id is None:
        end_row(row, Outcome.FIX_NOT_IN_MIRROR, "It was built again, and holds what it held before.", now=now)
    elif outcome.is_ended:
        row.finished_at = now
        row.save(update_fields=["finished_at"])
    elif outcome.outcome is Outcome.ASKING and row.import_asked_id is None:
        _follow_upstream(row, now)


def _follow_upstream(row: WaveRow, now: datetime) -> None:
    """An upstream tag that was looked at since the row began, and had not moved."""
    watch = Watch.objects.filter(version_id=row.version_id).order_by("-last_checked_at", "pk").first()
    if watch is None:
        end_row(row, Outcome.NO_SOURCE, "", now=now)
    elif watch.stopped_at or watch.is_paused:
        end_row(row, Outcome.HELD, "Its upstream tag is not followed now.", now=now)
    elif watch.last_checked_at and row.started_at and watch.last_checked_at > row.started_at and not watch.last_failure:
        is_fix = row.wave.reason == Cause.Reason.FIX_AVAILABLE
        outcome = Outcome.FIX_NOT_IN_MIRROR if is_fix else Outcome.NO_CHANGE
        end_row(row, outcome, f"{watch} still names {watch.last_digest}.", now=now)


def _start_by_hand(row: WaveRow, by: Person, now: datetime) -> None:
    source, watch = _renewers(row.version_id)
    if source is not None:
        row.build = ask_build(source=source, by=by, now=now)
    elif watch is not None:
        ask_look(watch_id=watch.pk, now=now)
    else:
        return
    row.started_at = now
    row.save(update_fields=["build", "started_at"])


def _start(row: WaveRow, now: datetime) -> None:
    row.started_at = now
    row.save(update_fields=["started_at"])
    source, watch = _renewers(row.version_id)
    if source is not None and source.builder == Source.Builder.EXTERNAL:
        end_row(row, Outcome.NO_SOURCE, f"A pipeline elsewhere builds {source}: start it there.", now=now)
    elif source is not None:
        _start_build(row, source, now)
    elif watch is None:
        end_row(row, Outcome.NO_SOURCE, "", now=now)
    elif watch.stopped_at or watch.is_paused:
        end_row(row, Outcome.HELD, "Its upstream tag is not followed now.", now=now)
    else:
        enqueue("builds.look", subject_id=watch.pk, now=now, key=f"builds.look:{watch.pk}")


def _renewers(version_id: UUID) -> tuple[Source | None, Watch | None]:
    source = Source.objects.filter(version_id=version_id).order_by("is_paused", "created_at", "pk").first()
    return source, Watch.objects.filter(version_id=version_id).order_by("created_at", "pk").first()


def _start_build(row: WaveRow, source: Source, now: datetime) -> None:
    if line := _pinned_line(row, source):
        end_row(row, Outcome.PINNED, line, now=now)
        return
    reason, key, detail = _cause_of(row)
    cause = note_cause(source=source, reason=reason, key=key, detail=detail, now=now)
    if cause.build is None:
        why = f"{source} is paused." if source.is_paused else "It was built too often within a day."
        end_row(row, Outcome.HELD, why, now=now)
        return
    row.build = cause.build
    row.save(update_fields=["build"])


def _cause_of(row: WaveRow) -> tuple[str, str, dict[str, Any]]:
    """Why a row's source is built: the wave's own reason for its root, a moved base for all others."""
    wave = row.wave
    told = {"wave": str(wave.pk)}
    if row.parent is None:
        return wave.reason, str(wave.detail["key"]), {**_for_people(wave.detail), **told}
    newest = _decided(row.parent)
    digest = newest.artifact.digest if newest else str(wave.detail["key"])
    detail = {"base": str(row.parent.version), "digest": digest, "now": newest.name if newest else "", **told}
    return Cause.Reason.BASE_MOVED, digest, detail


def _for_people(detail: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in detail.items() if name not in ("root", "key")}


def _decided(parent: WaveRow) -> Subversion | None:
    """What is certified of the parent's version now."""
    certified = Subversion.objects.filter(
        version_id=parent.version_id, certified_from__isnull=False, retiring_from=None
    )
    return certified.select_related("artifact").order_by("-certified_from", "-pk").first()


def _pinned_line(row: WaveRow, source: Source) -> str:
    """Why a build would stand on the same base again, or "": its Dockerfile names the old one by its digest."""
    recipe = source.recipes.order_by("-number").first()
    newest = _decided(row.parent) if row.parent else None
    if recipe is None or newest is None:
        return ""
    own = Subversion.objects.filter(version_id=newest.version_id).values_list("pk", "artifact__digest")
    known = {str(pk) for pk, _ in own} | {digest for _, digest in own}
    bases = [base for base in recipe.bases if base.get("subversion") in known or base.get("digest") in known]
    if not bases or any("@" not in base["asked"] for base in bases):
        return ""
    if all(base["digest"] == newest.artifact.digest for base in bases):
        return ""
    first = bases[0]
    is_adopted = first.get("kind") == "adopted"
    name = first["reference"].partition("@")[0] if is_adopted else newest.certified_repository
    line = f"{name}@{newest.artifact.digest}"
    return f"Line {first['line']} of its Dockerfile names {first['asked']}; write {line}."
