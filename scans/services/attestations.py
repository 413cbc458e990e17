"""SBOM attestations: taken in by hand or found beside the image, kept as received, and judged by the signers in force.

Whether one counts is a judgement of *now*. It is made again when a signer is named or ended and when the image gets
its place in the catalog; what was refused for want of a signer may count later, and what counted may cease to.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F

from accounts.models import Person
from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from catalog.models import Subversion
from core.errors import FieldError
from oci.reference import is_within
from registry.blobs import kept_blobs
from registry.models import Artifact, Repository
from registry.selectors import repositories_of, runnable_images
from registry.services import fetch_attestations
from scans.domain.sbom import Sbom, read_sbom
from scans.domain.signers import is_signed_by
from scans.domain.statements import MAX_BYTES, PREDICATE_TYPES, AttestationRefused, read_envelope, require_about
from scans.errors import SbomAttestationRefused
from scans.models import InventoryAttestation, InventorySigner
from scans.services.composing import compose_inventory
from scans.services.scanning import indexes_of

WORKER = Actor.system("worker")
MAX_REFUSED = 50  # kept of one image; further ones are recorded alone
MAX_PLACES = 5  # repositories that are asked for one image
# What another signer, or another place of the image, may turn.
OPEN_REFUSALS = ("unknown_key", "signer_ended", "out_of_scope")

State = InventoryAttestation.State


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an attestation is worth now."""

    signer: InventorySigner | None = None  # whose signature it is, in force or ended
    sbom: Sbom | None = None  # None: refused
    code: str = ""
    detail: str = ""
    where: str = ""

    @property
    def state(self) -> str:
        return State.VERIFIED if self.sbom is not None else State.REFUSED


@dataclass(frozen=True, slots=True)
class _Origin:
    kind: InventoryAttestation.Origin
    found_in: str = ""
    received_by: Person | None = None


def judge_attestation(*, body: bytes, image: Artifact) -> Verdict:
    """What ``body`` is worth as an inventory of ``image``, by the signers in force now. Writes nothing.

    The signature comes before anything that is signed is read.
    """
    signer: InventorySigner | None = None
    try:
        envelope = read_envelope(body)
        # One in force before ended ones: a key may have been named anew.
        signers = InventorySigner.objects.order_by(F("ended_at").asc(nulls_first=True), "pk")
        signer = next((one for one in signers if is_signed_by(envelope, one.public_pem)), None)
        if signer is None:
            raise AttestationRefused(
                "unknown_key", "No signer that is named here made its signature, or it was changed since.", "signatures"
            )
        if signer.ended_at is not None:
            detail = f"The signer {signer} was ended on {signer.ended_at:%Y-%m-%d}: {signer.end_reason}"
            raise AttestationRefused("signer_ended", detail[:500], "signatures")
        statement = require_about(envelope.payload, digest=image.digest)
        _require_scope(signer, image)
        return Verdict(signer=signer, sbom=read_sbom(statement))
    except AttestationRefused as refused:
        return Verdict(signer=signer, code=refused.code, detail=refused.detail, where=refused.where)


def take_attestation(
    *, artifact: Artifact, body: bytes, by: Person, now: datetime, actor: Actor | None = None
) -> InventoryAttestation:
    """Take an attestation that somebody hands in. Handing it in again is the same.

    Raises SbomAttestationRefused with its reason, after that was recorded: nothing else changes.
    """
    origin = _Origin(InventoryAttestation.Origin.UPLOAD, received_by=by)
    actor = actor or by.as_actor()
    if artifact.kind != Artifact.Kind.IMAGE:
        detail = f"{artifact.digest} is an {artifact.kind}: attest each of its images."
        verdict = Verdict(code="not_an_image", detail=detail, where="subject")
    elif len(body) > MAX_BYTES:
        # What is larger than is read is not kept either.
        verdict = Verdict(code="too_large", detail=f"The attestation is larger than {MAX_BYTES} bytes.")
    else:
        envelope_digest = str(kept_blobs().put(body))
        row, verdict = _take(artifact, body, envelope_digest, origin, actor, now)
        if row is not None and verdict.sbom is not None:
            return row
        raise _refused(verdict)
    with transaction.atomic():
        _record_refused(artifact, verdict, origin, "", actor, now)
    raise _refused(verdict)


