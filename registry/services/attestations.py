"""Attestations that lie beside an image in its registry: cosign's ``.att`` tag, and OCI referrers.

Read through the same client as images, so under the same rules of addresses; capped in number and size; hashed by us
and kept as received. Whether one is believed is for others to say: here they are bytes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from core.errors import GoldgateError
from oci import media_types
from oci.descriptor import Descriptor
from oci.digest import Digest
from oci.errors import MalformedDocument
from oci.manifest import Manifest, parse_manifest
from registry.adapters.interface import FetchedManifest, RegistrySide
from registry.adapters.sides import side_for
from registry.blobs import kept_blobs
from registry.errors import NotInRegistry, RegistryUnavailable
from registry.models import Artifact, Repository

MAX_ATTESTATIONS = 20  # of one image in one repository; the newest ones
MAX_ATTESTATION_BYTES = 16 * 1024**2
# What an attestation says that it is, in the manifest of cosign 2 and of the bundles of cosign 3.
_ANNOUNCED = ("predicateType", "dev.sigstore.bundle.predicateType")


@dataclass(slots=True)
class FoundAttestations:
    """What lay beside one image in one repository, oldest first, and what could not be read of it."""

    digests: list[str] = field(default_factory=list)  # of bytes in the blob store
    remarks: list[str] = field(default_factory=list)  # one sentence each


def fetch_attestations(*, image: Artifact, repository: Repository, predicate_types: Iterable[str]) -> FoundAttestations:
    """Keep the bytes of what attests one of ``predicate_types``, or does not announce what it attests.

    Raises RegistryUnavailable; everything else that is wrong with one of them is a remark, and the others go on.
    """
    side, wanted = side_for(repository.registry), frozenset(predicate_types)
    found = FoundAttestations()
    layers: dict[str, Descriptor] = {}
    for manifest in _manifests(side, repository.path, Digest.parse(image.digest), found):
        for layer in manifest.layers:
            if media_types.is_attestation_layer(layer.media_type) and _may_attest(manifest, layer, wanted):
                layers[str(layer.digest)] = layer
    if len(layers) > MAX_ATTESTATIONS:
        found.remarks.append(f"{repository.name} has {len(layers)} attestations of it; {MAX_ATTESTATIONS} are read.")
    for layer in list(layers.values())[-MAX_ATTESTATIONS:]:
        _keep(side, repository.path, layer, found)
    return found


def _manifests(side: RegistrySide, path: str, digest: Digest, found: FoundAttestations) -> Iterator[Manifest]:
    try:
        yield from _parsed(side.get_manifest(path, f"{digest.fallback_tag}.att"))
    except NotInRegistry:
        pass
    except RegistryUnavailable:
        raise
    except GoldgateError as error:
        found.remarks.append(f"The tag .att cannot be read: {error.detail}")
    try:
        referrers = side.referrers(path, digest)
    except RegistryUnavailable:
        raise
    except GoldgateError as error:
        found.remarks.append(f"The referrers cannot be read: {error.detail}")
        return
    chosen = [one for one in referrers if _may_hold(one.artifact_type)]
    for one in chosen[-MAX_ATTESTATIONS:]:
        try:
            yield from _parsed(side.get_manifest(path, str(one.digest)))
        except RegistryUnavailable:
            raise
        except GoldgateError as error:
            found.remarks.append(f"The referrer {one.digest} cannot be read: {error.detail}")


def _may_hold(artifact_type: str) -> bool:
    # Where the registry has no referrers API, cosign 3 lists the type of the empty configuration instead of its own.
    return artifact_type in ("", media_types.OCI_EMPTY) or media_types.is_attestation_layer(artifact_type)


def _parsed(fetched: FetchedManifest) -> Iterator[Manifest]:
    manifest = parse_manifest(fetched.body, fetched.media_type)
    if not isinstance(manifest, Manifest):
        raise MalformedDocument("An index stands where an attestation should.")
    yield manifest


def _may_attest(manifest: Manifest, layer: Descriptor, wanted: frozenset[str]) -> bool:
    announced = [
        told[name] for told in (layer.annotations, manifest.annotations) for name in _ANNOUNCED if told.get(name)
    ]
    return not announced or bool(wanted.intersection(announced))


def _keep(side: RegistrySide, path: str, layer: Descriptor, found: FoundAttestations) -> None:
    if layer.size > MAX_ATTESTATION_BYTES:
        found.remarks.append(f"The attestation {layer.digest} is larger than {MAX_ATTESTATION_BYTES} bytes.")
        return
    try:
        if not kept_blobs().has(layer.digest):
            chunks = side.get_blob(path, layer.digest, max_bytes=layer.size)
            kept_blobs().put_stream(layer.digest, chunks, max_bytes=layer.size)
    except RegistryUnavailable:
        raise
    except GoldgateError as error:
        found.remarks.append(f"The attestation {layer.digest} cannot be read: {error.detail}")
        return
    found.digests.append(str(layer.digest))
