"""Feeds: what is taken over, what is refused, and from when it is."""

import gzip
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from audit.models import Record
from audit.verbs import Verb
from jobs.models import Schedule
from scans import services
from scans.adapters import feed_files
from scans.errors import (
    FeedAddressRefused,
    FeedContentsRefused,
    FeedHasNoUrl,
    FeedMalformed,
    FeedMissing,
    FeedNameTaken,
    FeedTooLarge,
    FeedUnavailable,
    SnapshotRefused,
    SnapshotTimeMissing,
)
from scans.models import Advisory, AffectedRange, EndOfLife, Feed, KnownExploited, Rating, Vulnerability
from tests.factories.scans import ENDS, EXPLOITED, FIXES, RATINGS, TESTER, UNFIXED, import_records, osv
from tests.fakes.feed_server import Answer, FeedServer

pytestmark = pytest.mark.django_db

RECORD = osv("X-1", "zlib", ("introduced", "0"), ("fixed", "2"), aliases=["CVE-2026-0001"])


def lines(*records: dict) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return buffer.getvalue()


def taken(path, now, **fields) -> Feed:
    return services.import_feed_file(path=path, actor=TESTER, now=now, **{"snapshot_at": now, **fields})


class TestImportFile:
    @pytest.mark.parametrize(
        ("name", "body"),
        [
            ("a.jsonl", lines(RECORD)),
            ("a.jsonl.gz", gzip.compress(lines(RECORD))),
            ("a.json", json.dumps(RECORD, indent=2).encode()),
            ("all.zip", zipped(**{"X-1.json": json.dumps(RECORD).encode(), "README.txt": b"no"})),
            ("renamed", gzip.compress(lines(RECORD))),
        ],
    )
    def test_takes_every_form(self, tmp_path, now, name, body):
        (tmp_path / name).write_bytes(body)
        feed = taken(tmp_path / name, now, kind="osv")
        assert (feed.state, feed.record_count, feed.ecosystems) == ("ok", 1, ["Debian:12"])
        assert Advisory.objects.get().osv_id == "X-1"
        assert AffectedRange.objects.get().fixed == "2"

    def test_takes_a_directory(self, tmp_path, now):
        (tmp_path / "in" / "deep").mkdir(parents=True)
        (tmp_path / "in" / "a.jsonl").write_bytes(lines(RECORD))
        (tmp_path / "in" / "deep" / "b.json").write_text(json.dumps(RECORD | {"id": "X-2"}))
        assert taken(tmp_path / "in", now).record_count == 2

    def test_keeps_the_bytes_with_fields_that_nobody_knows(self, tmp_path, now):
        body = json.dumps(RECORD | {"of_2030": {"β": 1.0}}).encode()
        (tmp_path / "a.jsonl").write_bytes(body + b"\n")
        taken(tmp_path / "a.jsonl", now)
        assert bytes(Advisory.objects.get().body) == body

    def test_takes_the_real_files_and_tells_their_kinds(self, now):
        feeds = [taken(path, now) for path in (FIXES, UNFIXED, RATINGS, EXPLOITED, ENDS)]
        assert [(feed.kind, feed.record_count) for feed in feeds] == [
            ("osv", 1209),
            ("osv", 12),
            ("ratings", 31),
            ("kev", 1404),
            ("endoflife", EndOfLife.objects.count()),
        ]
        assert feeds[0].ecosystems == ["Debian:11", "Debian:12"]
        assert KnownExploited.objects.count() == 1404
        assert Rating.objects.filter(feed=feeds[2]).count() == 31
        assert not any(feed.problems for feed in feeds)

    def test_a_second_time_writes_nothing_anew(self, tmp_path, now):
        feed = import_records(now, tmp_path, [RECORD])
        before = Advisory.objects.values_list("pk", "first_seen_at").get()
        import_records(now + timedelta(days=1), tmp_path, [RECORD])
        assert Advisory.objects.values_list("pk", "first_seen_at").get() == before
        assert Record.objects.filter(verb=Verb.FEED_SYNCED).latest("id").data["changed"] == 0
        feed.refresh_from_db()
        assert feed.snapshot_at == now + timedelta(days=1)

    def test_a_changed_record_replaces_its_ranges_and_keeps_our_first_sight(self, tmp_path, now):
        import_records(now, tmp_path, [RECORD])
        import_records(now + timedelta(days=1), tmp_path, [osv("X-1", "zlib", ("introduced", "0"), ("fixed", "3"))])
        assert AffectedRange.objects.get().fixed == "3"
        assert Advisory.objects.get().first_seen_at == now

    def test_what_a_feed_no_longer_has_is_gone_and_comes_back(self, tmp_path, now):
        both = [RECORD, RECORD | {"id": "X-2"}]
        import_records(now, tmp_path, both)
        import_records(now, tmp_path, both[:1])
        assert Advisory.objects.get(osv_id="X-2").absent_since == now
        import_records(now, tmp_path, both)
        assert Advisory.objects.get(osv_id="X-2").absent_since is None

    def test_both_of_two_disagreeing_sources_are_kept_and_the_highest_counts(self, tmp_path, now):
        score = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:L"}
        import_records(now, tmp_path, [RECORD | {"severity": [score]}])
        assert Vulnerability.objects.get().severity == 2
        vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
        rating = {"vector": vector, "score": 9.8, "severity": "CRITICAL", "source": "nvd"}
        (tmp_path / "r.json").write_text(json.dumps({"cves": {"CVE-2026-0001": {"ratings": [rating]}}}))
        taken(tmp_path / "r.json", now)
        assert Vulnerability.objects.get().severity == 5
        assert sorted(Rating.objects.values_list("source", "severity")) == [("nvd", 5), ("own", 2)]

    def test_an_unreadable_rating_is_said_and_hides_no_vulnerability(self, tmp_path, now):
        feed = import_records(now, tmp_path, [RECORD | {"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/lots"}]}])
        assert feed.problems[0]["where"] == "X-1"
        assert Vulnerability.objects.get().severity == 0

    def test_one_record_that_cannot_be_read_is_listed_and_left_out(self, tmp_path, now):
        feed = import_records(now, tmp_path, [RECORD, {"id": "broken"}])
        assert feed.record_count == 1
        assert feed.problems[0]["where"] == "line 2"

    @pytest.mark.parametrize(
        "odd",
        [
            pytest.param({"summary": "a\0b"}, id="summary"),
            pytest.param({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/\0"}]}, id="vector"),
            pytest.param({"affected": osv("X", "z\0", ("introduced", "0"))["affected"]}, id="package"),
            pytest.param({"affected": osv("X", "z", ("introduced", "0"), ("fixed", "2\0"))["affected"]}, id="version"),
            pytest.param({"modified": "0001-01-01T00:00:00+05:00"}, id="before-all-days"),
            pytest.param({"published": "9999-12-31T23:59:59-05:00"}, id="after-all-days"),
        ],
    )
    def test_a_record_that_no_database_holds_hides_no_other(self, tmp_path, now, odd):
        feed = import_records(now, tmp_path, [osv("ODD-1", "zlib", ("introduced", "0")) | odd, RECORD])
        assert feed.state == "ok"
        assert Advisory.objects.filter(osv_id="X-1").exists()
        assert Advisory.objects.filter(osv_id="ODD-1").exists() or feed.problems[0]["where"] == "line 1"


class TestRefusedContents:
    @pytest.mark.parametrize(
        ("name", "body", "kind"),
        [
            pytest.param("a.jsonl", b"", "osv", id="empty"),
            pytest.param("a.jsonl", b"no json\n" * 30, "osv", id="no JSON"),
            pytest.param("a.jsonl.gz", gzip.compress(lines(RECORD))[:-12], "osv", id="cut gzip"),
            pytest.param("all.zip", zipped(**{"X-1.json": lines(RECORD)})[:-30], "osv", id="cut zip"),
            pytest.param(
                "k.json", b'{"dateReleased":"2026-11-24T00:00:00Z","count":9,"vulnerabilities":[]}', "kev", id="cut KEV"
            ),
            pytest.param("r.json", b'{"cves": {}}', "ratings", id="no ratings"),
            pytest.param("r.json", b"[]", "ratings", id="a list"),
            pytest.param("e.json", b'{"debian": 1}', "endoflife", id="no releases"),
        ],
    )
    def test_is_said_on_the_feed_and_nothing_is_kept(self, tmp_path, now, name, body, kind):
        (tmp_path / name).write_bytes(body)
        with pytest.raises(FeedContentsRefused):
            taken(tmp_path / name, now, kind=kind, name="f")
        feed = Feed.objects.get()
        assert (feed.state, feed.synced_at, feed.record_count) == ("failed", None, 0)
        assert feed.error
        assert Record.objects.filter(verb=Verb.FEED_FAILED).count() == 1
        assert not Advisory.objects.exists()

    def test_a_rating_that_contradicts_its_vector_is_refused(self, tmp_path, now):
        rating = {"vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "score": 1.0, "source": "x"}
        (tmp_path / "r.json").write_text(json.dumps({"cves": {"CVE-2026-0001": {"ratings": [rating]}}}))
        with pytest.raises(FeedContentsRefused, match="its vector gives"):
            taken(tmp_path / "r.json", now)

    def test_a_feed_that_lost_half_of_itself_is_no_update(self, tmp_path, now):
        records = [RECORD | {"id": f"X-{number}"} for number in range(40)]
        import_records(now, tmp_path, records)
        with pytest.raises(FeedContentsRefused, match="no update"):
            import_records(now, tmp_path, records[:19])
        assert Advisory.objects.filter(absent_since=None).count() == 40

    def test_too_many_unreadable_records_refuse_all(self, tmp_path, now):
        with pytest.raises(FeedContentsRefused, match="cannot be read"):
            import_records(now, tmp_path, [RECORD, *[{"id": f"b{number}"} for number in range(11)]])

    def test_a_bomb_is_stopped_while_it_expands(self, tmp_path, now, monkeypatch):
        monkeypatch.setattr(feed_files, "FREE_BYTES", 1024**2)
        bomb = gzip.compress(b" " * 50_000_000)
        for name, body in {
            "a.jsonl.gz": bomb,
            "r.json.gz": bomb,
            "all.zip": zipped(**{f"{n}.json": b" " * 8_000_000 for n in range(4)}),
        }.items():
            (tmp_path / name).write_bytes(body)
            with pytest.raises(FeedTooLarge):
                taken(tmp_path / name, now, kind="ratings" if name.startswith("r") else "osv", name=name)

    def test_a_zip_whose_entry_is_larger_than_a_record_may_be(self, tmp_path, now):
        (tmp_path / "all.zip").write_bytes(zipped(**{"x.json": b" " * 9_000_000}))
        with pytest.raises(FeedTooLarge):
            taken(tmp_path / "all.zip", now)

    def test_names_in_a_zip_are_never_paths(self, tmp_path, now):
        (tmp_path / "all.zip").write_bytes(zipped(**{"../../evil.json": json.dumps(RECORD).encode()}))
        taken(tmp_path / "all.zip", now)
        assert [path.name for path in tmp_path.rglob("*")] == ["all.zip"]
        assert not (tmp_path.parent / "evil.json").exists()

    def test_an_unknown_file_asks_for_its_kind(self, tmp_path, now):
        (tmp_path / "x.json").write_text("{}")
        with pytest.raises(FeedContentsRefused, match="no feed that is known"):
            taken(tmp_path / "x.json", now)

    def test_a_feed_does_not_change_its_kind(self, tmp_path, now):
        import_records(now, tmp_path, [RECORD], name="f")
        with pytest.raises(FeedMalformed):
            taken(ENDS, now, name="f")


class TestSnapshotTime:
    def test_of_a_file_comes_from_its_sidecar(self, tmp_path, now):
        (tmp_path / "a.jsonl").write_bytes(lines(RECORD))
        sidecar = {"snapshot_at": "2026-11-24T06:00:00Z", "source": "the mirror in Bern"}
        (tmp_path / "a.jsonl.meta.json").write_text(json.dumps(sidecar))
        feed = taken(tmp_path / "a.jsonl", now, snapshot_at=None)
        assert feed.snapshot_at == datetime(2026, 11, 24, 6, tzinfo=UTC)
        assert feed.snapshot_source == "the mirror in Bern"

    def test_of_the_exploited_catalogue_is_its_own(self, now):
        feed = taken(EXPLOITED, now, snapshot_at=None)
        assert feed.snapshot_at == datetime(2025, 8, 25, 17, 4, 19, 979600, tzinfo=UTC)

    def test_is_asked_for_when_nobody_states_it(self, tmp_path, now):
        (tmp_path / "a.jsonl").write_bytes(lines(RECORD))
        with pytest.raises(SnapshotTimeMissing):
            taken(tmp_path / "a.jsonl", now, snapshot_at=None)

    @pytest.mark.parametrize(
        "stated",
        [
            pytest.param(datetime(1, 1, 1, tzinfo=UTC), id="year 1"),
            pytest.param(datetime(2026, 11, 24, 12, 6, tzinfo=UTC), id="the future"),
            pytest.param(datetime(2026, 11, 24, 6, 0), id="no time zone"),  # noqa: DTZ001
            pytest.param(datetime(1970, 1, 1, tzinfo=UTC), id="the epoch"),
        ],
    )
    def test_that_cannot_be_is_refused(self, tmp_path, now, stated):
        with pytest.raises(SnapshotRefused):
            import_records(now, tmp_path, [RECORD], snapshot_at=stated)

    def test_that_goes_back_is_refused_and_the_newer_stays(self, tmp_path, now):
        import_records(now, tmp_path, [RECORD])
        with pytest.raises(SnapshotRefused, match="older than the one in use"):
            import_records(now, tmp_path, [RECORD | {"id": "X-2"}], snapshot_at=now - timedelta(seconds=1))
        feed = Feed.objects.get()
        assert (feed.snapshot_at, feed.state) == (now, "failed")
        assert Advisory.objects.get().osv_id == "X-1"

    @pytest.mark.parametrize("sidecar", ["{", "[]", '{"snapshot_at": "soon"}', "{}"])
    def test_a_broken_sidecar_is_refused(self, tmp_path, now, sidecar):
        (tmp_path / "a.jsonl").write_bytes(lines(RECORD))
        (tmp_path / "a.jsonl.meta.json").write_text(sidecar)
        with pytest.raises(SnapshotRefused):
            taken(tmp_path / "a.jsonl", now, snapshot_at=None)


@pytest.fixture
def server():
    with FeedServer() as running:
        yield running


def added(server, path: str, now, **fields) -> Feed:
    chosen = {"name": "f", "kind": "osv", "url": server.url(path), "allow_private": True, **fields}
    return services.add_feed(actor=TESTER, now=now, **chosen)


class TestSync:
    def test_takes_an_archive_and_the_time_of_its_last_modified(self, server, now):
        stated = now - timedelta(hours=3)
        server.files["/all.zip"] = Answer(zipped(**{"X-1.json": json.dumps(RECORD).encode()}), last_modified=stated)
        feed = services.sync_feed(feed_id=added(server, "/all.zip", now).pk, now=now)
        assert (feed.state, feed.snapshot_at, feed.snapshot_source) == ("ok", stated, "HTTP Last-Modified")
        assert Advisory.objects.get().osv_id == "X-1"

    def test_an_index_file_states_the_time_instead(self, server, now):
        server.files["/a.jsonl"] = Answer(lines(RECORD), last_modified=now)
        server.files["/index.json"] = Answer(b'{"snapshot_at": "2026-11-23T00:00:00Z"}')
        feed = added(server, "/a.jsonl", now, index_url=server.url("/index.json"))
        assert services.sync_feed(feed_id=feed.pk, now=now).snapshot_at == datetime(2026, 11, 23, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            pytest.param(Answer(lines(RECORD)), SnapshotTimeMissing, id="no time"),
            pytest.param(Answer(lines(RECORD), last_modified="yesterday"), SnapshotRefused, id="no date"),
            pytest.param(
                Answer(lines(RECORD), last_modified=datetime(2026, 11, 25, tzinfo=UTC)), SnapshotRefused, id="future"
            ),
            pytest.param(Answer(b"gone", status=404), FeedUnavailable, id="404"),
            pytest.param(Answer(b"later", status=503), FeedUnavailable, id="503"),
            pytest.param(
                Answer(lines(RECORD) * 50, last_modified=datetime(2026, 11, 24, tzinfo=UTC), cut_after=300),
                FeedUnavailable,
                id="cut off",
            ),
            pytest.param(Answer(status=302, headers={"Location": "file:///etc/passwd"}), FeedAddressRefused, id="file"),
            pytest.param(Answer(status=302, headers={"Location": "/a.jsonl"}), FeedUnavailable, id="a loop"),
            pytest.param(
                Answer(status=302, headers={"Location": "http://169.254.169.254/latest"}),
                FeedAddressRefused,
                id="metadata",
            ),
            pytest.param(
                Answer(status=302, headers={"Location": "http://[::ffff:169.254.169.254]/"}),
                FeedAddressRefused,
                id="mapped",
            ),
        ],
    )
    def test_what_goes_wrong_is_said_and_kept(self, server, now, answer, error):
        server.files["/a.jsonl"] = answer
        feed = added(server, "/a.jsonl", now)
        with pytest.raises(error):
            services.sync_feed(feed_id=feed.pk, now=now)
        feed.refresh_from_db()
        assert (feed.state, feed.error_code, feed.attempted_at) == ("failed", error.code, now)
        assert feed.synced_at is None

    def test_follows_a_redirect(self, server, now):
        server.files["/moved"] = Answer(status=301, headers={"Location": server.url("/a.jsonl")})
        server.files["/a.jsonl"] = Answer(lines(RECORD), last_modified=now)
        assert services.sync_feed(feed_id=added(server, "/moved", now).pk, now=now).state == "ok"

    def test_a_private_address_must_be_listed(self, server, now):
        server.files["/a.jsonl"] = Answer(lines(RECORD), last_modified=now)
        feed = added(server, "/a.jsonl", now, allow_private=False)
        with pytest.raises(FeedAddressRefused):
            services.sync_feed(feed_id=feed.pk, now=now)
        assert server.asked == []

    def test_a_publisher_that_is_away_is_unavailable(self, now):
        feed = services.add_feed(
            name="f", kind="osv", url="http://127.0.0.1:9/x", allow_private=True, actor=TESTER, now=now
        )
        with pytest.raises(FeedUnavailable):
            services.sync_feed(feed_id=feed.pk, now=now)

    def test_an_older_mirror_is_refused_after_a_newer_one(self, server, now):
        server.files["/a.jsonl"] = Answer(lines(RECORD), last_modified=now)
        feed = added(server, "/a.jsonl", now)
        services.sync_feed(feed_id=feed.pk, now=now)
        server.files["/a.jsonl"] = Answer(lines(RECORD), last_modified=now - timedelta(days=1))
        with pytest.raises(SnapshotRefused):
            services.sync_feed(feed_id=feed.pk, now=now)
        feed.refresh_from_db()
        assert feed.snapshot_at == now

    def test_leaves_no_file_behind(self, server, now, settings):
        server.files["/a.jsonl"] = Answer(lines(RECORD), last_modified=now)
        services.sync_feed(feed_id=added(server, "/a.jsonl", now).pk, now=now)
        assert list((settings.GOLDGATE_HOME / "scratch").glob("feed-*")) == []


class TestAddAndChange:
    @pytest.mark.parametrize(
        "fields",
        [
            {"name": ""},
            {"name": "x" * 101},
            {"kind": "csaf"},
            {"url": "ftp://feeds.example/all.zip"},
            {"url": "https://user:pass@feeds.example/"},
            {"url": "https://"},
            {"url": "javascript:alert(1)"},
            {"index_url": "file:///etc/passwd"},
            {"url": "https://feeds.example:99999/"},
        ],
    )
    def test_a_wrong_feed_is_refused(self, now, fields):
        with pytest.raises(FeedMalformed):
            services.add_feed(actor=TESTER, now=now, **{"name": "f", "kind": "osv", **fields})
        assert not Feed.objects.exists()

    def test_a_name_is_given_once(self, now):
        services.add_feed(actor=TESTER, now=now, name="f", kind="osv")
        with pytest.raises(FeedNameTaken):
            services.add_feed(actor=TESTER, now=now, name="f", kind="kev")

    def test_a_feed_with_an_address_has_a_schedule(self, now):
        services.add_feed(actor=TESTER, now=now, name="f", kind="osv", url="https://feeds.example/all.zip")
        schedule = Schedule.objects.get()
        assert (schedule.kind, schedule.timer.interval.every) == ("scans.sync_all_feeds", 6 * 3600)

    def test_only_a_feed_with_an_address_is_synced(self, now):
        feed = services.add_feed(actor=TESTER, now=now, name="f", kind="osv")
        for deed in (services.sync_feed, lambda **a: services.ask_sync(actor=TESTER, **a)):
            with pytest.raises(FeedHasNoUrl):
                deed(feed_id=feed.pk, now=now)

    def test_an_unknown_feed_is_missing(self, now):
        with pytest.raises(FeedMissing):
            services.sync_feed(feed_id="01932d4e-0000-7000-8000-000000000000", now=now)
