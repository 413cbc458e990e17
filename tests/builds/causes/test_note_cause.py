"""Reasons to rebuild: each once, many at once one build, too many held."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.db import connection

from audit.models import Record
from builds.errors import BuiltElsewhere
from builds.models import Build, Cause, Source
from builds.services.causes import build_held, note_cause
from jobs.models import Job
from tests.factories.builds import BuildFactory, RecipeFactory, SourceFactory

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def noted(source, now, reason="base_moved", key="sha256:1") -> Cause:
    return note_cause(source=source, reason=reason, key=key, detail={"digest": key}, now=now)


def end(build: Build, now: datetime) -> None:
    Build.objects.filter(pk=build.pk).update(state="no_change", finished_at=now)


class TestNoteCause:
    def test_starts_one_build(self, now: datetime) -> None:
        source = SourceFactory(now)

        cause = noted(source, now)

        assert cause.build is not None
        assert (cause.build.state, cause.build.number) == ("asked", 1)
        assert list(Record.objects.filter(verb__in=["cause.noted", "build.asked"]).values_list("verb", flat=True)) == [
            "build.asked",
            "cause.noted",
        ]

    def test_same_inputs_twice_make_none(self, now: datetime) -> None:
        source = SourceFactory(now)
        first = noted(source, now)
        end(first.build, now)

        second = noted(source, now + HOUR)

        assert second.pk == first.pk
        assert Build.objects.count() == 1

    def test_another_cause_joins_the_build_that_waits(self, now: datetime) -> None:
        source = SourceFactory(now)
        first = noted(source, now)

        second = noted(source, now, reason="schedule", key="2026-11-24")

        assert second.build_id == first.build_id
        assert Build.objects.count() == 1

    def test_a_build_that_runs_is_not_joined(self, now: datetime) -> None:
        source = SourceFactory(now)
        first = noted(source, now)
        Build.objects.filter(pk=first.build_id).update(state="running", started_at=now)

        second = noted(source, now, key="sha256:2")

        assert second.build_id != first.build_id
        assert second.build.number == 2

    def test_a_build_that_waits_reads_its_inputs_again(self, now: datetime) -> None:
        source = SourceFactory(now)
        first = noted(source, now)
        Build.objects.filter(pk=first.build_id).update(recipe=RecipeFactory(now, source=source))

        noted(source, now, key="sha256:2")

        assert Build.objects.get().recipe is None

    def test_a_reproduction_that_waits_is_not_joined(self, now: datetime) -> None:
        source = SourceFactory(now)
        recipe = RecipeFactory(now, source=source)
        done = BuildFactory(now, recipe=recipe, state="no_change", finished_at=now)
        BuildFactory(now, recipe=recipe, purpose="reproduction", reproduces=done)

        assert noted(source, now).build.purpose == "renewal"

    def test_external_source_is_never_built_here(self, now: datetime) -> None:
        with pytest.raises(BuiltElsewhere):
            noted(SourceFactory(now, builder="external"), now)

        assert not Cause.objects.exists()


class TestHeld:
    def test_paused_source_is_told_and_none_started(self, now: datetime) -> None:
        source = SourceFactory(now, is_paused=True)

        cause = noted(source, now)

        assert cause.build is None
        assert "paused" in Record.objects.get(verb="cause.held").data["why"]
        assert not Build.objects.exists()

    def test_more_than_three_builds_for_a_cause_in_a_day_stop(self, now: datetime) -> None:
        source = SourceFactory(now)
        for number in range(3):
            end(noted(source, now + number * HOUR, key=f"sha256:{number}").build, now)

        held = noted(source, now + 3 * HOUR, key="sha256:3")

        assert held.build is None
        assert Build.objects.count() == 3
        assert "2026-11-25 12:00" in Record.objects.get(verb="cause.held").data["why"]

    def test_another_reason_is_not_held(self, now: datetime) -> None:
        source = SourceFactory(now)
        for number in range(3):
            end(noted(source, now, key=f"sha256:{number}").build, now)

        assert noted(source, now, reason="fix_available", key="f").build is not None

    def test_another_source_is_not_held(self, now: datetime) -> None:
        source = SourceFactory(now)
        for number in range(3):
            end(noted(source, now, key=f"sha256:{number}").build, now)

        assert noted(SourceFactory(now), now).build is not None

    def test_a_day_later_it_goes_on(self, now: datetime) -> None:
        source = SourceFactory(now)
        for number in range(3):
            end(noted(source, now, key=f"sha256:{number}").build, now)

        assert noted(source, now + 24 * HOUR - timedelta(seconds=1), key="sha256:8").build is None
        assert noted(source, now + 24 * HOUR, key="sha256:9").build is not None

    def test_what_was_held_joins_the_next_build(self, now: datetime) -> None:
        source = SourceFactory(now)
        for number in range(3):
            end(noted(source, now, key=f"sha256:{number}").build, now)
        held = noted(source, now, key="sha256:3")

        started = noted(source, now, reason="schedule", key="today")

        held.refresh_from_db()
        assert held.build_id == started.build_id


class TestHeldFixes:
    def held(self, source: Source, now: datetime) -> Cause:
        """Three builds for fixes within an hour, and a fourth set of fixes."""
        for number in range(3):
            end(noted(source, now + number * MINUTE, reason="fix_available", key=f"{number}").build, now)
        return noted(source, now + HOUR, reason="fix_available", key="3")

    def test_another_set_of_fixes_is_held_too_and_says_when_it_starts(self, now: datetime) -> None:
        source = SourceFactory(now)

        assert self.held(source, now).build is None

        assert "2026-11-25 12:00 UTC. It starts by itself then." in Record.objects.get(verb="cause.held").data["why"]
        job = Job.objects.get(kind="builds.build_held")
        assert (job.subject_id, job.run_at) == (str(source.pk), now + DAY)

    def test_it_is_built_when_the_day_is_over_and_not_before(self, now: datetime) -> None:
        source = SourceFactory(now)
        held = self.held(source, now)
        noted(source, now + 2 * HOUR, reason="fix_available", key="4")

        assert build_held(source_id=source.pk, now=now + DAY - MINUTE) is None
        build = build_held(source_id=source.pk, now=now + DAY)

        held.refresh_from_db()
        assert build is not None
        assert (held.build, build.number, build.state) == (build, 4, "asked")
        assert set(build.causes.values_list("key", flat=True)) == {"3", "4"}
        # All in one: nothing is left to be built.
        end(build, now)
        assert build_held(source_id=source.pk, now=now + 2 * DAY) is None

    def test_too_early_it_comes_back(self, now: datetime) -> None:
        source = SourceFactory(now)
        self.held(source, now)
        Job.objects.all().delete()

        build_held(source_id=source.pk, now=now + HOUR)

        assert Job.objects.get(kind="builds.build_held").run_at == now + DAY

    def test_it_joins_what_waits_already(self, now: datetime) -> None:
        source = SourceFactory(now)
        self.held(source, now)
        # Of another reason, and asked for while the fixes are still held.
        waiting = BuildFactory(now + HOUR, recipe=RecipeFactory(now, source=source))

        assert build_held(source_id=source.pk, now=now + 2 * HOUR) == waiting

    @pytest.mark.parametrize("fields", [{"is_paused": True}, {"builder": "external"}])
    def test_not_while_it_is_paused_or_built_elsewhere(self, now: datetime, fields: dict[str, object]) -> None:
        source = SourceFactory(now)
        self.held(source, now)
        Source.objects.filter(pk=source.pk).update(**fields)

        assert build_held(source_id=source.pk, now=now + DAY) is None

    def test_a_loop_of_pushes_is_left_to_a_person(self, now: datetime) -> None:
        source = SourceFactory(now)
        for number in range(4):
            end_build = noted(source, now + number * MINUTE, key=f"sha256:{number}").build
            if end_build is not None:
                end(end_build, now)

        assert not Job.objects.filter(kind="builds.build_held").exists()
        assert build_held(source_id=source.pk, now=now + DAY) is None
        assert Build.objects.count() == 3


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_three_causes_at_once_make_one_build(self, now: datetime) -> None:
        source = SourceFactory(now)

        def note(reason: str) -> None:
            try:
                noted(source, now, reason=reason, key=reason)
            finally:
                connection.close()

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(note, ["schedule", "base_moved", "fix_available"]))

        assert Build.objects.count() == 1
        assert Cause.objects.filter(build=Build.objects.get()).count() == 3

    def test_one_cause_three_times_at_once_is_one_cause(self, now: datetime) -> None:
        source = SourceFactory(now)

        def note(_: int) -> None:
            try:
                noted(source, now)
            finally:
                connection.close()

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(note, range(3)))

        assert (Build.objects.count(), Cause.objects.count()) == (1, 1)
        assert Record.objects.filter(verb="cause.noted").count() == 1

    def test_the_breaker_counts_causes_that_come_at_once(self, now: datetime) -> None:
        source = SourceFactory(now)
        for number in range(2):
            end(noted(source, now, key=f"sha256:{number}").build, now)

        def note(number: int) -> None:
            try:
                end(noted(source, now, key=f"sha256:later-{number}").build or Build(), now)
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(note, range(4)))

        assert Build.objects.count() == 3
