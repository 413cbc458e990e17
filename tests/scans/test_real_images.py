"""The whole line on real images and real data: archive, inventory by syft, match, findings."""

import datetime as dt

import pytest

from accounts.roles import Role
from registry.models import Artifact
from registry.services import import_archive, run_import
from scans.domain.scan_state import ScanState
from scans.domain.severity import Severity
from scans.selectors import finding_summary, findings, latest_scan, scan_state_at
from scans.services import inventory_artifact, match_artifact
from tests.factories.accounts import person_with
from tests.factories.images import archive_on
from tests.factories.scans import DATA, import_real_feeds
from tests.jobs.support import run_due_jobs

IMAGES = DATA / "images"
FIXABLE = {"fixable_pairs": 79, "fixable_vulnerabilities": 27}
NOTHING_FIXABLE = {"fixable_pairs": 0, "fixable_vulnerabilities": 0}
UNFIXED = {"unfixed_pairs": 27, "unfixed_vulnerabilities": 12}


def imported(name: str, now: dt.datetime) -> Artifact:
    body = (IMAGES / f"{name}.oci.tar").read_bytes()
    asked = import_archive(chunks=[body], requested_by=person_with(Role.PLATFORM_ADMIN), now=now)
    return run_import(import_id=asked.pk, now=now)


def counts(summary: dict) -> dict:
    return {name: summary[name] for name in (*FIXABLE, *UNFIXED)}


@pytest.mark.django_db
class TestRealImages:
    def test_every_image_has_the_findings_that_other_scanners_find(self, now):
        images = {
            name: imported(name, now) for name in ("debian-12-old", "debian-12-new", "debian-12-rebuilt", "hello-1")
        }
        for image in images.values():
            inventory_artifact(artifact=image, now=now)
        import_real_feeds(now)
        for image in images.values():
            assert match_artifact(artifact=image, now=now).state == ScanState.COMPLETE
        found = {name: counts(finding_summary(image)) for name, image in images.items()}
        assert found == {
            "debian-12-old": FIXABLE | UNFIXED,
            "debian-12-new": NOTHING_FIXABLE | UNFIXED,
            "debian-12-rebuilt": NOTHING_FIXABLE | UNFIXED,
            "hello-1": NOTHING_FIXABLE | UNFIXED,
        }
        self._judge_ratings(images["debian-12-old"])
        self._judge_inheritance(images)
        scan = latest_scan(images["debian-12-old"])
        assert scan_state_at(scan, now, dt.timedelta(hours=48)).is_complete
        assert scan_state_at(scan, now + dt.timedelta(hours=48), dt.timedelta(hours=48)).cause == "stale_feed"

    def test_an_import_is_scanned_by_the_jobs_that_follow_from_it(self, now):
        import_real_feeds(now)
        body = (IMAGES / "hello-1.oci.tar").read_bytes()
        asked = import_archive(chunks=[body], requested_by=person_with(Role.PLATFORM_ADMIN), now=now)
        jobs = run_due_jobs()
        asked.refresh_from_db()
        assert latest_scan(asked.artifact).state == ScanState.COMPLETE
        kinds = [job.kind for job in jobs if job.kind.startswith("scans.")]
        assert kinds == ["scans.inventory", "scans.find_attestations", "scans.match"]
        assert {job.state for job in jobs} == {"succeeded"}

    def _judge_ratings(self, old: Artifact) -> None:
        rows = findings(old)
        assert len(rows) == 79 + 27
        worst = {row.vulnerability_id: row.severity for row in rows if row.has_fix}
        tally = {
            severity.word: list(worst.values()).count(severity) for severity in Severity if severity in worst.values()
        }
        assert tally == {"critical": 5, "high": 10, "medium": 8, "low": 2, "unknown": 2}
        disagreed = {row.vulnerability_id for row in rows if row.sources_disagree}
        # 9.8 against 7.3, and 9.1 against 8.2: all are kept, the higher is used.
        assert disagreed == {"CVE-2026-8376", "CVE-2026-42496"}
        unfixed = {row.vulnerability_id: row.severity for row in rows if not row.has_fix}
        assert list(unfixed.values()).count(Severity.CRITICAL) == 2

    def _judge_inheritance(self, images: dict[str, Artifact]) -> None:
        assert all(row.is_inherited for row in findings(images["hello-1"]))
        assert not any(row.is_inherited for row in findings(images["debian-12-new"]))


OS_RELEASE = b'NAME="Debian"\nID=%s\nVERSION_ID="%s"\n'


@pytest.mark.django_db
class TestImagesThatAreNeverClean:
    @pytest.mark.parametrize(
        ("has_base", "files", "expected"),
        [
            pytest.param(True, {"etc/motd": b"hello"}, ("complete", ""), id="one more file"),
            pytest.param(
                True, {"var/lib/.wh.dpkg": b""}, ("failed", "package_database_removed"), id="package database removed"
            ),
            pytest.param(True, {"var/lib/dpkg/status": b""}, ("failed", "no_components"), id="an empty database"),
            pytest.param(
                True,
                {"usr/lib/os-release": OS_RELEASE % (b"plan9", b"4")},
                ("unsupported", "unsupported_distribution"),
                id="another distribution",
            ),
            pytest.param(
                True,
                {"usr/lib/os-release": OS_RELEASE % (b"debian", b"11")},
                ("unsupported", "past_end_of_support"),
                id="Debian 11",
            ),
            pytest.param(
                True,
                {"usr/lib/.wh.os-release": b"", "etc/.wh.os-release": b""},
                ("unsupported", "unknown_distribution"),
                id="no os-release",
            ),
            pytest.param(False, {"app": b"\x7fELF"}, ("unsupported", "unknown_distribution"), id="from scratch"),
        ],
    )
    def test_whatever_was_taken_out(self, now, tmp_path, has_base, files, expected):
        import_real_feeds(now)
        base = IMAGES / "debian-12-new.oci.tar" if has_base else None
        body = archive_on(base, tmp_path / "changed.oci.tar", files).read_bytes()
        asked = import_archive(chunks=[body], requested_by=person_with(Role.PLATFORM_ADMIN), now=now)
        image = run_import(import_id=asked.pk, now=now)
        inventory_artifact(artifact=image, now=now)
        scan = match_artifact(artifact=image, now=now)
        assert (scan.state, scan.cause) == expected
        judged = scan_state_at(scan, now, dt.timedelta(hours=48))
        assert (judged.state.value, judged.cause.value) == expected
