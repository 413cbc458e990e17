"""Upstream tags of images that are adopted, not built: looked at, and where one moved, its image becomes a candidate.

- A registry that does not answer is a failure of the look, never *unchanged*. So is a tag that is gone.
- A move is imported by the digest that was seen, so that a tag which moves on meanwhile changes nothing. An import that
  failed is said on the watch, and asked for again at the next look.
- A tag that moves more than three times within a day is no longer followed until a person lets it go on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts.models import Person
from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from builds.domain import breaker
from builds.errors import WatchExists, WatchGoesOn, WatchMissing, WatchTimerWrong, WatchWithoutTag
from builds.models import Watch, WaveRow
from builds.services.schedules import ensure_schedules
from catalog import services as catalog
from catalog.errors import DigestTaken
from catalog.models import Subversion, Version
from core.errors import FieldError, GoldgateError
from jobs.services import enqueue
from oci.platform import Platform
from oci.reference import Reference
from registry import selectors as registry_selectors
from registry import services as registry
from registry.models import Import, TagSeen

WORKER = Actor.system("worker")
MIN_SECONDS = 300
MAX_SECONDS = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class WatchFields:
    """What a person says of a watch. ``reference`` is ``host/path:tag``."""

    reference: str
    platforms: Sequence[str] = field(default_factory=list)
    every_seconds: int = 6 * 3600


@transaction.atomic
def add_watch(
    *, version: Version, fields: WatchFields, owner: Person, now: datetime, actor: Actor | None = None
) -> Watch:
    """Follow an upstream tag for ``version``; it is looked at at once.

    Raises: MalformedReference, ReferenceNotCanonical, RegistryUnknown, MalformedPlatform; WatchWithoutTag;
    WatchTimerWrong; WatchExists.
    """
    reference = Reference.parse(fields.reference)
    if not reference.tag or reference.digest:
        raise WatchWithoutTag(f"{fields.reference!r} names no tag to follow.", cure="Write host/path:tag.")
    _require_timer(fields.every_seconds)
    host = registry_selectors.registry_for_host(reference.registry)
    try:
        with transaction.atomic():
            watch = Watch.objects.create(
                version=version,
                repository=registry.ensure_repository(registry=host, path=reference.repository, now=now),
                tag=reference.tag,
                platforms=_platforms(fields.platforms),
                every_seconds=fields.every_seconds,
                owner=owner,
                created_at=now,
                next_due_at=now,
            )
    except IntegrityError as error:
        raise WatchExists(f"{fields.reference} is followed for {version} already.", cure="Change that one.") from error
    ensure_schedules()
    _tell(Verb.WATCH_ADDED, watch, actor or owner.as_actor(), now, version=str(version))
    enqueue("builds.look", subject_id=watch.pk, now=now, key=_key(watch))
    return watch


@transaction.atomic
def change_watch(
    *,
    watch_id: UUID | str,
    actor: Actor,
    now: datetime,
    platforms: Sequence[str] | None = None,
    every_seconds: int | None = None,
    is_paused: bool | None = None,
) -> Watch:
    """Change how a tag is followed, or pause it. Raises WatchMissing, MalformedPlatform, WatchTimerWrong."""
    watch = _locked(watch_id)
    before = {"platforms": watch.platforms, "every_seconds": watch.every_seconds, "is_paused": watch.is_paused}
    if platforms is not None:
        watch.platforms = _platforms(platforms)
    if every_seconds is not None:
        _require_timer(every_seconds)
        watch.every_seconds, watch.next_due_at = every_seconds, now
    if is_paused is not None:
        watch.is_paused = is_paused
    watch.save(update_fields=["platforms", "every_seconds", "next_due_at", "is_paused"])
    changed = {name: getattr(watch, name) for name, value in before.items() if getattr(watch, name) != value}
    if changed:
        _tell(Verb.WATCH_CHANGED, watch, actor, now, **changed)
    return watch


@transaction.atomic
def remove_watch(*, watch_id: UUID | str, actor: Actor, now: datetime) -> None:
    """Follow a tag no longer. What it brought stays. Raises WatchMissing."""
    watch = _locked(watch_id)
    _tell(Verb.WATCH_CHANGED, watch, actor, now, removed=True, version=str(watch.version))
    watch.delete()


@transaction.atomic
def ask_look(*, watch_id: UUID | str, now: datetime) -> Watch:
    """Look at the tag now. Raises WatchMissing; WatchGoesOn for one that was stopped or is paused."""
    watch = _locked(watch_id)
    if watch.stopped_at or watch.is_paused:
        word = "was stopped" if watch.stopped_at else "is paused"
        raise WatchGoesOn(f"{watch} {word}: it is not looked at.", cure="Let it go on first.")
    enqueue("builds.look", subject_id=watch.pk, now=now, key=_key(watch))
    return watch


@transaction.atomic
def resume_watch(*, watch_id: UUID | str, actor: Actor, now: datetime) -> Watch:
    """Let a watch go on that the breaker stopped; what moved before counts no longer.

    Raises: WatchMissing; WatchGoesOn for one that was not stopped.
    """
    watch = _locked(watch_id)
    if watch.stopped_at is None:
        raise WatchGoesOn(f"{watch} was not stopped.", cure="Nothing needs to be done.")
    watch.stopped_at, watch.resumed_at, watch.next_due_at, watch.last_failure = None, now, now, ""
    watch.save(update_fields=["stopped_at", "resumed_at", "next_due_at", "last_failure"])
    _tell(Verb.WATCH_CHANGED, watch, actor, now, resumed=True)
    enqueue("builds.look", subject_id=watch.pk, now=now, key=_key(watch))
    return watch


def look(*, watch_id: UUID | str, now: datetime) -> Watch:
    """Ask the registry what the tag names now, and follow it. Again, after any death, follows once.

    Raises: WatchMissing; what the registry's side raises, after it was noted on the watch.
    """
    watch = _loaded().filter(pk=watch_id).first()
    if watch is None:
        raise WatchMissing("There is no such watch.", cure="See the list of watches.")
    if watch.is_paused or watch.stopped_at:
        return watch
    try:
        found = registry_selectors.side_for(watch.repository.registry).head_manifest(watch.repository.path, watch.tag)
    except GoldgateError as error:
        _fail(watch.pk, str(error), now=now)
        raise
    if found is None:
        return _fail(watch.pk, f"The registry has no {watch} any more.", now=now)
    return _note(watch.pk, str(found), now=now)


@transaction.atomic
def adopt_imported(*, artifact_id: UUID | str, now: datetime) -> list[Subversion]:
    """Make a candidate of an imported artifact wherever a watch asked for it; the new ones. Twice is once."""
    added = []
    asked = Watch.objects.select_for_update(of=("self",)).select_related("version__image", "owner", "repository")
    for watch in asked.filter(last_import__artifact_id=artifact_id).order_by("created_at", "pk"):
        artifact = registry_selectors.artifact_by_id(artifact_id)
        try:
            subversion = catalog.add_subversion(
                version=watch.version, artifact=artifact, created_by=watch.owner, now=now, actor=WORKER
            )
        except DigestTaken:
            _put_into_waves(watch, Subversion.objects.filter(artifact=artifact, version=watch.version).first())
            continue
        _put_into_waves(watch, subversion)
        added.append(subversion)
        _tell(
            Verb.CANDIDATE_ADOPTED,
            watch,
            WORKER,
            now,
            subversion=str(subversion.pk),
            name=str(subversion),
            artifact=str(artifact.pk),
            digest=artifact.digest,
        )
    return added


def subject_of(watch: Watch) -> Subject:
    """How the record names a watch."""
    return Subject("watch", str(watch.pk), str(watch))


@transaction.atomic
def _note(watch_id: UUID, digest: str, *, now: datetime) -> Watch:
    watch = _locked(watch_id)
    if watch.is_paused or watch.stopped_at:
        return watch
    watch.last_checked_at, watch.last_failure = now, ""
    if digest != watch.last_digest:
        _move(watch, digest, now)
    elif watch.last_import is not None and watch.last_import.state == Import.State.FAILED:
        _try_again(watch, watch.last_import, now)
    watch.save()
    return watch


def _try_again(watch: Watch, failed: Import, now: datetime) -> None:
    """The tag names what it named, and that could not be had: else no candidate would ever come of it."""
    watch.last_failure = f"{watch.last_digest} could not be imported, and is asked for again: {failed.failure}"[:4000]
    watch.last_import = asked = _import(watch, watch.last_digest, now)
    WaveRow.objects.filter(version=watch.version, import_asked=failed, subversion=None).update(import_asked=asked)


def _move(watch: Watch, digest: str, now: datetime) -> None:
    """The tag names another digest than at the last look, or is looked at for the first time."""
    earlier = _moves(watch, now)
    if breaker.is_tripped(earlier, now):
        watch.stopped_at = now
        watch.last_failure = f"The tag moved {len(earlier) + 1} times within 24 hours: it is no longer followed."
        _tell(Verb.WATCH_STOPPED, watch, WORKER, now, why=watch.last_failure, found=digest)
        return
    before, watch.last_digest = watch.last_digest, digest
    if before:
        watch.moved_at = now
    TagSeen.objects.create(repository=watch.repository, tag=watch.tag, digest=digest, seen_at=now)
    if not before and Subversion.objects.filter(version=watch.version, artifact__digest=digest).exists():
        return  # the first look at what was adopted by hand before
    asked = _import(watch, digest, now)
    watch.last_import = asked
    WaveRow.objects.filter(version=watch.version, wave__closed_at=None, started_at__isnull=False).filter(
        finished_at=None, build=None, import_asked=None
    ).update(import_asked=asked)
    _tell(Verb.WATCH_MOVED, watch, WORKER, now, before=before, after=digest, **{"import": str(asked.pk)})


def _moves(watch: Watch, now: datetime) -> list[datetime]:
    """When the tag named another digest than before, in the breaker's window and since a person let it go on."""
    since = max(now - breaker.WINDOW, watch.resumed_at or watch.created_at)
    seen = registry_selectors.tags_seen(watch.repository, tag=watch.tag).order_by("seen_at", "pk")
    moves, last = [], ""
    for digest, at in seen.values_list("digest", "seen_at"):
        # The first one ever seen is no move.
        if last and digest != last and at > since:
            moves.append(at)
        last = digest
    return moves


