"""Chain ids: one name for a layer together with everything below it."""

from collections.abc import Iterable

from oci.digest import Digest


def chain_ids(diff_ids: Iterable[Digest]) -> tuple[Digest, ...]:
    """The chain id of each position, lowest first (OCI image-spec v1.1.1, config.md#layer-chainid).

    Two images share a prefix of ``diff_ids`` exactly when they share a chain id, so a prefix of any length
    is found by one comparison.
    """
    found: list[Digest] = []
    for diff_id in diff_ids:
        found.append(Digest.of(f"{found[-1]} {diff_id}".encode()) if found else diff_id)
    return tuple(found)
