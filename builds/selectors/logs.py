"""Reads of logs: from a place on, a screenful at a time."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from builds.models import Build, LogChunk
from builds.selectors.builds import build_by_id

MAX_CHUNKS = 64  # of at most 16 KiB each


@dataclass(frozen=True, slots=True)
class LogPart:
    """A piece of a build's log, and where the next one begins."""

    build: Build
    text: str
    next: int  # what to ask for next; the same as before when nothing was added
    is_end: bool  # the build has ended and this is all there is


def log_part(build_id: UUID | str, *, after: int) -> LogPart:
    """The log from chunk ``after`` on, 1 MiB at most. Two queries beside the build's own. Raises BuildMissing."""
    # The build first: what it wrote before it ended is then there to be read.
    build = build_by_id(build_id)
    rows = LogChunk.objects.filter(build=build, number__gte=after).order_by("number")
    chunks = list(rows.values_list("number", "text")[: MAX_CHUNKS + 1])
    shown = chunks[:MAX_CHUNKS]
    following = shown[-1][0] + 1 if shown else after
    is_end = not build.is_open and len(chunks) <= MAX_CHUNKS
    return LogPart(build, "".join(text for _, text in shown), following, is_end)


def log_tail(build: Build, *, chunks: int = 60) -> tuple[list[LogChunk], bool]:
    """The last pieces of a build's log in their order, and whether there are earlier ones. One query."""
    found = list(LogChunk.objects.filter(build=build).order_by("-number")[: chunks + 1])
    return list(reversed(found[:chunks])), len(found) > chunks


def log_chunks(build: Build) -> QuerySet[LogChunk]:
    """The whole log, piece by piece."""
    return LogChunk.objects.filter(build=build).order_by("number")
