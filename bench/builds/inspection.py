"""Looking into the files of the real 99-package Debian image, beside ``tar -tz`` over the same layers in the same run.

Ours: the limited child reads every layer, hashes every file, looks for secrets, merges and writes the list; the parent
checks the list, holds every file against the rules and packs the list to be kept. The peer only lists names. Bound: 1.5
times the peer's time. Needs what makes the image (script/tools/images).
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import zstandard

from builds.adapters.layer_reader.parent import LayerBlob, read_layers
from builds.domain.configuration import RunConfiguration
from builds.domain.image_rules import Examination
from builds.domain.image_rules.checking import Surroundings
from builds.domain.layer_files import to_line

BOUND = 1.5


def layers_of(layout: Path) -> list[LayerBlob]:
    """The layers of the image in an OCI layout."""

    def blob(digest: str) -> Path:
        return layout / "blobs" / digest.replace(":", "/")

    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    manifest = json.loads(blob(entry["digest"]).read_text())
    return [LayerBlob(blob(one["digest"]), one["digest"], one["size"]) for one in manifest["layers"]]


def inspect(layers: list[LayerBlob]) -> tuple[float, float, int]:
    """Seconds in all, seconds of the child, files."""
    with tempfile.TemporaryDirectory() as directory:
        began = time.monotonic()
        with read_layers(layers, Path(directory)) as files:
            read = time.monotonic()
            examination = Examination(Surroundings(RunConfiguration()))
            with open(os.devnull, "wb") as sink, zstandard.ZstdCompressor(level=6).stream_writer(sink) as packed:
                for file in files.files():
                    packed.write(to_line(file))
                    examination.see(file)
            examination.checks([])
            return time.monotonic() - began, read - began, files.file_count


def list_with_tar(layers: list[LayerBlob]) -> float:
    """Seconds that ``tar -tz`` takes."""
    began = time.monotonic()
    for layer in layers:
        subprocess.run(["tar", "-tzf", str(layer.path)], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def processor_seconds() -> float:
    """Of this process and its children that have ended: what does not move when others use the machine."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    from tests.integration.world import debian_images

    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    layers = layers_of(debian_images()["old"])
    inspect(layers)
    whole, ratios, of_processor = [], [], []
    for number in range(rounds):
        before = processor_seconds()
        peer = list_with_tar(layers)
        between = processor_seconds()
        seconds, child, files = inspect(layers)
        after = processor_seconds()
        whole.append(seconds)
        ratios.append(seconds / peer)
        of_processor.append((after - between) / (between - before))
        print(f"round {number + 1}: {seconds:.2f} s ({child:.2f} s in the child), tar -tz {peer:.2f} s, {files} files")
    print(f"inspection: {spread(whole)} s")
    print(f"ratio to tar -tz: {spread(ratios)} (bound {BOUND}); of processor time: {spread(of_processor)}")


def spread(values: list[float]) -> str:
    """Least, median, most."""
    return f"{min(values):.2f}/{statistics.median(values):.2f}/{max(values):.2f}"


if __name__ == "__main__":
    main()
