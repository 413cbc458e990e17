"""Layers merged into the tree of files that runs, as a runtime unpacks them (OCI image-spec v1.1, layer.md).

Lowest layer first, entries in their order:

- ``.wh.NAME`` hides NAME of lower layers, ``.wh..wh..opq`` all that lower layers have in that directory; never what the
  same layer brings, whichever comes first. Where runtimes disagree about that, the file stays listed.
- Links in the directories of a name are followed, always below the image's root, as runtimes do: what is written
  through a link is listed where it lands.
- A hard link is the same file. Some runtimes give it the mode and the owner of the link's header, others leave it as it
  was: it is listed with the bits of both, and with the lower owner. Else a link could take a set-uid bit off the list.
- A directory over a directory keeps what is in it; everything else replaces what was there.

What cannot be unpacked is refused: a name with ``..`` in it, a hard link to nothing, a file used as a directory.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from builds.domain.layer_files.entries import FileEntry, Kind, Magic
from builds.domain.layer_files.refusals import LayerRefused
from builds.domain.layer_files.tar import Counted, Header

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
_MAX_LINKS = 40  # Linux follows no more
_NAME_MAX = 255
_KINDS = {
    ord("2"): Kind.LINK,
    ord("3"): Kind.CHARACTER,
    ord("4"): Kind.BLOCK,
    ord("5"): Kind.DIRECTORY,
    ord("6"): Kind.FIFO,
}
_IMPLIED = FileEntry(path="", kind=Kind.DIRECTORY, mode=0o755)


class _File:
    """What one or more names stand for."""

    __slots__ = ("entry",)

    def __init__(self, entry: FileEntry) -> None:
        self.entry = entry  # its path is empty: names have the paths


class _Node:
    """One name in the tree."""

    __slots__ = ("children", "depth", "file", "layer")

    def __init__(self, file: _File, depth: int, layer: int) -> None:
        self.file = file
        self.children: dict[str, _Node] = {}
        self.depth = depth
        self.layer = layer  # the last that named it

    @property
    def kind(self) -> Kind:
        return self.file.entry.kind


@dataclass(frozen=True, slots=True)
class Content:
    """What was read of a regular file."""

    sha256: str
    magic: Magic


def path_of(header: Header, depth: int) -> str:
    """The entry's path below the root, clean; "" for the root itself. Raises LayerRefused.

    A leading slash means the root of the image, as every runtime takes it.
    """
    return _clean(header.name, depth, "The name")


class MergedTree:
    """The files of the layers so far."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted
        self._depth = counted.limits.depth
        self._root = _Node(_File(_IMPLIED), 0, 0)
        # Where a directory's path leads; forgotten when a directory or a link goes.
        self._known: dict[str, _Node] = {}

    def put(self, path: str, header: Header, content: Content | None, *, layer: int) -> None:
        """Apply one entry of ``layer``, whose path is as ``path_of`` gives it. Raises LayerRefused."""
        directory, _, name = path.rpartition("/")
        if name.startswith(WHITEOUT):
            self._hide(directory, name, layer)
        elif header.type == ord("1"):
            self._link(header, directory, name, layer)
        else:
            self._place(directory, name, _File(_entry(header, content, layer)), layer)

    def files(self) -> Iterator[FileEntry]:
        """Every path with what it is, in the order of its components. Raises LayerRefused for one that is too long."""
        yield replace(self._root.file.entry, path="")
        stack = [("", self._root)]
        while stack:
            path, node = stack.pop()
            if node is not self._root:
                yield replace(node.file.entry, path=path)
            below = [(f"{path}/{name}" if path else name, child) for name, child in sorted(node.children.items())]
            if below and max(len(one) for one, _ in below) > self._counted.limits.name_bytes:
                raise LayerRefused("Links in directories make a path that is too long.")
            stack.extend(reversed(below))

    def _place(self, directory: str, name: str, file: _File, layer: int) -> None:
        if not name:
            if file.entry.kind is not Kind.DIRECTORY:
                raise LayerRefused("An entry would replace the root by something that is no directory.")
            self._root.file = file
            return
        parent = self._directory(directory, layer)
        if parent is None:
            raise RuntimeError("a directory that is made is there")
        existing = parent.children.get(name)
        if existing is not None and existing.kind is Kind.DIRECTORY and file.entry.kind is Kind.DIRECTORY:
            existing.file, existing.layer = file, layer
            return
        if existing is not None and existing.kind in (Kind.DIRECTORY, Kind.LINK):
            self._known.clear()
        parent.children[name] = _Node(file, parent.depth + 1, layer)

    def _link(self, header: Header, directory: str, name: str, layer: int) -> None:
        target = _clean(header.target, self._depth, "The target of the hard link")
        found = self._found(target)
        if found is None or found.kind is Kind.DIRECTORY:
            raise LayerRefused("A hard link names a file that is not there.")
        if found.kind is not Kind.LINK:
            was = found.file.entry
            uid, gid = min(was.uid, header.uid), min(was.gid, header.gid)
            found.file.entry = replace(was, mode=was.mode | header.mode, uid=uid, gid=gid)
        self._place(directory, name, found.file, layer)

    def _hide(self, directory: str, name: str, layer: int) -> None:
        hidden = name.removeprefix(WHITEOUT)
        if hidden in ("", ".", ".."):
            raise LayerRefused("A whiteout names no file of its directory.")
        parent = self._directory(directory, layer, is_made=False)
        if parent is None or (name.startswith(WHITEOUT + WHITEOUT) and name != OPAQUE):
            return  # other ".wh..wh." names are left from AUFS and mean nothing
        names = list(parent.children) if name == OPAQUE else [hidden]
        self._known.clear()
        for one in names:
            child = parent.children.get(one)
            if child is not None and not _keep_of(child, layer):
                del parent.children[one]

    def _found(self, path: str) -> _Node | None:
        directory, _, name = path.rpartition("/")
        parent = self._directory(directory, 0, is_made=False)
        return parent.children.get(name) if parent and name else None

    def _directory(self, path: str, layer: int, *, is_made: bool = True) -> _Node | None:
        """Where ``path`` leads, links followed; made where it is missing, unless not ``is_made``."""
        known = self._known.get(path)
        if known is not None:
            return known
        stack, todo, links = [self._root], path.split("/")[::-1], 0
        while todo:
            name = todo.pop()
            if name in ("", "."):
                continue
            if name == "..":
                stack = stack[:-1] or [self._root]
                continue
            node = stack[-1].children.get(name)
            if node is None:
                if not is_made:
                    return None
                node = self._implied(stack[-1], name, layer)
            if node.kind is Kind.DIRECTORY:
                stack.append(node)
            elif node.kind is Kind.LINK:
                links += 1
                if links > _MAX_LINKS:
                    raise LayerRefused("Links in the directories of a name lead in a circle.")
                target = node.file.entry.target
                stack = [self._root] if target.startswith("/") else stack
                todo.extend(target.split("/")[::-1])
            elif is_made:
                raise LayerRefused("An entry uses a file as a directory.")
            else:
                return None
        self._known[path] = stack[-1]
        return stack[-1]

    def _implied(self, parent: _Node, name: str, layer: int) -> _Node:
        self._counted.entry(name)
        if parent.depth >= self._depth:
            raise LayerRefused(f"A path has over {self._depth} components.")
        node = _Node(_File(replace(_IMPLIED, layer=layer)), parent.depth + 1, layer)
        parent.children[name] = node
        return node


def _keep_of(node: _Node, layer: int) -> bool:
    """Drop from ``node`` what lower layers brought; whether anything of ``layer`` is left in it."""
    kept = {name: child for name, child in node.children.items() if _keep_of(child, layer)}
    node.children = kept
    return bool(kept) or node.layer == layer


def _clean(name: str, depth: int, what: str) -> str:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise LayerRefused(f"{what} of an entry leads upward ('..').")
    if len(parts) > depth:
        raise LayerRefused(f"A path has over {depth} components.")
    if len(name) > _NAME_MAX // 4 and any(len(part.encode("utf-8", "surrogateescape")) > _NAME_MAX for part in parts):
        raise LayerRefused(f"A file's name has over {_NAME_MAX} bytes.")
    return "/".join(parts)


def _entry(header: Header, content: Content | None, layer: int) -> FileEntry:
    return FileEntry(
        path="",
        kind=Kind.FILE if header.is_regular else _KINDS[header.type],
        mode=header.mode,
        uid=header.uid,
        gid=header.gid,
        size=header.size,
        sha256=content.sha256 if content else "",
        target=header.target,
        capabilities=header.capabilities.hex(),
        magic=content.magic if content else Magic.NONE,
        layer=layer,
    )
