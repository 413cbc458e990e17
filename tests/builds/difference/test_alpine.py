"""Two images of apk packages: what moved between them, what is in their files, and which is the smaller."""

import gzip
from datetime import timedelta

import pytest

from builds.selectors.differences import difference
from builds.services.inspections import inspect_artifact
from scans.services import inventory_artifact, match_artifact
from tests.builds.inspection.imported import imported
from tests.builds.inspection.layer_bytes import entry, layer
from tests.factories.scans import DATA, ENDS, import_real_feeds, import_records, osv

pytestmark = pytest.mark.django_db

OS_RELEASE = b'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.22.%d\n'
INSTALLED = gzip.decompress((DATA / "apk" / "alpine-3.8.2.installed.gz").read_bytes())
ELF = b"\x7fELF" + bytes(60)


def alpine(directory, patch: int, installed: bytes = INSTALLED, *more: object):
    """A real database of 13 packages with some of the programs that it names, as release 3.22."""
    return imported(
        directory,
        layer(
            entry("etc/os-release", OS_RELEASE % patch),
            entry("lib/apk/db/installed", installed),
            entry("bin/busybox", ELF, mode=0o755),
            entry("sbin/apk", ELF, mode=0o755),
            *more,
        ),
    )


class TestAlpine:
    def test_is_compared_by_its_packages_and_their_order(self, now, tmp_path):
        import_real_feeds(now, files=(ENDS,))
        fixed = (("introduced", "0"), ("fixed", "1.1.19-r11"))
        import_records(now, tmp_path, [osv("ALPINE-CVE-2019-14697", "musl", *fixed, ecosystem="Alpine:v3.22")])
        newer = INSTALLED.replace(b"V:1.1.19-r10", b"V:1.1.19-r11").replace(b"V:1.28.4-r2", b"V:1.28.4_rc1-r2")
        extra = entry("usr/local/bin/agent", ELF, mode=0o755), entry("bin/bbsuid", ELF, mode=0o4755)
        images = alpine(tmp_path, 1), alpine(tmp_path, 2, newer, *extra)
        for image in images:
            inventory_artifact(artifact=image, now=now)
            assert match_artifact(artifact=image, now=now).state == "complete"
        for image in images:
            inspect_artifact(image.pk, now=now + timedelta(minutes=1))
        (told,) = difference(*images).as_json()["images"]
        moves = {row["name"]: row["change"] for row in told["packages"]["changes"]}
        assert moves == {
            "musl": "upgraded",
            "musl-utils": "upgraded",
            "busybox": "downgraded",
            "ssl_client": "downgraded",
        }
        assert told["unknown"] == {}
        self._judge_files(images[1])

    def _judge_files(self, image):
        (inspection,) = inspect_artifact(image.pk, now=image.created_at)
        assert inspection.profile["packages"] == 13
        assert inspection.profile["is_ownership_known"] is True
        assert (inspection.profile["shells"], inspection.profile["package_managers"]) == (["busybox"], ["apk"])
        results = {(one.rule, one.path, one.severity) for one in inspection.checks.all()}
        # busybox and apk are in apk's database; the other two are not, and one of them is Alpine's own set-uid program.
        assert {path for rule, path, _ in results if rule == "GG2013"} == {"usr/local/bin/agent", "bin/bbsuid"}
        assert ("GG2001", "bin/bbsuid", "note") in results
