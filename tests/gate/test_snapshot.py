"""The snapshot's files: what is written is read back, and what contradicts itself is refused."""

import hashlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.facts import ArtifactKind, DigestFacts, Fixable, Lineage, ScanState
from gate.policy import DEFAULT_JSON
from gate.snapshot import HEADER, RECORD, BaseFile, MalformedSnapshot, Ran, Revocation, Snapshot, write_base
from tests.factories.gate import APP, BASE, NOW, SnapshotFactory, application, certified_base, digest_of

SECONDS = st.integers(0, 2**32 - 1)
WORDS = st.text(max_size=30)
DIGESTS = st.binary(min_size=32, max_size=32).map(lambda value: f"sha256:{value.hex()}")
FACTS = st.builds(
    DigestFacts,
    digest=DIGESTS,
    kind=st.sampled_from(ArtifactKind),
    repositories=st.lists(WORDS, max_size=2).map(tuple),
    members=st.lists(DIGESTS, max_size=2).map(tuple),
    user=WORDS,
    lineage=st.sampled_from(Lineage),
    bases=st.lists(DIGESTS, max_size=2).map(tuple),
    scan=st.sampled_from(ScanState),
    scanned_at=SECONDS,
    feed_at=SECONDS,
    is_feed_frozen=st.booleans(),
    known_exploited=st.integers(0, 9),
    known_exploited_due_at=SECONDS,
    fixable=st.lists(st.builds(Fixable, WORDS, st.integers(0, 99), SECONDS, WORDS), max_size=3).map(tuple),
    certified_from=SECONDS,
    certified_until=SECONDS,
    revoked_at=SECONDS,
    reason=WORDS,
)


class TestBase:
    def test_a_record_has_at_most_64_bytes(self):
        assert RECORD.size == HEADER.size == 64

    @settings(max_examples=60, deadline=None)
    @given(facts=st.lists(FACTS, max_size=30, unique_by=lambda item: item.digest))
    def test_what_is_written_is_read_back(self, tmp_path_factory, facts):
        directory = tmp_path_factory.mktemp("base")
        paths = directory / "b", directory / "r"
        assert write_base(iter(facts), version=3, issued_at=7, base_path=paths[0], reasons_path=paths[1]) == len(facts)
        base = BaseFile.open(*paths)
        assert (base.version, base.issued_at, base.count) == (3, 7, len(facts))
        for item in facts:
            assert base.lookup(item.digest) == item
        assert base.lookup(digest_of("absent")) is None

    def test_every_one_of_many_is_found_and_none_that_is_not_there(self, tmp_path):
        facts = [application(digest=digest_of(str(number)), scanned_at=number) for number in range(2000)]
        paths = tmp_path / "b", tmp_path / "r"
        write_base(facts, version=1, issued_at=NOW, base_path=paths[0], reasons_path=paths[1])
        base = BaseFile.open(*paths)
        assert all(base.lookup(item.digest).scanned_at == number for number, item in enumerate(facts))
        assert not any(base.lookup(digest_of(f"other {number}")) for number in range(2000))
        # Equal side records are written once: two thousand digests, one side record.
        assert paths[1].stat().st_size < 1000

    @pytest.mark.parametrize("digest", ["", "sha256:", "sha256:zz", f"sha512:{'0' * 128}", f"sha256:{'0' * 63}g", "x"])
    def test_what_is_no_digest_of_ours_is_not_found(self, snapshot_of: SnapshotFactory, digest):
        assert snapshot_of().lookup(digest) is None

    @pytest.mark.parametrize("digest", ["", "sha256:ab", f"sha512:{'0' * 128}", f"sha256:{'A' * 64}"])
    def test_a_base_refuses_to_hold_it(self, tmp_path, digest):
        with pytest.raises(ValueError, match="is not sha256"):
            write_base(
                [DigestFacts(digest=digest)],
                version=1,
                issued_at=1,
                base_path=tmp_path / "b",
                reasons_path=tmp_path / "r",
            )

    def test_a_digest_given_twice_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match="twice"):
            write_base(
                [application(), application()],
                version=1,
                issued_at=1,
                base_path=tmp_path / "b",
                reasons_path=tmp_path / "r",
            )


