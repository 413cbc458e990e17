"""The publisher: turns committed deeds into signed snapshots, one process at a time.

The rules:

- One leads: it holds PostgreSQL's advisory lock on its own connection, and the directory's lock.
- A change is published at once; takings-back go before everything else that waits. A base is made again hourly, when
  the overlay has grown, or when a deed touches every digest; takings-back are published meanwhile.
- A change is closed only when the snapshot that says it is in force: dying in between publishes it again.
- While PostgreSQL is away nothing can be revoked, so who led goes on signing the last version's timestamp, for a day
  by default, and says so. Who never led stays silent.
"""

import json
import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.db import connection, transaction

from admission import changes
from admission.errors import SnapshotUnavailable
from admission.facts import all_facts, facts_of_artifacts, seconds
from admission.inventory_waivers import artifacts_reached
from admission.models import SnapshotChange, SnapshotPublication
from admission.overlay import overlay_of
from admission.snapshot_keys import ALARM_DAYS
from admission.tuf_repository import TufRepository, write_file
from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from catalog.models import Subversion
from gate.facts import DigestFacts
from gate.snapshot import MalformedSnapshot, read_overlay, write_base, write_overlay
from gate.tuf_names import read_target_names, stored_name, target_names
from jobs.models import Job
from registry.models import Artifact, ArtifactChild
from signing.models import Publication

log = logging.getLogger(__name__)

BASE_SECONDS = 3_600.0
MAX_OVERLAY_DIGESTS = 10_000
MAX_INLINE_DIGESTS = 500  # a base of so few is made in a fraction of a second
MAX_CHANGES = 20_000  # closed in one version
KEPT_CHANGES_DAYS = 30


@dataclass(slots=True)
class Status:
    """What the publisher says of itself, in ``status.json`` beside the snapshots."""

    version: int = 0
    base_version: int = 0
    published_at: str = ""
    timestamp_expires_at: str = ""
    database_away_since: str = ""
    message: str = ""
    root_expires_at: str = ""


class _Making:
    """A base that is being made, inline or in a thread with a database connection of its own."""

    def __init__(self, version: int, base_path: Path, reasons_path: Path, waiting: tuple[SnapshotChange, ...]) -> None:
        self.version = version
        self.base_path = base_path
        self.reasons_path = reasons_path
        self.waiting = waiting  # committed before it was begun: the base says them
        self.count = 0
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None

    @property
    def is_done(self) -> bool:
        return self._thread is not None and not self._thread.is_alive()

    def begin(self, now: datetime) -> None:
        self._thread = threading.Thread(target=self._run, args=(now,), name="snapshot base", daemon=True)
        self._thread.start()

    def make(self, now: datetime) -> None:
        self.count = write_base(
            all_facts(now),
            version=self.version,
            issued_at=seconds(now),
            base_path=self.base_path,
            reasons_path=self.reasons_path,
        )

    def raise_if_failed(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self, now: datetime) -> None:
        try:
            self.make(now)
        except Exception as error:  # noqa: BLE001 - raised again in the loop's own thread
            self._error = error
        finally:
            connection.close()


