"""What the certified side should hold, from what was published there."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from builds.domain.drift import OwnTag, RepositoryFacts
from builds.errors import DriftMissing
from builds.models import DriftAlarm, PullProbe
from catalog.models import Subversion
from catalog.selectors import usable_at
from registry.models import Repository, TagSeen
from signing.domain import cosign
from signing.models import Attestation, Publication, Signature


@dataclass(frozen=True, slots=True)
class CosignTag:
    """A tag beside a digest that holds what we signed: the layers that must be there, and the digest if only ours."""

    tag: str
    layers: frozenset[str]
    digest: str


def drift_alarms() -> QuerySet[DriftAlarm]:
    """Every drift alarm, newest first."""
    return DriftAlarm.objects.select_related("repository__registry", "closed_by").order_by("-opened_at", "-id")


def pull_probes() -> QuerySet[PullProbe]:
    """The last probe of each certified digest, those that failed first."""
    return PullProbe.objects.select_related("subversion__version__image", "subversion__artifact").order_by(
        "is_pullable", "-probed_at", "pk"
    )


def drift_alarm_by_id(alarm_id: UUID | str) -> DriftAlarm:
    """Raises DriftMissing."""
    found = drift_alarms().filter(pk=alarm_id).first()
    if found is None:
        raise DriftMissing("There is no such alarm.", cure="See the certified side.")
    return found


def certified_repositories() -> list[Repository]:
    """Every repository that a certification was sent to, by name."""
    sent = Publication.objects.filter(kind=Publication.Kind.CERTIFICATION, sent_at__isnull=False)
    rows = Repository.objects.filter(pk__in=sent.values("target_repository_id")).select_related("registry")
    return sorted(rows, key=lambda one: (one.name, one.pk))


def repository_facts(repository: Repository) -> RepositoryFacts:
    """What its tags should name, as of now. Two queries."""
    rows = Publication.objects.filter(kind=Publication.Kind.CERTIFICATION, target_repository=repository)
    published = list(rows.select_related("artifact").order_by("sent_at", "begun_at", "pk"))
    live = [one for one in published if one.sent_at is not None and one.withdrawal_begun_at is None]
    # The digests that were signed there: of an index, its runnable children too.
    certified = {digest: rank for rank, one in enumerate(live) for digest in one.covered_digests}
    ever = {digest for one in published if one.sent_at is not None for digest in one.covered_digests}
    seen = TagSeen.objects.filter(repository=repository).order_by("seen_at", "pk").values_list("tag", "digest")
    return RepositoryFacts(
        own_tags=_own_tags(published),
        certified=certified,
        ever_certified=frozenset(ever),
        last_certified={tag: digest for tag, digest in seen if digest in ever},
    )


def cosign_tags(repository: Repository) -> list[CosignTag]:
    """The signatures and attestations that were sent there and not taken back. Three queries."""
    sent = Publication.objects.filter(
        target_repository=repository, sent_at__isnull=False, withdrawal_begun_at__isnull=True
    )
    signed: set[str] = set()
    for one in sent.filter(kind=Publication.Kind.CERTIFICATION):
        signed.update(one.covered_digests)
    layers: dict[str, list[cosign.Blob]] = defaultdict(list)
    signatures = Signature.objects.filter(repository_name=repository.name, digest__in=signed)
    for row in signatures.order_by("created_at", "id"):
        blob = cosign.signature_layer(payload=bytes(row.payload), signature=bytes(row.signature))
        layers[cosign.signature_tag(row.digest)].append(blob)
    for said in Attestation.objects.filter(publication__in=sent).order_by("created_at", "id"):
        blob = cosign.attestation_layer(envelope=bytes(said.envelope), predicate_type=said.predicate_type)
        layers[cosign.attestation_tag(said.digest)].append(blob)
    return [
        CosignTag(tag, frozenset(blob.digest for blob in blobs), cosign.bundle(tag, blobs).manifest_digest)
        for tag, blobs in sorted(layers.items())
    ]


def pullable_subversions(at: datetime) -> QuerySet[Subversion]:
    """What may be used at ``at``, so must be there to be pulled, in a stable order."""
    rows = Subversion.objects.filter(usable_at(at)).select_related("version__image", "artifact")
    return rows.order_by("version__image__name", "version__name", "name")


def places_of(subversions: list[Subversion]) -> dict[UUID, Repository]:
    """Artifact id → the repository that its newest live certification was sent to. One query."""
    rows = Publication.objects.filter(
        kind=Publication.Kind.CERTIFICATION,
        artifact_id__in=[one.artifact_id for one in subversions],
        sent_at__isnull=False,
        withdrawal_begun_at__isnull=True,
    )
    found = rows.select_related("target_repository__registry").order_by("sent_at", "pk")
    return {one.artifact_id: one.target_repository for one in found}


def _own_tags(published: list[Publication]) -> dict[str, OwnTag]:
    by_tag: dict[str, list[Publication]] = defaultdict(list)
    for one in published:
        if one.tag:
            by_tag[one.tag].append(one)
    return {tag: own for tag, rows in by_tag.items() if (own := _own_tag(rows)) is not None}


def _own_tag(rows: list[Publication]) -> OwnTag | None:
    """None: nothing was sent under it yet."""
    sent = [one for one in rows if one.sent_at is not None]
    live = [one for one in sent if one.withdrawal_begun_at is None]
    coming = {one.artifact.digest for one in rows if one.sent_at is None and one.withdrawal_begun_at is None}
    going = {one.artifact.digest for one in sent if one.withdrawal_begun_at is not None and one.withdrawn_at is None}
    if not sent:
        return None
    expected = live[-1].artifact.digest if live else ""
    # A withdrawal takes the tag away, also from under a newer certification: until it is through, both may be seen.
    return OwnTag(expected, frozenset(coming | going | ({""} if going else set())))
