"""Feeds and schedules over REST."""

import gzip
import json
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.roles import Role
from jobs.models import Job, Schedule
from scans.models import Advisory, Feed
from scans.services import add_feed, ask_sync_of_all
from tests.factories.accounts import person_with
from tests.factories.scans import TESTER, osv
from tests.fakes.feed_server import Answer, FeedServer
from tests.jobs.support import run_due_jobs

pytestmark = pytest.mark.django_db

RECORD = osv("X-1", "zlib", ("introduced", "0"), ("fixed", "2"))


def client_of(*roles: Role) -> APIClient:
    client = APIClient()
    client.force_authenticate(person_with(*roles))
    return client


@pytest.fixture
def admin() -> APIClient:
    return client_of(Role.PLATFORM_ADMIN)


@pytest.fixture
def feed(now) -> Feed:
    return add_feed(name="own", kind="osv", actor=TESTER, now=now)


class TestFeeds:
    def test_are_added_listed_and_changed(self, admin):
        given = {"name": "debian", "kind": "osv", "url": "https://feeds.example/all.zip"}
        answer = admin.post("/api/v1/feeds", given, format="json")
        assert answer.status_code == 201
        location = answer.headers["Location"]
        assert admin.get(location).json()["state"] == "never"
        changed = admin.patch(location, {"is_enabled": False}, format="json")
        assert (changed.status_code, changed.json()["is_enabled"]) == (200, False)
        assert [row["name"] for row in admin.get("/api/v1/feeds?enabled=false").json()["results"]] == ["debian"]
        assert admin.get("/api/v1/feeds?kind=kev").json()["results"] == []

    @pytest.mark.parametrize(
        ("given", "status"),
        [
            ({"name": "x", "kind": "csaf"}, 400),
            ({"name": "x"}, 400),
            ({"name": "x", "kind": "osv", "url": "file:///etc/passwd"}, 400),
            ({"name": "x", "kind": "osv", "state": "ok"}, 400),
            ({"name": "own", "kind": "osv"}, 409),
        ],
    )
    def test_wrong_ones_are_refused(self, admin, feed, given, status):
        assert admin.post("/api/v1/feeds", given, format="json").status_code == status
        assert Feed.objects.count() == 1

    @pytest.mark.parametrize("role", [role for role in Role if role is not Role.PLATFORM_ADMIN])
    def test_are_written_by_platform_admins_alone(self, feed, role):
        client = client_of(role)
        given = {"name": "x", "kind": "osv"}
        assert client.post("/api/v1/feeds", given, format="json").status_code == 403
        assert client.patch(f"/api/v1/feeds/{feed.pk}", {"is_enabled": False}, format="json").status_code == 403
        assert client.post(f"/api/v1/feeds/{feed.pk}/sync").status_code == 403
        assert client.post(f"/api/v1/feeds/{feed.pk}/contents", b"x", content_type="application/x").status_code == 403
        assert client.get("/api/v1/feeds").status_code == 200

    def test_a_missing_one_is_missing(self, admin):
        url = "/api/v1/feeds/01932d4e-0000-7000-8000-000000000000"
        assert admin.get(url).status_code == 404
        assert admin.post(f"{url}/sync").status_code == 404
        assert (
            admin.post(f"{url}/contents?snapshot_at=2026-11-24T00:00:00Z", b"x", content_type="a/b").status_code == 404
        )


class TestSync:
    def test_runs_as_a_job(self, admin, now):
        with FeedServer() as server:
            server.files["/a.jsonl"] = Answer(json.dumps(RECORD).encode(), last_modified=timezone.now())
            feed = add_feed(
                name="f", kind="osv", url=server.url("/a.jsonl"), allow_private=True, actor=TESTER, now=timezone.now()
            )
            answer = admin.post(f"/api/v1/feeds/{feed.pk}/sync")
            assert answer.status_code == 202
            (job,) = run_due_jobs()
        assert answer.headers["Location"] == f"/api/v1/jobs/{job.pk}"
        assert (job.state, job.error_text) == ("succeeded", "")
        assert admin.get(f"/api/v1/feeds/{feed.pk}").json()["state"] == "ok"

    def test_without_an_address_is_a_conflict(self, admin, feed):
        assert admin.post(f"/api/v1/feeds/{feed.pk}/sync").status_code == 409

    def test_of_a_publisher_that_is_away_is_tried_again(self, now):
        feed = add_feed(name="f", kind="osv", url="http://127.0.0.1:9/x", allow_private=True, actor=TESTER, now=now)
        client_of(Role.PLATFORM_ADMIN).post(f"/api/v1/feeds/{feed.pk}/sync")
        run_due_jobs()
        job = Job.objects.get(kind="scans.sync_feed")
        assert (job.state, job.error_code) == ("queued", "feed_unavailable")
        feed.refresh_from_db()
        assert feed.state == "failed"

    def test_the_schedule_asks_for_every_feed_with_an_address(self, now, feed):
        add_feed(name="f", kind="osv", url="http://127.0.0.1:9/x", allow_private=True, actor=TESTER, now=now)
        add_feed(name="g", kind="kev", url="http://127.0.0.1:9/y", allow_private=True, actor=TESTER, now=now)
        assert ask_sync_of_all(now=now) == 2
        assert Job.objects.filter(kind="scans.sync_feed").count() == 2