class Publisher:
    """Publishes into one repository. Call ``publish_due`` often; it does what is due and no more."""

    def __init__(self, repository: TufRepository, *, root_expires_at: datetime) -> None:
        self.repository = repository
        self.status = Status(root_expires_at=root_expires_at.isoformat())
        self._root_expires_at = root_expires_at
        self._changed: dict[str, DigestFacts | None] = {}
        self._changed_since: set[str] = set()  # since the base that is being made was begun
        self._making: _Making | None = None
        self._scratch_number = 0
        self._base_version = 0
        self._base_at = 0
        self._digest_count = 0

    def resume(self) -> None:
        """Take up the version in force, as it lies on this host; from nothing when there is none that can be read."""
        if self._making is None:
            for path in self.repository.scratch_dir.iterdir():
                path.unlink()
        self._changed, self._base_version, self._making = {}, 0, None
        targets = self.repository.targets()
        names = read_target_names(targets.targets) if targets else None
        if targets is None or names is None or not self.repository.is_signed_by_present_keys():
            return
        try:
            overlay_file = targets.targets[names.overlay]
            path = self.repository.targets_dir / stored_name(names.overlay, overlay_file.hashes["sha256"])
            overlay = read_overlay(path)
        except (OSError, MalformedSnapshot) as error:
            log.warning("the snapshot in force cannot be taken up, a new base is made: %s", error)
            return
        if targets.version != _newest_version():
            log.warning("the snapshot on this host is not the newest, a new base is made")
            return
        self._base_version = overlay.base_version
        self._changed = {item.digest: item for item in overlay.facts} | dict.fromkeys(overlay.removed)
        first = SnapshotPublication.objects.filter(base_version=overlay.base_version).order_by("version").first()
        self._base_at = seconds(first.published_at) if first else 0
        self._digest_count = first.digest_count if first else 0
        self.status.version, self.status.base_version = targets.version, overlay.base_version

    def publish_due(self, *, now: datetime) -> bool:
        """Publish what waits, or sign the timestamp when that is due. Whether a version was published."""
        waiting = list(SnapshotChange.objects.filter(publication__isnull=True).order_by("id")[:MAX_CHANGES])
        urgent = [change for change in waiting if change.verb in changes.URGENT]
        ordinary = [change for change in waiting if change.verb not in changes.ABOUT_BASE]
        if urgent and self._base_version:
            self._publish_overlay(urgent, now=now)
        elif self._making is not None and self._making.is_done:
            self._put_base(self._making, now=now)
        elif self._making is None and self._is_base_due(waiting, now=now):
            self._make_base(waiting, now=now)
        elif ordinary and self._base_version:
            self._publish_overlay(ordinary, now=now)
        else:
            if self.repository.is_timestamp_due(now=now):
                self.sign_again(now=now)
            return False
        return True

    def sign_again(self, *, now: datetime, database_away_since: datetime | None = None) -> None:
        """Sign the version in force for another while; say so when nothing can be revoked meanwhile."""
        expires = self.repository.sign_timestamp(now=now)
        self.status.timestamp_expires_at = expires.isoformat()
        self._say(now=now, database_away_since=database_away_since)

    def _is_base_due(self, waiting: Sequence[SnapshotChange], *, now: datetime) -> bool:
        return (
            not self._base_version
            or len(self._changed) > MAX_OVERLAY_DIGESTS
            or seconds(now) - self._base_at >= BASE_SECONDS
            or any(change.verb in changes.ABOUT_BASE for change in waiting)
        )

    def _make_base(self, waiting: Sequence[SnapshotChange], *, now: datetime) -> None:
        """Begin a base. A large one is made beside the loop, so that a revocation does not wait for it."""
        version = self._next_version()
        names = target_names(base_version=version, version=version)
        making = _Making(version, self._scratch(names.base), self._scratch(names.reasons), tuple(waiting))
        self._changed_since = set()
        if self._base_version and self._digest_count > MAX_INLINE_DIGESTS:
            making.begin(now)
            self._making = making
            return
        making.make(now)
        self._put_base(making, now=now)

    def _put_base(self, making: "_Making", *, now: datetime) -> None:
        self._making = None
        making.raise_if_failed()
        names = target_names(base_version=making.version, version=making.version)
        targets = {
            names.base: self.repository.add_target(names.base, making.base_path),
            names.reasons: self.repository.add_target(names.reasons, making.reasons_path),
        }
        self._base_version, self._base_at, self._digest_count = making.version, seconds(now), making.count
        self._changed = {digest: item for digest, item in self._changed.items() if digest in self._changed_since}
        # Overlays went out while it was made: the version in force may be newer than the base's own.
        self._put(self._next_version(), targets, making.waiting, now=now)

    def _publish_overlay(self, waiting: Sequence[SnapshotChange], *, now: datetime) -> None:
        digests = artifacts_of(waiting)
        facts = {item.digest: item for item in facts_of_artifacts(digests, now)}
        self._changed.update(facts)
        self._changed_since.update(facts)
        current = self.repository.targets()
        names = target_names(base_version=self._base_version, version=self._base_version)
        if current is None or names.base not in current.targets:
            raise SnapshotUnavailable(f"The base {names.base} is not in force on this host.")
        targets = {name: current.targets[name] for name in (names.base, names.reasons)}
        self._put(self._next_version(), targets, waiting, now=now)

    def _put(self, version: int, targets: dict, waiting: Sequence[SnapshotChange], *, now: datetime) -> None:  # type: ignore[type-arg]
        """Write the overlay, sign, then close what it says. In this order: dying in between publishes it again."""
        overlay = overlay_of(version=version, base_version=self._base_version, changed=self._changed, now=now)
        name = target_names(base_version=self._base_version, version=version).overlay
        path = self._scratch(name)
        write_overlay(overlay, path)
        target = self.repository.add_target(name, path)
        self.repository.publish(version, {**targets, name: target}, now=now)
        with transaction.atomic():
            publication = SnapshotPublication.objects.create(
                version=version,
                base_version=self._base_version,
                published_at=now,
                digest_count=self._digest_count,
                overlay_count=len(self._changed),
                policy_version=overlay.policy_version,
                overlay_sha256=target.hashes["sha256"],
            )
            said = SnapshotChange.objects.filter(pk__in=[change.pk for change in waiting], publication__isnull=True)
            said.update(publication=publication)
            SnapshotChange.objects.filter(
                publication__isnull=False, at__lt=now - timedelta(days=KEPT_CHANGES_DAYS)
            ).delete()
            record(
                Verb.SNAPSHOT_PUBLISHED,
                actor=Actor.system("publisher"),
                subject=Subject(kind="snapshot", id=str(version), label=f"snapshot {version}"),
                at=now,
                data={"base_version": self._base_version, "overlay_sha256": target.hashes["sha256"]},
            )
        self.repository.remove_old(now=now)
        self.status.version, self.status.base_version = version, self._base_version
        self.status.published_at = now.isoformat()
        stamp = self.repository.timestamp()
        self.status.timestamp_expires_at = stamp.expires.isoformat() if stamp else ""
        self._say(now=now)
        log.info("published snapshot %s: %s digests, %s changed", version, self._digest_count, len(self._changed))

    def _say(self, *, now: datetime, database_away_since: datetime | None = None) -> None:
        words = []
        if database_away_since:
            words.append(
                f"PostgreSQL is away since {database_away_since:%Y-%m-%d %H:%M:%S} UTC: nothing can be revoked until "
                "it is back. The last snapshot is signed on."
            )
        days = (self._root_expires_at - now).days
        if days < ALARM_DAYS:
            words.append(
                f"The snapshot root ends in {days} days: renew it now, or every gate stops that day "
                "(manage.py snapshot_keys renew-root)."
            )
        self.status.database_away_since = database_away_since.isoformat() if database_away_since else ""
        self.status.message = " ".join(words)
        if words:
            log.warning("%s", self.status.message)
        write_file(self.repository.home / "status.json", json.dumps(asdict(self.status)).encode())

    def _next_version(self) -> int:
        return max(self.repository.version, _newest_version()) + 1

    def _scratch(self, name: str) -> Path:
        # Numbered: what a base left unfinished may still be writing is never the next one's file.
        self._scratch_number += 1
        return self.repository.scratch_dir / f"{self._scratch_number}-{name}"


