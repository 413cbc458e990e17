"""From the archive that a builder left to a candidate in the catalog, or to *no change*.

In this order, so that a death at any step leaves nothing half: the bytes into the store, the artifact's row, its copy
in the candidates' repository (blobs, manifest, the tag last), then one transaction with subversion, build and record.
Each step done again does nothing twice. The job's directory goes last.

An older candidate of the same source that still waits for its reviewers is named in the record of the newer one; its
proposal, where it came by itself too, is closed when the newer one is proposed (``approvals``).
"""

from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.db import transaction

from audit.actor import Actor
from audit.services import record
from audit.verbs import Verb
from builds.domain.sameness import same_content
from builds.errors import BuildOutputMissing
from builds.models import Build
from builds.selectors.builds import build_by_id, compared_with, open_candidates
from builds.services.causes import subject_of
from builds.services.directories import ARCHIVE, directory_of, remove_tree
from builds.services.repositories import require_candidate_place
from builds.services.reproducing import compare
from catalog import services as catalog
from catalog.models import Subversion
from registry import selectors as registry_selectors
from registry import services as registry
from registry.errors import BlobMissing
from registry.models import Artifact
from registry.services.progress import Report, silent

WORKER = Actor.system("worker")


def take_in(*, build_id: UUID | str, now: datetime, progress: Report = silent) -> Build:
    """Take in what a build left; the build as it ended. Again, after any death, yields one candidate.

    Raises: BuildMissing; BuildOutputMissing; what reading the archive, copying and naming raise.
    """
    build = build_by_id(build_id)
    if build.state == Build.State.BUILT and build.purpose == Build.Purpose.REPRODUCTION:
        build = compare(build.pk, _artifact_of(build, now=now, progress=progress), now)
    elif build.state == Build.State.BUILT:
        same = _same_as(build, now)
        if same is not None:
            build = end_unchanged(build, same, now=now)
        else:
            artifact = _artifact_of(build, now=now, progress=progress)
            build = add_candidate(build, artifact, now=now, progress=progress)
    drop_directory(build)
    return build


def drop_directory(build: Build) -> None:
    """Remove what the builder left, once the build has ended; a missing directory is fine."""
    if not build.is_open:
        remove_tree(directory_of(build.pk))


def _archive_of(build: Build) -> Path:
    path = directory_of(build.pk) / ARCHIVE
    if not path.is_file():
        raise BuildOutputMissing(f"The archive of {build} is gone.", cure="Start the build again.")
    return path


def _same_as(build: Build, now: datetime) -> Subversion | None:
    """What is certified now, or the source's latest candidate, where the new image holds the same."""
    made = registry.configs_in_archive(_archive_of(build))
    for subversion in compared_with(build.source, now):
        try:
            known = registry_selectors.config_documents(subversion.artifact)
        except BlobMissing:
            continue  # an image of long ago whose bytes are gone: it cannot be told, so it is not the same
        if same_content(made, known):
            return subversion
    return None


@transaction.atomic
def end_unchanged(build: Build, same: Subversion, *, now: datetime) -> Build:
    """End a build that gave what there is already. Again, it is left as it is."""
    build = _locked(build.pk)
    if build.state != Build.State.BUILT:
        return build
    build.state, build.finished_at = Build.State.NO_CHANGE, now
    build.save(update_fields=["state", "finished_at"])
    data = {"same_as": str(same.pk), "name": str(same), "digest": same.artifact.digest}
    record(Verb.BUILD_UNCHANGED, actor=WORKER, subject=subject_of(build), at=now, data=data)
    return build


def _artifact_of(build: Build, *, now: datetime, progress: Report) -> Artifact:
    return registry.take_archive(
        path=_archive_of(build), data={"build": str(build.pk), "reference": str(build)}, now=now, progress=progress
    )


def add_candidate(build: Build, artifact: Artifact, *, now: datetime, progress: Report = silent) -> Build:
    """Put what was built among the source's candidates and in the catalog. Again, it does nothing twice."""
    if build.source.candidate_repository_id is not None:
        repository = registry_selectors.repositories().get(pk=build.source.candidate_repository_id)
        require_candidate_place(repository)
        registry.copy_artifact(artifact=artifact, to=repository, tag=tag_of(build), progress=progress, now=now)
    return _record_candidate(build, artifact, now=now)


def tag_of(build: Build) -> str:
    """Its candidate's tag: no other build's, ever. Sources of several images may share a repository of candidates.

    The name is for people: it can be given to another source later, and ``a b`` and ``a_b`` are one here.
    """
    source = build.source
    return f"{source.name.replace(' ', '_')[:100]}-{source.pk.hex[-8:]}-build.{build.number}"


@transaction.atomic
def _record_candidate(build: Build, artifact: Artifact, *, now: datetime) -> Build:
    build = _locked(build.pk)
    if build.state != Build.State.BUILT:
        return build
    older = open_candidates(build.source)
    source = build.source
    subversion = catalog.add_subversion(
        version=source.version, artifact=artifact, created_by=source.owner, now=now, actor=WORKER
    )
    build.state, build.finished_at = Build.State.SUCCEEDED, now
    build.artifact, build.subversion, build.output_digest = artifact, subversion, artifact.digest
    build.save(update_fields=["state", "finished_at", "artifact", "subversion", "output_digest"])
    record(
        Verb.BUILD_SUCCEEDED,
        actor=WORKER,
        subject=subject_of(build),
        at=now,
        data={
            "subversion": str(subversion.pk),
            "name": str(subversion),
            "artifact": str(artifact.pk),
            "digest": artifact.digest,
            "older_candidates": [str(one) for one in older],
        },
    )
    return build


def _locked(build_id: UUID) -> Build:
    rows = Build.objects.select_for_update(of=("self",))
    return rows.select_related("source__version__image", "source__owner").get(pk=build_id)
