"""What is known of the files in images."""

import io
from collections.abc import Iterable, Iterator
from uuid import UUID

import zstandard

from builds.domain.layer_files import FileEntry
from builds.domain.layer_files.entries import read_lines
from builds.models import Inspection
from registry.blobs import kept_blobs
from registry.models import Artifact
from registry.selectors import lineage_of


def inspection_of(artifact: Artifact) -> Inspection | None:
    """The inspection of an image; None where nobody has looked. An index has none: its images have."""
    return Inspection.objects.filter(artifact=artifact).first()


def inspections_of(artifact_ids: Iterable[UUID]) -> dict[UUID, Inspection]:
    """The inspections of those images that have one. One query."""
    return {one.artifact_id: one for one in Inspection.objects.filter(artifact_id__in=list(artifact_ids))}


def files_of(inspection: Inspection) -> Iterator[FileEntry]:
    """Every file of the image, sorted by the components of its path. Empty for a failed one. Raises BlobMissing."""
    if not inspection.files_digest:
        return
    with kept_blobs().open(inspection.files_digest) as packed:
        reader = zstandard.ZstdDecompressor().stream_reader(packed)
        yield from read_lines(io.BufferedReader(reader))


def setuid_of_base(image: Artifact) -> frozenset[str] | None:
    """Set-uid and set-gid programs of the images that it stands on; None where nobody has looked into those."""
    nearest = lineage_of(image).nearest
    rows = Inspection.objects.filter(artifact__in=nearest, state=Inspection.State.COMPLETE)
    profiles = [row.profile for row in rows]
    if not profiles:
        return None
    return frozenset(path for profile in profiles for path in profile.get("setuid", []))
