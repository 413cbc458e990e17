"""A registry over HTTP (distribution-spec v1.1.1), as ``RegistrySide``."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urljoin

import requests

from oci import media_types
from oci.descriptor import Descriptor
from oci.digest import Digest
from oci.errors import MalformedDigest, MalformedDocument
from oci.manifest import parse_manifest
from oci.reference import is_tag
from oci.strict_json import MAX_DOCUMENT_BYTES
from registry.adapters.auth import Authenticator
from registry.adapters.fallback import add_referrer, listed_referrers
from registry.adapters.interface import FetchedManifest
from registry.adapters.settings import MAX_PAGES, UPLOAD_CHUNK_BYTES, ConnectionSettings
from registry.adapters.transport import Transport
from registry.errors import DigestMismatch, NotInRegistry, RegistryMisbehaved, RegistryRefused, RegistryUnavailable

_ACCEPT = ", ".join(media_types.ACCEPTED_MANIFESTS)
_NEXT = re.compile(r'<([^>]{1,2000})>\s*;\s*rel="?next"?')
_OCTETS = {"Content-Type": "application/octet-stream"}
_NO_SUCH_API = frozenset({400, 404, 405, 501})
MAX_TAGS = 100_000


class RegistryClient:
    """One registry, spoken to over HTTP. Not for several threads at once."""

    def __init__(self, settings: ConnectionSettings) -> None:
        self.settings = settings
        self.transport = Transport(settings)
        self._auth = Authenticator(settings, self.transport)

    def ping(self) -> None:
        """Sign in and ask for nothing. Raises as RegistrySide says."""
        self._require(self._ask("GET", "v2/", scopes=()), {200}, what="the API")

    def get_manifest(self, repo: str, ref: str) -> FetchedManifest:
        """As RegistrySide says."""
        answer = self._ask("GET", f"v2/{repo}/manifests/{ref}", scopes=_pull(repo), headers={"Accept": _ACCEPT})
        self._require(answer, {200}, what=f"{repo} {ref}")
        body = self.transport.read(answer, max_bytes=MAX_DOCUMENT_BYTES)
        wanted = _digest_in(ref) or _stated_digest(answer)
        if wanted is not None and not wanted.names(body):
            raise DigestMismatch(
                f"{self.settings.host} answered {ref} of {repo} with other bytes than those of {wanted}.",
                cure="Nothing was kept. The registry, or something before it, alters content.",
            )
        digest = _digest_in(ref) or Digest.of(body)
        return FetchedManifest(body, answer.headers.get("Content-Type", "").partition(";")[0].strip(), digest)

    def head_manifest(self, repo: str, ref: str) -> Digest | None:
        """As RegistrySide says."""
        answer = self._ask("HEAD", f"v2/{repo}/manifests/{ref}", scopes=_pull(repo), headers={"Accept": _ACCEPT})
        answer.close()
        if answer.status_code == 404:
            return None
        self._require(answer, {200}, what=f"{repo} {ref}")
        return _digest_in(ref) or _stated_digest(answer) or self.get_manifest(repo, ref).digest

    def put_manifest(self, repo: str, ref: str, body: bytes, media_type: str) -> Digest:
        """As RegistrySide says. Keeps the referrers tag where the registry has no referrers API."""
        digest = _digest_in(ref) or Digest.of(body)
        if not digest.names(body):
            raise DigestMismatch(f"The manifest's digest is {Digest.of(body)}, not {ref}.", cure="Use its own digest.")
        manifest = parse_manifest(body, media_type)
        answer = self._send("PUT", f"v2/{repo}/manifests/{ref}", repo, body=body, headers={"Content-Type": media_type})
        self._require(answer, {201}, what=f"{repo} {ref}")
        stated = _stated_digest(answer)
        if stated is not None and not stated.names(body):
            raise DigestMismatch(
                f"{self.settings.host} stored {stated} where {digest} was sent.", cure="Send it again."
            )
        if manifest.subject is not None and "OCI-Subject" not in answer.headers:
            add_referrer(self, repo, manifest, digest, len(body))
        return digest

    def delete_manifest(self, repo: str, ref: str) -> bool:
        """As RegistrySide says."""
        answer = self._send("DELETE", f"v2/{repo}/manifests/{ref}", repo)
        answer.close()
        if answer.status_code == 404:
            return False
        if answer.status_code in (400, 405, 501):
            raise RegistryRefused(
                f"{self.settings.host} does not delete {ref} of {repo} ({answer.status_code}).",
                cure="Switch deletes on in the registry, or delete it there by hand.",
            )
        self._require(answer, {200, 202, 204}, what=f"{repo} {ref}")
        return True

    def get_blob(self, repo: str, digest: Digest, *, max_bytes: int) -> Iterator[bytes]:
        """As RegistrySide says."""
        answer = self._ask("GET", f"v2/{repo}/blobs/{digest}", scopes=_pull(repo))
        self._require(answer, {200}, what=f"{repo} {digest}")
        return self._hashed(answer, digest, max_bytes)

    def put_blob(self, repo: str, digest: Digest, size: int, chunks: Iterable[bytes]) -> None:
        """As RegistrySide says. Small ones in one request, larger ones in pieces."""
        answer = self._send("POST", f"v2/{repo}/blobs/uploads/", repo, body=b"")
        self._require(answer, {202}, what=f"an upload to {repo}")
        location, sent = self._location(answer), 0
        piece = b""
        for piece, is_last in _pieces(chunks):
            if is_last:
                break
            answer = self._send_to("PATCH", location, repo, body=piece, headers=_range(sent, piece))
            self._require(answer, {202, 204}, what=f"a piece of {digest}")
            location, sent = self._location(answer), sent + len(piece)
        headers = {**_OCTETS, **(_range(sent, piece) if sent and piece else {})}
        url = f"{location}{'&' if '?' in location else '?'}{urlencode({'digest': str(digest)})}"
        answer = self._send_to("PUT", url, repo, body=piece, headers=headers)
        self._require(answer, {201}, what=f"the blob {digest} ({size} bytes)")

    def mount_blob(self, repo: str, digest: Digest, from_repo: str) -> bool:
        """As RegistrySide says."""
        query = urlencode({"mount": str(digest), "from": from_repo})
        scopes = (*_push(repo), *_pull(from_repo))
        answer = self._ask("POST", f"v2/{repo}/blobs/uploads/?{query}", scopes=scopes, body=b"")
        if answer.status_code == 201:
            answer.close()
            return True
        if answer.status_code == 202:  # an upload was begun instead; it is not needed
            self._send_to("DELETE", self._location(answer), repo).close()
            return False
        answer.close()
        return False  # whatever keeps it from mounting, sending the blob says it better

    def has_blob(self, repo: str, digest: Digest) -> bool:
        """As RegistrySide says."""
        answer = self._ask("HEAD", f"v2/{repo}/blobs/{digest}", scopes=_pull(repo))
        answer.close()
        if answer.status_code != 404:
            self._require(answer, {200}, what=f"{repo} {digest}")
        return answer.status_code == 200

    def referrers(self, repo: str, digest: Digest, artifact_type: str | None = None) -> list[Descriptor]:
        """As RegistrySide says; by the fallback tag where the registry has no referrers API."""
        query = f"?{urlencode({'artifactType': artifact_type})}" if artifact_type else ""
        path = f"v2/{repo}/referrers/{digest}{query}"
        pages = list(self._pages(path, scopes=_pull(repo), missing=_NO_SUCH_API))
        if not pages:
            found = listed_referrers(self, repo, digest)
        else:
            found = [one for page in pages for one in _descriptors(page)]
        # Filtered here too: some registries ignore the query and do not say so.
        return sorted(
            (one for one in found if artifact_type in (None, one.artifact_type)), key=lambda one: str(one.digest)
        )

    def tags(self, repo: str) -> list[str]:
        """As RegistrySide says."""
        found: set[str] = set()
        for page in self._pages(f"v2/{repo}/tags/list?n=1000", scopes=_pull(repo), missing=frozenset({404})):
            listed = page.get("tags") or []
            if not isinstance(listed, list) or not all(isinstance(tag, str) and is_tag(tag) for tag in listed):
                raise RegistryMisbehaved(f"{self.settings.host} lists as tags of {repo} what can be no tags.")
            found.update(listed)
            if len(found) > MAX_TAGS:
                raise RegistryMisbehaved(f"{repo} has more than {MAX_TAGS} tags.", cure="Name the tag that you want.")
        return sorted(found)

    def has_referrers_api(self, repo: str, digest: Digest) -> bool:
        """Whether the registry answers the referrers API itself."""
        answer = self._ask("GET", f"v2/{repo}/referrers/{digest}", scopes=_pull(repo))
        answer.close()
        return answer.status_code == 200

    def _pages(self, path: str, *, scopes: tuple[str, ...], missing: frozenset[int]) -> Iterator[dict[str, Any]]:
        url: str | None = self.transport.url(path)
        for number in range(MAX_PAGES):
            answer = self._ask_at("GET", url or "", scopes=scopes)
            if number == 0 and answer.status_code in missing:
                answer.close()
                return
            self._require(answer, {200}, what=path)
            body = self.transport.read(answer)
            try:
                page = json.loads(body)
            except (ValueError, RecursionError) as error:
                raise RegistryMisbehaved(f"{self.settings.host} answers {path} with what is no JSON.") from error
            if not isinstance(page, dict):
                raise RegistryMisbehaved(f"{self.settings.host} answers {path} with what is no JSON object.")
            yield page
            following = _NEXT.search(answer.headers.get("Link", ""))
            if following is None:
                return
            url = self.transport.checked(urljoin(answer.url, following[1]), base=answer.url)
        raise RegistryMisbehaved(f"{self.settings.host} lists {path} on more than {MAX_PAGES} pages.")

    def _hashed(self, answer: requests.Response, digest: Digest, max_bytes: int) -> Iterator[bytes]:
        hasher = hashlib.new(digest.algorithm)
        for chunk in self.transport.chunks(answer, max_bytes=max_bytes):
            hasher.update(chunk)
            yield chunk
        if hasher.hexdigest() != digest.encoded:
            raise DigestMismatch(
                f"{self.settings.host} sent other bytes for {digest}.",
                cure="Nothing was kept. The registry, or something before it, alters content.",
            )

    def _send(
        self, method: str, path: str, repo: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        return self._send_to(method, self.transport.url(path), repo, body=body, headers=headers)

    def _send_to(
        self, method: str, url: str, repo: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        return self._ask_at(method, url, scopes=_push(repo), body=body, headers=headers)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        scopes: tuple[str, ...],
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        return self._ask_at(method, self.transport.url(path), scopes=scopes, body=body, headers=headers)

    def _ask_at(
        self,
        method: str,
        url: str,
        *,
        scopes: tuple[str, ...],
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """One request; a 401 is answered once. A registry that asks again refuses us, and is not asked a third time."""
        known = self._auth.header(scopes)
        sent = {**(headers or {}), **({"Authorization": known} if known else {})}
        answer = self.transport.send(method, url, headers=sent, body=body)
        if answer.status_code != 401:
            return answer
        answer.close()
        header = self._auth.answer(answer.headers.get("WWW-Authenticate", ""), scopes)
        if header == known:
            return answer
        return self.transport.send(method, url, headers={**(headers or {}), "Authorization": header}, body=body)

    def _location(self, answer: requests.Response) -> str:
        answer.close()
        location = answer.headers.get("Location", "")
        if not location:
            raise RegistryMisbehaved(f"{self.settings.host} does not say where to upload to.")
        return self.transport.checked(location, base=answer.url)

    def _require(self, answer: requests.Response, wanted: set[int], *, what: str) -> None:
        """Raise what an unwanted status means, with the registry's own words, cut short."""
        status = answer.status_code
        if status in wanted:
            return
        said = "" if answer.request.method == "HEAD" else _said(self.transport, answer)
        answer.close()
        text = f"{self.settings.host} answered {status} for {what}{f': {said}' if said else ''}."
        if status in (401, 403):
            raise RegistryRefused(text, cure="Check user name, password and what this account may do there.")
        if status == 404:
            raise NotInRegistry(text, cure="Check the name; private repositories look missing to strangers.")
        if status >= 500 or status == 429:
            raise RegistryUnavailable(text)
        raise RegistryMisbehaved(text)


