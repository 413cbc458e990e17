"""Builds by hand, second builds to compare, and the way to the builder's queue."""

import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from accounts.models import Person
from accounts.roles import Role
from builds.errors import BuildsTooOften, BuiltElsewhere, NothingToReproduce, SourcePaused
from builds.models import Build, Cause
from builds.services.asking import ask_build, ask_reproduction, begin_build
from builds.services.causes import note_cause
from jobs.models import Job
from tests.factories.accounts import person_with
from tests.factories.builds import BuildFactory, RecipeFactory, SourceFactory
from tests.jobs.support import run_due_jobs

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def person() -> Person:
    return person_with(Role.PLATFORM_ADMIN)


def end(build: Build, now: datetime) -> None:
    Build.objects.filter(pk=build.pk).update(state="no_change", finished_at=now)


class TestByHand:
    def test_starts_a_build_in_that_persons_name(self, now: datetime, person: Person) -> None:
        build = ask_build(source=SourceFactory(now), by=person, now=now)

        assert (build.state, build.asked_by) == ("asked", person)
        assert build.causes.get().reason == "by_hand"
        assert Job.objects.get(kind="builds.begin").subject_id == str(build.pk)

    def test_joins_the_one_that_waits(self, now: datetime, person: Person) -> None:
        source = SourceFactory(now)

        first = ask_build(source=source, by=person, now=now)
        second = ask_build(source=source, by=person, now=now + HOUR)

        assert first.pk == second.pk
        assert Build.objects.count() == 1

    def test_may_start_what_the_breaker_holds(self, now: datetime, person: Person) -> None:
        source = SourceFactory(now)
        for number in range(4):
            cause = note_cause(source=source, reason="base_moved", key=str(number), detail={}, now=now)
            if cause.build:
                end(cause.build, now)
        assert cause.build is None

        build = ask_build(source=source, by=person, now=now)

        assert set(build.causes.values_list("reason", flat=True)) == {"by_hand", "base_moved"}

    def test_four_times_a_day_is_refused_and_says_from_when(self, now: datetime, person: Person) -> None:
        source = SourceFactory(now)
        for number in range(3):
            end(ask_build(source=source, by=person, now=now + number * HOUR), now)

        with pytest.raises(BuildsTooOften, match="from 2026-11-25 12:00"):
            ask_build(source=source, by=person, now=now + 4 * HOUR)

        assert Cause.objects.count() == 3

    def test_paused_source_is_refused(self, now: datetime, person: Person) -> None:
        with pytest.raises(SourcePaused):
            ask_build(source=SourceFactory(now, is_paused=True), by=person, now=now)

    def test_source_of_a_pipeline_is_refused(self, now: datetime, person: Person) -> None:
        with pytest.raises(BuiltElsewhere):
            ask_build(source=SourceFactory(now, builder="external"), by=person, now=now)


class TestReproduction:
    def succeeded(self, now: datetime, **fields: object) -> Build:
        recipe = RecipeFactory(now)
        return BuildFactory(now, recipe=recipe, state="succeeded", finished_at=now, **fields)

    def test_builds_the_same_recipe_without_fetching(self, now: datetime, person: Person) -> None:
        build = self.succeeded(now)

        second = ask_reproduction(build=build, by=person, now=now)
        begin_build(build_id=second.pk, now=now, progress=lambda **_: None)

        assert (second.purpose, second.reproduces_id, second.recipe_id) == ("reproduction", build.pk, build.recipe_id)
        assert Job.objects.get(kind="builds.run").subject_id == str(second.pk)

    def test_one_at_a_time(self, now: datetime, person: Person) -> None:
        build = self.succeeded(now)

        first = ask_reproduction(build=build, by=person, now=now)

        assert ask_reproduction(build=build, by=person, now=now).pk == first.pk

    def test_a_failed_build_has_nothing_to_compare(self, now: datetime, person: Person) -> None:
        build = BuildFactory(now, recipe=RecipeFactory(now), state="failed", finished_at=now, failure="x")

        with pytest.raises(NothingToReproduce):
            ask_reproduction(build=build, by=person, now=now)


class TestBegin:
    def test_a_source_that_cannot_be_fetched_ends_the_build_with_the_cure(self, now: datetime) -> None:
        source = SourceFactory(now, url="/nowhere/at/all.git")
        cause = note_cause(source=source, reason="schedule", key="1", detail={}, now=now)

        run_due_jobs(now, queues=("default",))

        build = Build.objects.get(pk=cause.build_id)
        assert build.state == "failed"
        assert build.failure_code
        assert build.failure

    def test_a_build_that_ended_is_left_alone(self, now: datetime) -> None:
        build = BuildFactory(now, state="stopped", finished_at=now, failure="x")

        begin_build(build_id=build.pk, now=now, progress=lambda **_: None)

        assert not Job.objects.filter(kind="builds.run").exists()

    def test_the_recipe_of_the_ref_is_handed_to_the_builder(self, now: datetime, tmp_path: Path, settings) -> None:
        source = SourceFactory(now, url=str(_repository(tmp_path, settings)))
        cause = note_cause(source=source, reason="schedule", key="1", detail={}, now=now)

        begin_build(build_id=cause.build_id, now=now, progress=lambda **_: None)

        build = Build.objects.get(pk=cause.build_id)
        assert build.recipe is not None
        assert build.recipe.dockerfile == "FROM scratch\n"
        assert build.is_reviewed is False
        assert Job.objects.get(kind="builds.run").queue == "builds"


def _repository(directory: Path, settings) -> Path:
    repository = directory / "base"
    repository.mkdir()
    (repository / "Dockerfile").write_text("FROM scratch\n")
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "First"]):
        subprocess.run(
            ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.org", *command], cwd=repository, check=True
        )
    settings.GOLDGATE_SOURCE_DIRECTORIES = str(directory)
    return repository
