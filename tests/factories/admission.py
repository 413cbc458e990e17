"""Published snapshots, clusters, gates and certified subversions for tests."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from admission import services, snapshot_keys
from admission.models import Gate
from admission.publisher import Publisher
from admission.tuf_repository import TufRepository
from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from catalog.models import Image, Subversion, Version
from registry.models import Artifact
from tests.factories.accounts import PersonFactory

ACTOR = Actor.system("test")


def publisher_in(directory: Path, *, now: datetime, timestamp_seconds: float = 900) -> Publisher:
    """A publisher with new keys, writing where the portal reads."""
    snapshot_keys.make(directory / "keys", directory / "keys" / "root", now=now)
    return publisher_of(directory, timestamp_seconds=timestamp_seconds)


def publisher_of(directory: Path, *, timestamp_seconds: float = 900) -> Publisher:
    """Another publisher with the same keys: after a restart."""
    keys = snapshot_keys.load(str(directory / "keys"))
    repository = TufRepository(Path(settings.GOLDGATE_HOME) / "snapshots", keys, timestamp_seconds=timestamp_seconds)
    return Publisher(repository, root_expires_at=keys.root.expires)


def enrolled_gate(*, now: datetime, cluster: str = "east") -> tuple[Gate, str]:
    """A gate of a new cluster, and its secret."""
    row = services.add_cluster(name=cluster, actor=ACTOR, now=now)
    _, secret = services.create_enrolment_token(cluster=row, actor=ACTOR, now=now)
    return services.enrol_gate(secret=secret, name="gate-1", now=now)


def subversion_of(artifact: Artifact, *, now: datetime, name: str = "12.15-20261124.1", **fields: Any) -> Subversion:
    """A candidate ``debian/12`` pinned to the artifact; ``fields`` are validity columns."""
    person = PersonFactory()
    image, _ = Image.objects.get_or_create(name="debian", defaults={"created_at": now, "created_by": person})
    version, _ = Version.objects.get_or_create(
        image=image, name="12", defaults={"created_at": now, "created_by": person}
    )
    made = {"version": version, "name": name, "created_at": now, "created_by": person}
    found, _ = Subversion.objects.update_or_create(artifact=artifact, defaults=fields, create_defaults=made | fields)
    return found


def certified_subversion(
    artifact: Artifact, *, now: datetime, repository: str = "registry.example/golden/debian", **fields: Any
) -> Subversion:
    """A subversion that is certified for 90 days."""
    return subversion_of(
        artifact,
        now=now,
        certified_from=now,
        certified_until=now + timedelta(days=90),
        certified_repository=repository,
        certified_digest=artifact.digest,
        **fields,
    )


def decision_row(decision_id: str, *, at: datetime, digest: str, allowed: bool = True, **fields: Any) -> dict[str, Any]:
    """A decision as a gate ships it."""
    return {
        "id": decision_id,
        "short_id": "",
        "cluster": "whatever the gate says",
        "at": at.isoformat().replace("+00:00", "Z"),
        "operation": "CREATE",
        "object_kind": "Pod",
        "object_namespace": "shop",
        "object_name": "web",
        "object_uid": "",
        "user": "alice",
        "user_uid": "",
        "groups": [],
        "owner_refs": [],
        "allowed": allowed,
        "message": "",
        "failed_codes": [] if allowed else ["approved"],
        "digests": [digest],
        "images": [],
        "warnings": [],
        "snapshot_version": 1,
        "policy_version": 1,
        "valid_until": None,
    } | fields


def deed(verb: Verb, subversion: Subversion, now: datetime) -> None:
    """The record of a deed about a subversion, alone."""
    with transaction.atomic():
        subject = Subject(kind="subversion", id=str(subversion.pk), label=subversion.name)
        record(verb, actor=ACTOR, subject=subject, at=now)


def revoke(subversion: Subversion, now: datetime) -> None:
    """The column and the record of a revocation."""
    Subversion.objects.filter(pk=subversion.pk).update(revoked_at=now, reason="bad")
    deed(Verb.SUBVERSION_REVOKED, subversion, now)
