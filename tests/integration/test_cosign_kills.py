"""Real worker, real registry: killed three times at each step, a publication leaves one signature, and goes as one."""

import os
import sys
from pathlib import Path

import pytest
from django.db import transaction
from django.utils import timezone

from audit.actor import Actor
from audit.models import Record
from jobs.models import Job
from registry import selectors as registry_selectors
from registry.models import Registry
from signing import selectors, services
from signing.domain import cosign
from signing.models import Attestation, Publication, Signature
from tests.factories.authority import begin_certified
from tests.factories.signing import Images, certified_repository, known_artifact, signing_key
from tests.integration.cosign_kills import KILLS, POINTS
from tests.integration.job_servers import job_servers, wait_until
from tests.registry.servers import docker_registry

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]
ACTOR = Actor.system("test")
SECONDS = 240


@pytest.fixture
def host(tmp_path: Path):
    with docker_registry(tmp_path / "registry") as address:
        yield address


@pytest.fixture
def workers(tmp_path: Path, settings, monkeypatch):
    """A scheduler, and a worker for both queues that dies at each step."""
    kills = tmp_path / "kills"
    kills.mkdir()
    settings.GOLDGATE_HOME = tmp_path
    monkeypatch.setenv("GOLDGATE_HOME", str(tmp_path))
    monkeypatch.setenv("GOLDGATE_SIGNING_KEY_FILE", str(tmp_path / "signing.pem"))
    with job_servers(tmp_path) as (servers, _):
        servers.scheduler()
        worker = [sys.executable, "-m", "celery", "-A", "portal", "worker", "-Q", "default,signing", "-c", "1"]
        options = ["--without-gossip", "--without-mingle", "-I", "tests.integration.cosign_kills"]
        servers._start([*worker, *options], GOLDGATE_TEST_KILLS=str(kills))
        yield kills


def ended(kind: str) -> bool:
    return Job.objects.filter(kind=kind, state="succeeded").exists()


def test_three_deaths_a_step_leave_one_signature_and_its_withdrawal_none(workers, host, tmp_path):
    now = timezone.now()
    registry = Registry.objects.create(
        name="certified", side="certified", host=host, base_url=f"http://{host}", allow_private=True, created_at=now
    )
    target = certified_repository(registry, "golden/debian", now=now)
    signing_key(tmp_path, now=now)
    images = Images()
    index = known_artifact(images, images.index(images.image("a"), images.image("b", arch="arm64")), now=now)
    with transaction.atomic():
        publication = begin_certified(index, target, now)
    wait_until(lambda: ended("signing.send"), SECONDS, "the publication is sent")

    assert Signature.objects.count() == Attestation.objects.count() == 3
    side = registry_selectors.side_for(registry)
    for digest in publication.covered_digests:
        (stored,) = selectors.stored_signatures(digest=digest, repository_name=target.name)
        found = side.get_manifest(target.path, cosign.signature_tag(digest))
        layer = cosign.signature_layer(payload=bytes(stored.payload), signature=bytes(stored.signature))
        assert found.body == cosign.bundle("", [layer]).manifest
    assert set(selectors.verified_signatures()) == set(publication.covered_digests)

    services.withdraw_publication(publication=publication, actor=ACTOR, now=timezone.now())
    wait_until(lambda: ended("signing.withdraw"), SECONDS, "the publication is withdrawn")
    assert side.tags(target.path) == []

    assert {path.name: path.read_text() for path in workers.iterdir()} == {name: str(KILLS) for _, name in POINTS}
    verbs = list(Record.objects.filter(subject_kind="publication").order_by("id").values_list("verb", flat=True))
    assert verbs == [
        f"publication.{step}" for step in ("begun", "copied", "signed", "sent", "withdrawal_begun", "withdrawn")
    ]
    assert Publication.objects.get().withdrawn_at
    assert os.environ.get("GOLDGATE_TEST_KILLS") is None
