"""Image configurations: who it runs as, and the layers it claims."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oci.descriptor import text_of, texts_of
from oci.digest import Digest
from oci.errors import MalformedDigest, MalformedDocument
from oci.strict_json import require_exact_case, strict_json

_KEYS = ("architecture", "os", "variant", "config", "rootfs", "history", "created", "author", "os.version")
_RUN_KEYS = ("User", "Env", "Entrypoint", "Cmd", "WorkingDir", "Labels", "ExposedPorts", "Volumes", "StopSignal")
_ROOTFS_KEYS = ("type", "diff_ids")
_HISTORY_KEYS = ("created", "created_by", "author", "comment", "empty_layer")
_CURE = "Build the image again with a current tool."


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One step that the builder says it took. A claim, never a proof."""

    created: str
    created_by: str
    comment: str
    is_empty_layer: bool


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """OCI image-spec v1.1.1, config.md."""

    architecture: str
    os: str
    variant: str
    user: str  # as written: "", "0", "nobody", "65532:65532"
    diff_ids: tuple[Digest, ...]  # digests of the uncompressed layers, lowest first
    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    working_dir: str = ""
    created: str = ""  # as written
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    history: tuple[HistoryEntry, ...] = ()

    @classmethod
    def parse(cls, body: bytes) -> "ImageConfig":
        """Read a configuration. Raises MalformedDocument, naming the key; DocumentTooLarge."""
        found = strict_json(body, what="image configuration")
        require_exact_case(found, _KEYS, where="The image configuration")
        run = _object(found, "config", "config")
        require_exact_case(run, _RUN_KEYS, where="config")
        return cls(
            architecture=text_of(found, "architecture", where="config file", default=""),
            os=text_of(found, "os", where="config file", default=""),
            variant=text_of(found, "variant", where="config file", default=""),
            user=text_of(run, "User", where="config", default=""),
            diff_ids=_diff_ids(found),
            env=_texts(run, "Env"),
            entrypoint=_texts(run, "Entrypoint"),
            cmd=_texts(run, "Cmd"),
            working_dir=text_of(run, "WorkingDir", where="config", default=""),
            created=text_of(found, "created", where="config file", default=""),
            labels=texts_of(run, "Labels", where="config"),
            history=_history(found),
        )


def _object(found: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    value = found.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedDocument(f"{where} must be an object.", cure=_CURE)
    return value


def _texts(found: dict[str, Any], key: str) -> tuple[str, ...]:
    value = found.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise MalformedDocument(f"config.{key} must be a list of texts.", cure=_CURE)
    return tuple(value)


def _diff_ids(found: dict[str, Any]) -> tuple[Digest, ...]:
    rootfs = _object(found, "rootfs", "rootfs")
    require_exact_case(rootfs, _ROOTFS_KEYS, where="rootfs")
    value = rootfs.get("diff_ids")
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise MalformedDocument("rootfs.diff_ids must be a list of digests.", cure=_CURE)
    try:
        return tuple(Digest.parse(one) for one in value)
    except MalformedDigest as error:
        raise MalformedDocument(f"rootfs.diff_ids: {error.detail}", cure=_CURE) from error


def _history(found: dict[str, Any]) -> tuple[HistoryEntry, ...]:
    value = found.get("history")
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise MalformedDocument("history must be a list of objects.", cure=_CURE)
    return tuple(_history_entry(one, f"history[{index}]") for index, one in enumerate(value))


def _history_entry(one: dict[str, Any], where: str) -> HistoryEntry:
    require_exact_case(one, _HISTORY_KEYS, where=where)
    is_empty = one.get("empty_layer", False)
    if not isinstance(is_empty, bool):
        raise MalformedDocument(f"{where}.empty_layer must be true or false.", cure=_CURE)
    return HistoryEntry(
        created=text_of(one, "created", where=where, default=""),
        created_by=text_of(one, "created_by", where=where, default=""),
        comment=text_of(one, "comment", where=where, default=""),
        is_empty_layer=is_empty,
    )
