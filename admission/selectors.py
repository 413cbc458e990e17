"""What is published, who fetches it, and what was decided."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Subquery
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root

from admission.errors import ClusterMissing, DecisionMissing, GateMissing
from admission.models import Cluster, Decision, Gate, SnapshotChange, SnapshotPublication
from admission.published import snapshots_home
from admission.services.gates import sha256_of_secret
from admission.snapshot_keys import fingerprint_of
from catalog.models import Subversion

SILENT_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class GateHealth:
    """A gate, and whether it was heard lately and answers from the newest snapshot."""

    gate: Gate
    is_silent: bool
    versions_behind: int | None  # None: it never said


def clusters() -> QuerySet[Cluster]:
    """Every cluster by name, with how many gates it has."""
    is_live = Q(gates__retired_at__isnull=True)
    return Cluster.objects.annotate(gate_count=Count("gates", filter=is_live)).order_by("name")


def cluster_by_name(name: str) -> Cluster:
    """Raises ClusterMissing."""
    found = Cluster.objects.filter(name=name).first()
    if found is None:
        raise ClusterMissing(f"There is no cluster {name[:80]!r}.", cure="See the list of clusters.")
    return found


def gates() -> QuerySet[Gate]:
    """Every gate with its cluster, newest first."""
    return Gate.objects.select_related("cluster").order_by("-enrolled_at", "-id")


def gate_by_id(gate_id: UUID | str) -> Gate:
    """Raises GateMissing."""
    found = gates().filter(pk=gate_id).first()
    if found is None:
        raise GateMissing("There is no such gate.")
    return found


def gate_of_secret(secret: str) -> Gate | None:
    """The live gate whose token this is."""
    return gates().filter(token_sha256=sha256_of_secret(secret), retired_at__isnull=True).first()


def gate_health(at: datetime) -> list[GateHealth]:
    """Every gate that is not retired, by cluster and name. One query."""
    newest = Subquery(SnapshotPublication.objects.order_by("-version").values("version")[:1])
    rows = gates().filter(retired_at__isnull=True).annotate(newest=newest)
    return [
        GateHealth(
            gate=gate,
            is_silent=gate.last_seen_at is None or at - gate.last_seen_at > SILENT_AFTER,
            versions_behind=gate.newest - gate.snapshot_version
            if gate.newest is not None and gate.snapshot_version is not None
            else None,
        )
        for gate in rows.order_by("cluster__name", "name", "id")
    ]


def decisions() -> QuerySet[Decision]:
    """Every decision with its cluster and gate, newest first."""
    return Decision.objects.select_related("cluster", "gate").order_by("-at", "-id")


def decisions_matching(  # noqa: PLR0913 - one a filter
    *,
    allowed: bool | None = None,
    check: str = "",
    cluster: str = "",
    namespace: str = "",
    user: str = "",
    digest: str = "",
) -> QuerySet[Decision]:
    """Decisions, newest first; narrowed to an answer, a check that did not pass, a place, who asked, a digest."""
    found = decisions()
    if allowed is not None:
        found = found.filter(allowed=allowed)
    if check:
        found = found.filter(failed_codes__contains=[check])
    if digest:
        found = found.filter(digests__contains=[digest])
    exact = {"cluster__name": cluster, "object_namespace": namespace, "user": user}
    return found.filter(**{name: value for name, value in exact.items() if value})


def decision_by_id(decision_id: UUID | str) -> Decision:
    """By its id, or the short one that a cluster showed. Raises DecisionMissing."""
    text = str(decision_id)
    try:
        found = decisions().filter(pk=UUID(text)).first()
    except ValueError:
        found = decisions().filter(short_id=text.upper()).first()
    if found is None:
        raise DecisionMissing(
            f"There is no decision {text[:40]!r} here yet.",
            cure="A gate ships its decisions within seconds; try again.",
        )
    return found


def newest_publication() -> SnapshotPublication | None:
    """The newest snapshot that a publisher confirmed."""
    return SnapshotPublication.objects.order_by("-version").first()


def is_published(subversion: Subversion) -> bool:
    """Whether every deed about the subversion stands in a snapshot in force; until then, say "not yet published"."""
    return not unpublished_changes(subversion).exists() and SnapshotPublication.objects.exists()


def unpublished_changes(subversion: Subversion) -> QuerySet[SnapshotChange]:
    """Deeds about the subversion that no snapshot says yet."""
    return SnapshotChange.objects.filter(
        subject_kind="subversion", subject_id=str(subversion.pk), publication__isnull=True
    )


def published_at(subversion: Subversion) -> datetime | None:
    """When the newest deed about the subversion came into force at the gates' source; None while it has not."""
    newest = (
        SnapshotChange.objects.filter(subject_kind="subversion", subject_id=str(subversion.pk))
        .select_related("publication")
        .order_by("-id")
        .first()
    )
    return newest.publication.published_at if newest and newest.publication else None


def root_fingerprint() -> str:
    """Hex SHA-256 of the first root, where a gate's trust begins; "" before anything was published."""
    try:
        return fingerprint_of((snapshots_home() / "metadata" / "1.root.json").read_bytes())
    except OSError:
        return ""


def root_expires_at() -> datetime | None:
    """When the root in force ends: a gate that has no newer one stops then."""
    paths = sorted(
        (snapshots_home() / "metadata").glob("*.root.json"), key=lambda path: int(path.name.partition(".")[0])
    )
    try:
        return Metadata[Root].from_bytes(paths[-1].read_bytes()).signed.expires if paths else None
    except (OSError, RepositoryError):
        return None


def publisher_status() -> dict[str, Any]:
    """What the publisher last said of itself (``admission.publisher.Status``); empty before it ever ran."""
    try:
        found = json.loads((snapshots_home() / "status.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
