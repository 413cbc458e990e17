"""Which images an object would run: one generic walk, whatever its kind.

The rules:

- An image is a key ``image`` (any case) with a string value, anywhere; or an object at ``volumes[].image``
  (its ``reference``). Lists of three known paths are how init containers, ephemeral containers and image
  volumes were once missed elsewhere, so no kind is special here.
- Not looked at: ``metadata`` and ``status`` of the object itself, the ``metadata`` of a template (a
  ``metadata`` that stands beside a ``spec``), and ``managedFields``.
- A container without an image is an empty image, and a kind that carries Pods but shows none is refused:
  nothing extracted is not nothing to judge.
- What cannot be read as an image but stands where one would (a number, a list) is refused too.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

from core.errors import GoldgateError, Kind
from gate.verdict import ImageUse, Place

MAX_DEPTH = 64
MAX_IMAGES = 500
POD_KINDS = frozenset(
    (
        "Pod",
        "PodTemplate",
        "ReplicationController",
        "ReplicaSet",
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "CronJob",
    )
)
_CONTAINER_LISTS = frozenset(("containers", "initContainers", "ephemeralContainers"))


class ObjectTooDeep(GoldgateError):
    """The object nests deeper than any that Kubernetes accepts."""

    code: ClassVar[str] = "object_too_deep"
    kind: ClassVar[Kind] = Kind.MALFORMED


class TooManyImages(GoldgateError):
    """More images than one answer can name."""

    code: ClassVar[str] = "too_many_images"
    kind: ClassVar[Kind] = Kind.MALFORMED


class _Node(NamedTuple):
    """A part of the object still to be walked."""

    value: dict[str, Any]
    path: str
    depth: int
    pod_security: Any  # securityContext of the PodSpec whose container list this stands in
    is_container: bool
    is_volume: bool


def images_in(value: Any) -> list[ImageUse]:
    """The images of ``value`` (decoded JSON) in document order, each with its JSON path.

    Raises ObjectTooDeep, TooManyImages.
    """
    if not isinstance(value, dict):
        return []
    root = {key: item for key, item in value.items() if key not in ("metadata", "status", "managedFields")}
    found: list[ImageUse] = []
    pending = [_Node(root, "", 0, None, is_container=False, is_volume=False)]
    while pending:
        node = pending.pop()
        if node.depth > MAX_DEPTH:
            raise ObjectTooDeep(f"The object nests deeper than {MAX_DEPTH} levels at {node.path[:200]}.")
        found.extend(_own_images(node))
        if len(found) > MAX_IMAGES:
            raise TooManyImages(f"The object names more than {MAX_IMAGES} images.")
        pending.extend(reversed(list(_children(node))))
    return found


def carries_pods(*kinds: str) -> bool:
    """Whether one of ``kinds`` is a kind that runs, or makes, Pods."""
    return not POD_KINDS.isdisjoint(kinds)


def _own_images(node: _Node) -> Iterator[ImageUse]:
    """The images that ``node`` names by a key of its own."""
    shown = False
    for key, item in node.value.items():
        if len(key) != 5 or item is None or key.lower() != "image":
            continue
        path = f"{node.path}.{key}" if node.path else key
        if isinstance(item, dict):
            if node.is_volume:
                shown = True
                reference = item.get("reference")
                text = reference if isinstance(reference, str) else ""
                yield ImageUse(reference=text, path=f"{path}.reference", place=Place.VOLUME)
            continue  # elsewhere an object of that name is walked, not read
        shown = True
        yield _container_image(item if isinstance(item, str) else "", path, node)
    if node.is_container and not shown:
        yield _container_image("", f"{node.path}.image", node)


def _container_image(reference: str, path: str, node: _Node) -> ImageUse:
    user, is_malformed = _run_as_user(node.value.get("securityContext"), node.pod_security)
    return ImageUse(reference=reference, path=path, run_as_user=user, is_user_malformed=is_malformed)


def _run_as_user(own: Any, pod: Any) -> tuple[int | None, bool]:
    """The container's word, else the Pod's. The flag: it is there and is no whole number."""
    for context in (own, pod):
        if context is None:
            continue
        if not isinstance(context, dict):
            return None, True
        user = context.get("runAsUser")
        if user is not None:
            return (None, True) if isinstance(user, bool) or not isinstance(user, int) else (user, False)
    return None, False


def _children(node: _Node) -> Iterator[_Node]:
    value, path, depth = node.value, node.path, node.depth + 1
    has_spec = "spec" in value
    for key, item in value.items():
        if isinstance(item, dict):
            if key == "managedFields" or (key == "metadata" and has_spec):
                continue
            yield _Node(item, f"{path}.{key}" if path else key, depth, None, is_container=False, is_volume=False)
        elif isinstance(item, list) and item and key != "managedFields":
            yield from _items(node, key, item, f"{path}.{key}" if path else key, depth)


def _items(node: _Node, key: str, items: list[Any], path: str, depth: int) -> Iterator[_Node]:
    is_container = key in _CONTAINER_LISTS
    is_volume = key == "volumes"
    security = node.value.get("securityContext") if is_container else None
    for index, item in enumerate(items):
        here = f"{path}[{index}]"
        if isinstance(item, dict):
            yield _Node(item, here, depth, security, is_container=is_container, is_volume=is_volume)
        elif isinstance(item, list):
            # A list in a list has no key: walked as an object whose only key is empty.
            yield _Node({"": item}, here, depth, None, is_container=False, is_volume=False)
        elif is_container:
            yield _Node({}, here, depth, security, is_container=True, is_volume=False)
