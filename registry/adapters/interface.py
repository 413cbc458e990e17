"""What a registry's side offers, whether it is a server or a directory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from oci.descriptor import Descriptor
from oci.digest import Digest


@dataclass(frozen=True, slots=True)
class FetchedManifest:
    """A manifest as received. ``digest`` is what we computed over ``body``."""

    body: bytes
    media_type: str
    digest: Digest


class RegistrySide(Protocol):
    """The OCI distribution verbs that we use (distribution-spec v1.1.1). ``repo`` is the path below the host.

    ``ref`` is a tag or a digest. Everything read by digest has been checked against it. All raise
    RegistryUnavailable, RegistryRefused, RegistryMisbehaved and AddressRefused where they apply.
    """

    def get_manifest(self, repo: str, ref: str) -> FetchedManifest:
        """Raises NotInRegistry; DigestMismatch."""
        ...

    def head_manifest(self, repo: str, ref: str) -> Digest | None:
        """The digest that ``ref`` names now; None when it names nothing. For a tag this is a hint, not proof."""
        ...

    def put_manifest(self, repo: str, ref: str, body: bytes, media_type: str) -> Digest:
        """Store ``body`` under ``ref``; its digest. Storing it again is the same."""
        ...

    def delete_manifest(self, repo: str, ref: str) -> bool:
        """Remove it; False when it was not there. Raises RegistryRefused where the registry does not delete."""
        ...

    def get_blob(self, repo: str, digest: Digest, *, max_bytes: int) -> Iterator[bytes]:
        """The bytes in pieces; the last piece has been followed by a check of the digest. Raises NotInRegistry."""
        ...

    def put_blob(self, repo: str, digest: Digest, size: int, chunks: Iterable[bytes]) -> None:
        """Store a blob. Storing it again is the same."""
        ...

    def mount_blob(self, repo: str, digest: Digest, from_repo: str) -> bool:
        """Make a blob of ``from_repo`` known in ``repo`` without sending it; False: send it."""
        ...

    def has_blob(self, repo: str, digest: Digest) -> bool:
        """Whether the blob is there."""
        ...

    def referrers(self, repo: str, digest: Digest, artifact_type: str | None = None) -> list[Descriptor]:
        """What says that ``digest`` is its subject; empty when nothing does."""
        ...

    def tags(self, repo: str) -> list[str]:
        """All tags, sorted; empty for a repository that does not exist."""
        ...


class ArtifactSource(Protocol):
    """Where one import takes its bytes from: a repository of a side, or an archive."""

    def manifest(self, digest: Digest) -> bytes:
        """The manifest's bytes, checked. Raises NotInRegistry; DigestMismatch."""
        ...

    def blob(self, digest: Digest, *, max_bytes: int) -> Iterator[bytes]:
        """The blob's bytes in pieces, checked at the end. Raises NotInRegistry."""
        ...


@dataclass(frozen=True, slots=True)
class RepositorySource:
    """One repository of a registry's side, as a source."""

    side: RegistrySide
    repo: str

    def manifest(self, digest: Digest) -> bytes:
        """As ArtifactSource says."""
        return self.side.get_manifest(self.repo, str(digest)).body

    def blob(self, digest: Digest, *, max_bytes: int) -> Iterator[bytes]:
        """As ArtifactSource says."""
        return self.side.get_blob(self.repo, digest, max_bytes=max_bytes)
