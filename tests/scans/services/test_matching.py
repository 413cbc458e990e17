"""Which advisories are about which components, whoever came first; and what a sync moves."""

import json
from datetime import timedelta

import pytest

from audit.models import Record
from audit.verbs import Verb
from scans import services
from scans.domain.ecosystems import coordinates_of
from scans.models import Component, Inventory, Match, Scan
from scans.selectors import finding_summary, findings, latest_scan
from scans.services.matching import match_everything
from tests.factories.scans import (
    ENDS,
    RATINGS,
    TESTER,
    deb,
    image_artifact,
    import_real_feeds,
    import_records,
    index_artifact,
    inventory_of,
    osv,
    scan_of,
)

pytestmark = pytest.mark.django_db

OLD = deb("zlib1g", "1:1.2.13-1", source="zlib", source_version="1:1.2.13.dfsg-1")
FIXED = ("fixed", "1:1.2.13.dfsg-2")


def advisory(identifier="X-1", *events, **fields) -> dict:
    chosen = events or (("introduced", "0"), FIXED)
    return osv(identifier, "zlib", *chosen, **{"aliases": ["CVE-2026-0001"], **fields})


@pytest.fixture
def support(now):
    return import_real_feeds(now, files=(ENDS,))


def changes() -> list[dict]:
    rows = Record.objects.filter(verb=Verb.FINDINGS_CHANGED).order_by("id")
    return [{key: value for key, value in row.data.items() if key not in ("because", "counts")} for row in rows]


