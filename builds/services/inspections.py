"""Looks into the files of images: reads their layers in a child, stores the list, holds them against the rules."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO
from uuid import UUID

import zstandard
from django.db import transaction
from django.db.models import F

from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from builds.adapters.layer_reader.parent import ImageFiles, LayerBlob, Sight, read_layers
from builds.domain.image_rules import RULES_VERSION, Examination, ImageCheck
from builds.domain.image_rules.checking import Secret, Surroundings
from builds.domain.layer_files import to_line
from builds.errors import LayersRefused
from builds.models import Check, Inspection
from builds.selectors.inspections import inspection_of, setuid_of_base
from builds.selectors.run_configurations import run_configuration_of
from catalog.models import Image
from catalog.selectors import subversion_by_digest, subversion_by_id
from jobs.services import enqueue_many, ensure_schedule
from registry.blobs import kept_blobs, layer_cache
from registry.errors import BlobMissing, BodyTooLarge
from registry.models import Artifact
from registry.selectors import artifact_by_id, layers_of, runnable_images
from registry.services.layers import ensure_cached
from registry.services.progress import Meter
from scans.adapters.scratch import scratch
from scans.domain.inventory import ReportMalformed, owned_paths
from scans.models import Inventory
from scans.selectors import latest_inventory

WORKER = Actor.system("worker")
MAX_LIST_BYTES = 1024**3
MAX_REPORT_BYTES = 64 * 1024**2  # a larger inventory is not read for what packages own
MAX_A_NIGHT = 200  # images: a new set of rules must not hold up what people wait for
SCHEDULE = "Look again into files by newer rules"
AT_NIGHT = "40 3 * * *"
_PIECE_BYTES = 1024**2
Progress = Callable[..., None]


def _silent(**_: object) -> None:
    """Reports nothing."""


@transaction.atomic
def ask_inspection(*, artifact: Artifact, actor: Actor, now: datetime) -> None:
    """Have the files of an artifact looked into; the job follows from the record."""
    record(Verb.INSPECTION_ASKED, actor=actor, subject=_subject(artifact), at=now)


def inspect_subversion(
    subversion_id: UUID | str,
    *,
    now: datetime,
    progress: Progress = _silent,
    check: Callable[[], None] = lambda: None,
) -> list[Inspection]:
    """``inspect_artifact`` for what a subversion pins. Raises NoSuchImage, and what that raises."""
    artifact = subversion_by_id(subversion_id).artifact
    return inspect_artifact(artifact.pk, now=now, progress=progress, check=check)


def inspect_artifact(
    artifact_id: UUID | str,
    *,
    now: datetime,
    progress: Progress = _silent,
    check: Callable[[], None] = lambda: None,
) -> list[Inspection]:
    """Look into every runnable image of an artifact that was not looked into by these rules; all their inspections.

    What cannot be read leaves a failed inspection with its reason, and the other images go on.
    Raises ArtifactUnknown; RegistryUnavailable when a layer has to be fetched again and the registry does not answer.
    """
    artifact = artifact_by_id(artifact_id)
    images = runnable_images(artifact)
    found: list[Inspection] = []
    for position, image in enumerate(images):
        progress(done=position, total=len(images), unit="images", text=f"reading {image.platform or image.digest}")
        known = inspection_of(image)
        found.append(known if known and _is_done(known) else _inspect(image, now=now, check=check))
    with transaction.atomic():
        ensure_schedule(SCHEDULE, "builds.inspect_outdated", crontab=AT_NIGHT)
        _record(artifact, found, now=now)
    return found


def ask_outdated(*, now: datetime) -> int:
    """Have those images looked into again of whose files more can be said by now; how many. At most ``MAX_A_NIGHT``.

    That is: newer rules, or an inventory that came later and says what packages own.
    """
    outdated = Inspection.objects.filter(rules_version__lt=RULES_VERSION).order_by("-inspected_at", "-pk")
    unexplained = Inspection.objects.filter(
        state=Inspection.State.COMPLETE,
        profile__is_ownership_known=False,
        artifact__inventories__coverage__has_package_database=True,
        artifact__inventories__created_at__gt=F("inspected_at"),
    ).order_by("-inspected_at", "-pk")
    rows = [*outdated[:MAX_A_NIGHT], *unexplained[:MAX_A_NIGHT]]
    chosen = list(dict.fromkeys(str(row.artifact_id) for row in rows))[:MAX_A_NIGHT]
    enqueue_many("builds.inspect", args_of={artifact_id: {} for artifact_id in chosen}, now=now)
    return len(chosen)


def _is_done(inspection: Inspection) -> bool:
    """Whether looking again would say nothing more."""
    if inspection.state != Inspection.State.COMPLETE or inspection.rules_version < RULES_VERSION:
        return False
    if inspection.profile.get("is_ownership_known"):
        return True
    inventory = latest_inventory(inspection.artifact)
    is_news = inventory is not None and inventory.created_at > inspection.inspected_at
    return not (is_news and inventory is not None and inventory.coverage.get("has_package_database"))


def _inspect(image: Artifact, *, now: datetime, check: Callable[[], None]) -> Inspection:
    try:
        blobs = _layer_blobs(image, check)
        variables = [f"{name}={value}" for name, value in run_configuration_of(image).env.items()]
        with (
            scratch("inspect-") as directory,
            read_layers(blobs, directory, environment=variables, check=check) as files,
        ):
            return _store(image, files, directory, now=now)
    except (LayersRefused, BlobMissing) as error:
        return _write(image, {"state": Inspection.State.FAILED, "failure": str(error)}, [], now=now)


def _layer_blobs(image: Artifact, check: Callable[[], None]) -> list[LayerBlob]:
    links = layers_of(image)
    if not links:
        raise LayersRefused("No layers of this image are known.", cure="Import it: then its files can be read.")
    blobs = []
    for link in links:
        ensure_cached(link.layer, meter=Meter(lambda **_: check()))
        path = layer_cache().path(link.layer.digest)
        blobs.append(LayerBlob(path, link.layer.digest, link.layer.size_bytes))
    return blobs


def _store(image: Artifact, files: ImageFiles, directory: Path, *, now: datetime) -> Inspection:
    sights = files.sights()
    seen = {sight.path for sight in sights}
    inventory = latest_inventory(image)
    surroundings = _surroundings(image, inventory)
    examination = Examination(surroundings)
    kept: dict[str, int] = {}  # path → the layer that its file is from, of what was seen
    with (directory / "files.zst").open("w+b") as packed:
        with zstandard.ZstdCompressor(level=6).stream_writer(packed, closefd=False) as writer:
            for entry in files.files():
                writer.write(to_line(entry))
                examination.see(entry)
                if entry.path in seen:
                    kept[entry.path] = entry.layer
        digest = _keep(packed)
    names = list(surroundings.configuration.env)
    checks = examination.checks(_secret(one, names, kept) for one in sights)
    profile = examination.profile(inventory.component_count if inventory else None)
    profile["layers"] = files.layers
    profile["secrets"] = files.sight_count
    profile["is_ownership_known"] = surroundings.owned is not None
    values = {
        "state": Inspection.State.COMPLETE,
        "failure": "",
        "files_digest": digest,
        "file_count": files.file_count,
        "unpacked_bytes": profile["bytes"],
        "profile": profile,
    }
    return _write(image, values, checks, now=now)


def _secret(sight: Sight, names: list[str], kept: dict[str, int]) -> Secret:
    is_variable = sight.layer < 0
    return Secret(
        path=sight.path,
        kind=sight.kind,
        line=sight.line,
        layer=sight.layer,
        is_certain=sight.is_certain,
        is_deleted=not is_variable and kept.get(sight.path) != sight.layer,
        variable=names[sight.line - 1] if is_variable and sight.line else "",
    )


def _keep(packed: IO[bytes]) -> str:
    """Store the list; its digest."""
    packed.seek(0)
    hasher = hashlib.sha256()
    for piece in _pieces(packed):
        hasher.update(piece)
    digest = f"sha256:{hasher.hexdigest()}"
    packed.seek(0)
    kept_blobs().put_stream(digest, _pieces(packed), max_bytes=MAX_LIST_BYTES)
    return digest


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PIECE_BYTES):
        yield piece


def _surroundings(image: Artifact, inventory: Inventory | None) -> Surroundings:
    subversion = subversion_by_digest(image.digest)
    purpose = subversion.version.image.purpose if subversion else Image.Purpose.RUNTIME
    return Surroundings(
        configuration=run_configuration_of(image),
        base_setuid=setuid_of_base(image),
        owned=_owned(inventory),
        is_runtime=purpose == Image.Purpose.RUNTIME,
    )


def _owned(inventory: Inventory | None) -> frozenset[str] | None:
    """Paths that packages own, without the leading slash; None where there is no package database to say so."""
    if inventory is None or not inventory.coverage.get("has_package_database"):
        return None
    try:
        report = kept_blobs().read(inventory.report_digest, MAX_REPORT_BYTES)
        return frozenset(path.lstrip("/") for path in owned_paths(report))
    except (BlobMissing, BodyTooLarge, ReportMalformed):
        return None


def _write(image: Artifact, values: dict[str, object], checks: Iterable[ImageCheck], *, now: datetime) -> Inspection:
    empty = {"files_digest": "", "file_count": 0, "unpacked_bytes": 0, "profile": {}}
    with transaction.atomic():
        # Two workers with the same image take turns; the later one writes the same again.
        Artifact.objects.select_for_update().get(pk=image.pk)
        inspection, _ = Inspection.objects.update_or_create(
            artifact=image, defaults={**empty, **values, "rules_version": RULES_VERSION, "inspected_at": now}
        )
        inspection.checks.all().delete()
        Check.objects.bulk_create(
            [
                Check(
                    inspection=inspection,
                    rule=one.rule,
                    severity=one.severity.value,
                    message=one.message,
                    remedy=one.remedy,
                    path=one.path,
                )
                for one in checks
            ]
        )
    return inspection


def _record(artifact: Artifact, found: list[Inspection], *, now: datetime) -> None:
    complete = [one for one in found if one.state == Inspection.State.COMPLETE]
    severities = list(Check.objects.filter(inspection__in=complete).values_list("severity", flat=True))
    record(
        Verb.ARTIFACT_INSPECTED,
        actor=WORKER,
        subject=_subject(artifact),
        at=now,
        data={
            "images": len(found),
            "inspected": len(complete),
            "rules_version": RULES_VERSION,
            **{f"{word}s": severities.count(word) for word in Check.Severity.values},
        },
    )


def _subject(artifact: Artifact) -> Subject:
    return Subject("artifact", str(artifact.pk), artifact.digest)
