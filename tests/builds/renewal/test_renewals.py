"""*Last renewed*, read from rows."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from builds.domain.renewal import Light
from builds.models import Build, Watch
from builds.selectors.renewals import renewal_of, renewals
from catalog.models import Version
from tests.factories.accounts import PersonFactory
from tests.factories.builds import BuildFactory, SourceFactory
from tests.factories.catalog import SubversionFactory, VersionFactory
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def ended(now: datetime, state: str, **fields: object) -> Build:
    failure = {"failure": "apt failed"} if state in ("failed", "stopped") else {}
    return BuildFactory(now, state=state, finished_at=now, **failure, **fields)


def watch(now: datetime, version: Version, **fields: object) -> Watch:
    return Watch.objects.create(
        version=version, repository=RepositoryFactory(), tag="12", owner=PersonFactory(), created_at=now, **fields
    )


class TestRenewalOf:
    def test_a_version_without_a_source(self, now: datetime) -> None:
        assert renewal_of(VersionFactory(now), now).light is Light.NONE

    def test_no_change_is_renewed(self, now: datetime) -> None:
        source = SourceFactory(now)
        ended(now, "no_change", source=source)

        assert renewal_of(source.version, now).light is Light.GREEN

    def test_a_failure_after_a_success_is_red(self, now: datetime) -> None:
        source = SourceFactory(now)
        ended(now, "succeeded", source=source)
        ended(now + DAY, "failed", source=source)

        told = renewal_of(source.version, now + DAY)

        assert (told.light, told.last_good_at) == (Light.RED, now)

    def test_a_success_after_a_failure_is_green(self, now: datetime) -> None:
        source = SourceFactory(now)
        ended(now, "failed", source=source)
        ended(now + DAY, "succeeded", source=source)

        assert renewal_of(source.version, now + DAY).light is Light.GREEN

    def test_a_reproduction_renews_nothing(self, now: datetime) -> None:
        source = SourceFactory(now)
        first = ended(now, "succeeded", source=source)
        ended(now + 9 * DAY, "succeeded", source=source, purpose="reproduction", reproduces=first)

        assert renewal_of(source.version, now + 9 * DAY).light is Light.RED

    def test_without_a_scheduler_it_turns_red(self, now: datetime) -> None:
        source = SourceFactory(now, next_due_at=now + 7 * DAY)
        ended(now, "succeeded", source=source)

        assert renewal_of(source.version, now + 9 * DAY).light is Light.RED

    def test_a_watch_that_got_no_answer_is_amber_then_red(self, now: datetime) -> None:
        version = VersionFactory(now)
        watch(now, version, last_checked_at=now, last_failure="It does not answer.", every_seconds=86400)

        assert renewal_of(version, now).light is Light.AMBER
        assert renewal_of(version, now + 2 * DAY).light is Light.RED

    def test_a_candidate_that_waits_is_told(self, now: datetime) -> None:
        source = SourceFactory(now)
        ended(now + 3 * DAY, "succeeded", source=source)
        SubversionFactory(now, version=source.version)

        assert renewal_of(source.version, now + 3 * DAY).light is Light.AMBER

    def test_many_take_as_many_queries_as_one(self, now: datetime) -> None:
        def queries(count: int) -> int:
            versions = [SourceFactory(now).version_id for _ in range(count)]
            with CaptureQueriesContext(connection) as caught:
                renewals(versions, now)
            return len(caught)

        assert queries(1) == queries(20)
