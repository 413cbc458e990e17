"""What is signed, by which key, and until when it was sent."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from registry.models import Artifact, Repository
from signing.domain import ecdsa, simple_signing
from signing.errors import KeyMissing, SignatureInvalid
from signing.models import Attestation, Publication, Signature, SigningKey


@dataclass(frozen=True, slots=True)
class VerifiedSignature:
    """A stored signature that was verified, cryptographically, when it was read."""

    digest: str
    repository_name: str
    key_id: str
    made_at: datetime


def signing_keys() -> QuerySet[SigningKey]:
    """Every key, newest first."""
    return SigningKey.objects.order_by("-created_at", "key_id")


def signing_key(key_id: str) -> SigningKey:
    """Raises KeyMissing."""
    found = SigningKey.objects.filter(pk=key_id).first()
    if found is None:
        raise KeyMissing(f"There is no signing key {key_id}.")
    return found


def current_key(purpose: str = "certification") -> SigningKey | None:
    """The key in use; None before one was made."""
    return SigningKey.objects.filter(purpose=purpose, retired_at__isnull=True).first()


def publication(publication_id: UUID | str) -> Publication:
    return Publication.objects.select_related("artifact", "target_repository").get(pk=publication_id)


def is_authorised(publication_id: UUID) -> bool:
    """Whether something stands behind the publication: a certification with its reviews, or a build that ended well.

    Reviews and builds are the rooms' above; so the database is asked, by a function that they keep (docs/adr/0055).
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT publication_is_authorised(%s)", [publication_id])
        return bool(cursor.fetchone()[0])


def digests_to_sign(artifact: Artifact) -> list[str]:
    """The artifact's digest, and of an index each runnable child's, nested ones too; parents before children."""
    digests = [artifact.digest]
    for link in artifact.child_links.filter(kind="runnable").select_related("child").order_by("position"):
        digests += [digest for digest in digests_to_sign(link.child) if digest not in digests]
    return digests


def publications_of(artifact: Artifact) -> QuerySet[Publication]:
    """Every publication of the artifact, attestations alone among them, newest first."""
    return Publication.objects.filter(artifact=artifact).select_related("target_repository")


def live_publications() -> QuerySet[Publication]:
    """Certifications that are sent, and their withdrawal not begun."""
    return Publication.objects.filter(
        kind=Publication.Kind.CERTIFICATION, sent_at__isnull=False, withdrawal_begun_at__isnull=True
    )


def certified_places(artifact: Artifact) -> list[Repository]:
    """The repositories in which a certification of the artifact stands, oldest first."""
    rows = live_publications().filter(artifact=artifact).select_related("target_repository__registry")
    return list(dict.fromkeys(row.target_repository for row in rows.order_by("begun_at", "pk")))


def attestations_in(*, digest: str, repository_id: UUID) -> QuerySet[Attestation]:
    """Every attestation made on one digest for one repository, with its publication, oldest first."""
    return (
        Attestation.objects.filter(digest=digest, publication__target_repository_id=repository_id)
        .select_related("publication")
        .order_by("created_at", "id")
    )


def is_covered(*, digest: str, repository_id: UUID) -> bool:
    """Whether a signed certification in the repository covers the digest and is not being withdrawn."""
    return Publication.objects.filter(
        kind=Publication.Kind.CERTIFICATION,
        covered_digests__contains=[digest],
        target_repository_id=repository_id,
        signed_at__isnull=False,
        withdrawal_begun_at__isnull=True,
    ).exists()


def stored_signatures(*, digest: str, repository_name: str) -> QuerySet[Signature]:
    """Every signature made for the digest under the repository, by any key of ours, oldest first."""
    return Signature.objects.filter(digest=digest, repository_name=repository_name).order_by("created_at", "id")


def verified_signature(artifact: Artifact) -> VerifiedSignature | None:
    """A live, sent signature over this artifact's digest that verifies now; None when there is none."""
    found = verified_signatures([artifact.digest]).get(artifact.digest, ())
    return found[0] if found else None


def verified_signatures(digests: Collection[str] | None = None) -> dict[str, tuple[VerifiedSignature, ...]]:
    """Digest -> its verified signatures, for ``digests`` or for everything. Two queries.

    What does not verify is left out: a row in the database is a claim, the signature is the proof.
    """
    live = live_publications().select_related("target_repository__registry")
    if digests is not None:
        live = live.filter(covered_digests__overlap=list(digests))
    places = {(digest, each.target_repository.name) for each in live for digest in each.covered_digests}
    if digests is not None:
        places = {(digest, name) for digest, name in places if digest in set(digests)}
    if not places:
        return {}
    rows = Signature.objects.filter(digest__in={digest for digest, _ in places}).select_related("key")
    return _verified(row for row in rows.order_by("-created_at", "id") if (row.digest, row.repository_name) in places)


def _verified(rows: Iterable[Signature]) -> dict[str, tuple[VerifiedSignature, ...]]:
    found: dict[str, list[VerifiedSignature]] = defaultdict(list)
    for row in rows:
        if _is_after_retirement(row):
            continue
        if is_genuine(
            digest=row.digest,
            repository_name=row.repository_name,
            payload=bytes(row.payload),
            signature=bytes(row.signature),
            public_pem=row.key.public_pem,
        ):
            found[row.digest].append(
                VerifiedSignature(row.digest, row.repository_name, row.key_id, made_at=row.created_at)
            )
    return {digest: tuple(values) for digest, values in found.items()}


def _is_after_retirement(row: Signature) -> bool:
    return row.key.retired_at is not None and row.created_at >= row.key.retired_at


# Remembered by all of its input: the same bytes verify the same way, and a changed row is a new question.
@lru_cache(maxsize=200_000)
def is_genuine(*, digest: str, repository_name: str, payload: bytes, signature: bytes, public_pem: str) -> bool:
    """Whether the signature is the key's own over exactly this digest under exactly this repository."""
    try:
        simple_signing.require_payload_names(payload, digest=digest, repository_name=repository_name)
        ecdsa.require_signed(payload, signature=signature, public_pem=public_pem)
    except SignatureInvalid:
        return False
    return True


def tagged(repository: Repository, tag: str) -> Publication | None:
    """The latest publication that put ``tag`` into ``repository``, withdrawn or not; None when none did."""
    return Publication.objects.filter(target_repository=repository, tag=tag).order_by("-begun_at", "-pk").first()