def _import(watch: Watch, digest: str, now: datetime) -> Import:
    return registry.import_reference(
        reference=f"{watch.repository.name}@{digest}",
        platforms=watch.platforms,
        requested_by=watch.owner,
        now=now,
        actor=WORKER,
    )


@transaction.atomic
def _fail(watch_id: UUID, failure: str, *, now: datetime) -> Watch:
    watch = _locked(watch_id)
    watch.last_failure = failure[:4000]
    watch.save(update_fields=["last_failure"])
    return watch


def _put_into_waves(watch: Watch, subversion: Subversion | None) -> None:
    """The candidate of a wave's row that waited for this import."""
    if subversion is not None:
        rows = WaveRow.objects.filter(version=watch.version, import_asked=watch.last_import, subversion=None)
        rows.update(subversion=subversion)


def _tell(verb: Verb, watch: Watch, actor: Actor, now: datetime, **data: Any) -> None:
    record(verb, actor=actor, subject=subject_of(watch), at=now, data=data)


def _loaded() -> QuerySet[Watch]:
    return Watch.objects.select_related("version__image", "repository__registry", "owner", "last_import")


def _locked(watch_id: UUID | str) -> Watch:
    watch = _loaded().select_for_update(of=("self",)).filter(pk=watch_id).first()
    if watch is None:
        raise WatchMissing("There is no such watch.", cure="See the list of watches.")
    return watch


def _key(watch: Watch) -> str:
    return f"builds.look:{watch.pk}"


def _platforms(texts: Sequence[str]) -> list[str]:
    return sorted({str(Platform.parse(text)) for text in texts})


def _require_timer(seconds: int) -> None:
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        cure = f"Choose {MIN_SECONDS} to {MAX_SECONDS} seconds."
        wrong = FieldError("/every_seconds", "out_of_range", cure)
        raise WatchTimerWrong(f"A tag is not looked at every {seconds} seconds.", cure=cure, errors=[wrong])