def artifacts_of(waiting: Iterable[SnapshotChange]) -> set[UUID]:
    """The artifacts whose facts may read otherwise after these changes.

    A deed about a subversion touches its whole version: what to use instead changes for all of it. An index and its
    children speak for each other.
    """
    by_kind: dict[str, set[str]] = {}
    for change in waiting:
        by_kind.setdefault(change.subject_kind, set()).add(change.subject_id)
    found = set(Artifact.objects.filter(pk__in=_uuids(by_kind.get("artifact", ()))).values_list("pk", flat=True))
    about = Job.objects.filter(pk__in=_uuids(by_kind.get("job", ())), kind__startswith="scans.")
    found |= set(_uuids(about.values_list("subject_id", flat=True)))
    named = Publication.objects.filter(pk__in=_uuids(by_kind.get("publication", ())))
    found |= set(named.values_list("artifact_id", flat=True))
    versions = Subversion.objects.filter(pk__in=_uuids(by_kind.get("subversion", ()))).values("version_id")
    found |= set(Subversion.objects.filter(version_id__in=versions).values_list("artifact_id", flat=True))
    found |= artifacts_reached(_uuids(by_kind.get("grant", ())))
    return found | _relatives(found)


def _relatives(artifact_ids: set[UUID]) -> set[UUID]:
    links = ArtifactChild.objects.filter(kind="runnable")
    children = links.filter(index_id__in=artifact_ids).values_list("child_id", flat=True)
    return set(children) | set(links.filter(child_id__in=artifact_ids).values_list("index_id", flat=True))


def _uuids(texts: Iterable[str]) -> list[UUID]:
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            log.warning("a change is about %r, which is no id", text)
    return found


def _newest_version() -> int:
    newest = SnapshotPublication.objects.order_by("-version").first()
    return newest.version if newest else 0


class Leadership:
    """PostgreSQL's advisory lock: whoever's connection holds it leads. Lost with the connection."""

    def __init__(self) -> None:
        self._backend = 0  # the connection that took the lock

    def hold(self) -> bool:
        """Take the lock, or see that this connection still has it. Raises OperationalError when PostgreSQL is away."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            backend = cursor.fetchone()[0]
            if backend == self._backend:
                return True
            cursor.execute("SELECT pg_try_advisory_lock(hashtext('goldgate'), hashtext('snapshot publisher'))")
            if not cursor.fetchone()[0]:
                return False
            cursor.execute(f"LISTEN {changes.CHANNEL}")
            self._backend = backend
        return True

    def wait(self, seconds_at_most: float) -> None:
        """Until a deed commits that a snapshot must say, or the time is over. Raises OperationalError."""
        with connection.wrap_database_errors:  # else psycopg's own errors come out, which nobody here expects
            for _ in connection.connection.notifies(timeout=seconds_at_most, stop_after=1):
                pass

    def release(self) -> None:
        """Let another lead."""
        self._backend = 0
        connection.close()
