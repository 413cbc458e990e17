"""Image references, read as Docker, containerd and Kubernetes read them.

The grammar is that of github.com/distribution/reference v0.6.0 (``regexp.go``, ``normalize.go``), and a
test compares each answer with that module's own. The rules:

- A name is ``host[:port]/path``. A first component is a host when it has a ``.`` or a ``:``, is
  ``localhost``, or has an upper-case letter.
- ``debian`` is *completed* to ``docker.io/library/debian`` by those programs. Here that is asked for
  (``Completion.DOCKER``), never done in silence: a policy that names ``docker.io`` must see it written.
- Everything is anchored at both ends of the text: a trailing newline is not part of a reference.
- Canonical means: written in full, host in lower case, port a plain number, and the text comes back
  unchanged. Only a canonical reference may be compared.
"""

import re
from dataclasses import dataclass, replace
from enum import Enum
from typing import Self

from oci.digest import Digest
from oci.errors import MalformedDigest, MalformedReference, ReferenceNotCanonical

_PATH_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_HOST_COMPONENT = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_HOST_COMPONENT}(?:\.{_HOST_COMPONENT})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_TAG = r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE = re.compile(
    rf"\A(?:(?P<host>{_HOST})/)?(?P<path>{_PATH_COMPONENT}(?:/{_PATH_COMPONENT})*)"
    rf"(?::(?P<tag>{_TAG}))?(?:@(?P<digest>{_DIGEST}))?\Z"
)
_BARE_HEX = re.compile(r"\A[a-f0-9]{64}\Z")
_HOST_ALONE = re.compile(rf"\A{_HOST}\Z")
_PATH_ALONE = re.compile(rf"\A{_PATH_COMPONENT}(?:/{_PATH_COMPONENT})*\Z")
_TAG_ALONE = re.compile(rf"\A{_TAG}\Z")

DOCKER_HOST = "docker.io"
_LEGACY_DOCKER_HOST = "index.docker.io"
_OFFICIAL = "library/"
MAX_PATH_LENGTH = 255  # characters, of the path alone (distribution/reference v0.6.0)
MAX_TEXT_LENGTH = 4096  # characters; longer text is not even matched
MAX_PORT = 65535


class Completion(Enum):
    """What may be added to a reference that is not written in full."""

    NONE = "none"
    DOCKER = "docker"


@dataclass(frozen=True, slots=True)
class Reference:
    """``registry/repository[:tag][@digest]``."""

    registry: str  # host, with its port if one is written
    repository: str  # the path below the host
    tag: str = ""
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str, *, completion: Completion = Completion.NONE) -> Self:
        """The reference that ``text`` spells.

        Without completion only the canonical form is read. With ``Completion.DOCKER`` the answer is what
        ``docker pull`` would ask for. Raises MalformedReference; ReferenceNotCanonical, with the form to write.
        """
        found = cls._normalized(text)
        if completion is Completion.DOCKER:
            return found
        if str(found) != text:
            raise ReferenceNotCanonical(f"{text!r} is not written in full.", cure=f"Write {found}.")
        found._require_plain_host(text)
        return found

    @classmethod
    def is_canonical(cls, text: str) -> bool:
        """Whether ``text`` can be compared as it stands."""
        try:
            cls.parse(text)
        except MalformedReference:
            return False
        return True

    @classmethod
    def _normalized(cls, text: str) -> Self:
        """As ``ParseNormalizedNamed`` answers. Raises MalformedReference."""
        if len(text) > MAX_TEXT_LENGTH:
            raise _malformed(text, f"it is longer than {MAX_TEXT_LENGTH} characters")
        if _BARE_HEX.match(text):
            raise _malformed(text, "64 hex digits alone could be an image id", cure="Write repository@sha256:….")
        host, rest = _split_host(text)
        path = rest.partition(":")[0]
        if path != path.lower():
            raise _malformed(text, "a repository name is in lower case")
        match = _REFERENCE.match(f"{host}/{rest}")
        # "a_b.c/debian": not a host, yet taken for one; Go reads it as a path that is in no registry at all.
        if match is None or match["host"] is None:
            raise _malformed(text, "it does not follow the grammar host[:port]/path[:tag][@digest]")
        if len(match["path"]) > MAX_PATH_LENGTH:
            raise _malformed(text, f"its path is longer than {MAX_PATH_LENGTH} characters")
        return cls(match["host"], match["path"], match["tag"] or "", _digest(match["digest"], text))

    def _require_plain_host(self, text: str) -> None:
        """One host, one spelling: names are compared as text. Raises ReferenceNotCanonical."""
        host, _, port = self.registry.rpartition(":") if not self.registry.endswith("]") else (self.registry, "", "")
        name = host or self.registry
        if name != name.lower():
            raise ReferenceNotCanonical(
                f"{text!r} has a host with upper-case letters.",
                cure=f"Write {replace(self, registry=self.registry.lower())}.",
            )
        if host and port and (port != str(int(port[:6])) or not 0 < int(port[:6]) <= MAX_PORT):
            raise ReferenceNotCanonical(
                f"{text!r} has the port {port[:12]}.", cure="Write a port from 1 to 65535 without leading zeros."
            )

    @property
    def name(self) -> str:
        """``host/path``: what is compared, and signed under."""
        return f"{self.registry}/{self.repository}"

    def pinned(self, digest: Digest) -> Self:
        """The same name with ``digest`` and no tag: the form that cannot move."""
        return replace(self, tag="", digest=digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}@{self.digest}" if self.digest else f"{self.name}{tag}"


def is_host(text: str) -> bool:
    """Whether ``text`` can stand as ``host[:port]`` of a canonical reference."""
    return _HOST_ALONE.match(text) is not None and Reference.is_canonical(f"{text}/x/x")


def is_repository_path(text: str) -> bool:
    """Whether ``text`` can stand as the path of a canonical reference."""
    return len(text) <= MAX_PATH_LENGTH and _PATH_ALONE.match(text) is not None


def is_within(name: str, place: str) -> bool:
    """Whether ``name`` lies at ``place`` or below it, by whole parts: ``a/base-old`` is not in ``a/base``."""
    return name.startswith(place) and name[len(place) : len(place) + 1] in ("", "/")


def is_tag(text: str) -> bool:
    """Whether ``text`` can be a tag (distribution-spec v1.1.1, ``<reference>`` as a tag)."""
    return _TAG_ALONE.match(text) is not None


def _split_host(text: str) -> tuple[str, str]:
    """Host and the rest, with Docker's default host and ``library/`` (``splitDockerDomain``)."""
    first, slash, after = text.partition("/")
    if not slash:
        return DOCKER_HOST, _OFFICIAL + text
    if first == _LEGACY_DOCKER_HOST:
        host, rest = DOCKER_HOST, after
    elif first == "localhost" or "." in first or ":" in first or first != first.lower():
        host, rest = first, after
    else:
        host, rest = DOCKER_HOST, text
    if host == DOCKER_HOST and "/" not in rest:
        rest = _OFFICIAL + rest
    return host, rest


def _digest(text: str | None, whole: str) -> Digest | None:
    if text is None:
        return None
    try:
        return Digest.parse(text)
    except MalformedDigest as error:
        raise MalformedReference(f"{whole[:300]!r} ends in what is not a digest.", cure=error.cure) from error


def _malformed(text: str, why: str, *, cure: str = "Write host/path:tag or host/path@sha256:….") -> MalformedReference:
    return MalformedReference(f"{text[:300]!r} is not an image reference: {why}.", cure=cure)
