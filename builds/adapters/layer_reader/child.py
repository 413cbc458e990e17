"""What runs in the child: reads layers, writes what is in them as JSON lines. Run as a program of its own.

``python -I child.py`` in a directory with ``job.json`` ({"limits", "layers": [{"path", "digest", "packed_bytes"}]}).
It writes ``files.jsonl`` (the merged files), ``sights.jsonl`` (secrets of every layer, by path, kind and line) and,
last, ``result.json``. It opens the blobs that the job names, for reading, and those three files: no name from an
archive is ever a path here.
"""

# ruff: noqa: E402 — a script that is run without our path finds it itself, before it imports what is ours

import gc
import hashlib
import json
import sys
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import IO, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
# The detectors import it to ask the network whether a secret is valid. They are never asked to, and here they cannot:
# what stands here instead knows the one name that their annotations name.
_NO_NETWORK = ModuleType("requests")
_NO_NETWORK.Response = object  # type: ignore[attr-defined]
sys.modules.setdefault("requests", _NO_NETWORK)

from builds.adapters.layer_reader.ahead import Ahead
from builds.adapters.secrets import FoundSecret, find_secrets
from builds.domain.layer_files.entries import Magic, to_line
from builds.domain.layer_files.limits import LayerLimits
from builds.domain.layer_files.packing import UNPACKING_ERRORS, open_packed
from builds.domain.layer_files.refusals import LayerRefused
from builds.domain.layer_files.tar import Counted, Header, TarStream
from builds.domain.merging import Content, MergedTree, path_of
from builds.domain.secret_names import is_text_place, name_of_secret

MAX_SIGHTS = 1000  # of those that are certain, and as many again of those that are not


@dataclass(slots=True)
class _Reader:
    """All layers of one image."""

    counted: Counted
    tree: MergedTree
    sights: IO[str]
    layers: list[dict[str, Any]] = field(default_factory=list)
    sight_count: int = 0
    listed: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})  # by whether they are certain

    def read(self, layer: dict[str, Any], number: int) -> None:
        """Read one layer to its end. Raises LayerRefused."""
        before = (self.counted.entries, self.counted.unpacked_bytes)
        with Path(layer["path"]).open("rb") as raw:
            hashing = _Hashing(raw, layer["digest"].partition(":")[0])
            try:
                with closing(Ahead(open_packed(hashing))) as stream:
                    tar = TarStream(stream, self.counted, packed_bytes=layer["packed_bytes"])
                    for header in tar.headers():
                        self._take(tar, header, number)
            except UNPACKING_ERRORS as error:
                raise LayerRefused(f"It cannot be unpacked: {error}.") from error
            if hashing.digest() != layer["digest"]:
                raise LayerRefused("Its bytes are not those that its digest names.")
        entries, unpacked = self.counted.entries - before[0], self.counted.unpacked_bytes - before[1]
        self.layers.append({"digest": layer["digest"], "entries": entries, "file_bytes": unpacked})

    def _take(self, tar: TarStream, header: Header, number: int) -> None:
        path = path_of(header, self.counted.limits.depth)
        content = None
        if header.is_regular:
            is_read = is_text_place(path, header.stored_bytes)
            content, body = _content(tar, is_kept=is_read)
            self._see(path, number, header.size, find_secrets(body) if is_read else [])
        self.tree.put(path, header, content, layer=number)

    def read_environment(self, text: str) -> None:
        """Look for secrets in the image's variables, one a line."""
        self._see("", -1, len(text), find_secrets(text.encode("utf-8", "replace")))

    def _see(self, path: str, number: int, size: int, found: list[FoundSecret]) -> None:
        named = name_of_secret(path) if size else ""
        rows: list[dict[str, Any]] = [{"kind": named, "line": None, "is_certain": True}] if named else []
        rows += [{"kind": one.kind, "line": one.line, "is_certain": one.is_certain} for one in found]
        for row in rows:
            self.sight_count += 1
            # Each kind has its own room: a thousand examples must not push a key out of the list.
            self.listed[row["is_certain"]] += 1
            if self.listed[row["is_certain"]] <= MAX_SIGHTS:
                self.sights.write(json.dumps({"path": path, "layer": number, **row}) + "\n")


class _Hashing:
    """A file that hashes what is read of it."""

    def __init__(self, file: IO[bytes], algorithm: str) -> None:
        self._file = file
        self._algorithm = algorithm
        self._hasher = hashlib.new(algorithm)

    def read(self, size: int = -1, /) -> bytes:
        piece = self._file.read(size)
        self._hasher.update(piece)
        return piece

    def digest(self) -> str:
        """Of the whole file: what nobody asked for is read now."""
        while self.read(1 << 20):
            pass
        return f"{self._algorithm}:{self._hasher.hexdigest()}"


def _content(tar: TarStream, *, is_kept: bool) -> tuple[Content, bytes]:
    hasher, start, kept = hashlib.sha256(), b"", bytearray()
    for piece in tar.content():
        hasher.update(piece)
        if len(start) < 4:
            start += bytes(piece[: 4 - len(start)])
        if is_kept:
            kept += piece
    magic = Magic.ELF if start == b"\x7fELF" else Magic.SCRIPT if start.startswith(b"#!") else Magic.NONE
    return Content(hasher.hexdigest(), magic), bytes(kept)


def read_image(job: dict[str, Any], directory: Path) -> dict[str, Any]:
    """Read every layer and write the lists; what the result says."""
    counted = Counted(LayerLimits(**job["limits"]))
    tree, count, number = MergedTree(counted), 0, 0
    with (directory / "sights.jsonl").open("w") as sights, (directory / "files.jsonl").open("wb") as files:
        reader = _Reader(counted, tree, sights)
        reader.read_environment(job["environment"])
        try:
            for number, layer in enumerate(job["layers"]):
                reader.read(layer, number)
            for entry in tree.files():
                files.write(to_line(entry))
                count += 1
        except LayerRefused as refused:
            digest = job["layers"][number]["digest"]
            return {"failure": str(refused), "layer": number, "digest": digest}
    return {"failure": "", "layers": reader.layers, "files": count, "sights": reader.sight_count}


def main() -> None:
    """Read the job, write the result, which counts only when it is whole."""
    # Nothing here refers back to itself: looking for such rings would only cost time.
    gc.disable()
    # Else the thread that unpacks waits 5 ms for its turn after every piece.
    sys.setswitchinterval(0.0005)
    directory = Path.cwd()
    job = json.loads((directory / "job.json").read_text())
    try:
        result = read_image(job, directory)
    except MemoryError:
        result = {"failure": "Its files need more memory than one inspection may use.", "layer": None, "digest": ""}
    (directory / "result.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main()
