"""The states of real scans: what is stored, and what it is worth at a moment."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from audit.models import Record
from audit.verbs import Verb
from jobs.models import Job
from registry.models import Artifact
from scans import services
from scans.domain.ecosystems import coordinates_of
from scans.errors import NotInventoried, NotScannable, ReportUnreadable, ScannerFailed, ScannerTimedOut
from scans.models import Inventory, Scan
from scans.selectors import feed_ages, findings, latest_scan, scan_state_at
from tests.factories.scans import (
    ENDS,
    EXPLOITED,
    FIXES,
    TESTER,
    UNFIXED,
    deb,
    image_artifact,
    import_real_feeds,
    index_artifact,
    inventory_of,
    scan_of,
)
from tests.fakes.recorded_scanner import RECORDED_DIGEST, RecordedScanner

pytestmark = pytest.mark.django_db

AGE = timedelta(hours=48)
DASH = deb("dash", "0.5.12-2")


@pytest.fixture(autouse=True)
def no_layout(monkeypatch):
    """The images of these tests have no bytes; the layout is the registry's, and tested there and with real images."""
    monkeypatch.setattr("scans.services.inventory.export_layout", lambda artifact, directory: directory)


@pytest.fixture
def feeds(now):
    return import_real_feeds(now, files=(FIXES, UNFIXED, ENDS))


def state_of(artifact: Artifact, at, age=AGE) -> tuple[str, str]:
    judged = scan_state_at(latest_scan(artifact), at, age)
    return judged.state.value, judged.cause.value


class TestInventory:
    def test_is_made_once_and_recorded(self, now):
        image = image_artifact(now, digest=RECORDED_DIGEST)
        scanner = RecordedScanner()
        for _ in range(2):
            services.inventory_artifact(artifact=image, now=now, scanner=scanner)
        assert scanner.calls == 1
        inventory = Inventory.objects.get()
        assert (inventory.component_count, inventory.ecosystem) == (99, "Debian:12")
        assert image.component_links.count() == 99

    def test_a_newer_tool_looks_again(self, now):
        image = image_artifact(now, digest=RECORDED_DIGEST)
        inventory_of(image, now, [DASH])
        Inventory.objects.update(tool_version="1.0.0")
        services.inventory_artifact(artifact=image, now=now + timedelta(1), scanner=RecordedScanner())
        assert Inventory.objects.count() == 2
        assert image.component_links.count() == 99

    @pytest.mark.parametrize(
        ("scanner", "error", "cause"),
        [
            (RecordedScanner(ScannerTimedOut("too slow")), ScannerTimedOut, "scanner_timed_out"),
            (RecordedScanner(ScannerFailed("broke")), ScannerFailed, "scanner_failed"),
            (RecordedScanner(syft=b"{"), ReportUnreadable, "report_malformed"),
        ],
        ids=["slow", "broken", "garbage"],
    )
    def test_that_fails_leaves_a_failed_scan_with_its_cause(self, now, feeds, scanner, error, cause):
        image = image_artifact(now, digest=RECORDED_DIGEST)
        with pytest.raises(error):
            services.inventory_artifact(artifact=image, now=now, scanner=scanner)
        assert state_of(image, now) == ("failed", cause)
        services.match_artifact(artifact=image, now=now)
        assert state_of(image, now) == ("failed", cause)
        assert findings(image) == []

    def test_of_another_image_is_refused(self, now, feeds):
        image = image_artifact(now)
        with pytest.raises(Exception, match="about"):
            services.inventory_artifact(artifact=image, now=now, scanner=RecordedScanner())
        assert state_of(image, now) == ("failed", "report_of_other_image")
        assert not Inventory.objects.exists()

    def test_what_failed_can_succeed_later(self, now, feeds):
        image = image_artifact(now, digest=RECORDED_DIGEST)
        with pytest.raises(ScannerFailed):
            services.inventory_artifact(artifact=image, now=now, scanner=RecordedScanner(ScannerFailed("broke")))
        services.inventory_artifact(artifact=image, now=now, scanner=RecordedScanner())
        services.match_artifact(artifact=image, now=now)
        assert state_of(image, now) == ("complete", "")
        assert len(findings(image)) == 79 + 27

    def test_of_what_does_not_run_is_refused(self, now):
        with pytest.raises(NotScannable):
            services.inventory_artifact(artifact=image_artifact(now, kind="attestation"), now=now)


