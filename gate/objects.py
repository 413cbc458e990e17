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

import itertools
from typing import Any, ClassVar

from core.errors import GoldgateError, Kind
from gate.verdict import ImageUse, Place

MAX_DEPTH = 64
MAX_IMAGES = 500
MAX_STEP = 100  # characters of one key that a path shows: a key may be megabytes, and stand in many paths
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
# "image" in every mixture of cases: one look-up a key.
_IMAGE_KEYS = frozenset("".join(letters) for letters in itertools.product(*zip("image", "IMAGE", strict=True)))
_NOT_WALKED = frozenset(("metadata", "status", "managedFields"))  # at the top
_SKIPPED = frozenset(("metadata", "managedFields"))  # below it; "metadata" only beside a "spec"
_CONTAINER_LISTS = frozenset(("containers", "initContainers", "ephemeralContainers"))


class ObjectTooDeep(GoldgateError):
    """The object nests deeper than any that Kubernetes accepts."""

    code: ClassVar[str] = "object_too_deep"
    kind: ClassVar[Kind] = Kind.MALFORMED


class TooManyImages(GoldgateError):
    """More images than one answer can name."""

    code: ClassVar[str] = "too_many_images"
    kind: ClassVar[Kind] = Kind.MALFORMED


# Where in the object: (where above, key or index); written out only for what is found.
_Path = tuple[Any, Any] | None


class _Walk:
    """One walk through one object, level by level. Plain loops: it is run for every answer."""

    def __init__(self, root: dict[str, Any]) -> None:
        self.found: list[ImageUse] = []
        # Objects still to be read, each with its path and depth; grows while it is read.
        self._queue: list[tuple[dict[str, Any], _Path, int]] = [(root, None, 1)]

    def run(self) -> None:
        """Read every object of the queue. Raises ObjectTooDeep, TooManyImages."""
        push = self._queue.append
        for value, path, depth in self._queue:
            if depth > MAX_DEPTH:
                raise ObjectTooDeep(f"The object nests deeper than {MAX_DEPTH} levels at {_written(path)[:200]}.")
            for key, item in value.items():
                kind = type(item)
                if kind is dict:
                    if key not in _SKIPPED or (key == "metadata" and "spec" not in value):
                        push((item, (path, key), depth + 1))
                elif kind is list:
                    self._list(key, item, value, (path, key), depth + 1)
                if key in _IMAGE_KEYS and kind is not dict and item is not None:
                    self._take(item, (path, key), value, None)

    def _list(self, key: str, items: list[Any], owner: dict[str, Any], path: _Path, depth: int) -> None:
        """Queue what stands in the list ``owner[key]``: containers and volumes are known by that key."""
        if key in _CONTAINER_LISTS:
            security = owner.get("securityContext")
            for index, item in enumerate(items):
                self._container(item, (path, index), depth, security)
            return
        if key == "managedFields":
            return
        push = self._queue.append
        for index, item in enumerate(items):
            kind = type(item)
            if kind is dict:
                if key == "volumes":
                    self._volume(item, (path, index))
                push((item, (path, index), depth))
            elif kind is list:
                # A list in a list has no key: queued as an object with an empty one, so that its depth counts.
                push(({"": item}, (path, index), depth))

    def _container(self, item: Any, path: _Path, depth: int, security: Any) -> None:
        if type(item) is list:
            self._queue.append(({"": item}, path, depth))
        fields: dict[str, Any] = item if type(item) is dict else {}
        is_shown = False
        rest: dict[str, Any] = {}
        for key, value in fields.items():
            kind = type(value)
            if key in _IMAGE_KEYS and kind is not dict and value is not None:
                is_shown = True
                self._take(value, (path, key), fields, security)
            elif kind is dict or kind is list:
                rest[key] = value
        if not is_shown:
            self._take("", (path, "image"), fields, security)
        if rest:
            self._queue.append((rest, path, depth))

    def _volume(self, item: dict[str, Any], path: _Path) -> None:
        for key, value in item.items():
            if key in _IMAGE_KEYS and type(value) is dict:
                reference = value.get("reference")
                text = reference if isinstance(reference, str) else ""
                where = _written(((path, key), "reference"))
                self._keep(ImageUse(reference=text, path=where, place=Place.VOLUME))

    def _take(self, value: Any, path: _Path, owner: dict[str, Any], security: Any) -> None:
        user, is_malformed = _run_as_user(owner.get("securityContext"), security)
        # What stands where an image would and is none (a number, a list) is an empty image: refused.
        text = value if isinstance(value, str) else ""
        self._keep(ImageUse(reference=text, path=_written(path), run_as_user=user, is_user_malformed=is_malformed))

    def _keep(self, use: ImageUse) -> None:
        if len(self.found) == MAX_IMAGES:
            raise TooManyImages(f"The object names more than {MAX_IMAGES} images.")
        self.found.append(use)


def images_in(value: Any) -> list[ImageUse]:
    """The images of ``value`` (decoded JSON), the upper ones first, each with its JSON path.

    Raises ObjectTooDeep, TooManyImages.
    """
    if not isinstance(value, dict):
        return []
    walk = _Walk({key: item for key, item in value.items() if key not in _NOT_WALKED})
    walk.run()
    return walk.found


def carries_pods(*kinds: str) -> bool:
    """Whether one of ``kinds`` is a kind that runs, or makes, Pods."""
    return not POD_KINDS.isdisjoint(kinds)


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


def _written(path: _Path) -> str:
    """``spec.containers[0].image``."""
    steps = []
    while path is not None:
        path, step = path
        steps.append(f"[{step}]" if isinstance(step, int) else f".{_shown(step)}")
    return "".join(reversed(steps)).removeprefix(".")


def _shown(key: str) -> str:
    return key if len(key) <= MAX_STEP else f"{key[: MAX_STEP - 1]}…"
