"""Publishing a digest to the certified side, in steps that each may die and be done again.

Copy, then make and store the signatures, then send them. Bytes are stored before they are sent: ECDSA gives
other bytes each time, so a second call returns what is stored and the registry never sees two signatures.
Nothing is sent inside a transaction.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from core.canonical import canonical_json, sha256_of
from registry import services as registry_services
from registry.models import Artifact, Repository
from signing import selectors, sending
from signing.domain import dsse, ecdsa, simple_signing
from signing.errors import KeyExists, KeyRetired, NotAuthorised, PublicationClosed, TargetNotCertifiedSide
from signing.models import Attestation, Publication, Signature, SigningKey

Progress = Callable[..., None]


@transaction.atomic
def register_key(*, public_pem: str, actor: Actor, now: datetime, purpose: str = "certification") -> SigningKey:
    """Make a public key known as the one in use. Raises KeyExists when another is in use; retire that first."""
    public_key = ecdsa.load_public_key(public_pem)
    key_id = ecdsa.key_id_of(public_key)
    if SigningKey.objects.filter(pk=key_id).exists() or selectors.current_key(purpose) is not None:
        raise KeyExists("A signing key is in use already.", cure="Retire it first: manage.py signing_key retire.")
    key = SigningKey.objects.create(key_id=key_id, public_pem=ecdsa.pem_of(public_key), purpose=purpose, created_at=now)
    record(Verb.KEY_CREATED, actor=actor, subject=_key_subject(key), at=now, data={"purpose": purpose})
    return key


@transaction.atomic
def retire_key(*, key_id: str, actor: Actor, now: datetime) -> SigningKey:
    """End the use of a key. What it signed until now stays verified by it."""
    key = SigningKey.objects.select_for_update().get(pk=key_id)
    if key.retired_at is None:
        key.retired_at = now
        key.save(update_fields=["retired_at"])
        record(Verb.KEY_RETIRED, actor=actor, subject=_key_subject(key), at=now)
    return key


@transaction.atomic
def begin_publication(
    *,
    artifact: Artifact,
    target: Repository,
    predicate_type: str,
    predicate: dict[str, Any],
    actor: Actor,
    now: datetime,
    tag: str = "",
) -> Publication:
    """Start to publish ``artifact`` in ``target``; jobs copy, sign and send. Called inside the deed's transaction.

    Raises: TargetNotCertifiedSide; ValueError for a predicate that is not plain JSON.
    """
    if target.registry.side != "certified":
        raise TargetNotCertifiedSide(
            f"{target.name} is not on the certified side.", cure="Publish to a registry whose side is certified."
        )
    canonical_json(predicate)  # what cannot be written canonically cannot be signed later
    publication = Publication.objects.create(
        artifact=artifact,
        target_repository=target,
        tag=tag,
        predicate_type=predicate_type,
        predicate=predicate,
        covered_digests=selectors.digests_to_sign(artifact),
        begun_at=now,
    )
    record(
        Verb.PUBLICATION_BEGUN,
        actor=actor,
        subject=_subject(publication),
        at=now,
        data={"digest": artifact.digest, "repository": target.name, "predicate_type": predicate_type},
    )
    return publication


@transaction.atomic
def begin_attestation(
    *,
    artifact: Artifact,
    target: Repository,
    predicate_type: str,
    predicate: dict[str, Any],
    actor: Actor,
    now: datetime,
) -> Publication:
    """Start to say something about ``artifact`` where it lies already, on either side; jobs sign and send.

    Only the attestation goes out: no signature of the image, no copy, no tag. The same words about the same digest
    in the same place are one publication, however often this is called.
    Raises: ValueError for a predicate that is not plain JSON.
    """
    publication, is_new = Publication.objects.get_or_create(
        kind=Publication.Kind.ATTESTATION,
        artifact=artifact,
        target_repository=target,
        predicate_type=predicate_type,
        predicate_sha256=sha256_of(predicate),
        withdrawal_begun_at=None,
        defaults={
            "predicate": predicate,
            "covered_digests": selectors.digests_to_sign(artifact),
            "begun_at": now,
        },
    )
    if is_new:
        record(
            Verb.ATTESTATION_BEGUN,
            actor=actor,
            subject=_subject(publication),
            at=now,
            data={"digest": artifact.digest, "repository": target.name, "predicate_type": predicate_type},
        )
    return publication


def copy_publication(*, publication_id: UUID | str, progress: Progress, now: datetime) -> None:
    """Copy the digest, whole, into the target repository. An attestation copies nothing.

    Raises: NotAuthorised; registry's unavailable errors (tried again).
    """
    publication = selectors.publication(publication_id)
    if publication.copied_at or publication.withdrawal_begun_at or publication.is_attestation:
        return
    _require_authorised(publication, by="worker", now=now)
    registry_services.copy_artifact(artifact=publication.artifact, to=publication.target_repository, progress=progress)
    with transaction.atomic():
        locked = _lock(publication.pk)
        if locked.copied_at or locked.withdrawal_begun_at:
            return
        locked.copied_at = now
        locked.save(update_fields=["copied_at"])
        record(Verb.PUBLICATION_COPIED, actor=Actor.system("worker"), subject=_subject(locked), at=now)


def sign_publication(*, publication_id: UUID | str, signer: ecdsa.Signer, now: datetime) -> None:
    """Make and store an attestation for each covered digest, and where it is certified a signature; not sent yet.

    A row of the table alone has nothing signed: it must be a certification's or a build's.
    Raises: NotAuthorised; SignerUnavailable (tried again); KeyRetired (a person must act); PublicationClosed (not
    copied yet).
    """
    publication = selectors.publication(publication_id)
    if publication.signed_at or publication.withdrawal_begun_at:
        return
    if publication.copied_at is None and not publication.is_attestation:
        raise PublicationClosed("The digest is not copied yet, so there is nothing there to sign.")
    _require_authorised(publication, by="signer", now=now)
    _require_key_in_use(signer.key_id)
    for digest in publication.covered_digests:
        if not publication.is_attestation:
            _store_signature(publication, digest=digest, signer=signer, now=now)
        _store_attestation(publication, digest=digest, signer=signer, now=now)
    with transaction.atomic():
        locked = _lock(publication.pk)
        if locked.signed_at or locked.withdrawal_begun_at:
            return
        locked.signed_at = now
        locked.save(update_fields=["signed_at"])
        record(
            Verb.PUBLICATION_SIGNED,
            actor=Actor.system("signer"),
            subject=_subject(locked),
            at=now,
            data={"key_id": signer.key_id, "digests": locked.covered_digests},
        )


def send_publication(*, publication_id: UUID | str, progress: Progress, now: datetime) -> None:
    """Push attestations, signatures and the tag. Content-addressed, so pushing twice is pushing once.

    Raises: PublicationClosed (not signed yet); registry's unavailable errors (tried again).
    """
    publication = selectors.publication(publication_id)
    if publication.withdrawal_begun_at:
        # An earlier try of this very job may have pushed before the withdrawal looked.
        sending.take_back(publication)
        return
    if publication.sent_at:
        return
    if publication.signed_at is None:
        raise PublicationClosed("Nothing is signed yet, so there is nothing to send.")
    sending.send(publication, progress=progress)
    with transaction.atomic():
        locked = _lock(publication.pk)
        if not locked.withdrawal_begun_at and not locked.sent_at:
            locked.sent_at = now
            locked.save(update_fields=["sent_at"])
            record(Verb.PUBLICATION_SENT, actor=Actor.system("worker"), subject=_subject(locked), at=now)
    if locked.withdrawal_begun_at:
        sending.take_back(locked)


@transaction.atomic
def withdraw_publication(*, publication: Publication, actor: Actor, now: datetime, reason: str = "") -> Publication:
    """Start to take back what was published. From this moment it no longer counts as signed; a job removes it."""
    locked = _lock(publication.pk)
    if locked.withdrawal_begun_at is None:
        locked.withdrawal_begun_at = now
        locked.save(update_fields=["withdrawal_begun_at"])
        record(
            Verb.PUBLICATION_WITHDRAWAL_BEGUN,
            actor=actor,
            subject=_subject(locked),
            at=now,
            data={"reason": reason},
        )
    return locked


def finish_withdrawal(*, publication_id: UUID | str, now: datetime) -> None:
    """Remove signature, attestation and tag where the registry lets us, and record what remains.

    Raises: PublicationClosed (no withdrawal begun); registry's unavailable errors (tried again).
    """
    publication = selectors.publication(publication_id)
    if publication.withdrawal_begun_at is None:
        raise PublicationClosed("The withdrawal has not begun.")
    if publication.withdrawn_at:
        return
    remains = sending.take_back(publication)
    with transaction.atomic():
        locked = _lock(publication.pk)
        if locked.withdrawn_at:
            return
        locked.withdrawn_at = now
        locked.remains = remains
        locked.save(update_fields=["withdrawn_at", "remains"])
        record(
            Verb.PUBLICATION_WITHDRAWN,
            actor=Actor.system("worker"),
            subject=_subject(locked),
            at=now,
            data={"remains": remains},
        )


def _store_signature(publication: Publication, *, digest: str, signer: ecdsa.Signer, now: datetime) -> None:
    name = publication.target_repository.name
    if Signature.objects.filter(digest=digest, repository_name=name, key_id=signer.key_id).exists():
        return
    payload = simple_signing.payload_for(digest=digest, repository_name=name)
    signature = signer.sign(payload)  # may be a KMS: never inside a transaction
    # Whoever stores first wins; the loser's bytes are thrown away unsent.
    Signature.objects.bulk_create(
        [
            Signature(
                digest=digest,
                repository_name=name,
                key_id=signer.key_id,
                payload=payload,
                signature=signature,
                created_at=now,
            )
        ],
        ignore_conflicts=True,
    )


def _store_attestation(publication: Publication, *, digest: str, signer: ecdsa.Signer, now: datetime) -> None:
    kind = publication.predicate_type
    if Attestation.objects.filter(publication=publication, digest=digest, predicate_type=kind).exists():
        return
    statement = dsse.statement_for(
        digest=digest,
        repository_name=publication.target_repository.name,
        predicate_type=kind,
        predicate=publication.predicate,
    )
    signature = signer.sign(dsse.pre_authentication_encoding(statement))
    Attestation.objects.bulk_create(
        [
            Attestation(
                publication=publication,
                digest=digest,
                key_id=signer.key_id,
                predicate_type=kind,
                envelope=dsse.envelope_of(statement, signature=signature, key_id=signer.key_id),
                created_at=now,
            )
        ],
        ignore_conflicts=True,
    )


def _require_authorised(publication: Publication, *, by: str, now: datetime) -> None:
    """Raises NotAuthorised, and records that somebody wanted it: no service of ours begins such a publication."""
    if selectors.is_authorised(publication.pk):
        return
    data = {"digest": publication.artifact.digest, "kind": publication.kind}
    with transaction.atomic():
        record(
            Verb.PUBLICATION_REFUSED,
            actor=Actor.system(by),
            subject=_subject(publication),
            at=now,
            data={**data, "reason": "Nothing stands behind it: no certification with its reviews, no build of ours."},
        )
    raise NotAuthorised(
        f"Nothing stands behind the publication of {publication}.",
        cure="Who wrote this row? It came neither from a certification nor from a build; see the record around it.",
    )


def _require_key_in_use(key_id: str) -> None:
    key = SigningKey.objects.filter(pk=key_id).first()
    if key is None or key.retired_at is not None:
        raise KeyRetired(
            f"The signer's key {key_id[:12]} is {'retired' if key else 'not registered'}.",
            cure="Give the signer the key in use, or register its key: manage.py signing_key register.",
        )


def _lock(publication_id: UUID) -> Publication:
    return (
        Publication.objects.select_for_update(of=("self",))
        .select_related("artifact", "target_repository")
        .get(pk=publication_id)
    )


def _subject(publication: Publication) -> Subject:
    return Subject(kind="publication", id=str(publication.pk), label=str(publication)[:300])


def _key_subject(key: SigningKey) -> Subject:
    return Subject(kind="signing_key", id=key.key_id, label=key.key_id[:12])
