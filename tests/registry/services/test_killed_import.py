"""``kill -9`` at every step of an import, on real processes: what is done is done once."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings as live
from django.db import connection

from audit.models import Record
from audit.verbs import Verb
from oci.digest import Digest
from registry import services
from registry.blobs import kept_blobs, layer_cache
from registry.models import Artifact, Import, Layer, Lineage, RepositoryArtifact, TagSeen
from tests.factories.accounts import PersonFactory
from tests.factories.registry import EARLY, OLD, REBUILT

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parents[3]


def killed_at(step: int, import_id: str) -> int:
    database = connection.settings_dict
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgresql://{database['USER']}@{database['HOST']}:{database['PORT']}/{database['NAME']}",
        "GOLDGATE_HOME": str(live.GOLDGATE_HOME),
        "DJANGO_SETTINGS_MODULE": "portal.settings.test",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "tests.registry.services.killed_import", import_id, str(step)]
    ended = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, timeout=60)
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr.decode()[-2000:]
    return ended.returncode


def test_killed_at_each_step_in_turn_it_ends_once(source):
    asked = services.import_reference(
        reference=f"{source.host}/debian/base:12-rebuilt", requested_by=PersonFactory(), now=EARLY
    )
    ends = [killed_at(step, str(asked.pk)) for step in range(6)]
    assert ends[:3] == [-signal.SIGKILL] * 3

    artifact = services.run_import(import_id=asked.pk, now=EARLY)
    assert artifact.digest == REBUILT
    counts = [model.objects.count() for model in (Artifact, Import, Layer, RepositoryArtifact, TagSeen, Lineage)]
    assert counts == [1, 1, 2, 1, 1, 0]
    assert Record.objects.filter(verb=Verb.ARTIFACT_IMPORTED).count() == 1
    for store in (kept_blobs(), layer_cache()):
        for path in store.root.rglob("*"):
            if path.is_file() and not path.name.startswith(".writing-"):
                assert Digest("sha256", path.name).names(path.read_bytes())


def test_what_a_killed_worker_had_begun_to_write_goes_after_a_day(db):
    for store in (kept_blobs(), layer_cache()):
        directory = store.path(REBUILT).parent
        directory.mkdir(parents=True, exist_ok=True)
        (directory / ".writing-dead").write_bytes(b"half")
    whole = kept_blobs().put(b"whole")
    written = datetime.now(UTC)
    assert services.prune_half_written(now=written + timedelta(hours=23)) == 0
    assert services.prune_half_written(now=written + timedelta(hours=25)) == 2
    assert kept_blobs().has(whole)
    assert services.prune_half_written(now=written + timedelta(hours=25)) == 0


def in_parallel(count: int, act: Callable[[int], object]) -> list[object]:
    """What ``act`` gave or raised in threads that begin together."""
    barrier = threading.Barrier(count)
    found: list[object] = [None] * count

    def run(number: int) -> None:
        try:
            barrier.wait(10)
            found[number] = act(number)
        except Exception as error:  # noqa: BLE001
            found[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def test_two_workers_on_one_import_make_one(source):
    asked = services.import_reference(
        reference=f"{source.host}/debian/base:12-rebuilt", requested_by=PersonFactory(), now=EARLY
    )
    found = in_parallel(4, lambda _: services.run_import(import_id=asked.pk, now=EARLY).pk)
    assert len(set(found)) == 1
    assert Record.objects.filter(verb=Verb.ARTIFACT_IMPORTED).count() == 1
    assert (Artifact.objects.count(), Layer.objects.count()) == (1, 2)


def test_a_base_and_its_rebuild_imported_at_once_know_each_other(source):
    """Neither is there yet when the other looks for its ancestors, unless one waits."""
    person = PersonFactory()
    for _ in range(5):
        Lineage.objects.all().delete()
        Import.objects.all().delete()
        TagSeen.objects.all().delete()
        Artifact.objects.all().delete()
        asked = [
            services.import_reference(reference=f"{source.host}/debian/base:{tag}", requested_by=person, now=EARLY).pk
            for tag in ("12-old", "12-rebuilt")
        ]
        found = in_parallel(2, lambda at, asked=asked: services.run_import(import_id=asked[at], now=EARLY).digest)
        assert found == [OLD, REBUILT]
        assert [(row.artifact.digest, row.ancestor.digest) for row in Lineage.objects.all()] == [(REBUILT, OLD)]
