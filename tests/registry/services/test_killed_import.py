"""``kill -9`` at every step of an import, on real processes: what is done is done once."""

import os
import signal
import subprocess
import sys
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
from tests.factories.registry import EARLY, REBUILT

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