class TestStates:
    def test_nobody_looked(self, now):
        image = image_artifact(now)
        assert state_of(image, now) == ("failed", "not_inventoried")
        with pytest.raises(NotInventoried):
            services.match_artifact(artifact=image, now=now)

    @pytest.mark.parametrize(
        ("fields", "components", "expected"),
        [
            pytest.param({}, [DASH], ("complete", ""), id="Debian 12"),
            pytest.param({"os_version": "11"}, [DASH], ("unsupported", "past_end_of_support"), id="Debian 11"),
            pytest.param({"os_version": "99"}, [DASH], ("unsupported", "support_unknown"), id="Debian 99"),
            pytest.param({"os_id": "", "os_version": ""}, [], ("unsupported", "unknown_distribution"), id="scratch"),
            pytest.param({"os_id": "plan9"}, [DASH], ("unsupported", "unsupported_distribution"), id="Plan 9"),
            pytest.param({"os_id": "fedora"}, [DASH], ("unsupported", "unsupported_distribution"), id="Fedora"),
            pytest.param({"os_version": ""}, [DASH], ("unsupported", "unknown_release"), id="sid"),
            pytest.param({"has_package_database": False}, [], ("failed", "package_database_removed"), id="no database"),
            pytest.param({}, [], ("failed", "no_components"), id="nothing in it"),
            pytest.param({"os_version": "13"}, [DASH], ("stale", "no_feed"), id="no feed covers it"),
        ],
    )
    def test_nothing_but_a_whole_look_is_complete(self, now, feeds, fields, components, expected):
        image = image_artifact(now)
        scan = scan_of(image, now, components, **fields)
        assert state_of(image, now) == expected
        assert (scan.state, scan.cause) == expected
        assert findings(image) == []

    def test_the_oldest_of_the_covering_feeds_decides(self, now):
        import_real_feeds(now, files=(FIXES, ENDS))
        import_real_feeds(now, files=(UNFIXED,), age=timedelta(hours=47))
        image = image_artifact(now)
        scan = scan_of(image, now)
        assert scan.feed_name == "debian-12-unfixed-rated"
        assert state_of(image, now + timedelta(hours=1)) == ("complete", "")
        assert state_of(image, now + timedelta(hours=1, seconds=1)) == ("stale", "stale_feed")

    def test_a_feed_of_another_release_does_not_count(self, now, feeds):
        import_real_feeds(now, files=(UNFIXED,), age=timedelta(days=100), name="old", declared_ecosystems=["Debian:10"])
        image = image_artifact(now)
        scan_of(image, now)
        assert state_of(image, now) == ("complete", "")

    def test_support_that_ends_later_ends_the_scan_then(self, now, feeds):
        image = image_artifact(now)
        scan_of(image, now)
        after = now.replace(year=2028, month=7, day=1)
        assert state_of(image, after, None) == ("unsupported", "past_end_of_support")

    def test_a_feed_that_begins_to_cover_makes_it_complete(self, now):
        import_real_feeds(now, files=(ENDS,))
        image = image_artifact(now)
        scan_of(image, now)
        assert state_of(image, now) == ("stale", "no_feed")
        import_real_feeds(now, files=(FIXES,))
        assert state_of(image, now) == ("complete", "")
        assert latest_scan(image).state == "complete"

    def test_frozen_is_kept_on_the_scan(self, now):
        import_real_feeds(now, files=(FIXES, ENDS), is_frozen=True, age=timedelta(days=9))
        image = image_artifact(now)
        assert scan_of(image, now).is_feed_frozen
        assert "frozen" in scan_state_at(latest_scan(image), now, AGE).sentence

    def test_says_which_components_no_feed_speaks_about(self, now, feeds):
        image = image_artifact(now)
        scan = scan_of(
            image, now, [DASH, coordinates_of("pkg:npm/left-pad@1.0.0"), coordinates_of("pkg:pypi/Django@1")]
        )
        assert scan.coverage["not_covered"] == {"npm": 1, "PyPI": 1}

    def test_there_is_one_newest_scan(self, now, feeds):
        image = image_artifact(now)
        scan_of(image, now)
        with pytest.raises(IntegrityError), transaction.atomic():
            Scan.objects.create(artifact=image, state="complete", created_at=now, scanned_at=now)

    def test_a_scan_that_is_not_complete_has_a_cause(self, now):
        with pytest.raises(IntegrityError), transaction.atomic():
            Scan.objects.create(artifact=image_artifact(now), state="failed", created_at=now, scanned_at=now)