def find_attestations(*, artifact: Artifact, now: datetime, check: Callable[[], None] = lambda: None) -> list[str]:
    """Look beside every image of ``artifact``, in the registries where it was seen; what could not be read, in words.

    Those that are known are judged again. Raises RegistryUnavailable.
    """
    remarks: list[str] = []
    for image in runnable_images(artifact):
        for repository in repositories_of(image)[:MAX_PLACES]:
            check()
            remarks += _find_in(repository, image, now)
        _judge_open(image, now)
    return remarks


def judge_of_signer(*, signer_id: UUID, now: datetime, check: Callable[[], None] = lambda: None) -> int:
    """Judge again whatever a signer's beginning or end may turn; how many images have another inventory now."""
    rows = InventoryAttestation.objects.filter(state=State.VERIFIED, signer_id=signer_id)
    rows |= InventoryAttestation.objects.filter(state=State.REFUSED, refusal__in=OPEN_REFUSALS)
    moved = 0
    for image in Artifact.objects.filter(inventory_attestations__in=rows).distinct().order_by("pk"):
        check()
        moved += _judge_again(image, rows.filter(artifact=image), now)
    return moved


def judge_of_subversion(*, subversion_id: UUID | str, now: datetime) -> int:
    """Judge again what was out of its signer's scope until the image got its place; how many images moved."""
    subversion = Subversion.objects.select_related("artifact").get(pk=subversion_id)
    return sum(_judge_open(image, now) for image in runnable_images(subversion.artifact))


def _find_in(repository: Repository, image: Artifact, now: datetime) -> list[str]:
    found = fetch_attestations(image=image, repository=repository, predicate_types=PREDICATE_TYPES)
    origin = _Origin(InventoryAttestation.Origin.REGISTRY, found_in=repository.name)
    for digest in found.digests:
        if InventoryAttestation.objects.filter(artifact=image, envelope_digest=digest).exists():
            continue
        _take(image, kept_blobs().read(digest, MAX_BYTES), digest, origin, WORKER, now)
    return found.remarks


def _judge_open(image: Artifact, now: datetime) -> bool:
    rows = InventoryAttestation.objects.filter(artifact=image, state=State.REFUSED, refusal__in=OPEN_REFUSALS)
    return _judge_again(image, rows, now)


@transaction.atomic
def _take(
    image: Artifact, body: bytes, envelope_digest: str, origin: _Origin, actor: Actor, now: datetime
) -> tuple[InventoryAttestation | None, Verdict]:
    """Judge and keep one; None where a refused one is not kept, or speaks of something else than contents."""
    verdict = judge_attestation(body=body, image=image)
    if origin.kind == InventoryAttestation.Origin.REGISTRY and verdict.code == "predicate_type":
        return None, verdict  # another statement about the image: not ours to refuse
    # Locked: of two who bring the same one, the second finds it.
    Artifact.objects.select_for_update().get(pk=image.pk)
    row = InventoryAttestation.objects.filter(artifact=image, envelope_digest=envelope_digest).first()
    is_new = row is None
    if row is None:
        refused = InventoryAttestation.objects.filter(artifact=image, state=State.REFUSED)
        if verdict.sbom is None and refused.count() >= MAX_REFUSED:
            _record_refused(image, verdict, origin, envelope_digest, actor, now)
            return None, verdict
        row = InventoryAttestation(
            artifact=image,
            envelope_digest=envelope_digest,
            origin=origin.kind,
            found_in=origin.found_in,
            received_by=origin.received_by,
            received_at=now,
        )
    is_other = _apply(row, verdict, now)
    if verdict.sbom is None and (is_new or is_other or origin.received_by is not None):
        _record_refused(image, verdict, origin, envelope_digest, actor, now)
    elif verdict.sbom is not None and is_other:
        _record_attested(image, row, actor, now)
    return row, verdict


