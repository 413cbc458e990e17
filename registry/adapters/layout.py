"""An OCI layout directory as a registry: the certified side without a server (image-spec v1.1.1, image-layout.md).

Tags are entries of ``index.json`` with ``org.opencontainers.image.ref.name`` = ``<path>:<tag>``; a manifest put by
digest is an entry without a name, annotated with its repository, so that ``skopeo`` and ``oras`` see everything that
is in it. Each write is a temporary file, fsync, rename; ``index.json`` is changed under a lock file, so any number of
processes may write.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oci import media_types
from oci.descriptor import Descriptor
from oci.digest import Digest
from oci.errors import MalformedDigest, MalformedDocument
from oci.manifest import parse_manifest
from oci.reference import is_repository_path, is_tag
from oci.strict_json import MAX_DOCUMENT_BYTES, strict_json
from registry.adapters.interface import FetchedManifest
from registry.blobs import CHUNK_BYTES, write_blob
from registry.errors import BodyTooLarge, DigestMismatch, NotInRegistry, RegistryMisbehaved

REF_NAME = "org.opencontainers.image.ref.name"
REPOSITORY = "dev.goldgate.repository"
MAX_INDEX_BYTES = 64 * 1024**2
Entries = list[dict[str, Any]]


class LayoutRegistry:
    """A directory that answers as ``RegistrySide``."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def get_manifest(self, repo: str, ref: str) -> FetchedManifest:
        """As RegistrySide says."""
        entry = self._entry(repo, ref)
        if entry is None:
            raise NotInRegistry(f"The layout has no {repo} {ref}.", cure="Copy it there first.")
        digest = Digest.parse(entry["digest"])
        body = self._read(digest)
        if not digest.names(body):
            raise DigestMismatch(f"The layout's file for {digest} has other bytes.", cure="Copy the image there again.")
        return FetchedManifest(body, entry["mediaType"], digest)

    def head_manifest(self, repo: str, ref: str) -> Digest | None:
        """As RegistrySide says."""
        entry = self._entry(repo, ref)
        return Digest.parse(entry["digest"]) if entry else None

    def put_manifest(self, repo: str, ref: str, body: bytes, media_type: str) -> Digest:
        """As RegistrySide says."""
        _require_names(repo, ref)
        parse_manifest(body, media_type)
        digest = Digest.of(body)
        if ":" in ref and str(digest) != ref:
            raise DigestMismatch(f"The manifest's digest is {digest}, not {ref}.", cure="Put it under its own digest.")
        self._write(digest, [body], len(body))
        entry = {"mediaType": media_type, "digest": str(digest), "size": len(body)}
        named = {REPOSITORY: repo} if ":" in ref else {REPOSITORY: repo, REF_NAME: f"{repo}:{ref}"}

        def put(entries: Entries) -> Entries:
            others = [one for one in entries if not _stands_for(one, repo, ref)]
            return [*others, {**entry, "annotations": named}]

        self._change_index(put)
        return digest

    def delete_manifest(self, repo: str, ref: str) -> bool:
        """As RegistrySide says. A digest takes the repository's tags for it along, as a registry's delete does."""
        if self._entry(repo, ref) is None:
            return False

        def drop(entries: Entries) -> Entries:
            if ":" in ref:
                return [one for one in entries if not (_is_in(one, repo) and one["digest"] == ref)]
            return [one for one in entries if not _stands_for(one, repo, ref)]

        self._change_index(drop)
        return True

    def get_blob(self, repo: str, digest: Digest, *, max_bytes: int) -> Iterator[bytes]:
        """As RegistrySide says; whoever stores the pieces checks the digest."""
        path = self._path(digest)
        if not path.is_file():
            raise NotInRegistry(f"The layout has no blob {digest}.", cure="Copy the image there again.")
        if path.stat().st_size > max_bytes:
            raise BodyTooLarge(f"The layout's blob {digest} has more than {max_bytes} bytes.")
        return _chunks(path)

    def put_blob(self, repo: str, digest: Digest, size: int, chunks: Iterable[bytes]) -> None:
        """As RegistrySide says."""
        self._write(digest, chunks, size)

    def mount_blob(self, repo: str, digest: Digest, from_repo: str) -> bool:
        """Every blob of the directory is in every repository of it."""
        return self.has_blob(repo, digest)

    def has_blob(self, repo: str, digest: Digest) -> bool:
        """As RegistrySide says."""
        return self._path(digest).is_file()

    def referrers(self, repo: str, digest: Digest, artifact_type: str | None = None) -> list[Descriptor]:
        """As RegistrySide says: by subject, computed from what is here."""
        found: dict[str, Descriptor] = {}
        for entry in self._entries():
            if not _is_in(entry, repo):
                continue
            manifest = parse_manifest(self._read(Digest.parse(entry["digest"])), entry["mediaType"])
            if manifest.subject is None or manifest.subject.digest != digest:
                continue
            config_type = "" if manifest.media_type in media_types.INDEXES else manifest.config.media_type  # type: ignore[union-attr]
            kind = manifest.artifact_type or config_type
            if artifact_type in (None, kind):
                found[entry["digest"]] = Descriptor(
                    entry["mediaType"], Digest.parse(entry["digest"]), entry["size"], None, kind, manifest.annotations
                )
        return sorted(found.values(), key=lambda one: one.digest)

    def tags(self, repo: str) -> list[str]:
        """As RegistrySide says."""
        names = [one.get("annotations", {}).get(REF_NAME, "") for one in self._entries() if _is_in(one, repo)]
        return sorted({name.removeprefix(f"{repo}:") for name in names if name})

    def ping(self) -> None:
        """Make the directory if it is not there. Raises RegistryMisbehaved when it is something else."""
        self._entries()
        self._change_index(lambda entries: entries)

    def _entry(self, repo: str, ref: str) -> dict[str, Any] | None:
        _require_names(repo, ref)
        wanted = [one for one in self._entries() if _is_in(one, repo)]
        if ":" in ref:
            return next((one for one in wanted if one["digest"] == ref), None)
        return next((one for one in wanted if one.get("annotations", {}).get(REF_NAME) == f"{repo}:{ref}"), None)

    def _entries(self) -> Entries:
        try:
            body = (self.directory / "index.json").read_bytes()
        except FileNotFoundError:
            return []
        try:
            listed = strict_json(body, what="layout's index.json", max_bytes=MAX_INDEX_BYTES).get("manifests")
        except MalformedDocument as error:
            raise RegistryMisbehaved(error.detail, cure=f"Repair {self.directory / 'index.json'}.") from error
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise RegistryMisbehaved("The layout's index.json lists no manifests.", cure="Choose another directory.")
        return listed

    def _change_index(self, change: Callable[[Entries], Entries]) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        with self._locked():
            changed = change(self._entries())
            if not (self.directory / "oci-layout").is_file():
                _replace(self.directory / "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
            index = {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": changed}
            _replace(self.directory / "index.json", json.dumps(index, indent=1).encode())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.directory / ".goldgate.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _path(self, digest: Digest) -> Path:
        return self.directory / "blobs" / digest.algorithm / digest.encoded

    def _read(self, digest: Digest) -> bytes:
        return b"".join(self.get_blob("", digest, max_bytes=MAX_DOCUMENT_BYTES))

    def _write(self, digest: Digest, chunks: Iterable[bytes], size: int) -> None:
        write_blob(self._path(digest), digest, chunks, max_bytes=size)


def _require_names(repo: str, ref: str) -> None:
    """Names become parts of index.json, never of a path; still only real ones. Raises NotInRegistry."""
    try:
        is_ref = is_tag(ref) or bool(Digest.parse(ref))
    except MalformedDigest:
        is_ref = False
    if not is_repository_path(repo) or not is_ref:
        raise NotInRegistry(f"{repo!r} {ref!r} names nothing in a registry.", cure="Write path and tag or digest.")


def _is_in(entry: dict[str, Any], repo: str) -> bool:
    return bool(entry.get("annotations", {}).get(REPOSITORY) == repo)


def _stands_for(entry: dict[str, Any], repo: str, ref: str) -> bool:
    name = entry.get("annotations", {}).get(REF_NAME)
    if ":" in ref:
        return _is_in(entry, repo) and entry["digest"] == ref and name is None
    return _is_in(entry, repo) and name == f"{repo}:{ref}"


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _replace(path: Path, body: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
