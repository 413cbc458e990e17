"""Referrers without a referrers API: an index under the tag ``sha256-<hex>`` (distribution-spec v1.1.1)."""

import json

from oci import media_types
from oci.descriptor import Descriptor
from oci.digest import Digest
from oci.manifest import Index, Manifest, parse_manifest
from registry.adapters.interface import RegistrySide
from registry.errors import NotInRegistry


def listed_referrers(side: RegistrySide, repo: str, digest: Digest) -> list[Descriptor]:
    """What the tag lists; empty when there is none, or when it is no index."""
    try:
        found = side.get_manifest(repo, digest.fallback_tag)
    except NotInRegistry:
        return []
    manifest = parse_manifest(found.body, found.media_type)
    return list(manifest.manifests) if isinstance(manifest, Index) else []


def add_referrer(side: RegistrySide, repo: str, manifest: Manifest | Index, digest: Digest, size: int) -> None:
    """List a manifest under its subject's tag, once. Two writers at once may lose one: the tag has no lock."""
    if manifest.subject is None:
        return
    subject = manifest.subject.digest
    listed = listed_referrers(side, repo, subject)
    if any(one.digest == digest for one in listed):
        return
    config_type = manifest.config.media_type if isinstance(manifest, Manifest) else ""
    added = Descriptor(
        manifest.media_type, digest, size, None, manifest.artifact_type or config_type, manifest.annotations
    )
    index = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_INDEX,
        "manifests": [one.to_json() for one in [*listed, added]],
    }
    side.put_manifest(repo, subject.fallback_tag, json.dumps(index).encode(), media_types.OCI_INDEX)