class TestDamage:
    @pytest.mark.parametrize("which", [0, 1])
    @pytest.mark.parametrize("change", ["cut", "padded", "empty", "magic", "header"])
    def test_files_that_contradict_themselves_are_refused(self, snapshot_of: SnapshotFactory, which, change):
        paths = snapshot_of.files()
        body = paths[which].read_bytes()
        damaged = {
            "cut": body[:-1],
            "padded": body + b"\0",
            "empty": b"",
            "magic": b"X" + body[1:],
            "header": body[:24] + b"\xff" + body[25:],
        }[change]
        paths[which].write_bytes(damaged)
        with pytest.raises(MalformedSnapshot):
            Snapshot.open(*paths, expires_at=NOW)

    def test_side_file_of_another_base_is_refused(self, tmp_path, snapshot_of: SnapshotFactory):
        paths = snapshot_of.files()
        other = tmp_path / "b2", tmp_path / "r2"
        write_base([application()], version=2, issued_at=NOW, base_path=other[0], reasons_path=other[1])
        with pytest.raises(MalformedSnapshot):
            Snapshot.open(paths[0], other[1], paths[2], expires_at=NOW)

    @pytest.mark.parametrize("offset", [56, 58, 60, 61, 62, 63])
    def test_a_record_that_points_outside_is_refused_on_reading(self, snapshot_of: SnapshotFactory, offset):
        paths = snapshot_of.files(application())
        body = bytearray(paths[0].read_bytes())
        body[HEADER.size + offset] ^= 0xFF
        paths[0].write_bytes(body)
        snapshot = Snapshot.open(*paths, expires_at=NOW)
        with pytest.raises(MalformedSnapshot):
            snapshot.lookup(APP)

    @pytest.mark.parametrize(
        "overlay",
        [
            pytest.param({"format": 2}, id="format"),
            pytest.param({"policy": {**DEFAULT_JSON, "unknown": 1}}, id="policy-key"),
            pytest.param({"policy": {}}, id="no-policy"),
        ],
    )
    def test_an_overlay_this_gate_cannot_read_is_refused(self, snapshot_of: SnapshotFactory, overlay):
        with pytest.raises(MalformedSnapshot):
            snapshot_of(**overlay)

    @pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"format":1}', b"\xff"])
    def test_an_overlay_that_is_none_is_refused(self, snapshot_of: SnapshotFactory, body):
        paths = snapshot_of.files()
        paths[2].write_bytes(body)
        with pytest.raises(MalformedSnapshot):
            Snapshot.open(*paths, expires_at=NOW)


class TestOverlay:
    def test_changed_facts_replace_the_base(self, snapshot_of: SnapshotFactory):
        changed = application(user="9")
        assert snapshot_of(facts=(changed,)).lookup(APP) == changed

    def test_new_digests_need_no_base_record(self, snapshot_of: SnapshotFactory):
        new = application(digest=digest_of("new"))
        assert snapshot_of(facts=(new,)).lookup(new.digest) == new

    def test_removed_digests_are_unknown(self, snapshot_of: SnapshotFactory):
        assert snapshot_of(removed=(APP,)).lookup(APP) is None

    def test_a_revocation_of_an_unknown_digest_is_kept(self, snapshot_of: SnapshotFactory):
        revoked = Revocation(digest=digest_of("x"), revoked_at=NOW, reason="r", use_instead="u", use_instead_name="n")
        found = snapshot_of(revocations=(revoked,)).lookup(digest_of("x"))
        assert (found.revoked_at, found.reason, found.use_instead, found.use_instead_name) == (NOW, "r", "u", "n")
        assert found.repositories == ()

    def test_revocations_are_written_before_everything_that_follows(self, snapshot_of: SnapshotFactory):
        body = snapshot_of.files(revocations=(Revocation(digest=BASE, revoked_at=1),))[2].read_bytes()
        assert body.index(b'"revocations"') < body.index(b'"policy"')

    def test_what_ran_is_asked_by_cluster_namespace_and_digest(self, snapshot_of: SnapshotFactory):
        snapshot = snapshot_of(ran={"prod": (Ran("web", APP, 5),)})
        assert snapshot.ran_at(cluster="prod", namespace="web", digest=APP) == 5
        assert snapshot.ran_at(cluster="dev", namespace="web", digest=APP) == 0

    def test_what_to_use_instead_is_asked_by_tag_then_by_name(self, snapshot_of: SnapshotFactory):
        snapshot = snapshot_of(instead={"r/a:1": "r/a@1", "r/a": "r/a@2"})
        assert snapshot.instead_of("r/a", "1") == "r/a@1"
        assert snapshot.instead_of("r/a", "2") == snapshot.instead_of("r/a") == "r/a@2"
        assert snapshot.instead_of("r/b", "1") == ""

    def test_the_cache_is_bounded_and_right(self, snapshot_of: SnapshotFactory, monkeypatch):
        monkeypatch.setattr("gate.snapshot.CACHED_DIGESTS", 2)
        snapshot = snapshot_of(certified_base(), application())
        for _ in range(3):
            for name in ("a", "b", "c"):
                assert snapshot.lookup(digest_of(name)) is None
            assert snapshot.lookup(APP) == application()
        assert len(snapshot._cache) <= 2


def test_the_same_facts_make_the_same_files(tmp_path):
    def written(name: str) -> tuple[str, ...]:
        paths = tmp_path / f"{name}.bin", tmp_path / f"{name}.reasons"
        facts: list[Any] = [application(), certified_base()]
        write_base(facts, version=1, issued_at=NOW, base_path=paths[0], reasons_path=paths[1])
        return tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)

    assert written("a") == written("b")
