"""Every certified digest is pulled as a client would, against a real docker-registry and a directory."""

from datetime import timedelta
from pathlib import Path

import pytest

from audit.models import Record
from audit.verbs import Verb
from builds.models import PullProbe
from builds.services.promotion import probe_pulls
from catalog import services as catalog
from oci.digest import Digest

pytestmark = [pytest.mark.django_db, pytest.mark.integration]
DAY = timedelta(days=1)


def verbs():
    rows = Record.objects.filter(verb__in=[Verb.PULL_FAILED, Verb.PULL_RESTORED]).order_by("pk")
    return [row.verb for row in rows]


class TestOnAServer:
    def test_what_is_there_can_be_pulled(self, on_server, now):
        artifact = on_server.image("debian")
        on_server.certify(artifact)
        subversion = on_server.usable(artifact)
        report = probe_pulls(now=now)
        assert (report.pullable, report.failing, verbs()) == (1, 0, [])
        assert PullProbe.objects.get(subversion=subversion).is_pullable

    def test_a_deleted_manifest_is_told_once_and_so_is_its_return(self, on_server, now):
        artifact = on_server.image("debian")
        on_server.certify(artifact)
        on_server.usable(artifact)
        probe_pulls(now=now)
        on_server.side.delete_manifest(on_server.repository.path, artifact.digest)
        for days in (1, 2):
            probe_pulls(now=now + days * DAY)
        probe = PullProbe.objects.get()
        assert (probe.is_pullable, probe.failing_since, probe.probed_at) == (False, now + DAY, now + 2 * DAY)
        assert artifact.digest in probe.detail
        assert verbs() == [Verb.PULL_FAILED]
        on_server.push(artifact, "12")
        probe_pulls(now=now + 3 * DAY)
        probe.refresh_from_db()
        assert (probe.is_pullable, probe.failing_since, probe.detail) == (True, None, "")
        assert verbs() == [Verb.PULL_FAILED, Verb.PULL_RESTORED]

    def test_a_registry_that_is_down_pulls_nothing(self, on_server, now):
        artifact = on_server.image("debian")
        on_server.certify(artifact)
        on_server.usable(artifact)
        on_server.stop()
        assert probe_pulls(now=now).failing == 1

    def test_what_may_no_longer_be_used_is_not_tried(self, on_server, now):
        artifact = on_server.image("debian")
        on_server.certify(artifact)
        subversion = on_server.usable(artifact)
        probe_pulls(now=now)
        catalog.set_revoked(subversion=subversion, at=now, reason="Broken.")
        report = probe_pulls(now=now + DAY)
        assert (report.pullable, report.failing, PullProbe.objects.count()) == (0, 0, 0)


class TestInADirectory:
    def test_every_byte_is_hashed(self, in_directory, now):
        artifact = in_directory.image("debian")
        in_directory.certify(artifact)
        in_directory.usable(artifact)
        assert probe_pulls(now=now).failing == 0
        layer = next(
            digest for digest, body in in_directory.images.blobs.items() if body[:2] == b"\x1f\x8b"
        )  # the gzipped one
        path = Path(in_directory.repository.registry.layout_path) / "blobs" / "sha256" / Digest.parse(layer).encoded
        body = bytearray(path.read_bytes())
        body[-1] ^= 1
        path.chmod(0o644)
        path.write_bytes(body)
        assert probe_pulls(now=now + DAY).failing == 1
        assert "other bytes" in PullProbe.objects.get().detail

    def test_a_layer_that_is_missing(self, in_directory, now):
        artifact = in_directory.image("debian")
        in_directory.certify(artifact)
        in_directory.usable(artifact)
        layer = next(digest for digest, body in in_directory.images.blobs.items() if body[:2] == b"\x1f\x8b")
        path = Path(in_directory.repository.registry.layout_path) / "blobs" / "sha256" / Digest.parse(layer).encoded
        path.unlink()
        assert probe_pulls(now=now).failing == 1
        assert layer in PullProbe.objects.get().detail
