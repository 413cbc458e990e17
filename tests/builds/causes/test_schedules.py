"""What is due is started, once, for many as for one."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.roles import Role
from builds.domain.jitter import jittered
from builds.models import Build, Cause, Source
from builds.services.schedules import BUILD_JOBS, renew, start_due
from catalog.models import Image, Version
from jobs.models import Job
from tests.factories.accounts import person_with
from tests.factories.builds import BuildFactory, SourceFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def sources(now: datetime, count: int, **fields: object) -> list[Source]:
    """Many at once: each of a version of its own."""
    owner = person_with(Role.PLATFORM_ADMIN)
    taken = Image.objects.count()
    images = Image.objects.bulk_create(
        Image(name=f"image-{taken + number}", created_at=now, created_by=owner) for number in range(count)
    )
    versions = Version.objects.bulk_create(
        Version(image=image, name="1", created_at=now, created_by=owner) for image in images
    )
    return Source.objects.bulk_create(
        Source(
            name=f"source of {version.image.name}", version=version, owner=owner, created_by=owner, url="/srv/git/x",
            ref_rule="main", platforms=["linux/amd64"], created_at=now, **{"next_due_at": now, **fields},
        )
        for version in versions
    )  # fmt: skip


class TestStartDue:
    def test_a_source_that_is_due_gets_a_job_and_its_next_time(self, now: datetime) -> None:
        source = SourceFactory(now, next_due_at=now, renew_every_days=10)

        assert start_due(now=now).renewals == 1

        source.refresh_from_db()
        assert now + 9 * DAY <= source.next_due_at <= now + 11 * DAY
        assert Job.objects.get(kind="builds.renew").subject_id == str(source.pk)

    def test_what_is_not_due_is_left(self, now: datetime) -> None:
        SourceFactory(now, next_due_at=now + timedelta(seconds=1))
        SourceFactory(now, next_due_at=now, is_paused=True)
        SourceFactory(now, next_due_at=now, builder="external")

        assert start_due(now=now).renewals == 0
        assert not Job.objects.filter(kind="builds.renew").exists()

    def test_a_new_source_is_planned_not_started(self, now: datetime) -> None:
        source = SourceFactory(now, next_due_at=None)

        assert start_due(now=now).renewals == 0

        source.refresh_from_db()
        assert source.next_due_at is not None

    def test_twice_at_once_starts_once(self, now: datetime) -> None:
        SourceFactory(now, next_due_at=now)

        start_due(now=now)
        start_due(now=now)

        assert Job.objects.filter(kind="builds.renew").count() == 1

    def test_after_a_long_absence_it_is_due_once(self, now: datetime) -> None:
        source = SourceFactory(now, next_due_at=now - 100 * DAY)

        start_due(now=now)
        start_due(now=now + timedelta(minutes=1))

        source.refresh_from_db()
        assert source.next_due_at > now + 6 * DAY
        assert Job.objects.filter(kind="builds.renew").count() == 1

    def test_a_thousand_take_as_many_queries_as_three(self, now: datetime) -> None:
        def queries(count: int) -> int:
            sources(now, count)
            with CaptureQueriesContext(connection) as caught:
                assert start_due(now=now).renewals == count
            return len(caught)

        assert queries(3) == queries(1000)

    def test_renewing_notes_the_cause_once(self, now: datetime) -> None:
        source = SourceFactory(now)

        renew(source_id=str(source.pk), due="2026-11-24", now=now)
        renew(source_id=str(source.pk), due="2026-11-24", now=now)

        assert (Cause.objects.get().reason, Build.objects.count()) == ("schedule", 1)

    def test_a_source_paused_since_is_not_renewed(self, now: datetime) -> None:
        source = SourceFactory(now, is_paused=True)

        assert renew(source_id=str(source.pk), due="2026-11-24", now=now) is None
        assert not Build.objects.exists()


class TestGivenUp:
    def job(self, build: Build, now: datetime, state: str, kind: str = "builds.run") -> Job:
        return Job.objects.create(
            kind=kind, queue="builds", subject_id=str(build.pk), state=state, max_attempts=1, limit_seconds=1,
            run_at=now, created_at=now, finished_at=now, error_code="abandoned", error_text="The worker vanished.",
        )  # fmt: skip

    def test_a_build_whose_job_was_given_up_ends_as_failed(self, now: datetime) -> None:
        build = BuildFactory(now)
        self.job(build, now, "failed")

        start_due(now=now + timedelta(minutes=5))

        build.refresh_from_db()
        assert (build.state, build.failure) == ("failed", "builds.run ended: The worker vanished.")

    @pytest.mark.parametrize("kind", BUILD_JOBS)
    def test_a_build_whose_job_was_cancelled_ends_as_stopped(self, now: datetime, kind: str) -> None:
        build = BuildFactory(now)
        self.job(build, now, "cancelled", kind)

        start_due(now=now + timedelta(minutes=5))

        build.refresh_from_db()
        assert build.state == "stopped"

    def test_a_build_that_has_an_open_job_is_left(self, now: datetime) -> None:
        build = BuildFactory(now)
        self.job(build, now, "failed")
        Job.objects.create(
            kind="builds.begin", queue="default", subject_id=str(build.pk), state="queued", max_attempts=1,
            limit_seconds=1, run_at=now, created_at=now + timedelta(seconds=1),
        )  # fmt: skip

        start_due(now=now + timedelta(minutes=5))

        build.refresh_from_db()
        assert build.state == "asked"


class TestJitter:
    def test_is_the_same_for_the_same_thing(self) -> None:
        thing = UUID(int=7)

        assert jittered(thing, 7 * DAY) == jittered(thing, 7 * DAY)

    def test_stays_within_a_tenth_and_uses_it(self) -> None:
        moved = [jittered(UUID(int=number), 10 * DAY) for number in range(1000)]

        assert 9 * DAY <= min(moved) < 9.1 * DAY
        assert 10.9 * DAY < max(moved) <= 11 * DAY
