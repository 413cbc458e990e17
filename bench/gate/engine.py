"""The engine alone, in this process: microseconds of CPU for one object of two images."""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.gate import data
from gate.admission_review import Review, answer
from gate.engine import decide
from gate.objects import images_in
from gate.review_object import read_object
from tests.factories.gate import SnapshotFactory

DIGESTS = 100_000
ROUNDS = 5


def run() -> None:
    """Print the figures."""
    now = data.now()
    bodies = data.reviews(1000, DIGESTS, is_dry_run=False)
    with tempfile.TemporaryDirectory() as directory:
        items = list(data.facts(DIGESTS, now=now))
        snapshot = SnapshotFactory(Path(directory))(*items, expires_at=now + 3600)
        objects = [json.loads(body)["request"]["object"] for body in bodies]
        uses = [images_in(item) for item in objects]
        print(f"\nEngine, two images, {DIGESTS} digests, 1000 different Pods (µs of CPU, median of {ROUNDS} rounds)")
        raws = [bytes(Review.parse(body).request.object) for body in bodies]
        for name, step, goal in (
            ("engine", lambda i: decide(uses[i], snapshot=snapshot, at=now), "≤ 25, aim 12"),
            ("decode and read", lambda i: (Review.parse(bodies[i]), read_object(raws[i])), "≤ 30"),
            ("general walk", lambda i: images_in(objects[i]), "only where an object is not plain"),
            ("whole answer", lambda i: answer(bodies[i], snapshot=snapshot, at=now, cluster="c"), ""),
        ):
            print(f"  {name:16} {_microseconds(step):7.1f}   {goal}")


def _microseconds(step: Callable[[int], object]) -> float:
    found = []
    for _ in range(ROUNDS + 1):
        began = time.process_time()
        for _ in range(3):
            for index in range(1000):
                step(index)
        found.append((time.process_time() - began) / 3000 * 1e6)
    return statistics.median(found[1:])  # the first round fills the caches
