"""The certified side, watched: tags that moved behind our back, digests that can no longer be pulled.

- A registry that does not answer is said; it never reads as "no drift", and changes no alarm.
- One alarm a repository, tag and digest found. It closes by itself when the tag is as it should be again, or names
  something else yet (then that has an alarm), or by a person with a reason.
- A tag of others that moved on to what was certified later is recorded once, and no alarm.
- A tag of ours that still names something else opens a new one at the next look. One that others put there stays closed
  while it names what the person saw.
- Every digest that may be used is pulled as a client would: manifest by digest and hashed, configuration and layers
  asked for; in a directory every byte is hashed again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.models import Person
from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from builds.domain.drift import Drift, TagVerdict, is_cosign_tag, judge_tag
from builds.errors import DriftClosed, DriftUnexplained
from builds.models import DriftAlarm, PullProbe
from builds.selectors import promotion as selectors
from builds.services.pulling import Puller
from catalog.models import Subversion
from catalog.services import subject_of as subversion_subject
from core.errors import FieldError, GoldgateError
from jobs.models import Job
from jobs.services import enqueue, ensure_schedule
from oci.manifest import Manifest, parse_manifest
from registry import selectors as registry_selectors
from registry.adapters.interface import RegistrySide
from registry.errors import NotInRegistry
from registry.models import Repository, TagSeen

WORKER = Actor.system("worker")
DRIFT_JOB, PROBE_JOB = "builds.look_for_drift", "builds.probe_pulls"
DRIFT_EVERY_SECONDS = 3600
PROBE_CRONTAB = "17 3 * * *"  # daily, UTC
Progress = Callable[..., None]


def silent(**_: Any) -> None:
    """Progress that nobody follows."""


@dataclass(slots=True)
class DriftReport:
    """What one look at the certified side found."""

    repositories: int = 0
    tags: int = 0
    opened: list[DriftAlarm] = field(default_factory=list)
    closed: list[DriftAlarm] = field(default_factory=list)
    followed: int = 0  # tags of others that moved on to what was certified later
    unanswered: list[str] = field(default_factory=list)  # a sentence each: these were not looked at

    def __str__(self) -> str:
        told = f"{self.tags} tags in {self.repositories} repositories looked at; {len(self.opened)} alarms opened, "
        told += f"{len(self.closed)} closed."
        if self.followed:
            told += f" {self.followed} of others followed certification."
        return f"{told} Not known: {' '.join(self.unanswered)}" if self.unanswered else told


@dataclass(slots=True)
class ProbeReport:
    """How many certified digests could be pulled."""

    pullable: int = 0
    failing: int = 0

    def __str__(self) -> str:
        return f"{self.pullable} certified digests can be pulled, {self.failing} cannot."


def ensure_schedules() -> None:
    """The timers that watch the certified side; people may edit them in the page."""
    ensure_schedule("Look for moved tags on the certified side", DRIFT_JOB, every_seconds=DRIFT_EVERY_SECONDS)
    ensure_schedule("Try to pull every certified digest", PROBE_JOB, crontab=PROBE_CRONTAB)


def ask_drift_look(*, now: datetime) -> Job:
    """Look at the certified side now; the look that waits already will do."""
    return enqueue(DRIFT_JOB, subject_id="", now=now, key=DRIFT_JOB)


def ask_probes(*, now: datetime) -> Job:
    """Try every certified digest now; the probe that waits already will do."""
    return enqueue(PROBE_JOB, subject_id="", now=now, key=PROBE_JOB)


def look_for_drift(*, now: datetime, progress: Progress = silent) -> DriftReport:
    """Compare every tag of every certified repository with what certification put there."""
    report = DriftReport()
    repositories = selectors.certified_repositories()
    for done, repository in enumerate(repositories):
        progress(done=done, total=len(repositories), unit="repositories", text=f"Looking at {repository.name}.")
        try:
            verdicts = _look_at(repository)
        except GoldgateError as error:
            report.unanswered.append(f"{repository.name}: {error}")
            continue
        report.repositories += 1
        report.tags += sum(1 for one in verdicts if one.found)
        _settle(repository, verdicts, report, now=now)
    progress(done=len(repositories), total=len(repositories), unit="repositories", text=str(report)[:500])
    return report


@transaction.atomic
def close_drift(*, alarm_id: UUID | str, person: Person, reason: str, now: datetime) -> DriftAlarm:
    """Say why an alarm needs no more. Raises DriftMissing; DriftClosed; DriftUnexplained."""
    told = reason.strip()
    if not told:
        cure = "Say in words what it was; people will read it."
        row = FieldError("/reason", "required", cure)
        raise DriftUnexplained("A reason is missing.", cure=cure, errors=[row])
    DriftAlarm.objects.select_for_update().filter(pk=alarm_id).first()
    alarm = selectors.drift_alarm_by_id(alarm_id)
    if alarm.closed_at is not None:
        raise DriftClosed(f"The alarm was closed on {alarm.closed_at:%Y-%m-%d}.", cure="Nothing needs to be done.")
    return _close(alarm, told, closed_by=person, now=now)


def probe_pulls(*, now: datetime, progress: Progress = silent) -> ProbeReport:
    """Pull every certified digest that may be used at ``now``, as a client would, and write down what came of it."""
    report = ProbeReport()
    wanted = list(selectors.pullable_subversions(now))
    places = selectors.places_of(wanted)
    puller = Puller()
    for done, subversion in enumerate(wanted):
        progress(done=done, total=len(wanted), unit="digests", text=f"Trying {subversion}.")
        failure = puller.failure(subversion.artifact, places.get(subversion.artifact_id), alive=progress)
        _note_probe(subversion, failure, now=now)
        report.failing += bool(failure)
        report.pullable += not failure
    # What may no longer be used need not be there.
    PullProbe.objects.exclude(subversion__in=wanted).delete()
    progress(done=len(wanted), total=len(wanted), unit="digests", text=str(report))
    return report


def _look_at(repository: Repository) -> list[TagVerdict]:
    """Every tag there, judged. What looks wrong is asked for twice: certification may have moved it meanwhile."""
    side = registry_selectors.side_for(repository.registry)
    listed = set(side.tags(repository.path))
    facts = selectors.repository_facts(repository)
    ours = {wanted.tag for wanted in selectors.cosign_tags(repository)}
    proofs = {tag for tag in listed if tag in ours or (is_cosign_tag(tag) and _is_proof(side, repository, tag))}
    names = listed - proofs | set(facts.own_tags) | set(facts.last_certified)
    verdicts = {}
    for tag in sorted(names):
        verdicts[tag] = judge_tag(tag, _names(side, repository, tag), facts)
        if verdicts[tag].is_alarm:
            facts = selectors.repository_facts(repository)
            verdicts[tag] = judge_tag(tag, _names(side, repository, tag), facts)
    return [*verdicts.values(), *_look_at_signatures(side, repository)]


def _names(side: RegistrySide, repository: Repository, tag: str) -> str:
    """The digest of what the tag gives, hashed by us; "" when it gives nothing."""
    try:
        return str(side.get_manifest(repository.path, tag).digest)
    except NotInRegistry:
        return ""


def _is_proof(side: RegistrySide, repository: Repository, tag: str) -> bool:
    """Whether the tag gives what refers to an image, and nothing that could run: its name alone says nothing."""
    try:
        got = side.get_manifest(repository.path, tag)
    except NotInRegistry:
        return True
    manifest = parse_manifest(got.body, got.media_type)
    if isinstance(manifest, Manifest):
        return not manifest.is_image
    # The referrers of a digest, where a registry has no API for them (OCI distribution-spec, referrers tag schema).
    return all(child.artifact_type for child in manifest.manifests)


def _look_at_signatures(side: RegistrySide, repository: Repository) -> Iterable[TagVerdict]:
    """Our signatures and attestations: other signers may stand beside them, ours must be there."""
    for wanted in selectors.cosign_tags(repository):
        try:
            got = side.get_manifest(repository.path, wanted.tag)
        except NotInRegistry:
            yield TagVerdict(wanted.tag, Drift.GONE, wanted.digest, "")
            continue
        manifest = parse_manifest(got.body, got.media_type)
        present = {str(one.digest) for one in manifest.layers} if isinstance(manifest, Manifest) else set()
        drift = Drift.NONE if wanted.layers <= present else Drift.MOVED
        yield TagVerdict(wanted.tag, drift, wanted.digest, str(got.digest))


@transaction.atomic
def _settle(repository: Repository, verdicts: list[TagVerdict], report: DriftReport, *, now: datetime) -> None:
    judged = {one.tag: one for one in verdicts}
    rows = DriftAlarm.objects.select_for_update().filter(repository=repository, closed_at=None)
    for alarm in rows.order_by("pk"):
        one = judged.get(alarm.tag)
        if one is not None and one.is_alarm and one.found == alarm.found_digest:
            continue
        report.closed.append(_close(alarm, _went_away(alarm, one), closed_by=None, now=now))
    for one in verdicts:
        if one.drift in (Drift.NONE, Drift.FOLLOWED, Drift.FOREIGN):
            _remember(repository, one, now)
        if one.drift is Drift.FOLLOWED:
            _tell_followed(repository, one, now)
            report.followed += 1
        elif one.is_alarm and (opened := _open(repository, one, now=now)) is not None:
            report.opened.append(opened)


def _went_away(alarm: DriftAlarm, found: TagVerdict | None) -> str:
    if found is None or not found.found:
        return "The tag is not there any more."
    if not found.is_alarm:
        return f"It names {found.found} again, as it should." if alarm.expected_digest else "It is as it should be."
    return f"It names {found.found} now, which has an alarm of its own."


def _open(repository: Repository, one: TagVerdict, *, now: datetime) -> DriftAlarm | None:
    """None: there is one, or a person closed it for a tag that is not ours, having seen the same."""
    same = DriftAlarm.objects.filter(repository=repository, tag=one.tag, found_digest=one.found)
    if same.filter(closed_at=None).exists():
        return None
    is_ours = one.tag in selectors.repository_facts(repository).own_tags or is_cosign_tag(one.tag)
    if not is_ours and same.filter(expected_digest=one.expected, closed_by__isnull=False).exists():
        return None
    try:
        with transaction.atomic():
            alarm = DriftAlarm.objects.create(
                repository=repository,
                tag=one.tag,
                expected_digest=one.expected,
                found_digest=one.found,
                opened_at=now,
            )
    except IntegrityError:
        return None  # another look came first
    data = {"expected": one.expected, "found": one.found, "what": str(one.drift)}
    record(Verb.DRIFT_FOUND, actor=WORKER, subject=drift_subject(alarm), at=now, data=data)
    return alarm


def _tell_followed(repository: Repository, one: TagVerdict, now: datetime) -> None:
    """Others moved a tag of theirs on: no alarm, but whoever pulls by it gets another image from now on."""
    data = {"from": one.expected, "to": one.found, "detail": f"from {one.expected} to {one.found}"}
    subject = Subject("tag", f"{repository.pk}:{one.tag}", f"{repository.name}:{one.tag}")
    record(Verb.TAG_FOLLOWED, actor=WORKER, subject=subject, at=now, data=data)


def _close(alarm: DriftAlarm, reason: str, *, closed_by: Person | None, now: datetime) -> DriftAlarm:
    alarm.closed_at, alarm.closed_by, alarm.reason = now, closed_by, reason
    alarm.save(update_fields=["closed_at", "closed_by", "reason"])
    actor = closed_by.as_actor() if closed_by else WORKER
    data = {"expected": alarm.expected_digest, "found": alarm.found_digest, "reason": reason}
    record(Verb.DRIFT_CLOSED, actor=actor, subject=drift_subject(alarm), at=now, data=data)
    return alarm


def _remember(repository: Repository, one: TagVerdict, now: datetime) -> None:
    """What a tag that is as it should be named, so that a later move is seen as one."""
    if not one.found or is_cosign_tag(one.tag):
        return
    last = TagSeen.objects.filter(repository=repository, tag=one.tag).order_by("-seen_at", "-pk").first()
    if last is None or last.digest != one.found:
        TagSeen.objects.create(repository=repository, tag=one.tag, digest=one.found, seen_at=now)


@transaction.atomic
def _note_probe(subversion: Subversion, failure: str, *, now: datetime) -> None:
    before = PullProbe.objects.select_for_update().filter(subversion=subversion).first()
    was_failing = before is not None and not before.is_pullable
    since = (before.failing_since if was_failing and before else now) if failure else None
    PullProbe.objects.update_or_create(
        subversion=subversion,
        defaults={"is_pullable": not failure, "detail": failure, "probed_at": now, "failing_since": since},
    )
    if bool(failure) != was_failing:
        verb = Verb.PULL_FAILED if failure else Verb.PULL_RESTORED
        data = {"digest": subversion.artifact.digest, "repository": subversion.certified_repository, "detail": failure}
        record(verb, actor=WORKER, subject=subversion_subject(subversion), at=now, data=data)


def drift_subject(alarm: DriftAlarm) -> Subject:
    """How the record names an alarm."""
    return Subject("drift", str(alarm.pk), f"{alarm.repository}:{alarm.tag}")
