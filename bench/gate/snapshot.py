"""A snapshot of a million digests: size, memory, cold start, look-ups, and answers while it is replaced."""

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.gate import data
from gate.engine import decide
from gate.objects import images_in
from gate.snapshot import Snapshot, write_base, write_overlay
from tests.factories.gate import overlay_of

DIGESTS = 1_000_000
SWAP_SECONDS = 0.5
RATE = 200


def run(*, seconds: float) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        paths = _written(directory)
        size = paths[0].stat().st_size, paths[1].stat().st_size
        print(f"\n{DIGESTS:,} digests: base {size[0] / 1e6:.1f} MB, side file {size[1] / 1e6:.1f} MB")
        _print_memory(paths)
        still = _latencies(paths, seconds, swap=False)
        swapped = _latencies(paths, seconds, swap=True)
        print(
            f"  answers at {RATE}/s, p99 {still:.2f} ms; while it is replaced every {SWAP_SECONDS} s {swapped:.2f} ms: "
            f"{swapped / still:.1f}× (≤ 4, aim 2)"
        )


def _written(directory: Path) -> tuple[Path, Path, Path]:
    now = data.now()
    paths = directory / "base.bin", directory / "base.reasons", directory / "overlay.json"
    began = time.monotonic()
    write_base(data.facts(DIGESTS, now=now), version=1, issued_at=now, base_path=paths[0], reasons_path=paths[1])
    print(f"\nwriting it took {time.monotonic() - began:.1f} s, facts made up on the way")
    write_overlay(overlay_of(issued_at=now, trusted_repositories=(data.REGISTRY,)), paths[2])
    return paths


def _print_memory(paths: tuple[Path, Path, Path]) -> None:
    """Workers of their own, so that nothing of this process counts."""
    program = (
        "import sys,time,random;from pathlib import Path;from bench.gate.snapshot import probe;"
        "probe(*map(Path,sys.argv[1:4]),int(sys.argv[4]))"
    )
    for words, lookups in (("that opened it", "0"), ("after 200,000 look-ups", "200000")):
        command = [sys.executable, "-c", program, *map(str, paths), lookups]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        print(f"  a worker {words}: {done.stdout.strip()}")


def probe(base: Path, reasons: Path, overlay: Path, lookups: int) -> None:
    """Open the snapshot and say what it costs: in a process of its own."""
    before = _memory()
    began = time.perf_counter()
    snapshot = Snapshot.open(base, reasons, overlay, expires_at=2**40)
    opened = time.perf_counter() - began
    chance = random.Random(3)
    digests = [data.digest_of(f"app {chance.randrange(DIGESTS - data.BASES)}") for _ in range(min(lookups, 20_000))]
    began = time.process_time()
    for digest in digests:
        snapshot._base.lookup(digest)
    each = (time.process_time() - began) / max(len(digests), 1) * 1e6
    for _ in range(lookups // max(len(digests), 1)):
        for digest in digests:
            snapshot.lookup(digest)
    private, shared = (now - then for now, then in zip(_memory(), before, strict=True))
    print(
        f"opened in {opened * 1e3:.1f} ms; {each:.1f} µs a look-up in the file; private {private / 1024:.1f} MB "
        f"(≤ 20, aim 10), mapped pages in memory {shared / 1024:.1f} MB, shared by all workers (≤ 80, aim 70)"
    )


def _memory() -> tuple[int, int]:
    """Kilobytes of its own and file-backed ones of this process.

    By "Anonymous": pages of a file just written count as dirty and private while nobody else maps it.
    """
    rows = dict(
        line.split(":", 1) for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:] if ":" in line
    )
    anonymous = int(rows["Anonymous"].split()[0])
    return anonymous, int(rows["Rss"].split()[0]) - anonymous


def _latencies(paths: tuple[Path, Path, Path], seconds: float, *, swap: bool) -> float:
    """p99 in milliseconds of answers begun on schedule, the snapshot replaced in between or not."""
    now = data.now()
    uses = [images_in(_object(body)) for body in data.reviews(1000, DIGESTS, is_dry_run=True)]
    snapshot = Snapshot.open(*paths, expires_at=2**40)
    found = []
    begin = time.perf_counter()
    next_swap = begin + SWAP_SECONDS
    for index in range(int(seconds * RATE)):
        due = begin + index / RATE
        while (left := due - time.perf_counter()) > 0:
            time.sleep(min(left, 0.001))
        if swap and time.perf_counter() >= next_swap:
            snapshot = Snapshot.open(*paths, expires_at=2**40)
            next_swap += SWAP_SECONDS
        decide(uses[index % 1000], snapshot=snapshot, at=now)
        found.append((time.perf_counter() - due) * 1e3)
    return statistics.quantiles(found, n=100)[98]


def _object(body: bytes) -> object:
    return json.loads(body)["request"]["object"]