def _pull(repo: str) -> tuple[str, ...]:
    return (f"repository:{repo}:pull",)


def _push(repo: str) -> tuple[str, ...]:
    return (f"repository:{repo}:pull,push",)


def _digest_in(ref: str) -> Digest | None:
    return Digest.parse(ref) if ":" in ref else None


def _stated_digest(answer: requests.Response) -> Digest | None:
    try:
        return Digest.parse(answer.headers["Docker-Content-Digest"])
    except (KeyError, MalformedDigest):
        return None


def _pieces(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """``chunks`` regrouped into pieces of the upload size, each with whether it is the last."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) > UPLOAD_CHUNK_BYTES:
            yield bytes(held[:UPLOAD_CHUNK_BYTES]), False
            del held[:UPLOAD_CHUNK_BYTES]
    yield bytes(held), True


def _range(start: int, piece: bytes) -> dict[str, str]:
    return {**_OCTETS, "Content-Range": f"{start}-{start + len(piece) - 1}"}


def _descriptors(page: dict[str, Any]) -> list[Descriptor]:
    listed = page.get("manifests") or []  # olareg says null for none
    try:
        return [Descriptor.from_json(one, where=f"referrers[{at}]") for at, one in enumerate(listed)]
    except (MalformedDocument, TypeError) as error:
        raise RegistryMisbehaved(f"The registry's list of referrers cannot be read: {error}.") from error


def _said(transport: Transport, answer: requests.Response) -> str:
    """The registry's own message (distribution-spec v1.1.1, error codes), printable and short."""
    try:
        found = json.loads(transport.read(answer))
        message = found["errors"][0].get("message") or found["errors"][0].get("code")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError, RegistryMisbehaved):
        return ""
    except RegistryUnavailable:
        return ""
    return "".join(char for char in str(message)[:200] if char.isprintable())
