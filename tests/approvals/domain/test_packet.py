import hashlib
from dataclasses import replace
from datetime import timedelta

from approvals.domain.delta import delta, findings_of
from approvals.domain.evidence import Evidence, Finding, counts
from approvals.domain.packet import PacketSubject, canonical_text, packet_document, says_the_same
from core.canonical import sha256_of
from tests.factories.approvals import evidence as artifact

SUBJECT = PacketSubject(
    image="debian",
    version="12",
    subversion="12-20261124.1",
    digest="sha256:" + "a" * 64,
    media_type="application/vnd.oci.image.manifest.v1+json",
    kind="image",
    purpose="runtime",
    size_bytes=1000,
    proposed_by="paula",
    source_author="",
    lineage=(),
    policy={"name": "default", "version": 1, "sha256": "0" * 64, "is_demo": False},
)
OPENSSL = Finding("CVE-2026-1", "openssl", "3.0.1", "3.0.2", "critical")
ZLIB = Finding("CVE-2026-2", "zlib1g", "1.2", "", "high")


class TestPacketDocument:
    def test_its_hash_names_its_canonical_bytes(self, now):
        document = packet_document(SUBJECT, Evidence((artifact(now, findings=(OPENSSL, ZLIB)),)))
        assert hashlib.sha256(canonical_text(document).encode()).hexdigest() == sha256_of(document)

    def test_counts_what_has_no_fix(self, now):
        document = packet_document(SUBJECT, Evidence((artifact(now, findings=(OPENSSL, ZLIB)),)))
        assert (document["unfixed"], document["fixable"]) == ({"high": 1}, {"critical": 1})

    def test_the_order_of_findings_makes_no_difference(self, now):
        left = packet_document(SUBJECT, Evidence((artifact(now, findings=(OPENSSL, ZLIB)),)))
        right = packet_document(SUBJECT, Evidence((artifact(now, findings=(ZLIB, OPENSSL)),)))
        assert left == right

    def test_a_later_sync_that_changed_nothing_says_the_same(self, now):
        left = packet_document(SUBJECT, Evidence((artifact(now),), known_exploited_at=now))
        moved = artifact(now, scanned_at=now + timedelta(hours=1), feed_snapshot_at=now + timedelta(hours=1))
        right = packet_document(SUBJECT, Evidence((moved,), known_exploited_at=now + timedelta(hours=1)))
        assert left != right
        assert says_the_same(left, right)

    def test_whose_word_an_inventory_is_stands_in_it_and_only_then(self, now):
        seen = packet_document(SUBJECT, Evidence((artifact(now, basis="package_database"),)))
        told = artifact(now, basis="attested", attested_by="base images")
        attested = packet_document(SUBJECT, Evidence((told,)))
        inventory = attested["artifacts"][0]["inventory"]
        assert (inventory["basis"], inventory["attested_by"]) == ("attested", "base images")
        assert "basis" not in seen["artifacts"][0]["inventory"]
        assert not says_the_same(seen, attested)

    def test_anything_else_says_something_new(self, now):
        left = packet_document(SUBJECT, Evidence((artifact(now),)))
        for changes in (
            {"findings": (ZLIB,)},
            {"user": "0"},
            {"scan_id": "another"},
            {"scan_state": "failed"},
            {"inventory_digest": "sha256:" + "c" * 64},
            {"is_feed_frozen": True},
            {"support": "extended"},
        ):
            assert not says_the_same(left, packet_document(SUBJECT, Evidence((artifact(now, **changes),)))), changes
        policy = {**SUBJECT.policy, "version": 2}
        assert not says_the_same(left, packet_document(replace(SUBJECT, policy=policy), Evidence((artifact(now),))))


class TestCounts:
    def test_counts_a_vulnerability_once_by_its_worst_word(self):
        found = [OPENSSL, replace(OPENSSL, package="libssl3", severity="high"), replace(ZLIB, severity="odd")]
        assert counts(found) == {"critical": 1, "unknown": 1}


class TestDelta:
    def test_what_is_new_and_what_is_gone(self):
        moved = delta([OPENSSL], [ZLIB])
        assert [one.vulnerability_id for one in moved.added] == ["CVE-2026-2"]
        assert [one.vulnerability_id for one in moved.removed] == ["CVE-2026-1"]

    def test_nothing_moved(self):
        assert delta([OPENSSL, ZLIB], [ZLIB, OPENSSL]).is_empty

    def test_a_first_fix_and_a_first_exploit_ask_anew(self):
        fixed, exploited = replace(ZLIB, fixed_version="1.3"), replace(OPENSSL, is_known_exploited=True)
        moved = delta([OPENSSL, ZLIB], [exploited, fixed])
        assert [one.vulnerability_id for one in moved.added] == ["CVE-2026-1", "CVE-2026-2"]
        assert moved.removed == ()

    def test_reads_the_findings_that_a_packet_froze(self, now):
        document = packet_document(SUBJECT, Evidence((artifact(now, findings=(OPENSSL, ZLIB)),)))
        assert delta(findings_of(document), [OPENSSL, ZLIB]).is_empty
