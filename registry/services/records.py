"""Writing down what was gathered: artifacts, children, layers, lineage. Called inside the deed's transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from oci.chain import chain_ids
from oci.manifest import Manifest, is_attestation
from registry.domain.lineage import Stand, history_of, judge
from registry.models import (
    Artifact,
    ArtifactChild,
    ArtifactLayer,
    Lineage,
    Repository,
    RepositoryArtifact,
)
from registry.services.contents import Gathered

# One recording at a time (they are short): two images recorded at once, each the other's base, must see each other.
_RECORDING_LOCK = 7_306_351


def record_artifacts(root: Gathered, *, now: datetime) -> tuple[Artifact, list[Artifact]]:
    """Write ``root`` and its children, once each; the root, and those that were not known before."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_RECORDING_LOCK])
    gathered = {str(one.digest): one for one in root.everything()}
    known = {row.digest: row for row in Artifact.objects.filter(digest__in=gathered)}
    new = [_row(one, now) for digest, one in gathered.items() if digest not in known]
    Artifact.objects.bulk_create(new)
    rows = known | {row.digest: row for row in new}
    for row in new:
        _write_parts(row, gathered[row.digest], rows)
    link_lineage([row for row in new if row.layer_count])
    return rows[str(root.digest)], new


def record_place(artifacts: Iterable[Artifact], repository: Repository, *, now: datetime) -> None:
    """That they were seen in ``repository``; the first time counts."""
    RepositoryArtifact.objects.bulk_create(
        [RepositoryArtifact(repository=repository, artifact=artifact, first_seen_at=now) for artifact in artifacts],
        ignore_conflicts=True,
    )


def link_lineage(new: Sequence[Artifact]) -> None:
    """Judge the ancestors of the new images, and again those of every image that stands on one of them.

    Five queries, however many images there are.
    """
    if not new:
        return
    on_new = ArtifactLayer.objects.filter(chain_id__in={row.top_chain_id for row in new})
    affected_ids = set(on_new.values_list("artifact_id", flat=True))
    links = ArtifactLayer.objects.filter(artifact_id__in=affected_ids).values_list("artifact_id", "chain_id")
    chains: dict[UUID, list[str]] = {artifact_id: [] for artifact_id in affected_ids}
    for artifact_id, chain_id in links:
        chains[artifact_id].append(chain_id)
    every_chain = {chain_id for found in chains.values() for chain_id in found}
    # An affected image stands at its own top chain id, so this reads both sides at once.
    candidates = Artifact.objects.filter(kind=Artifact.Kind.IMAGE, top_chain_id__in=every_chain)
    by_chain: dict[str, list[Stand]] = {}
    stands: dict[UUID, Stand] = {}
    for pk, top, count, history in candidates.values_list("pk", "top_chain_id", "layer_count", "history"):
        stands[pk] = Stand(pk, count, history_of(history))
        by_chain.setdefault(top, []).append(stands[pk])
    Lineage.objects.filter(artifact_id__in=affected_ids).delete()
    Lineage.objects.bulk_create(
        [
            Lineage(
                artifact_id=artifact_id,
                ancestor_id=ancestor.artifact_id,
                shared_layers=ancestor.shared_layers,
                is_nearest=ancestor.is_nearest,
                certainty=ancestor.certainty,
            )
            for artifact_id in affected_ids
            if artifact_id in stands
            for ancestor in judge(
                stands[artifact_id], [one for chain in chains[artifact_id] for one in by_chain.get(chain, [])]
            )
        ],
        batch_size=2000,
    )


def _row(one: Gathered, now: datetime) -> Artifact:
    manifest, config = one.manifest, one.config
    row = Artifact(
        digest=str(one.digest),
        media_type=manifest.media_type,
        artifact_type=manifest.artifact_type,
        kind=one.kind,
        manifest_bytes=one.body_size,
        size_bytes=sum(part.body_size for part in one.everything()) + sum(one.blobs().values()),
        subject_digest=str(manifest.subject.digest) if manifest.subject else "",
        annotations=dict(manifest.annotations),
        config_digest=str(manifest.config.digest) if isinstance(manifest, Manifest) else "",
        created_at=now,
    )
    if config is not None:
        chain = chain_ids(config.diff_ids)
        row.architecture, row.os, row.variant = config.architecture, config.os, config.variant
        row.user, row.env, row.labels = config.user, list(config.env), dict(config.labels)
        row.entrypoint, row.cmd, row.image_created = list(config.entrypoint), list(config.cmd), config.created[:64]
        row.diff_ids = [str(diff_id) for diff_id in config.diff_ids]
        row.history = [[step.created, step.created_by, step.is_empty_layer] for step in config.history]
        row.top_chain_id, row.layer_count = (str(chain[-1]) if chain else ""), len(chain)
    return row


def _write_parts(row: Artifact, one: Gathered, rows: dict[str, Artifact]) -> None:
    if one.config is not None:
        chain = chain_ids(one.config.diff_ids)
        ArtifactLayer.objects.bulk_create(
            ArtifactLayer(artifact=row, layer=layer, position=position, chain_id=str(chain[position]))
            for position, layer in enumerate(one.layers)
        )
    ArtifactChild.objects.bulk_create(
        ArtifactChild(
            index=row,
            child=rows[str(child.digest)],
            position=position,
            kind=_child_kind(child),
            platform=str(child.descriptor.platform) if child.descriptor and child.descriptor.platform else "",
        )
        for position, child in enumerate(one.children)
    )


def _child_kind(child: Gathered) -> ArtifactChild.Kind:
    """By what the index says alone, as a runtime chooses: what the child holds is its own affair."""
    is_never_run = child.descriptor is not None and is_attestation(child.descriptor)
    return ArtifactChild.Kind.ATTESTATION if is_never_run else ArtifactChild.Kind.RUNNABLE