class TestMatch:
    def test_goes_by_the_source_package_and_its_version(self, tmp_path, now, support):
        import_records(now, tmp_path, [advisory()])
        image = image_artifact(now)
        scan_of(
            image, now, [OLD, deb("zlib", "1", source="other"), deb("zlib1g-dev", "1:1.2.13.dfsg-2", source="zlib")]
        )
        (found,) = findings(image)
        assert (found.package, found.source, found.fixed_version) == ("zlib1g", "zlib", "1:1.2.13.dfsg-2")
        assert found.vulnerability_id == "CVE-2026-0001"

    @pytest.mark.parametrize("ecosystem", ["Debian:11", "Debian", "Ubuntu:22.04", "Alpine:v3.19"])
    def test_another_release_is_another_ecosystem(self, tmp_path, now, support, ecosystem):
        import_records(now, tmp_path, [advisory(ecosystem=ecosystem)])
        image = image_artifact(now)
        scan_of(image, now, [OLD])
        assert findings(image) == []

    @pytest.mark.parametrize("first", ["the component", "the advisory"])
    def test_whichever_came_first(self, tmp_path, now, support, first):
        image = image_artifact(now)
        if first == "the component":
            scan_of(image, now, [OLD])
            import_records(now, tmp_path, [advisory()])
        else:
            import_records(now, tmp_path, [advisory()])
            scan_of(image, now, [OLD])
        assert [one.vulnerability_id for one in findings(image)] == ["CVE-2026-0001"]

    def test_is_computed_once_for_all_images(self, tmp_path, now, support):
        import_records(now, tmp_path, [advisory()])
        for _ in range(3):
            scan_of(image_artifact(now), now, [OLD])
        assert Component.objects.count() == 1
        assert Match.objects.count() == 1

    def test_a_withdrawn_advisory_affects_nothing(self, tmp_path, now, support):
        image = image_artifact(now)
        import_records(now, tmp_path, [advisory(withdrawn="2026-11-02T00:00:00Z")])
        scan_of(image, now, [OLD])
        assert findings(image) == []

    def test_what_cannot_be_compared_is_listed_and_is_no_finding_with_a_fix(self, tmp_path, now, support):
        import_records(now, tmp_path, [advisory("X-1", ("introduced", "0"), ("fixed", "not_a_version"))])
        odd = deb("zlib1g", "1:1_2", source="zlib")
        image = image_artifact(now)
        scan_of(image, now, [OLD, odd])
        assert {(one.package, one.outcome, one.fixed_version) for one in findings(image)} == {
            ("zlib1g", "cannot_compare", "")
        }
        assert finding_summary(image)["cannot_compare_pairs"] == 2
        assert finding_summary(image)["unfixed_pairs"] == 0

    def test_an_odd_component_version_is_listed_too(self, tmp_path, now, support):
        import_records(now, tmp_path, [advisory()])
        image = image_artifact(now)
        scan_of(image, now, [deb("zlib1g", "1_2", source="zlib")])
        assert [one.outcome for one in findings(image)] == ["cannot_compare"]

    def test_several_advisories_of_one_vulnerability_are_one_finding_with_the_highest_fix(self, tmp_path, now, support):
        first = advisory("A-1", ("introduced", "0"), ("fixed", "1:1.2.13.dfsg-2"), published="2026-11-05T00:00:00Z")
        second = advisory("A-2", ("introduced", "0"), ("fixed", "1:1.2.13.dfsg-10"), published="2026-11-03T00:00:00Z")
        third = advisory("A-3", ("introduced", "0"))
        import_records(now, tmp_path, [first, second, third])
        image = image_artifact(now)
        scan_of(image, now, [OLD])
        (found,) = findings(image)
        assert found.fixed_version == "1:1.2.13.dfsg-10"
        assert found.advisory_ids == ("A-1", "A-2", "A-3")
        assert found.fix_since.isoformat() == "2026-11-03T00:00:00+00:00"

    def test_fix_since_is_our_first_sight_where_that_was_earlier(self, tmp_path, now, support):
        early = now - timedelta(days=30)
        import_records(early, tmp_path, [advisory(published="2026-11-20T00:00:00Z")])
        image = image_artifact(now)
        scan_of(image, now, [OLD])
        assert findings(image)[0].fix_since == early

    def test_everything_again_gives_the_same(self, tmp_path, now, support):
        import_records(now, tmp_path, [advisory(), advisory("X-2", ("introduced", "0"))])
        image = image_artifact(now)
        scan_of(image, now, [OLD])
        before = set(Match.objects.values_list("component_id", "advisory_id", "fixed_version"))
        assert len(before) == 2
        match_everything(now=now)
        assert set(Match.objects.values_list("component_id", "advisory_id", "fixed_version")) == before

    def test_everything_again_mends_what_is_wrong(self, tmp_path, now, support):
        odd = advisory("X-2", ("introduced", "0"), ("fixed", "not_a_version"), aliases=[])
        import_records(now, tmp_path, [advisory(), odd])
        image = image_artifact(now)
        scan_of(image, now, [OLD, deb("dash", "1", source="dash")])
        right = set(Match.objects.values_list("component_id", "advisory_id", "outcome", "fixed_version"))
        assert {row[2] for row in right} == {"affected", "cannot_compare"}
        foreign = Component.objects.get(name="dash")
        Match.objects.filter(outcome="affected").update(fixed_version="9")
        Match.objects.create(
            component=foreign, advisory_id=Match.objects.first().advisory_id, outcome="affected", matched_at=now
        )
        Match.objects.filter(outcome="cannot_compare").delete()
        assert match_everything(now=now) == 4
        assert set(Match.objects.values_list("component_id", "advisory_id", "outcome", "fixed_version")) == right
        Match.objects.filter(outcome="affected").update(outcome="cannot_compare")
        match_everything(now=now)
        assert set(Match.objects.values_list("component_id", "advisory_id", "outcome", "fixed_version")) == right

    def test_keys_of_an_older_encoder_are_made_anew(self, tmp_path, now, support):
        import_records(now, tmp_path, [advisory()])
        image = image_artifact(now)
        scan_of(image, now, [OLD])
        Component.objects.update(version_key=b"\xff", key_version=0)
        assert services.rematch_everything(now=now) == 0
        assert Match.objects.count() == 1
        Component.objects.update(version_key=b"\xff")  # under the current version it stands
        assert services.rematch_everything(now=now) == 1
        assert findings(image) == []

    def test_a_system_that_had_no_order_is_named_and_compared_by_a_rematch(self, tmp_path, now, support):
        """As an image of Wolfi stands that was looked into before Wolfi's versions had an order here."""
        record = osv("CGA-1", "libssl3", ("introduced", "0"), ("fixed", "3.6.0-r5"), ecosystem="Wolfi")
        import_records(now, tmp_path, [record])
        image = image_artifact(now)
        purl = "pkg:apk/wolfi/libssl3@3.6.0-r4?arch=x86_64&distro=wolfi-20230201&upstream=openssl"
        inventory = inventory_of(image, now, [coordinates_of(purl)], os_id="wolfi", os_version="20230201")
        coverage = {**inventory.coverage, "has_package_database": None, "components_by_type": {"apk": 1}}
        Inventory.objects.update(ecosystem="", coverage=coverage)
        Component.objects.update(ecosystem="", source_name="openssl", version_key=None, key_version=1)
        assert services.match_artifact(artifact=image, now=now).cause == "unsupported_distribution"
        assert services.rematch_everything(now=now) == 1
        assert [(one.source, one.fixed_version) for one in findings(image)] == [("libssl3", "3.6.0-r5")]
        scan = latest_scan(image)
        assert (scan.state, scan.inventory.ecosystem) == ("complete", "Wolfi")
        assert scan.inventory.coverage["has_package_database"] is True


