"""Putting signatures beside a digest in a registry, and taking them away again. No transaction is open here.

What stands under ``sha256-<hex>.sig`` and ``.att`` is computed from the live publications, so that sending,
sending again and withdrawing are one act: bring the tag to what it should hold now.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from oci.digest import Digest
from registry import selectors as registry_selectors
from registry.adapters.interface import RegistrySide
from registry.blobs import kept_blobs
from registry.errors import NotInRegistry, RegistryRefused, RegistryUnavailable
from signing import selectors
from signing.domain import cosign
from signing.models import Publication

Progress = Callable[..., None]
MAX_MANIFEST_BYTES = 4 * 1024 * 1024
MAX_LOOKS = 10  # others who send to the same tag meanwhile


def send(publication: Publication, *, progress: Progress) -> None:
    """Attestations before signatures, children before the index, the tag last: never a name without its proof.

    Of an attestation alone nothing but itself is sent.
    """
    side = registry_selectors.side_for(publication.target_repository.registry)
    digests = list(reversed(publication.covered_digests))
    for done, digest in enumerate(digests):
        progress(done=done, total=len(digests), unit="digests", text=f"Sending the signature of {digest[:19]}…")
        _settle_attestations(side, publication, digest)
        if not publication.is_attestation:
            _settle_signatures(side, publication, digest)
    if publication.tag:
        body = kept_blobs().read(publication.artifact.digest, MAX_MANIFEST_BYTES)
        side.put_manifest(publication.target_repository.path, publication.tag, body, publication.artifact.media_type)
    progress(done=len(digests), total=len(digests), unit="digests", text="Signatures sent.")


def take_back(publication: Publication) -> list[str]:
    """Remove what this publication put there: its part of ``.sig`` and ``.att``, and the tag.

    Returns, one sentence each, what could not be taken back.
    """
    side = registry_selectors.side_for(publication.target_repository.registry)
    name = publication.target_repository.name
    remains: list[str] = []
    for digest in publication.covered_digests:
        if not publication.is_attestation:
            remains += _settle_signatures(side, publication, digest)
        remains += _settle_attestations(side, publication, digest)
    if publication.is_attestation:
        return [*remains, "Whoever fetched the attestation before keeps it: what was said cannot be unsaid."]
    if publication.tag:
        what = f"The tag {name}:{publication.tag}"
        remains += _delete(_Tag(side, publication.target_repository.path, publication.tag, what))
    return [
        *remains,
        f"The image stays at {name}@{publication.artifact.digest}, so that what runs can be pulled again; "
        "the gate refuses it.",
        "Whoever fetched the signature before keeps it: a signature cannot be unsaid. Only the gate revokes.",
    ]


@dataclass(frozen=True, slots=True)
class _Tag:
    """One tag in one repository, and what to call it when it cannot be removed."""

    side: RegistrySide
    path: str
    tag: str
    what: str


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a tag should hold of ours, and all of ours that it may hold."""

    place: _Tag
    wanted: tuple[cosign.Blob, ...]
    ours: tuple[cosign.Blob, ...]


def _settle_signatures(side: RegistrySide, publication: Publication, digest: str) -> list[str]:
    return _settle_until_current(lambda: _signatures_at(side, publication, digest))


def _settle_attestations(side: RegistrySide, publication: Publication, digest: str) -> list[str]:
    return _settle_until_current(lambda: _attestations_at(side, publication, digest))


def _settle_until_current(look: Callable[[], _Wanted]) -> list[str]:
    """Bring the tag to what ``look`` says, until it says nothing else afterwards.

    Two publications of one digest send at once, and a manifest is replaced whole: the one that looked first would
    else write over what the other had just put there. Whoever writes last looks after it wrote.
    """
    wanted = look()
    for _ in range(MAX_LOOKS):
        remains = _settle(wanted.place, wanted=wanted.wanted, ours=wanted.ours)
        seen, wanted = wanted, look()
        if wanted == seen:
            return remains
    raise RegistryUnavailable(f"{wanted.place.what} changes faster than it can be sent.")


def _signatures_at(side: RegistrySide, publication: Publication, digest: str) -> _Wanted:
    repository = publication.target_repository
    ours = tuple(
        cosign.signature_layer(payload=bytes(row.payload), signature=bytes(row.signature))
        for row in selectors.stored_signatures(digest=digest, repository_name=repository.name)
    )
    is_wanted = selectors.is_covered(digest=digest, repository_id=repository.pk)
    what = f"The signature of {repository.name}@{digest}"
    tag = _Tag(side, repository.path, cosign.signature_tag(digest), what)
    return _Wanted(tag, wanted=ours if is_wanted else (), ours=ours)


def _attestations_at(side: RegistrySide, publication: Publication, digest: str) -> _Wanted:
    repository = publication.target_repository
    rows = list(selectors.attestations_in(digest=digest, repository_id=repository.pk))
    layers = {
        row.pk: cosign.attestation_layer(envelope=bytes(row.envelope), predicate_type=row.predicate_type)
        for row in rows
    }
    wanted = tuple(layers[row.pk] for row in rows if row.publication.withdrawal_begun_at is None)
    what = f"The attestation of {repository.name}@{digest}"
    tag = _Tag(side, repository.path, cosign.attestation_tag(digest), what)
    return _Wanted(tag, wanted=wanted, ours=tuple(layers.values()))


def _settle(place: _Tag, *, wanted: Sequence[cosign.Blob], ours: Sequence[cosign.Blob]) -> list[str]:
    """Make the tag hold ``wanted`` beside what other signers put there; no tag when that is nothing."""
    side, path = place.side, place.path
    present = _present(side, path, place.tag)
    kept = cosign.other_layers(present, ours=ours) if present else []
    if not wanted and not kept:
        return _delete(place, digest=_sha256(present)) if present else []
    bundle = cosign.bundle(place.tag, wanted, kept=kept)
    if bundle.manifest != present:
        for blob in bundle.blobs:
            digest = Digest.parse(blob.digest)
            if not side.has_blob(path, digest):
                side.put_blob(path, digest, len(blob.body), [blob.body])
        side.put_manifest(path, place.tag, bundle.manifest, cosign.MANIFEST_MEDIA_TYPE)
    return []


def _present(side: RegistrySide, path: str, tag: str) -> bytes:
    try:
        return side.get_manifest(path, tag).body
    except NotInRegistry:
        return b""


def _sha256(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()


def _delete(place: _Tag, *, digest: str = "") -> list[str]:
    """By tag where the registry can, else by ``digest``; a sentence when it can neither."""
    try:
        place.side.delete_manifest(place.path, place.tag)
    except RegistryRefused as refused:
        if not digest:
            return [f"{place.what} remains: the registry does not delete it ({refused.detail})"]
        return _delete(_Tag(place.side, place.path, digest, place.what))
    return []
