"""OCI archives that Goldgate itself made: taken in without an upload, and looked at without being taken in."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from oci.manifest import Index, Manifest, parse_manifest
from oci.platform import Platform
from oci.strict_json import strict_json
from registry.adapters.archive import Archive
from registry.adapters.interface import FetchedManifest
from registry.models import Artifact
from registry.services.contents import gather
from registry.services.progress import Meter, Report, silent
from registry.services.records import record_artifacts


def take_archive(
    *, path: Path, data: Mapping[str, Any], now: datetime, progress: Report = silent, actor: Actor | None = None
) -> Artifact:
    """Record the one image in the archive at ``path``; taking it in again, after any death, yields the same.

    ``data`` stands in the record of each artifact that was not known before.
    Raises MalformedArchive, ArchiveNeedsChoice; MalformedDocument and its kinds; LayerNotAsClaimed.
    """
    meter = Meter(progress)
    with Archive(path) as archive:
        chosen = archive.choose()
        top = FetchedManifest(archive.manifest(chosen.digest), chosen.media_type, chosen.digest)
        gathered = gather(archive, top, platforms=[], meter=meter, now=now)
    with transaction.atomic():
        artifact, new = record_artifacts(gathered, now=now)
        for one in new:
            record(
                Verb.ARTIFACT_IMPORTED,
                actor=actor or Actor.system("worker"),
                subject=Subject("artifact", str(one.pk), one.digest),
                at=now,
                data={"kind": one.kind, **data},
            )
    return artifact


def configs_in_archive(path: Path) -> dict[str, dict[str, Any]]:
    """Platform to image configuration, of everything runnable in the archive's one image. Nothing is stored.

    What the configurations claim is not checked against the layers. Raises MalformedArchive, ArchiveNeedsChoice;
    MalformedDocument and its kinds; NotInRegistry.
    """
    with Archive(path) as archive:
        chosen = archive.choose()
        top = parse_manifest(archive.manifest(chosen.digest), chosen.media_type)
        if isinstance(top, Manifest):
            return {"": _config(archive, top)}
        return _children(archive, top)


def _children(archive: Archive, index: Index) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for child in index.runnable:
        manifest = parse_manifest(archive.manifest(child.digest), child.media_type)
        if isinstance(manifest, Manifest):
            found[_platform(child.platform)] = _config(archive, manifest)
    return found


def _platform(platform: Platform | None) -> str:
    return str(platform) if platform else ""


def _config(archive: Archive, manifest: Manifest) -> dict[str, Any]:
    return strict_json(archive.manifest(manifest.config.digest), what="image configuration")
