"""The facts that a snapshot takes from every room: each field, and that they agree with the rooms' own selectors."""

from datetime import timedelta

import pytest

from admission.facts import all_facts, facts_of_artifacts
from catalog.models import Subversion
from gate.facts import ArtifactKind, DigestFacts, Lineage, ScanState
from jobs.services import enqueue
from registry.models import Artifact
from registry.services.records import record_place
from scans import selectors as scans_selectors
from scans.models import Feed, Scan, Vulnerability
from signing import services as signing_services
from tests.factories.admission import ACTOR, certified_subversion
from tests.factories.authority import begin_certified
from tests.factories.scans import deb, import_records, inventory_of, osv, scan_of
from tests.factories.signing import Images, known_artifact, signing_key

pytestmark = pytest.mark.django_db


def facts(artifact: Artifact, now) -> DigestFacts:
    (found,) = facts_of_artifacts([artifact.pk], now)
    return found


class TestShape:
    def test_an_index_and_its_children_name_each_other(self, now):
        images = Images()
        index = known_artifact(images, images.index(images.image("a"), images.image("b", arch="arm64")), now=now)
        found = {each.digest: each for each in all_facts(now)}
        assert found[index.digest].kind is ArtifactKind.INDEX
        assert len(found[index.digest].members) == 2
        for digest in found[index.digest].members:
            assert found[digest].member_of == (index.digest,)
            assert found[digest].user == "65532"

    def test_what_an_image_stands_on_is_named(self, now):
        images = Images()
        base = known_artifact(images, images.image("debian"), now=now)
        app = known_artifact(images, images.image("app", base="debian"), now=now)
        assert (facts(app, now).lineage, facts(app, now).bases) == (Lineage.EXACT, (base.digest,))
        assert (facts(base, now).lineage, facts(base, now).bases) == (Lineage.UNKNOWN, ())

    def test_two_bases_that_fit_are_ambiguous(self, now):
        images = Images()
        known_artifact(images, images.image("debian", user="1"), now=now)
        known_artifact(images, images.image("debian", user="2"), now=now)
        app = known_artifact(images, images.image("app", base="debian"), now=now)
        found = facts(app, now)
        assert found.lineage is Lineage.AMBIGUOUS
        assert len(found.bases) == 2

    def test_every_repository_is_named(self, artifact, golden, now):
        other = golden.__class__.objects.create(registry=golden.registry, path="golden/copy", created_at=now)
        record_place([artifact], other, now=now + timedelta(1))
        assert facts(artifact, now).repositories == (
            "registry.example/golden/debian",
            "registry.example/golden/copy",
        )

    def test_ids_that_name_nothing_are_passed_over(self, artifact, now):
        assert list(facts_of_artifacts([], now)) == []

    def test_many_cost_as_many_queries_as_one(self, now, django_assert_num_queries):
        images = Images()
        made = [known_artifact(images, images.image(f"image-{number}"), now=now) for number in range(4)]
        with django_assert_num_queries(9):
            assert len(list(facts_of_artifacts([made[0].pk], now))) == 1
        with django_assert_num_queries(9):
            assert len(list(facts_of_artifacts([each.pk for each in made], now))) == 4


class TestScan:
    def test_nobody_looked(self, artifact, now):
        assert facts(artifact, now).scan is ScanState.NONE

    def test_somebody_is_looking(self, artifact, now):
        enqueue("scans.inventory", subject_id=artifact.pk, now=now)
        assert facts(artifact, now).scan is ScanState.RUNNING

    def test_a_complete_report_stands_while_the_next_is_made(self, artifact, now):
        scan_of(artifact, now, [deb("zlib", "1")])
        Scan.objects.update(state="complete", cause="", feed_snapshot_at=now - timedelta(hours=2))
        enqueue("scans.match", subject_id=artifact.pk, now=now)
        found = facts(artifact, now)
        assert found.scan is ScanState.COMPLETE
        assert found.scanned_at == int(now.timestamp())
        assert found.feed_at == int(now.timestamp()) - 7200
        assert found.scan_cause == ""

    def test_a_failed_report_says_why(self, artifact, now):
        scan_of(artifact, now, [deb("zlib", "1")], os_id="")
        found = facts(artifact, now)
        assert found.scan is not ScanState.COMPLETE
        assert found.scan_cause


