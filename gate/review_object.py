"""The object of a review, read from its bytes: images, kind, name, owners.

Most objects are plain: every image stands where Pods have them. Those are read without building the whole
object, in a fifth of the time. That is sound because the bytes are asked how often a key ``image`` stands in
them, in any case and anywhere, and how often the name of a list of containers: only when exactly that many
were found in the plain places is the plain reading taken. Everything else (a key elsewhere, twice, or spelt with
escapes; a container without an image somewhere) goes the general way, ``gate.objects.images_in``.
"""

import re
from typing import Any, ClassVar, NamedTuple

import msgspec

from core.errors import GoldgateError, Kind
from gate.objects import MAX_IMAGES, images_in
from gate.verdict import ImageUse, Place

# Inside a string these quotes would be escaped, so only a key (or a value before a colon: no JSON) matches.
_IMAGE_KEY = re.compile(rb'"image"\s*:', re.IGNORECASE)
_ESCAPE = b"\\u"  # a key may be spelt with it
_LIST_KEYS = (b'"containers"', b'"initContainers"', b'"ephemeralContainers"')


class UnreadableObject(GoldgateError):
    """The object's bytes are no JSON object."""

    code: ClassVar[str] = "unreadable_object"
    kind: ClassVar[Kind] = Kind.MALFORMED


class ReadObject(NamedTuple):
    """What a review's object says."""

    images: list[ImageUse]
    kind: str
    name: str
    uid: str
    owners: list[Any]


class _Security(msgspec.Struct, rename="camel"):
    run_as_user: int | None = None


class _Container(msgspec.Struct, rename="camel"):
    image: str
    security_context: _Security | None = None


class _Image(msgspec.Struct):
    reference: str


class _Volume(msgspec.Struct):
    image: _Image | None = None


class _Template(msgspec.Struct):
    spec: "_Spec | None" = None


class _Spec(msgspec.Struct, rename="camel"):
    """A PodSpec, or the spec of what makes Pods."""

    containers: list[_Container] | None = None
    init_containers: list[_Container] | None = None
    ephemeral_containers: list[_Container] | None = None
    volumes: list[_Volume] = []
    security_context: _Security | None = None
    template: _Template | None = None
    job_template: _Template | None = None


class _Metadata(msgspec.Struct, rename="camel"):
    name: str = ""
    generate_name: str = ""
    uid: str = ""
    owner_references: list[dict[str, Any]] = []


class _Plain(msgspec.Struct):
    kind: str = ""
    metadata: _Metadata | None = None
    spec: _Spec | None = None
    template: _Template | None = None


_PLAIN = msgspec.json.Decoder(_Plain)


def read_object(raw: bytes | memoryview) -> ReadObject:
    """Read ``raw``. Raises UnreadableObject, ObjectTooDeep, TooManyImages."""
    found = _read_plainly(raw)
    return found if found is not None else _read_generally(raw)


def _read_plainly(raw: bytes | memoryview) -> ReadObject | None:
    """The plain reading, or None where it might not be all."""
    body = bytes(raw)
    try:
        plain = _PLAIN.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    uses: list[ImageUse] = []
    lists = _take_spec(plain.spec, "spec", uses)
    if plain.template is not None:
        lists += _take_spec(plain.template.spec, "template.spec", uses)
    if len(uses) != len(_IMAGE_KEY.findall(body)) or lists != sum(map(body.count, _LIST_KEYS)):
        return None
    if _ESCAPE in body or len(uses) > MAX_IMAGES:
        return None
    metadata = plain.metadata or _Metadata()
    return ReadObject(
        uses, plain.kind, metadata.name or metadata.generate_name, metadata.uid, metadata.owner_references
    )


def _take_spec(spec: _Spec | None, path: str, uses: list[ImageUse]) -> int:
    """Add the images of ``spec`` to ``uses``; how many lists of containers it has."""
    if spec is None:
        return 0
    pod, lists = spec.security_context, 0
    for name, items in (
        ("containers", spec.containers),
        ("initContainers", spec.init_containers),
        ("ephemeralContainers", spec.ephemeral_containers),
    ):
        if items is None:
            continue
        lists += 1
        for index, item in enumerate(items):
            user = item.security_context.run_as_user if item.security_context is not None else None
            if user is None and pod is not None:
                user = pod.run_as_user
            uses.append(ImageUse(reference=item.image, path=f"{path}.{name}[{index}].image", run_as_user=user))
    for index, volume in enumerate(spec.volumes):
        if volume.image is not None:
            where = f"{path}.volumes[{index}].image.reference"
            uses.append(ImageUse(reference=volume.image.reference, path=where, place=Place.VOLUME))
    if spec.template is not None:
        lists += _take_spec(spec.template.spec, f"{path}.template.spec", uses)
    if spec.job_template is not None:
        lists += _take_spec(spec.job_template.spec, f"{path}.jobTemplate.spec", uses)
    return lists


def _read_generally(raw: bytes | memoryview) -> ReadObject:
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableObject(f"the object cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise UnreadableObject("the review shows no object")
    metadata = value.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    owners = metadata.get("ownerReferences")
    return ReadObject(
        images_in(value),
        _text(value.get("kind")),
        _text(metadata.get("name")) or _text(metadata.get("generateName")),
        _text(metadata.get("uid")),
        owners if isinstance(owners, list) else [],
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