class TestMovement:
    @pytest.fixture
    def image(self, now, support):
        image = image_artifact(now)
        scan_of(image, now, [OLD])
        return image

    def test_a_new_advisory_is_recorded_for_the_images_it_is_about(self, tmp_path, now, image):
        scan_of(image_artifact(now), now, [deb("dash", "0.5.12-2")])
        import_records(now, tmp_path, [advisory()])
        record = Record.objects.get(verb=Verb.FINDINGS_CHANGED)
        assert (record.subject_kind, record.subject_id) == ("artifact", str(image.pk))
        assert record.data["added"] == ["CVE-2026-0001"]
        assert latest_scan(image).summary["fixable_pairs"] == 1

    def test_nothing_that_did_not_move_is_recorded(self, tmp_path, now, image):
        import_records(now, tmp_path, [advisory()])
        import_records(now, tmp_path, [advisory(summary="new words"), advisory("X-2", aliases=["CVE-2026-0001"])])
        assert changes() == [{"added": ["CVE-2026-0001"]}]

    def test_a_fix_a_withdrawal_and_an_end_are_recorded(self, tmp_path, now, image):
        import_records(now, tmp_path, [advisory("X-1", ("introduced", "0")), advisory("Y-1", aliases=[])])
        import_records(now, tmp_path, [advisory(), advisory("Y-1", aliases=[])])
        import_records(now, tmp_path, [advisory(withdrawn="2026-11-20T00:00:00Z"), advisory("Y-1", aliases=[])])
        import_records(now, tmp_path, [advisory(withdrawn="2026-11-20T00:00:00Z")])
        assert changes() == [
            {"added": ["CVE-2026-0001", "Y-1"]},
            {"now_fixable": ["CVE-2026-0001"]},
            {"removed": ["CVE-2026-0001"]},
            {"removed": ["Y-1"]},
        ]
        assert findings(image) == []

    def test_a_finding_that_another_feed_still_supports_has_not_gone(self, tmp_path, now, image):
        import_records(now, tmp_path, [advisory()], name="one")
        import_records(now, tmp_path, [advisory("Z-9")], name="two")
        import_records(now, tmp_path, [advisory(withdrawn="2026-11-20T00:00:00Z")], name="one")
        assert changes() == [{"added": ["CVE-2026-0001"]}]
        assert len(findings(image)) == 1

    def test_a_new_rating_and_exploitation_are_recorded(self, tmp_path, now, image):
        import_records(now, tmp_path, [advisory(aliases=["CVE-2026-8376"])])
        import_real_feeds(now, files=(RATINGS,))
        entry = {"cveID": "CVE-2026-8376", "dateAdded": "2026-11-20", "dueDate": "2026-12-11"}
        catalogue = {
            "catalogVersion": "1",
            "dateReleased": "2026-11-24T00:00:00Z",
            "count": 1,
            "vulnerabilities": [entry],
        }
        (tmp_path / "kev.json").write_text(json.dumps(catalogue))
        services.import_feed_file(path=tmp_path / "kev.json", actor=TESTER, now=now)
        assert changes() == [
            {"added": ["CVE-2026-8376"]},
            {"rerated": ["CVE-2026-8376"]},
            {"now_exploited": ["CVE-2026-8376"]},
        ]
        (found,) = findings(image)
        assert (found.is_kev, str(found.kev_due_on), found.severity.word) == (True, "2026-12-11", "critical")
        assert latest_scan(image).summary["exploited_vulnerabilities"] == 1

    def test_an_index_moves_with_its_image(self, tmp_path, now, image):
        index = index_artifact(now, image)
        services.match_artifact(artifact=index, now=now)
        import_records(now, tmp_path, [advisory()])
        assert len(changes()) == 2
        assert latest_scan(index).summary["fixable_pairs"] == 1

    def test_a_disabled_feed_takes_its_findings_along(self, tmp_path, now, image):
        feed = import_records(now, tmp_path, [advisory()])
        services.change_feed(feed_id=feed.pk, actor=TESTER, now=now, is_enabled=False)
        assert findings(image) == []
        assert latest_scan(image).summary["fixable_pairs"] == 0
        assert latest_scan(image).state == "stale"
        services.change_feed(feed_id=feed.pk, actor=TESTER, now=now, is_enabled=True)
        assert len(findings(image)) == 1

    def test_a_sync_that_moves_nothing_renews_the_scan_and_makes_no_row(self, tmp_path, now, image):
        import_records(now, tmp_path, [advisory()])
        rows = Scan.objects.count()
        later = now + timedelta(days=1)
        import_records(later, tmp_path, [advisory()])
        scan = latest_scan(image)
        assert Scan.objects.count() == rows
        assert (scan.scanned_at, scan.feed_snapshot_at) == (later, later)

    def test_an_image_that_was_never_judged_gets_no_record(self, tmp_path, now, support):
        inventory_of(image_artifact(now), now, [OLD])
        import_records(now, tmp_path, [advisory()])
        assert changes() == []