class TestFindings:
    @pytest.fixture
    def scanned(self, artifact, now, tmp_path) -> Artifact:
        """Of zlib: a fixed one in two advisories, an old fixed one, one without a fix. Of bash: an exploited one."""
        records = [
            fixed(now, "A-1", "zlib", "2", alias="CVE-2026-0001", days=3),
            fixed(now, "A-2", "zlib", "3", alias="CVE-2026-0001", days=9),
            fixed(now, "A-3", "zlib", "2", alias="CVE-2026-0003", days=40),
            osv("A-4", "zlib", ("introduced", "0"), aliases=["CVE-2026-0004"]),
            fixed(now, "A-5", "bash", "6", alias="CVE-2026-0005", days=1),
            fixed(now, "A-6", "other", "6", alias="CVE-2026-0006", days=1),
        ]
        import_records(now, tmp_path, records)
        scan_of(artifact, now, [deb("zlib", "1"), deb("bash", "5")])
        Vulnerability.objects.filter(name="CVE-2026-0001").update(severity=5)
        Vulnerability.objects.filter(name="CVE-2026-0005").update(
            is_exploited=True, exploited_due_on=(now + timedelta(days=5)).date()
        )
        return artifact

    def test_they_are_counted_by_what_follows_from_them(self, scanned, now):
        found = facts(scanned, now)
        by_severity = {each.severity: each for each in found.fixable}
        assert {name: each.count for name, each in by_severity.items()} == {"critical": 1, "unknown": 1}
        assert by_severity["critical"].fix_since == int((now - timedelta(days=9)).timestamp())
        assert by_severity["critical"].example == "CVE-2026-0001 in zlib 1 (fixed in 3)"
        assert (found.unfixed, found.unfixed_example) == (1, "CVE-2026-0004 in zlib 1")
        assert (found.known_exploited, found.known_exploited_example) == (1, "CVE-2026-0005 in bash 5 (fixed in 6)")
        end_of_day = (now + timedelta(days=5)).replace(hour=23, minute=59, second=59, microsecond=0)
        assert found.known_exploited_due_at == int(end_of_day.timestamp())

    def test_they_are_those_that_every_page_shows(self, scanned, now):
        shown = scans_selectors.findings(scanned)
        found = facts(scanned, now)
        assert found.known_exploited == sum(one.is_kev for one in shown)
        assert sum(each.count for each in found.fixable) == sum(one.has_fix and not one.is_kev for one in shown)
        assert found.unfixed == sum(not one.has_fix and not one.is_kev for one in shown)
        since = min(one.fix_since for one in shown if one.has_fix and not one.is_kev)
        assert min(each.fix_since for each in found.fixable) == int(since.timestamp())

    def test_a_feed_that_is_switched_off_finds_nothing(self, scanned, now):
        Feed.objects.update(is_enabled=False)
        found = facts(scanned, now)
        assert (found.fixable, found.unfixed, found.known_exploited) == ((), 0, 0)

    def test_without_findings_the_fields_are_empty(self, artifact, now):
        inventory_of(artifact, now, [deb("zlib", "1")])
        found = facts(artifact, now)
        assert (found.fixable, found.unfixed, found.known_exploited) == ((), 0, 0)


class TestCatalog:
    def test_each_window_is_told_and_the_earlier_end_counts(self, artifact, now):
        subversion = certified_subversion(artifact, now=now)
        found = facts(artifact, now)
        assert found.subversion == f"debian/12 {subversion.name}"
        assert found.certified_from == int(now.timestamp())
        assert found.certified_until == int((now + timedelta(days=90)).timestamp())
        Subversion.objects.update(retiring_from=now, retiring_until=now + timedelta(days=7))
        assert facts(artifact, now).certified_until == int((now + timedelta(days=7)).timestamp())

    def test_suspension_and_its_reason(self, artifact, now):
        certified_subversion(artifact, now=now)
        Subversion.objects.update(suspended_from=now, suspended_until=now + timedelta(hours=72), reason="looking")
        found = facts(artifact, now)
        assert (found.suspended_from, found.reason) == (int(now.timestamp()), "looking")
        assert found.suspended_until == int((now + timedelta(hours=72)).timestamp())

    def test_a_verified_signature_names_its_repository(self, artifact, golden, tmp_path, now):
        _, signer = signing_key(tmp_path / "k", now=now)
        publication = begin_certified(artifact, golden, now)
        assert facts(artifact, now).signed_repositories == ()
        signing_services.copy_publication(publication_id=publication.pk, progress=lambda **_: None, now=now)
        signing_services.sign_publication(publication_id=publication.pk, signer=signer, now=now)
        signing_services.send_publication(publication_id=publication.pk, progress=lambda **_: None, now=now)
        assert facts(artifact, now).signed_repositories == ("registry.example/golden/debian",)
        signing_services.withdraw_publication(publication=publication, actor=ACTOR, now=now)
        assert facts(artifact, now).signed_repositories == ()


def fixed(now, identifier: str, package: str, version: str, *, alias: str, days: int) -> dict:
    """An advisory that names a fix, published ``days`` ago."""
    published = f"{now - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"
    return osv(identifier, package, ("introduced", "0"), ("fixed", version), aliases=[alias], published=published)
