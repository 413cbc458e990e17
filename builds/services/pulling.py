"""Trying whether a digest can be pulled: manifests hashed, blobs asked for, in a directory every byte read."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from core.errors import GoldgateError
from oci.descriptor import Descriptor
from oci.digest import Digest
from oci.manifest import Index, parse_manifest
from registry import selectors as registry_selectors
from registry.adapters.interface import RegistrySide
from registry.errors import DigestMismatch, NotInRegistry
from registry.models import Artifact, Repository
from signing.selectors import digests_to_sign

Alive = Callable[..., Any]


@dataclass(slots=True)
class Puller:
    """One run of probes. Blobs that several images share are tried once a repository."""

    _sides: dict[Any, RegistrySide] = field(default_factory=dict)
    _good: set[tuple[Any, str]] = field(default_factory=set)  # repository, blob

    def failure(self, artifact: Artifact, repository: Repository | None, *, alive: Alive) -> str:
        """Why ``artifact`` cannot be pulled from ``repository``, in words; "" when it can."""
        if repository is None:
            return "Where it was published is not known."
        try:
            side = self._side(repository)
            for digest in digests_to_sign(artifact):
                self._pull(side, repository, Digest.parse(digest), alive)
        except GoldgateError as error:
            return str(error)[:4000]
        return ""

    def _side(self, repository: Repository) -> RegistrySide:
        key = repository.registry_id
        if key not in self._sides:
            self._sides[key] = registry_selectors.side_for(repository.registry)
        return self._sides[key]

    def _pull(self, side: RegistrySide, repository: Repository, digest: Digest, alive: Alive) -> None:
        got = side.get_manifest(repository.path, str(digest))
        if got.digest != digest:
            raise DigestMismatch(f"{repository.name}@{digest} gives {got.digest}.", cure="Copy the image there again.")
        manifest = parse_manifest(got.body, got.media_type)
        if isinstance(manifest, Index):
            return  # its runnable children are pulled by themselves
        for blob in (manifest.config, *manifest.layers):
            if (repository.pk, str(blob.digest)) in self._good:
                continue
            alive()
            _try_blob(side, repository, blob, alive)
            self._good.add((repository.pk, str(blob.digest)))


def _try_blob(side: RegistrySide, repository: Repository, blob: Descriptor, alive: Alive) -> None:
    if not side.has_blob(repository.path, blob.digest):
        raise NotInRegistry(f"{repository.name} has no blob {blob.digest}.", cure="Copy the image there again.")
    if not repository.registry.is_layout:
        return  # a server hashes what it stores; reading every byte of it daily would be its heaviest client
    hashed = hashlib.new(blob.digest.algorithm)
    for chunk in side.get_blob(repository.path, blob.digest, max_bytes=blob.size):
        hashed.update(chunk)
        alive()
    if hashed.hexdigest() != blob.digest.encoded:
        detail = f"The file of {blob.digest} in {repository.name} has other bytes."
        raise DigestMismatch(detail, cure="Copy the image there again.")