def _judge_again(image: Artifact, rows: Iterable[InventoryAttestation], now: datetime) -> bool:
    """Judge ``rows`` of one image by the signers in force; whether its inventory is another one now.

    The inventory follows in a transaction of its own: it takes the lock of matching, which comes before the image's.
    """
    for row in rows:
        verdict = judge_attestation(body=kept_blobs().read(row.envelope_digest, MAX_BYTES), image=image)
        with transaction.atomic():
            Artifact.objects.select_for_update().get(pk=image.pk)
            row.refresh_from_db()
            if not _apply(row, verdict, now):
                continue
            if verdict.sbom is not None:
                _record_attested(image, row, WORKER, now)
            else:
                origin = _Origin(InventoryAttestation.Origin(row.origin), row.found_in)
                _record_refused(image, verdict, origin, row.envelope_digest, WORKER, now)
    return use_attestations(image=image, now=now)


def use_attestations(*, image: Artifact, now: datetime) -> bool:
    """Put the inventory together again; what follows from another one follows from the record."""
    with transaction.atomic():
        made = compose_inventory(image=image, now=now)
        if made is None:
            return False
        for one in [image, *indexes_of([image.pk])]:
            record(
                Verb.ARTIFACT_INVENTORIED,
                actor=WORKER,
                subject=Subject("artifact", str(one.pk), one.digest),
                at=now,
                data={"components": made.component_count, "basis": made.basis, "attested_by": made.attested_by},
            )
    return True


def _require_scope(signer: InventorySigner, image: Artifact) -> None:
    places = [one.name for one in repositories_of(image)] if signer.repositories else []
    if any(is_within(name, place) for name in places for place in signer.repositories):
        return
    if signer.images:
        of_image = Subversion.objects.filter(version__image__name__in=signer.images)
        if of_image.filter(artifact=image).exists() or of_image.filter(artifact__child_links__child=image).exists():
            return
    detail = (
        f"{signer} may attest {', '.join([*signer.images, *signer.repositories])[:300]}; this image is none of them."
    )
    raise AttestationRefused("out_of_scope", detail)


def _apply(row: InventoryAttestation, verdict: Verdict, now: datetime) -> bool:
    """Write the verdict on the row; whether it says something else than before."""
    before = (row.state, row.refusal, row.signer_id)
    row.state, row.refusal, row.refusal_detail = verdict.state, verdict.code, verdict.detail[:500]
    row.signer = verdict.signer
    row.judged_at = now
    if verdict.sbom is not None:
        row.format, row.component_count = verdict.sbom.format, len(verdict.sbom.components)
    row.save()
    return before != (row.state, row.refusal, row.signer_id)


def _refused(verdict: Verdict) -> SbomAttestationRefused:
    pointer = "/" + verdict.where.replace(".", "/").replace("[", "/").replace("]", "") if verdict.where else ""
    return SbomAttestationRefused(
        verdict.detail,
        cure="Nothing was changed. What is needed: docs/how-to/prove-an-inventory.md.",
        errors=[FieldError(pointer, verdict.code, verdict.detail)],
    )


def _record_attested(image: Artifact, row: InventoryAttestation, actor: Actor, now: datetime) -> None:
    data = {
        "attestation": str(row.pk),
        "signer": row.signer.name if row.signer else "",
        "format": row.format,
        "components": row.component_count,
        "origin": row.origin,
        "found_in": row.found_in,
        "envelope": row.envelope_digest,
    }
    record(Verb.SBOM_ATTESTED, actor=actor, subject=_subject(image), at=now, data=data)


def _record_refused(
    image: Artifact, verdict: Verdict, origin: _Origin, envelope_digest: str, actor: Actor, now: datetime
) -> None:
    data = {
        "code": verdict.code,
        "detail": verdict.detail[:500],
        "where": verdict.where[:200],
        "signer": verdict.signer.name if verdict.signer else "",
        "origin": str(origin.kind),
        "found_in": origin.found_in,
        "envelope": envelope_digest,
    }
    record(Verb.SBOM_ATTESTATION_REFUSED, actor=actor, subject=_subject(image), at=now, data=data)


def _subject(image: Artifact) -> Subject:
    return Subject("artifact", str(image.pk), image.digest)
