"""Reading a pasted manifest: YAML or JSON from a person, several documents, nothing doubled, nothing unbounded."""

import itertools
from typing import Any

import msgspec
import yaml
from yaml.constructor import ConstructorError
from yaml.nodes import MappingNode

from admission.errors import MalformedQuestion
from gate.objects import MAX_IMAGES, MAX_STEP, TooManyImages, carries_pods, images_in
from gate.verdict import ImageUse, Place

MAX_DOCUMENTS = 100
MAX_DEPTH = 80
MAX_NODES = 50_000  # about two seconds of reading; a hundred Deployments have 10,000


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML without aliases and without doubled keys: what a person reads is what is judged."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise ConstructorError(None, None, "aliases (*name) are not read here; write it out", event.start_mark)
        self.gg_depth = getattr(self, "gg_depth", 0) + 1
        self.gg_nodes = getattr(self, "gg_nodes", 0) + 1
        if self.gg_depth > MAX_DEPTH or self.gg_nodes > MAX_NODES:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise ConstructorError(None, None, "it nests too deeply or is too large", mark)
        node = super().compose_node(parent, index)
        self.gg_depth -= 1
        return node

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise ConstructorError(None, None, "merge keys (<<) are not read here", key_node.start_mark)
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise ConstructorError(None, None, f"the key {key!r} is not text", key_node.start_mark)
            if key in seen:
                raise ConstructorError(None, None, f"the key {key!r} stands twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def uses_in(documents: list[dict[str, Any]]) -> list[ImageUse]:
    """Every image of a manifest's objects, with its path; named with its object where there are several.

    An object that runs Pods and shows no image counts as an empty image, which is refused.
    Raises ObjectTooDeep; TooManyImages.
    """
    found: list[ImageUse] = []
    for document in documents:
        kind = document.get("kind")
        uses = images_in(document)
        if not uses and carries_pods(kind if isinstance(kind, str) else ""):
            uses = [ImageUse(reference="", path="spec")]
        if len(documents) > 1:
            uses = [msgspec.structs.replace(use, path=f"{_name(document)}: {use.path}") for use in uses]
        found.extend(uses)
        if len(found) > MAX_IMAGES:
            raise TooManyImages(f"The manifest names more than {MAX_IMAGES} images.", cure="Ask in parts.")
    return found


def uses_of(references: list[str]) -> list[ImageUse]:
    """Images asked for by themselves, outside any Pod: how they will run is not known yet."""
    return [ImageUse(reference=reference, place=Place.BARE) for reference in references]


def namespace_in(documents: list[dict[str, Any]]) -> str:
    """The namespace that a manifest's objects name, where they name one and the same."""
    names = {
        metadata["namespace"]
        for document in documents
        if isinstance(metadata := document.get("metadata"), dict) and isinstance(metadata.get("namespace"), str)
    }
    return names.pop() if len(names) == 1 else ""


def _name(document: dict[str, Any]) -> str:
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    kind = document.get("kind")
    shown = (text[:MAX_STEP] if isinstance(text, str) else "?" for text in (kind, name))
    return "/".join(shown)


def documents_of(text: str) -> list[dict[str, Any]]:
    """The objects of a manifest; a List's items count each. Raises MalformedQuestion, naming the line."""
    try:
        # One more than are taken, so that a million of them are not read before they are refused.
        loaded = list(itertools.islice(yaml.load_all(text, Loader=_StrictLoader), MAX_DOCUMENTS + 1))
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" (line {where.line + 1})" if where else ""
        what = getattr(error, "problem", None) or str(error)
        raise MalformedQuestion(
            f"The manifest cannot be read{line}: {what}.", cure="Give it as kubectl would take it, keys once each."
        ) from error
    found: list[dict[str, Any]] = []
    for document in loaded:
        if document is None:
            continue
        if not isinstance(document, dict):
            raise MalformedQuestion("The manifest is no object.", cure="Give Kubernetes objects.")
        items = document.get("items")
        if str(document.get("kind", "")).endswith("List") and isinstance(items, list):
            found.extend(item for item in items if isinstance(item, dict))
        else:
            found.append(document)
    if not found or len(found) > MAX_DOCUMENTS:
        raise MalformedQuestion(f"The manifest has {len(found)} objects.", cure=f"Give 1 to {MAX_DOCUMENTS} of them.")
    return found
