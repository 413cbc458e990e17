"""Descriptors: media type, digest and size of something that is kept elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from oci.digest import Digest
from oci.errors import MalformedDigest, MalformedDocument
from oci.platform import Platform
from oci.strict_json import require_exact_case

_KEYS = ("mediaType", "digest", "size", "urls", "annotations", "data", "artifactType", "platform")
_PLATFORM_KEYS = ("architecture", "os", "os.version", "os.features", "variant", "features")
MAX_SIZE_BYTES = 1 << 40


@dataclass(frozen=True, slots=True)
class Descriptor:
    """OCI image-spec v1.1.1, descriptor.md."""

    media_type: str
    digest: Digest
    size: int  # bytes
    platform: Platform | None = None
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    urls: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, value: Any, *, where: str) -> Self:
        """Read one descriptor; ``where`` is its place in the document. Raises MalformedDocument, naming the key."""
        found = _object(value, where)
        require_exact_case(found, _KEYS, where=where)
        size = found.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= MAX_SIZE_BYTES:
            raise _wrong(f"{where}.size", "must be a number of bytes")
        try:
            digest = Digest.parse(text_of(found, "digest", where=where))
        except MalformedDigest as error:
            raise MalformedDocument(f"{where}.digest: {error.detail}", cure=error.cure) from error
        urls = found.get("urls") or []
        if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
            raise _wrong(f"{where}.urls", "must be a list of texts")
        return cls(
            media_type=text_of(found, "mediaType", where=where),
            digest=digest,
            size=size,
            platform=_platform(found.get("platform"), f"{where}.platform"),
            artifact_type=text_of(found, "artifactType", where=where, default=""),
            annotations=texts_of(found, "annotations", where=where),
            urls=tuple(urls),
        )

    def to_json(self) -> dict[str, Any]:
        """The descriptor as OCI writes it; absent parts are left out."""
        written: dict[str, Any] = {"mediaType": self.media_type, "digest": str(self.digest), "size": self.size}
        if self.artifact_type:
            written["artifactType"] = self.artifact_type
        if self.platform:
            platform = {"architecture": self.platform.architecture, "os": self.platform.os}
            written["platform"] = platform | ({"variant": self.platform.variant} if self.platform.variant else {})
        if self.annotations:
            written["annotations"] = dict(self.annotations)
        return written


def text_of(found: Mapping[str, Any], key: str, *, where: str, default: str | None = None) -> str:
    """A text, or ``default`` where it is absent or null. Raises MalformedDocument, naming the key."""
    value = found.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise _wrong(f"{where}.{key}", "is missing" if value is None else "must be a text")
    return value


def texts_of(found: Mapping[str, Any], key: str, *, where: str) -> dict[str, str]:
    """A map of texts, empty where it is absent or null. Raises MalformedDocument, naming the key."""
    value = found.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise _wrong(f"{where}.{key}", "must be an object of texts")
    return value


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(where, "must be an object")
    return value


def _platform(value: Any, where: str) -> Platform | None:
    if value is None:
        return None
    found = _object(value, where)
    require_exact_case(found, _PLATFORM_KEYS, where=where)
    return Platform(
        os=text_of(found, "os", where=where, default=""),
        architecture=text_of(found, "architecture", where=where, default=""),
        variant=text_of(found, "variant", where=where, default=""),
    )


def _wrong(where: str, why: str) -> MalformedDocument:
    return MalformedDocument(f"{where} {why}.", cure="Build and push the image again with a current tool.")
