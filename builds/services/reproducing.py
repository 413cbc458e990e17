"""A second build of the same recipe, held against the first: reproduced, or from which layer on it is not.

The layers are compared at once. Which files differ is known once somebody has looked into both images: that is asked
for, and written beside the comparison when it comes.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from audit.actor import Actor
from audit.services import record
from audit.verbs import Verb
from builds.domain.difference.files import FileChange, compare_files
from builds.domain.reproduction import MAX_FILES, Comparison, compare_layers
from builds.errors import NothingToCompare
from builds.models import Build, Inspection
from builds.selectors.inspections import files_of, inspection_of
from builds.services.causes import subject_of
from builds.services.inspections import ask_inspection
from registry.models import Artifact
from registry.selectors import artifact_by_id, runnable_images

WORKER = Actor.system("worker")


@transaction.atomic
def compare(build_id: UUID | str, artifact: Artifact, now: datetime) -> Build:
    """End a second build with how it compares to the first. Again, it is left as it is.

    Raises: NothingToCompare, when the first one left nothing.
    """
    rows = Build.objects.select_for_update(of=("self",)).select_related("source", "reproduces__artifact")
    build = rows.get(pk=build_id)
    if build.state != Build.State.BUILT:
        return build
    first = build.reproduces.artifact if build.reproduces else None
    if first is None:
        raise NothingToCompare(f"{build.reproduces or build} left no image to compare with.")
    found = compare_artifacts(first, artifact)
    build.state, build.finished_at = Build.State.SUCCEEDED, now
    build.artifact, build.output_digest = artifact, artifact.digest
    build.comparison = found.as_json() | {"first": first.digest, "second": artifact.digest}
    build.save(update_fields=["state", "finished_at", "artifact", "output_digest", "comparison"])
    data = {"reproduces": str(build.reproduces_id), "subversion": "", **build.comparison}
    if build.reproduces and build.reproduces.subversion_id:
        data["subversion"] = str(build.reproduces.subversion_id)
    record(Verb.BUILD_COMPARED, actor=WORKER, subject=subject_of(build), at=now, data=data)
    if not found.is_reproduced:
        _name_or_ask(build, first, artifact, now)
    return build


def compare_artifacts(first: Artifact, second: Artifact) -> Comparison:
    """How the layers of two images, or of the images of two indexes, compare."""
    return compare_layers(_layers(first), _layers(second), is_same_manifest=first.digest == second.digest)


@transaction.atomic
def name_files(artifact_id: UUID | str, now: datetime) -> int:
    """Write which files differ, for every comparison that waits for a look into this artifact; how many."""
    named = 0
    waiting = Build.objects.select_for_update(of=("self",)).select_related("artifact", "reproduces__artifact")
    for build in waiting.filter(comparison__is_reproduced=False, comparison__files__isnull=True).order_by("pk"):
        first = build.reproduces.artifact if build.reproduces else None
        if first is None or build.artifact is None or str(artifact_id) not in _looked_into(first, build.artifact):
            continue
        named += _name(build, first, build.artifact)
    return named


def _name_or_ask(build: Build, first: Artifact, second: Artifact, now: datetime) -> None:
    if _name(build, first, second):
        return
    for one in (first, second):
        if any(inspection_of(image) is None for image in runnable_images(one)):
            ask_inspection(artifact=one, actor=WORKER, now=now)


def _name(build: Build, first: Artifact, second: Artifact) -> bool:
    """Name the files, where both sides were looked into; whether they were."""
    ours, theirs = _images(first), _images(second)
    files: list[dict[str, Any]] = []
    count = 0
    for platform in sorted({*ours, *theirs}):
        one, other = ours.get(platform), theirs.get(platform)
        older, newer = (inspection_of(image) if image else None for image in (one, other))
        if not _is_complete(older) or not _is_complete(newer):
            return False
        part = compare_files(files_of(older), files_of(newer))  # type: ignore[arg-type]
        count += sum(part.counts.values())
        files += [_file(platform, change) for change in part.listed]
    build.comparison |= {"files": files[:MAX_FILES], "file_count": count}
    build.save(update_fields=["comparison"])
    return True


def _file(platform: str, change: FileChange) -> dict[str, Any]:
    return {"platform": platform, "path": change.path, "move": str(change.move), "what": list(change.what)}


def _is_complete(inspection: Inspection | None) -> bool:
    return inspection is not None and inspection.state == Inspection.State.COMPLETE


def _images(artifact: Artifact) -> dict[str, Artifact]:
    return {image.platform: image for image in runnable_images(artifact)}


def _layers(artifact: Artifact) -> dict[str, list[str]]:
    return {platform: list(image.diff_ids) for platform, image in _images(artifact).items()}


def _looked_into(*artifacts: Artifact) -> set[str]:
    found = {str(one.pk) for one in artifacts}
    for one in artifacts:
        found |= {str(image.pk) for image in runnable_images(artifact_by_id(one.pk))}
    return found
