"""Imports: asked in one transaction, done by a job, each once."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import uuid6
from django.conf import settings
from django.db import transaction

from accounts.models import Person
from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from core.errors import FieldError, GoldgateError
from oci.digest import Digest
from oci.errors import MalformedReference
from oci.platform import Platform
from oci.reference import Reference
from registry import selectors
from registry.adapters.archive import MAX_ARCHIVE_BYTES, Archive
from registry.adapters.interface import ArtifactSource, FetchedManifest, RegistrySide, RepositorySource
from registry.adapters.sides import side_for
from registry.errors import BodyTooLarge, ImportListWrong, MalformedArchive, NotInRegistry
from registry.models import Artifact, Import, Repository, TagSeen
from registry.services.contents import Gathered, gather
from registry.services.progress import Meter, Report, silent
from registry.services.records import record_artifacts, record_place
from registry.services.registries import ensure_repository

MAX_LIST_LINES = 500
MAX_PLATFORMS = 50
# Long enough for a person to see why an import failed and to try it again.
UPLOADS_STAY = timedelta(days=7)


@transaction.atomic
def import_reference(
    *,
    reference: str,
    platforms: Sequence[str] = (),
    requested_by: Person,
    now: datetime,
    actor: Actor | None = None,
) -> Import:
    """Ask for the image that ``reference`` names; a job fetches it. ``platforms`` like linux/amd64; none = all.

    Raises MalformedReference, ReferenceNotCanonical, MalformedPlatform; RegistryUnknown: images come only from
    listed registries.
    """
    parsed = Reference.parse(reference)
    if not parsed.tag and not parsed.digest:
        raise MalformedReference(
            f"{reference!r} names no version.", cure=f"Write {reference}:TAG or {reference}@sha256:…."
        )
    registry = selectors.registry_for_host(parsed.registry)
    asked = Import(
        kind=Import.Kind.REFERENCE,
        asked_reference=reference,
        repository=ensure_repository(registry=registry, path=parsed.repository, now=now),
        resolved_digest=str(parsed.digest) if parsed.digest else "",
        platforms=_platforms(platforms),
        requested_by=requested_by,
        created_at=now,
    )
    return _ask(asked, actor or requested_by.as_actor(), now)


def import_list(*, text: str, requested_by: Person, now: datetime, actor: Actor | None = None) -> list[Import]:
    """Ask for each image of a list: one reference a line, platforms after it, ``#`` begins a comment.

    All or none. Raises ImportListWrong with one entry for each line that cannot be asked.
    """
    lines = [(at, line.partition("#")[0].split()) for at, line in enumerate(text.splitlines(), start=1)]
    wanted = [(at, parts) for at, parts in lines if parts]
    if not wanted or len(wanted) > MAX_LIST_LINES:
        raise ImportListWrong(f"The list has {len(wanted)} references.", cure=f"Give 1 to {MAX_LIST_LINES} of them.")
    asked: list[Import] = []
    wrong: list[FieldError] = []
    with transaction.atomic():
        for at, (reference, *platforms) in wanted:
            try:
                one = import_reference(
                    reference=reference, platforms=platforms, requested_by=requested_by, now=now, actor=actor
                )
            except GoldgateError as error:
                wrong.append(FieldError(f"/text/{at}", error.code, f"Line {at}: {error}"))
            else:
                asked.append(one)
        if wrong:
            raise ImportListWrong(" ".join(one.detail for one in wrong[:5]), cure="Nothing was asked.", errors=wrong)
    return asked


def import_archive(
    *,
    chunks: Iterable[bytes],
    name: str = "",
    platforms: Sequence[str] = (),
    requested_by: Person,
    now: datetime,
    actor: Actor | None = None,
) -> Import:
    """Take an OCI archive in; a job reads it. ``name`` chooses among several images in it.

    What is no archive, or needs a choice, is refused before anything is recorded. An archive says nothing about a
    repository, so its images are known, and in none.
    Raises MalformedArchive, ArchiveNeedsChoice, BodyTooLarge, MalformedPlatform.
    """
    wanted = _platforms(platforms)
    import_id = uuid6.uuid7()
    path = archive_path(import_id)
    try:
        size = _receive(path, chunks)
        with Archive(path) as archive:
            chosen = archive.choose(name)
        asked = Import(
            id=import_id,
            kind=Import.Kind.ARCHIVE,
            asked_reference=name,
            resolved_digest=str(chosen.digest),
            platforms=wanted,
            archive_bytes=size,
            requested_by=requested_by,
            created_at=now,
        )
        with transaction.atomic():
            return _ask(asked, actor or requested_by.as_actor(), now)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def run_import(*, import_id: UUID | str, now: datetime, progress: Report = silent) -> Artifact:
    """Fetch what the import asks for and record it; the artifact. Running it again, after any death, yields once.

    Raises ImportUnknown; what the registry or archive raises; MalformedDocument and its kinds; PlatformMissing;
    LayerNotAsClaimed.
    """
    asked = selectors.import_by_id(import_id)
    if asked.artifact is not None:
        return asked.artifact
    meter = Meter(progress)
    wanted = [Platform.parse(one) for one in asked.platforms]
    if asked.kind == Import.Kind.ARCHIVE:
        with _open_archive(asked) as archive:
            chosen = archive.choose(asked.resolved_digest)
            top = FetchedManifest(archive.manifest(chosen.digest), chosen.media_type, chosen.digest)
            gathered = gather(archive, top, platforms=wanted, meter=meter, now=now)
    else:
        source, top = _resolve(asked, meter=meter, now=now)
        gathered = gather(source, top, platforms=wanted, meter=meter, now=now)
    artifact = _finish(asked.pk, gathered, now=now)
    archive_path(asked.pk).unlink(missing_ok=True)
    meter.say("Imported.")
    return artifact


def fail_import(*, import_id: UUID | str, failure: str, now: datetime) -> None:
    """Say on the import why it ended without an artifact. Its job can be tried again by a person."""
    open_ones = Import.objects.filter(pk=import_id).exclude(state=Import.State.DONE)
    open_ones.update(state=Import.State.FAILED, failure=failure[:4000], finished_at=now)


def prune_uploads(*, now: datetime) -> int:
    """Remove archives whose import ended or was given up ``UPLOADS_STAY`` ago; how many."""
    found = [path for path in archive_path(uuid6.uuid7()).parent.glob("*.tar") if _is_abandoned(path, now)]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def _is_abandoned(path: Path, now: datetime) -> bool:
    try:
        return path.stat().st_mtime < (now - UPLOADS_STAY).timestamp()
    except FileNotFoundError:
        return False


def archive_path(import_id: UUID) -> Path:
    """Where an uploaded archive waits for its job."""
    return Path(settings.GOLDGATE_HOME) / "uploads" / f"{import_id}.tar"


def _platforms(texts: Sequence[str]) -> list[str]:
    return sorted({str(Platform.parse(text)) for text in texts[:MAX_PLATFORMS]})


def _ask(asked: Import, actor: Actor, now: datetime) -> Import:
    asked.save(force_insert=True)
    record(
        Verb.IMPORT_ASKED,
        actor=actor,
        subject=_subject(asked),
        at=now,
        data={"kind": asked.kind, "reference": asked.asked_reference, "platforms": asked.platforms},
    )
    return asked


def _subject(asked: Import) -> Subject:
    return Subject("import", str(asked.pk), asked.asked_reference or asked.resolved_digest)


def _receive(path: Path, chunks: Iterable[bytes]) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with path.open("xb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > MAX_ARCHIVE_BYTES:
                raise BodyTooLarge(
                    f"The archive is larger than {MAX_ARCHIVE_BYTES} bytes.", cure="Push it to a registry."
                )
            file.write(chunk)
    if not size:
        raise MalformedArchive("The body is empty.", cure="Send the archive's bytes as application/x-tar.")
    return size


def _resolve(asked: Import, *, meter: Meter, now: datetime) -> tuple[ArtifactSource, FetchedManifest]:
    """What the import stands for: the tag is asked for once, ever; from then on the digest."""
    repository = asked.repository
    if repository is None:
        raise RuntimeError("an import by reference has a repository")
    reference = Reference.parse(asked.asked_reference)
    side: RegistrySide = side_for(repository.registry)
    source = RepositorySource(side, repository.path)
    meter.say(f"Asking {repository.registry.name} for {asked.asked_reference}.")
    if asked.resolved_digest:
        return source, side.get_manifest(repository.path, asked.resolved_digest)
    top = side.get_manifest(repository.path, reference.tag)
    digest = _record_tag(asked, repository, reference.tag, top.digest, now=now)
    if digest != top.digest:  # another run of this import was first; its answer counts
        return source, side.get_manifest(repository.path, str(digest))
    return source, top


@transaction.atomic
def _record_tag(asked: Import, repository: Repository, tag: str, digest: Digest, *, now: datetime) -> Digest:
    """The digest that the tag stood for when it was first asked."""
    row = Import.objects.select_for_update().get(pk=asked.pk)
    if row.resolved_digest:
        return Digest.parse(row.resolved_digest)
    row.resolved_digest = str(digest)
    row.save(update_fields=["resolved_digest"])
    TagSeen.objects.get_or_create(repository=repository, tag=tag, digest=str(digest), seen_at=now)
    return digest


@transaction.atomic
def _finish(import_id: UUID, gathered: Gathered, *, now: datetime) -> Artifact:
    # Locked: of two runs of one import, the second finds the first one's artifact and writes nothing.
    row = Import.objects.select_for_update(of=("self",)).select_related("repository").get(pk=import_id)
    if row.artifact is not None:
        return row.artifact
    artifact, new = record_artifacts(gathered, now=now)
    if row.repository is not None:
        everything = Artifact.objects.filter(digest__in=[str(one.digest) for one in gathered.everything()])
        record_place(everything, row.repository, now=now)
        TagSeen.objects.filter(repository=row.repository, digest=row.resolved_digest, artifact__isnull=True).update(
            artifact=artifact
        )
    row.artifact, row.state, row.finished_at, row.failure = artifact, Import.State.DONE, now, ""
    row.upstream_index_digest = gathered.upstream_digest
    row.warnings = [warning for one in gathered.everything() for warning in one.warnings]
    row.save()
    # An index is announced together with the images in it that are new: each has evidence of its own.
    for one in {artifact.pk: artifact, **{one.pk: one for one in new}}.values():
        record(
            Verb.ARTIFACT_IMPORTED,
            actor=Actor.system("worker"),
            subject=Subject("artifact", str(one.pk), one.digest),
            at=now,
            data={"import": str(row.pk), "kind": one.kind, "reference": row.asked_reference},
        )
    return artifact


def _open_archive(asked: Import) -> Archive:
    path = archive_path(asked.pk)
    if not path.is_file():
        raise NotInRegistry("The uploaded archive is no longer here.", cure="Upload it again.")
    return Archive(path)
