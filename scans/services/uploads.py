"""Feed files that people hand in: kept in a stream with a cap, taken over by a job."""

import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import uuid6
from django.conf import settings
from django.db import transaction

from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from jobs.models import Job
from jobs.services import enqueue
from scans.errors import FeedContentsRefused, FeedTooLarge
from scans.models import Feed
from scans.services.feeds import import_feed_file

MAX_UPLOAD_BYTES = 512 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
_SUFFIX = re.compile(r"(\.jsonl|\.json|\.zip)?(\.gz)?\Z")


class Readable(Protocol):
    """Anything that gives bytes in pieces."""

    def read(self, size: int = ..., /) -> bytes: ...


def keep_upload(
    *,
    feed: Feed,
    stream: Readable,
    file_name: str,
    snapshot_at: datetime,
    source: str,
    actor: Actor,
    now: datetime,
) -> Job:
    """Keep a file and queue its take-over. Raises FeedTooLarge; FeedContentsRefused for an empty one."""
    found = _SUFFIX.search(file_name)
    name = f"feed-{uuid6.uuid7()}{found[0] if found else ''}"
    path = _directory() / name
    try:
        if _receive(stream, path) == 0:
            raise FeedContentsRefused("The file is empty.")
        with transaction.atomic():
            written = record(
                Verb.FEED_UPLOADED,
                actor=actor,
                subject=Subject("feed", str(feed.pk), feed.name),
                at=now,
                data={"snapshot_at": snapshot_at.isoformat(), "source": source[:200], "bytes": path.stat().st_size},
            )
            args: dict[str, Any] = {
                "file": name,
                "snapshot_at": snapshot_at.isoformat(),
                "source": source[:500] or actor.name,
                "actor": [actor.kind, actor.id, actor.name],
            }
            return enqueue("scans.import_upload", subject_id=feed.pk, now=now, args=args, caused_by=written.pk)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def import_upload(*, feed_id: UUID, args: dict[str, Any], now: datetime) -> Feed:
    """Take over a kept file; then it is gone. A second run of the job, after the first ended, finds nothing to do.

    Raises what ``import_feed_file`` raises.
    """
    feed = Feed.objects.get(pk=feed_id)
    path = _directory() / Path(args["file"]).name
    if not path.is_file():
        return feed
    kind, actor_id, name = args["actor"]
    try:
        return import_feed_file(
            path=path,
            actor=Actor(kind=kind, id=actor_id, name=name),
            now=now,
            name=feed.name,
            kind=feed.kind,
            snapshot_at=datetime.fromisoformat(args["snapshot_at"]),
            source=args["source"],
        )
    finally:
        path.unlink(missing_ok=True)


def _directory() -> Path:
    directory = Path(settings.GOLDGATE_HOME) / "uploads"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _receive(stream: Readable, path: Path) -> int:
    size = 0
    with path.open("wb") as file:
        while chunk := stream.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > MAX_UPLOAD_BYTES:
                raise FeedTooLarge(f"The file is larger than {MAX_UPLOAD_BYTES} bytes.")
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return size
