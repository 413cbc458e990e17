"""How long it takes to see what is due among 1,000 versions, and what a look costs when nothing is.

    python -m bench.builds scheduling [things]

Needs DATABASE_URL: makes a database of its own there and drops it. ``things`` certified subversions, each with a source
that is due, and half as many watched tags. One look writes a job for each and when it is due next; the figure is that
look. Beside it: a look when nothing is due, *last renewed* of all, and as peer the same jobs written one by one.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.test")
os.environ.setdefault("GOLDGATE_TEST_DATABASE", f"bench_builds_{os.getpid()}")

import django

django.setup()

from django.db import connection  # noqa: E402
from django.test.runner import DiscoverRunner  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from accounts.models import Person  # noqa: E402
from accounts.roles import Role  # noqa: E402
from builds.models import Source, Watch  # noqa: E402
from builds.selectors.renewals import renewals  # noqa: E402
from builds.services.schedules import start_due  # noqa: E402
from catalog.models import Image, Subversion, Version  # noqa: E402
from jobs.models import Job  # noqa: E402
from jobs.services import enqueue  # noqa: E402
from registry.models import Artifact, Registry, Repository  # noqa: E402
from tests.factories.accounts import person_with  # noqa: E402

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BOUND_SECONDS = 5.0
ROUNDS = 5


def main(arguments: Sequence[str] = ()) -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("things", type=int, nargs="?", default=1000)
    chosen = parser.parse_args(list(arguments))
    runner = DiscoverRunner(verbosity=0, interactive=False)
    databases = runner.setup_databases()
    try:
        _measure(chosen.things)
    finally:
        runner.teardown_databases(databases)


def _measure(things: int) -> None:
    versions = _fill(things)
    few = _queries(lambda: start_due(now=NOW - timedelta(days=400)))
    seconds, queries = [], set()
    for number in range(ROUNDS):
        Job.objects.all().delete()
        Source.objects.update(next_due_at=NOW)
        Watch.objects.update(next_due_at=NOW)
        with CaptureQueriesContext(connection) as caught:
            began = time.perf_counter()
            start_due(now=NOW + timedelta(minutes=number))
            seconds.append(time.perf_counter() - began)
        queries.add(len(caught))
    idle = min(_seconds(lambda: start_due(now=NOW)) for _ in range(ROUNDS))
    judged = min(_seconds(lambda: renewals(versions, NOW)) for _ in range(ROUNDS))
    peer = _one_by_one(things)
    print(f"{things} sources and {things // 2} watches due: {_three(seconds)} s (bound {BOUND_SECONDS:.0f} s)")
    print(f"queries of that look: {sorted(queries)}; of one with nothing due: {few}")
    print(f"a look with nothing due: {idle * 1000:.1f} ms; last renewed of all: {judged * 1000:.1f} ms")
    print(f"the same jobs written one by one: {peer:.2f} s, {peer / statistics.median(seconds):.1f} times as long")
    if max(seconds) > BOUND_SECONDS or len(queries) > 1:
        raise SystemExit("outside the bound")


def _three(seconds: list[float]) -> str:
    return f"{min(seconds):.3f}/{statistics.median(seconds):.3f}/{max(seconds):.3f}"


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _queries(act: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as caught:
        act()
    return len(caught)


def _one_by_one(things: int) -> float:
    Job.objects.all().delete()

    def write() -> None:
        for number in range(things + things // 2):
            enqueue("builds.renew", subject_id=str(number), now=NOW, args={"due": ""}, key=f"builds.renew:{number}")

    return _seconds(write)


def _fill(things: int) -> list[UUID]:
    owner = person_with(Role.PLATFORM_ADMIN)
    images = Image.objects.bulk_create(
        Image(name=f"image-{number}", created_at=NOW, created_by=owner) for number in range(things)
    )
    versions = Version.objects.bulk_create(
        Version(image=image, name="1", created_at=NOW, created_by=owner) for image in images
    )
    _certified(versions, owner)
    Source.objects.bulk_create(
        Source(
            name=f"source-{number}", version=version, owner=owner, created_by=owner, url="/srv/git/base.git",
            ref_rule="main", platforms=["linux/amd64"], created_at=NOW, next_due_at=NOW,
        )
        for number, version in enumerate(versions)
    )  # fmt: skip
    registry = Registry.objects.create(
        name="upstream", host="upstream.example", base_url="https://upstream.example", created_at=NOW
    )
    repository = Repository.objects.create(registry=registry, path="library/base", created_at=NOW)
    Watch.objects.bulk_create(
        Watch(version=version, repository=repository, tag="1", owner=owner, created_at=NOW, next_due_at=NOW)
        for version in versions[: things // 2]
    )
    return [version.pk for version in versions]


def _certified(versions: Sequence[Version], owner: Person) -> None:
    artifacts = Artifact.objects.bulk_create(
        Artifact(
            digest=f"sha256:{number:064x}", media_type="application/vnd.oci.image.manifest.v1+json", kind="image",
            manifest_bytes=500, size_bytes=1, created_at=NOW,
        )
        for number in range(len(versions))
    )  # fmt: skip
    Subversion.objects.bulk_create(
        Subversion(
            version=version, name="1.1", artifact=artifact, created_at=NOW, created_by=owner, certified_from=NOW,
            certified_until=NOW + timedelta(days=90), certified_repository="registry.example/golden",
            certified_digest=artifact.digest,
        )
        for version, artifact in zip(versions, artifacts, strict=True)
    )  # fmt: skip


if __name__ == "__main__":
    main()
