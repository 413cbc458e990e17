"""The parent of the child that reads layers: starts it within limits, believes nothing that it has not checked."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from builds.domain.layer_files import LIMITS, FileEntry, LayerLimits
from builds.domain.layer_files.entries import read_lines
from builds.errors import LayersRefused
from scans.adapters.child import Ended, Limits, run_child

CHILD = Path(__file__).with_name("child.py")
CHILD_LIMITS = Limits(wall_seconds=900, cpu_seconds=900, data_bytes=1024**3, file_bytes=1024**3)
_MAX_RESULT_BYTES = 1024**2


@dataclass(frozen=True, slots=True)
class LayerBlob:
    """One layer's bytes, as stored."""

    path: Path
    digest: str
    packed_bytes: int


@dataclass(frozen=True, slots=True)
class Sight:
    """Something secret seen in a layer, also where a later layer deletes it. No value, only its place."""

    path: str
    kind: str
    line: int | None  # None: the name says it
    layer: int  # -1: in the environment, and ``line`` counts its variables
    is_certain: bool


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """What the child wrote. Valid inside the block of ``read_layers``."""

    directory: Path
    layers: list[dict[str, Any]]  # digest, entries, file_bytes; lowest first
    file_count: int
    sight_count: int  # also those that are not listed

    def files(self) -> Iterator[FileEntry]:
        """The merged files, sorted by the components of their paths. Raises LayersRefused."""
        with (self.directory / "files.jsonl").open("rb") as lines:
            try:
                yield from read_lines(lines)
            except ValueError as error:
                raise LayersRefused(f"The list of files does not count: {error}.") from error

    def sights(self) -> list[Sight]:
        """What is secret, layer by layer. Raises LayersRefused."""
        try:
            rows = [Sight(**json.loads(line)) for line in (self.directory / "sights.jsonl").read_bytes().splitlines()]
        except (ValueError, TypeError) as error:
            raise LayersRefused(f"The list of secrets does not count: {error}.") from error
        return rows


@contextmanager
def read_layers(  # noqa: PLR0913 — one keyword a thing that a test may tighten
    layers: list[LayerBlob],
    directory: Path,
    *,
    environment: Sequence[str] = (),
    limits: LayerLimits = LIMITS,
    child_limits: Limits = CHILD_LIMITS,
    check: Callable[[], None] = lambda: None,
) -> Iterator[ImageFiles]:
    """Have a child read ``layers``, lowest first, with ``directory`` (empty) to write in.

    It looks for secrets in ``environment`` too, the image's variables as ``NAME=value``.
    Raises LayersRefused with one sentence when they cannot be read to their end.
    """
    if len(layers) > limits.layers:
        raise LayersRefused(f"The image has {len(layers)} layers, more than {limits.layers}.")
    named = [{"path": str(one.path), "digest": one.digest, "packed_bytes": one.packed_bytes} for one in layers]
    lines = [one.replace("\n", " ") for one in environment]
    job = {"limits": asdict(limits), "layers": named, "environment": "\n".join(lines)}
    (directory / "job.json").write_text(json.dumps(job))
    variables = {"PATH": "/usr/bin:/bin", "HOME": str(directory), "TMPDIR": str(directory), "LC_ALL": "C.UTF-8"}
    ended = run_child(
        [sys.executable, "-I", "-B", str(CHILD)],
        directory=directory,
        environment=variables,
        limits=child_limits,
        check=check,
    )
    result = _result(directory, ended, child_limits)
    yield ImageFiles(directory, result["layers"], result["files"], result["sights"])


def _result(directory: Path, ended: Ended, limits: Limits) -> dict[str, Any]:
    if ended.is_timed_out:
        raise LayersRefused(f"Reading its files did not end within {limits.wall_seconds:g} seconds and was stopped.")
    path = directory / "result.json"
    if ended.return_code != 0 or not path.is_file() or path.stat().st_size > _MAX_RESULT_BYTES:
        last = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise LayersRefused(f"Reading its files ended with {ended.return_code}: {last[:200]}.")
    result = json.loads(path.read_text())
    if result["failure"]:
        where = f"Layer {result['layer'] + 1} ({result['digest']}): " if result["layer"] is not None else ""
        raise LayersRefused(f"{where}{result['failure']}")
    return dict(result)
