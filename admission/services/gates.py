"""Clusters and gates: added, enrolled once, heard of, retired."""

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from admission.errors import ClusterExists, EnrolmentRefused, GateMissing, MalformedClusterName
from admission.models import CLUSTER_NAME, Cluster, EnrolmentToken, Gate
from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb

ENROLMENT_PREFIX = "gge_"
GATE_PREFIX = "ggg_"
ENROLMENT_HOURS = 24


def add_cluster(*, name: str, description: str = "", actor: Actor, now: datetime) -> Cluster:
    """Make a cluster known. Raises MalformedClusterName; ClusterExists."""
    if not re.fullmatch(CLUSTER_NAME.strip("^$"), name):
        raise MalformedClusterName(
            f"{name[:80]!r} is no cluster name.", cure="Use lower-case letters, digits and dashes, at most 63."
        )
    try:
        with transaction.atomic():
            cluster = Cluster.objects.create(
                name=name, description=description[:500], created_at=now, created_by_name=actor.name
            )
            record(Verb.CLUSTER_ADDED, actor=actor, subject=_cluster_subject(cluster), at=now)
    except IntegrityError as error:
        raise ClusterExists(f"There is a cluster {name} already.") from error
    return cluster


@transaction.atomic
def create_enrolment_token(
    *, cluster: Cluster, actor: Actor, now: datetime, hours: int = ENROLMENT_HOURS
) -> tuple[EnrolmentToken, str]:
    """A token that lets one gate join ``cluster``, once; and its secret, which is not kept."""
    secret = ENROLMENT_PREFIX + secrets.token_urlsafe(32)
    token = EnrolmentToken.objects.create(
        cluster=cluster,
        sha256=sha256_of_secret(secret),
        created_at=now,
        created_by_name=actor.name,
        expires_at=now + timedelta(hours=hours),
    )
    record(
        Verb.GATE_TOKEN_CREATED,
        actor=actor,
        subject=_cluster_subject(cluster),
        at=now,
        data={"token_id": str(token.pk), "expires_at": token.expires_at.isoformat()},
    )
    return token, secret


@transaction.atomic
def enrol_gate(*, secret: str, name: str = "", now: datetime) -> tuple[Gate, str]:
    """Use an enrolment token up; the gate and its own secret, which is not kept.

    Raises EnrolmentRefused for a token that is unknown, used or expired; it is not said which.
    """
    # Locked: of two gates with the same token one joins.
    token = (
        EnrolmentToken.objects.select_for_update(of=("self",))
        .select_related("cluster")
        .filter(sha256=sha256_of_secret(secret), used_at__isnull=True, expires_at__gt=now)
        .first()
    )
    if token is None:
        raise EnrolmentRefused(
            "The enrolment token is not valid.", cure="Make a new one on the page Clusters: each is good for one gate."
        )
    gate_secret = GATE_PREFIX + secrets.token_urlsafe(32)
    gate = Gate.objects.create(
        cluster=token.cluster,
        name=name[:253] or f"gate-{token.pk.hex[-6:]}",
        token_sha256=sha256_of_secret(gate_secret),
        enrolled_at=now,
    )
    token.used_at, token.gate = now, gate
    token.save(update_fields=["used_at", "gate"])
    record(
        Verb.GATE_ENROLLED,
        actor=actor_of(gate),
        subject=_gate_subject(gate),
        at=now,
        data={"cluster": gate.cluster.name, "token_id": str(token.pk)},
    )
    return gate, gate_secret


def note_heartbeat(*, gate: Gate, said: dict[str, Any], now: datetime) -> None:
    """Keep what a gate says of itself. Its own word: shown, never trusted for a verdict. Not recorded: no deed."""
    fields = (
        *("snapshot_version", "spool_depth", "software_version"),
        *("ca_bundle_pem", "webhook_url", "asks_callers_for"),
    )
    Gate.objects.filter(pk=gate.pk).update(last_seen_at=now, **{key: said[key] for key in fields if key in said})


@transaction.atomic
def retire_gate(*, gate_id: UUID, actor: Actor, now: datetime) -> Gate:
    """End a gate's credential at once. Raises GateMissing."""
    gate = Gate.objects.select_for_update(of=("self",)).select_related("cluster").filter(pk=gate_id).first()
    if gate is None:
        raise GateMissing("There is no such gate.")
    if gate.retired_at is None:
        gate.retired_at = now
        gate.save(update_fields=["retired_at"])
        record(Verb.GATE_RETIRED, actor=actor, subject=_gate_subject(gate), at=now)
    return gate


def sha256_of_secret(secret: str) -> str:
    """How a token is kept: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def actor_of(gate: Gate) -> Actor:
    """The gate as the record names it."""
    return Actor(kind="gate", id=str(gate.pk), name=str(gate))


def _cluster_subject(cluster: Cluster) -> Subject:
    return Subject(kind="cluster", id=str(cluster.pk), label=cluster.name)


def _gate_subject(gate: Gate) -> Subject:
    return Subject(kind="gate", id=str(gate.pk), label=str(gate))