class TestIndex:
    def test_the_worst_image_decides(self, now, feeds):
        good, bad = image_artifact(now), image_artifact(now)
        inventory_of(good, now, [DASH])
        inventory_of(bad, now, [DASH], os_version="11")
        index = index_artifact(now, good, bad)
        scan = services.match_artifact(artifact=index, now=now)
        assert (scan.state, scan.cause, scan.deciding) == ("unsupported", "past_end_of_support", bad)
        assert state_of(index, now) == ("unsupported", "past_end_of_support")
        assert state_of(good, now) == ("complete", "")

    def test_an_image_that_nobody_could_look_into_decides(self, now, feeds):
        good, bad = image_artifact(now, digest=RECORDED_DIGEST), image_artifact(now)
        index = index_artifact(now, good, bad)
        with pytest.raises(Exception, match="about"):
            services.inventory_artifact(artifact=index, now=now, scanner=RecordedScanner())
        assert services.match_artifact(artifact=index, now=now).cause == "report_of_other_image"

    def test_findings_are_those_of_all_images_each_once(self, now, feeds):
        one, other = image_artifact(now), image_artifact(now)
        inventory_of(one, now, [deb("tar", "1.34+dfsg-1.2+deb12u1")])
        inventory_of(other, now, [deb("tar", "1.34+dfsg-1.2+deb12u1"), deb("zlib1g", "1:1.2.13-1", source="zlib")])
        index = index_artifact(now, one, other)
        services.match_artifact(artifact=index, now=now)
        assert [(row.vulnerability_id, row.package) for row in findings(index)] == [
            ("CVE-2023-45853", "zlib1g"),
            ("CVE-2005-2541", "tar"),
        ]

    def test_without_anything_that_runs_it_failed(self, now, feeds):
        index = index_artifact(now)
        services.match_artifact(artifact=index, now=now)
        assert state_of(index, now) == ("failed", "no_runnable_children")


class TestCosts:
    @pytest.mark.parametrize("size", [1, 40])
    def test_findings_cost_the_same_queries_however_many(self, now, feeds, size, django_assert_num_queries):
        image = image_artifact(now)
        names = [f"lib{number}" for number in range(size)]
        scan_of(image, now, [deb(name, "1:1.2.13-1", source="zlib") for name in names])
        with django_assert_num_queries(3):
            assert len(findings(image)) == size

    def test_feed_ages_cost_one_query(self, now, feeds, django_assert_num_queries):
        with django_assert_num_queries(1):
            ages = feed_ages(now)
        assert [one.is_late for one in ages] == [False, False, False]

    def test_a_late_catalogue_warns_and_blocks_nothing(self, now):
        import_real_feeds(now, files=(EXPLOITED,), age=timedelta(days=8))
        (age,) = feed_ages(now)
        assert (age.is_late, age.is_blocking) == (True, False)


class TestPipeline:
    def test_scanning_again_queues_its_job_once(self, now, feeds):
        image = image_artifact(now)
        for _ in range(2):
            services.ask_scan(artifact=image, actor=TESTER, now=now)
        assert Job.objects.filter(kind="scans.inventory", subject_id=str(image.pk)).count() == 1

    def test_a_scan_is_recorded_with_its_state(self, now, feeds):
        image = image_artifact(now)
        scan_of(image, now, [], has_package_database=False)
        data = Record.objects.get(verb=Verb.ARTIFACT_SCANNED).data
        assert (data["state"], data["cause"]) == ("failed", "package_database_removed")