class TestUpload:
    def upload(self, client, feed, body: bytes, query: str):
        return client.post(f"/api/v1/feeds/{feed.pk}/contents?{query}", body, content_type="application/octet-stream")

    def test_is_taken_over_by_a_job_and_the_file_is_gone(self, admin, feed, settings):
        stated = (timezone.now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = gzip.compress(json.dumps(RECORD).encode())
        answer = self.upload(admin, feed, body, f"snapshot_at={stated}&name=../../x.jsonl.gz&source=me")
        assert answer.status_code == 202
        (job,) = run_due_jobs()
        assert (job.state, job.error_text) == ("succeeded", "")
        assert Advisory.objects.get().osv_id == "X-1"
        feed.refresh_from_db()
        assert feed.snapshot_source == "me"
        assert list((settings.GOLDGATE_HOME / "uploads").glob("feed-*")) == []

    @pytest.mark.parametrize(
        "query",
        [
            "",
            "snapshot_at=",
            "snapshot_at=now",
            "snapshot_at=2026-11-24T00:00:00",
            "snapshot_at=2026-13-41T00:00:00Z",
            "snapshot_at=9999-12-31T23:00:00-05:00",
            "at=2",
        ],
    )
    def test_without_the_time_it_is_from_is_refused(self, admin, feed, query):
        assert self.upload(admin, feed, b"{}", query).status_code == 400
        assert not Job.objects.exists()

    def test_that_is_empty_or_too_large_is_refused(self, admin, feed, monkeypatch, settings):
        monkeypatch.setattr("scans.services.uploads.MAX_UPLOAD_BYTES", 10)
        stated = "snapshot_at=2026-11-24T00:00:00Z"
        assert self.upload(admin, feed, b"", stated).status_code == 400
        assert self.upload(admin, feed, b"x" * 11, stated).status_code == 400
        assert not Job.objects.exists()
        assert list((settings.GOLDGATE_HOME / "uploads").glob("feed-*")) == []


class TestSchedules:
    @pytest.fixture
    def schedule(self, now) -> Schedule:
        add_feed(name="f", kind="osv", url="https://feeds.example/x", actor=TESTER, now=now)
        return Schedule.objects.get()

    def test_are_listed_and_edited(self, admin, schedule):
        (row,) = admin.get("/api/v1/schedules").json()["results"]
        assert (row["kind"], row["every_seconds"], row["is_enabled"]) == ("scans.sync_all_feeds", 21600, True)
        answer = admin.put(f"/api/v1/schedules/{schedule.pk}", {"crontab": "15 3 * * *"}, format="json")
        assert (answer.status_code, answer.json()["crontab"]) == (200, "15 3 * * *")
        assert admin.get(f"/api/v1/schedules/{schedule.pk}").json()["every_seconds"] is None

    def test_an_edit_outlives_another_feed(self, admin, schedule, now):
        admin.put(f"/api/v1/schedules/{schedule.pk}", {"every_seconds": 3600, "is_enabled": False}, format="json")
        add_feed(name="g", kind="osv", url="https://feeds.example/y", actor=TESTER, now=now)
        (row,) = admin.get("/api/v1/schedules").json()["results"]
        assert (row["every_seconds"], row["is_enabled"]) == (3600, False)

    @pytest.mark.parametrize(
        "given", [{}, {"crontab": "x"}, {"every_seconds": 1}, {"crontab": "* * * * *", "every_seconds": 60}]
    )
    def test_a_wrong_timer_is_refused(self, admin, schedule, given):
        assert admin.put(f"/api/v1/schedules/{schedule.pk}", given, format="json").status_code == 400

    def test_are_edited_by_platform_admins_alone(self, schedule):
        client = client_of(Role.SECURITY_REVIEWER)
        assert client.put(f"/api/v1/schedules/{schedule.pk}", {"every_seconds": 60}, format="json").status_code == 403
