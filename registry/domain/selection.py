"""Which children of an index are wanted, and the index that lists exactly those.

Fewer platforms than all make an index of our own: what is reviewed is then what is certified, signed and run.
Its entries are those of the upstream index, unchanged, with the attestations that speak about them, in the
upstream's order; canonical JSON makes the same choice give the same digest.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from core.canonical import canonical_json
from oci.descriptor import Descriptor
from oci.digest import Digest
from oci.manifest import ATTESTED_DIGEST, Index, is_attestation
from oci.platform import Platform
from registry.errors import PlatformMissing

UPSTREAM_INDEX = "dev.goldgate.upstream.index.digest"


@dataclass(frozen=True, slots=True)
class Selection:
    """What to import of an index."""

    body: bytes  # the index to keep: upstream's own bytes, or ours
    children: tuple[Descriptor, ...]  # its entries
    upstream_digest: str  # "" where nothing was left out


def select(index: Index, body: bytes, wanted: Sequence[Platform]) -> Selection:
    """Choose the children for ``wanted`` platforms; none wanted means all.

    Raises PlatformMissing, naming what the index has.
    """
    chosen = _chosen(index, wanted)
    if len(chosen) == len(index.manifests):
        return Selection(body, index.manifests, "")
    upstream = str(Digest.of(body))
    raw = json.loads(body)
    entries = raw["manifests"]
    raw["manifests"] = [entries[position] for position in chosen]
    raw["annotations"] = {**(raw.get("annotations") or {}), UPSTREAM_INDEX: upstream}
    raw["mediaType"] = index.media_type
    return Selection(canonical_json(raw), tuple(index.manifests[position] for position in chosen), upstream)


def _chosen(index: Index, wanted: Sequence[Platform]) -> list[int]:
    if not wanted:
        return list(range(len(index.manifests)))
    missing = [one for one in wanted if not any(_is_for(child, one) for child in index.runnable)]
    if missing or not index.runnable:
        has = ", ".join(sorted({str(child.platform or "no platform stated") for child in index.runnable})) or "none"
        raise PlatformMissing(
            f"The image has no {', '.join(map(str, missing))}; it has: {has}.", cure="Choose of these."
        )
    runnable = {child.digest for child in index.runnable if any(_is_for(child, one) for one in wanted)}
    return [
        position
        for position, child in enumerate(index.manifests)
        if (child.digest in runnable and not is_attestation(child)) or _speaks_about(child, runnable)
    ]


def _is_for(child: Descriptor, wanted: Platform) -> bool:
    return child.platform is not None and child.platform.matches(wanted)


def _speaks_about(child: Descriptor, digests: set[Digest]) -> bool:
    return is_attestation(child) and child.annotations.get(ATTESTED_DIGEST) in {str(one) for one in digests}
