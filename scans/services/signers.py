"""Who may attest an inventory: named and ended by platform administrators. Nothing is ever deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.models import Person
from audit.actor import Actor, Subject
from audit.services import record
from audit.verbs import Verb
from core.errors import FieldError
from scans.domain import signers as domain
from scans.errors import SignerEnded, SignerExists, SignerInvalid, SignerMissing
from scans.models import InventorySigner
from signing.domain.ecdsa import key_id_of, pem_of

MAX_REASON = 1000  # characters


@dataclass(frozen=True, slots=True)
class SignerFields:
    """What an administrator enters."""

    name: str
    public_pem: str
    images: Sequence[str] = ()  # names in the catalog
    repositories: Sequence[str] = ()  # host, or host/path


@transaction.atomic
def trust_signer(*, fields: SignerFields, by: Person, now: datetime, actor: Actor | None = None) -> InventorySigner:
    """Believe this key's inventories of these images from now on; what was refused so far is judged again by a job.

    Raises: SignerInvalid; SignerExists.
    """
    images, repositories = _once(fields.images), _once(fields.repositories)
    wrong = domain.wrong_fields(name=fields.name, images=images, repositories=repositories)
    try:
        key = domain.load_key(fields.public_pem.strip())
    except domain.KeyUnreadable as error:
        wrong.append(FieldError("/public_pem", "invalid", str(error)))
    if wrong:
        raise SignerInvalid(" ".join(one.detail for one in wrong), cure="Nothing was changed.", errors=wrong)
    try:
        with transaction.atomic():
            signer = InventorySigner.objects.create(
                name=fields.name,
                algorithm=domain.algorithm_of(key),
                public_pem=pem_of(key),
                key_id=key_id_of(key),
                images=images,
                repositories=repositories,
                created_at=now,
                created_by=by,
            )
    except IntegrityError as error:
        if "inventory_signer_key_once" in str(error):
            raise SignerExists("Another signer has this key.", cure="End that one first.") from error
        raise SignerExists(f"There is, or was, a signer {fields.name}.", cure="Choose another name.") from error
    data = {
        "algorithm": signer.algorithm,
        "key_id": signer.key_id,
        "images": images,
        "repositories": repositories,
    }
    record(Verb.INVENTORY_SIGNER_TRUSTED, actor=actor or by.as_actor(), subject=_subject(signer), at=now, data=data)
    return signer


@transaction.atomic
def end_signer(
    *, signer_id: UUID | str, reason: str, by: Person, now: datetime, actor: Actor | None = None
) -> InventorySigner:
    """Believe this key no longer, from this moment; a job judges again what rested on it.

    Raises: SignerMissing; SignerEnded; SignerInvalid without a reason.
    """
    signer = InventorySigner.objects.select_for_update(of=("self",)).filter(pk=signer_id).first()
    if signer is None:
        raise SignerMissing("There is no such signer.", cure="See the list of signers.")
    if signer.ended_at is not None:
        raise SignerEnded(f"{signer} was ended on {signer.ended_at:%Y-%m-%d}.", cure="Nothing is left to do.")
    reason = reason.strip()
    if not reason or len(reason) > MAX_REASON:
        wrong = FieldError("/reason", "required", f"Say why, in at most {MAX_REASON} characters.")
        raise SignerInvalid(wrong.detail, cure="Nothing was changed.", errors=[wrong])
    signer.ended_at, signer.ended_by, signer.end_reason = now, by, reason
    signer.save(update_fields=["ended_at", "ended_by", "end_reason"])
    data = {"key_id": signer.key_id, "reason": reason}
    record(Verb.INVENTORY_SIGNER_ENDED, actor=actor or by.as_actor(), subject=_subject(signer), at=now, data=data)
    return signer


def _once(texts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(text.strip() for text in texts if text.strip()))


def _subject(signer: InventorySigner) -> Subject:
    return Subject("inventory_signer", str(signer.pk), signer.name)
