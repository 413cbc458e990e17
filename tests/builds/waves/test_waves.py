"""Waves in the database: opened once, moved by decisions, one build each."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.roles import Role
from approvals.services import propose, withdraw_proposal
from approvals.services.candidates import propose_candidate
from audit.models import Record
from builds.models import Build, Cause, Source, Watch, Wave
from builds.selectors.waves import row_views, wave_by_id
from builds.services.events import base_certified, check_fixes, fix_seen, recipe_approved
from builds.services.waves import Event, advance_waves, open_wave
from catalog import services as catalog
from catalog.models import Subversion
from jobs.models import Job
from registry.models import Lineage
from tests.builds.waves.world import certified, certify, finish, row_of, source_of, with_fixes
from tests.factories.accounts import PersonFactory, person_with
from tests.factories.builds import BuildFactory, RecipeFactory
from tests.factories.catalog import SubversionFactory
from tests.factories.registry import RepositoryFactory

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def outcomes(wave: Wave, at: datetime) -> dict[str, str]:
    return {str(view.row.version): view.outcome.outcome for view in row_views(wave.pk, at)}


def fix_wave(subversion: Subversion, now: datetime, *names: str) -> Wave:
    with_fixes(subversion, now, *(names or ("CVE-1",)))
    wave = fix_seen(artifact_id=subversion.artifact_id, now=now)
    assert wave is not None
    return wave


class TestFixSeen:
    def test_a_fix_starts_one_build_and_names_it(self, now: datetime) -> None:
        base = certified(now)

        wave = fix_wave(base, now, "CVE-1", "CVE-2")

        cause = Cause.objects.get()
        assert (cause.reason, cause.source) == ("fix_available", source_of(base))
        assert cause.detail["fixes"] == ["CVE-1 in lib-cve-1: 3.0.15-1", "CVE-2 in lib-cve-2: 3.0.15-1"]
        assert row_of(wave, base).build_id == cause.build_id

    def test_the_same_fixes_twice_make_none(self, now: datetime) -> None:
        base = certified(now)
        first = fix_wave(base, now)
        Build.objects.update(state="no_change", finished_at=now)

        again = fix_seen(artifact_id=base.artifact_id, now=now + HOUR)

        assert again == first
        assert Build.objects.count() == 1

    def test_a_finding_without_a_fix_starts_nothing(self, now: datetime) -> None:
        base = certified(now)
        with_fixes(base, now)

        assert fix_seen(artifact_id=base.artifact_id, now=now) is None

    def test_a_candidate_starts_nothing(self, now: datetime) -> None:
        candidate = SubversionFactory(now)
        with_fixes(candidate, now, "CVE-1")

        assert fix_seen(artifact_id=candidate.artifact_id, now=now) is None

    def test_what_was_superseded_starts_nothing(self, now: datetime) -> None:
        old = certified(now)
        certify(SubversionFactory(now + HOUR, version=old.version), now + HOUR)
        with_fixes(old, now, "CVE-1")

        assert fix_seen(artifact_id=old.artifact_id, now=now + HOUR) is None

    def test_what_nothing_renews_starts_nothing(self, now: datetime) -> None:
        base = certified(now, has_source=False)
        with_fixes(base, now, "CVE-1")

        assert fix_seen(artifact_id=base.artifact_id, now=now) is None

    def test_a_finding_of_the_base_leaves_it_to_the_base(self, now: datetime) -> None:
        base = certified(now)
        child = certified(now, on=base)
        with_fixes(base, now, "CVE-1")
        with_fixes(child, now, "CVE-1")

        assert fix_seen(artifact_id=child.artifact_id, now=now) is None
        assert fix_seen(artifact_id=base.artifact_id, now=now) is not None
        assert Build.objects.count() == 1

    def test_a_finding_of_its_own_is_its_own_affair(self, now: datetime) -> None:
        base = certified(now)
        child = certified(now, on=base)
        with_fixes(base, now, "CVE-1")
        with_fixes(child, now, "CVE-1", "CVE-2")

        wave = fix_seen(artifact_id=child.artifact_id, now=now)

        assert wave is not None
        assert outcomes(wave, now) == {str(child.version): "building"}


class TestAlongLineage:
    def test_a_child_waits_for_its_parents_decision(self, now: datetime) -> None:
        base = certified(now)
        child = certified(now, on=base)
        wave = fix_wave(base, now)
        candidate = finish(row_of(wave, base), now + HOUR)

        advance_waves(now=now + HOUR)

        assert outcomes(wave, now + HOUR) == {str(base.version): "examined", str(child.version): "waits"}
        assert Build.objects.count() == 1
        assert row_of(wave, base).subversion == candidate

    def test_once_certified_the_child_starts_from_the_new_base(self, now: datetime) -> None:
        base = certified(now)
        child = certified(now, on=base)
        wave = fix_wave(base, now)
        candidate = finish(row_of(wave, base), now + HOUR)
        assert candidate is not None
        certify(candidate, now + 2 * HOUR)

        assert base_certified(subversion_id=candidate.pk, now=now + 2 * HOUR) is None

        assert outcomes(wave, now + 2 * HOUR) == {str(base.version): "certified", str(child.version): "building"}
        cause = Cause.objects.get(source=source_of(child))
        assert (cause.reason, cause.key) == ("base_moved", candidate.artifact.digest)
        assert Wave.objects.count() == 1

    @pytest.mark.parametrize(("state", "outcome"), [("failed", "failed"), ("stopped", "failed")])
    def test_where_the_base_fails_the_child_ends_with_it(self, now: datetime, state: str, outcome: str) -> None:
        base = certified(now)
        child = certified(now, on=base)
        grandchild = certified(now, on=child)
        wave = fix_wave(base, now)
        finish(row_of(wave, base), now, state)

        advance_waves(now=now)

        assert set(outcomes(wave, now).values()) == {outcome}
        assert row_of(wave, grandchild).outcome_detail.startswith(f"Not renewed, as it stands on {child.version}")
        assert wave_by_id(wave.pk).closed_at == now
        assert Record.objects.get(verb="wave.closed").data["outcomes"][str(base.version)] == outcome
        assert Build.objects.count() == 1

    def test_where_the_base_is_rejected_the_child_ends_with_it(self, now: datetime) -> None:
        base = certified(now)
        child = certified(now, on=base)
        wave = fix_wave(base, now)
        candidate = finish(row_of(wave, base), now)
        assert candidate is not None
        catalog.set_rejected(subversion=candidate, at=now, reason="a new set-uid file")

        advance_waves(now=now)

        assert outcomes(wave, now) == {str(base.version): "rejected", str(child.version): "rejected"}
        assert "a new set-uid file" in row_of(wave, child).outcome_detail

    def test_where_the_base_is_withdrawn_the_wave_ends_and_the_child_follows_later(self, now: datetime) -> None:
        base = certified(now)
        child = certified(now, on=base)
        wave = fix_wave(base, now)
        candidate = finish(row_of(wave, base), now + HOUR)
        assert candidate is not None
        proposer = person_with(Role.PLATFORM_ADMIN)
        proposal = propose(subversion=candidate, proposed_by=proposer, now=now + HOUR)
        advance_waves(now=now + HOUR)
        assert outcomes(wave, now + HOUR) == {str(base.version): "in_review", str(child.version): "waits"}

        withdraw_proposal(proposal_id=proposal.pk, person=proposer, reason="It lacks bash.", now=now + HOUR)
        assert Job.objects.filter(kind="builds.advance_waves", subject_id=str(candidate.pk)).exists()
        advance_waves(now=now + HOUR)

        assert outcomes(wave, now + HOUR) == {str(base.version): "withdrawn", str(child.version): "withdrawn"}
        assert row_of(wave, child).outcome_detail == (
            f"Not renewed, as it stands on {base.version}: {candidate.name} was withdrawn: It lacks bash."
        )
        assert wave_by_id(wave.pk).closed_at == now + HOUR
        # Proposed again and certified after all, it sets the child going by a wave of its own.
        certify(candidate, now + 2 * HOUR)
        later = base_certified(subversion_id=candidate.pk, now=now + 2 * HOUR)
        assert later is not None
        assert outcomes(later, now + 2 * HOUR)[str(child.version)] == "building"

    def test_where_a_newer_candidate_takes_its_place_the_row_ends_and_says_so(self, now: datetime) -> None:
        base = certified(now)
        wave = fix_wave(base, now)
        Source.objects.filter(version=base.version).update(owner=person_with(Role.PLATFORM_ADMIN))
        first = finish(row_of(wave, base), now + HOUR)
        assert first is not None
        propose_candidate(subversion_id=first.pk, now=now + HOUR)
        build = BuildFactory(
            now + HOUR, recipe=source_of(base).recipes.get(), state="succeeded", finished_at=now + HOUR
        )
        second = SubversionFactory(now + 2 * HOUR, version=base.version)
        Build.objects.filter(pk=build.pk).update(subversion=second, artifact=second.artifact)

        propose_candidate(subversion_id=second.pk, now=now + 2 * HOUR)
        advance_waves(now=now + 2 * HOUR)

        [view] = row_views(wave.pk, now + 2 * HOUR)
        assert (view.outcome.outcome, view.outcome.who) == ("withdrawn", "Whoever reviews the newer one.")
        assert view.outcome.sentence == f"{first.name} was withdrawn: Superseded by {second.name}."
        assert wave_by_id(wave.pk).closed_at == now + 2 * HOUR

    def test_a_newer_one_that_is_certified_decides_too(self, now: datetime) -> None:
        base = certified(now)
        wave = fix_wave(base, now)
        finish(row_of(wave, base), now + HOUR)
        certify(SubversionFactory(now + 2 * HOUR, version=base.version), now + 2 * HOUR)

        advance_waves(now=now + 2 * HOUR)

        assert outcomes(wave, now + 2 * HOUR) == {str(base.version): "certified"}

    def test_lineage_by_layers_counts_as_well(self, now: datetime) -> None:
        base = certified(now)
        child = certified(now)
        Lineage.objects.create(
            artifact=child.artifact, ancestor=base.artifact, shared_layers=1, is_nearest=True, certainty="exact"
        )

        wave = fix_wave(base, now)

        assert outcomes(wave, now) == {str(base.version): "building", str(child.version): "waits"}

    def test_a_child_without_a_source_says_so(self, now: datetime) -> None:
        base = certified(now)
        child = certified(now, has_source=False)
        Lineage.objects.create(
            artifact=child.artifact, ancestor=base.artifact, shared_layers=1, is_nearest=True, certainty="exact"
        )
        newer = certify(SubversionFactory(now + HOUR, version=base.version), now + HOUR)

        wave = base_certified(subversion_id=newer.pk, now=now + HOUR)

        assert wave is not None
        assert outcomes(wave, now + HOUR) == {str(base.version): "certified", str(child.version): "no_source"}

    def test_a_pinned_child_names_the_line_to_write(self, now: datetime) -> None:
        base = certified(now)
        child = certified(now, on=base, is_pinned=True)
        newer = certify(SubversionFactory(now + HOUR, version=base.version), now + HOUR)

        wave = base_certified(subversion_id=newer.pk, now=now + HOUR)

        assert wave is not None
        assert outcomes(wave, now + HOUR)[str(child.version)] == "pinned"
        assert row_of(wave, child).outcome_detail.endswith(
            f"write registry.example/{base.version}@{newer.artifact.digest}."
        )
        assert not Build.objects.exists()

    def test_a_recipe_on_an_adopted_image_names_the_line_to_write(self, now: datetime) -> None:
        upstream = certified(now, has_source=False)
        child = certified(now)
        asked = f"docker.io/library/debian@{upstream.artifact.digest}"
        base = {"asked": asked, "reference": asked, "line": 3, "kind": "adopted", "digest": upstream.artifact.digest}
        RecipeFactory(now, source=source_of(child), bases=[base])
        newer = certify(SubversionFactory(now + HOUR, version=upstream.version), now + HOUR)

        wave = base_certified(subversion_id=newer.pk, now=now + HOUR)

        assert wave is not None
        assert outcomes(wave, now + HOUR)[str(child.version)] == "pinned"
        assert row_of(wave, child).outcome_detail == (
            f"Line 3 of its Dockerfile names {asked}; write docker.io/library/debian@{newer.artifact.digest}."
        )

    def test_a_paused_child_is_held(self, now: datetime) -> None:
        base = certified(now)
        child = certified(now, on=base)
        Source.objects.filter(version=child.version).update(is_paused=True)
        newer = certify(SubversionFactory(now + HOUR, version=base.version), now + HOUR)

        wave = base_certified(subversion_id=newer.pk, now=now + HOUR)

        assert wave is not None
        assert outcomes(wave, now + HOUR)[str(child.version)] == "held"


class TestBaseCertified:
    def test_opens_a_wave_for_what_stands_on_it(self, now: datetime) -> None:
        base = certified(now)
        children = [certified(now, on=base) for _ in range(3)]
        newer = certify(SubversionFactory(now + HOUR, version=base.version), now + HOUR)

        wave = base_certified(subversion_id=newer.pk, now=now + HOUR)

        assert wave is not None
        assert {str(one.version) for one in children} < set(outcomes(wave, now + HOUR))
        assert Build.objects.count() == 3

    def test_twice_is_once(self, now: datetime) -> None:
        base = certified(now)
        certified(now, on=base)
        newer = certify(SubversionFactory(now + HOUR, version=base.version), now + HOUR)

        base_certified(subversion_id=newer.pk, now=now + HOUR)
        base_certified(subversion_id=newer.pk, now=now + HOUR)

        assert (Wave.objects.count(), Build.objects.count()) == (1, 1)

    def test_where_nothing_stands_on_it_there_is_no_wave(self, now: datetime) -> None:
        assert base_certified(subversion_id=certified(now).pk, now=now) is None


class TestFixNotInMirror:
    def test_a_candidate_that_still_has_the_finding(self, now: datetime) -> None:
        base = certified(now)
        child = certified(now, on=base)
        wave = fix_wave(base, now)
        candidate = finish(row_of(wave, base), now)
        assert candidate is not None
        advance_waves(now=now)
        with_fixes(candidate, now, "CVE-1")

        assert check_fixes(artifact_id=candidate.artifact_id, now=now) == 1

        assert outcomes(wave, now) == {
            str(base.version): "fix_not_in_mirror",
            str(child.version): "fix_not_in_mirror",
        }
        assert "CVE-1 in lib-cve-1 (fixed in 3.0.15-1)" in row_of(wave, base).outcome_detail

    def test_another_finding_is_no_matter_of_this_wave(self, now: datetime) -> None:
        base = certified(now)
        wave = fix_wave(base, now)
        candidate = finish(row_of(wave, base), now)
        assert candidate is not None
        advance_waves(now=now)
        with_fixes(candidate, now, "CVE-9")

        assert check_fixes(artifact_id=candidate.artifact_id, now=now) == 0

    def test_what_was_not_scanned_yet_is_not_judged(self, now: datetime) -> None:
        base = certified(now)
        wave = fix_wave(base, now)
        candidate = finish(row_of(wave, base), now)
        assert candidate is not None
        advance_waves(now=now)

        assert check_fixes(artifact_id=candidate.artifact_id, now=now) == 0
        assert Job.objects.filter(kind="builds.check_fixes", subject_id=str(candidate.artifact_id)).exists()

    def test_no_change_where_a_fix_is_published(self, now: datetime) -> None:
        base = certified(now)
        wave = fix_wave(base, now)
        finish(row_of(wave, base), now, "no_change")

        advance_waves(now=now)

        assert outcomes(wave, now) == {str(base.version): "fix_not_in_mirror"}


class TestAdopted:
    def watched(self, now: datetime, **fields: object) -> tuple[Subversion, Watch]:
        base = certified(now, has_source=False)
        watch = Watch.objects.create(
            version=base.version, repository=RepositoryFactory(), tag="12", owner=PersonFactory(), created_at=now,
            last_digest=base.artifact.digest, **fields,
        )  # fmt: skip
        return base, watch

    def test_a_fix_looks_upstream(self, now: datetime) -> None:
        base, watch = self.watched(now)

        wave = fix_wave(base, now)

        assert outcomes(wave, now) == {str(base.version): "asking"}
        assert Job.objects.get(kind="builds.look").subject_id == str(watch.pk)

    def test_a_tag_that_did_not_move_has_no_fix_yet(self, now: datetime) -> None:
        base, watch = self.watched(now)
        wave = fix_wave(base, now)
        Watch.objects.filter(pk=watch.pk).update(last_checked_at=now + HOUR)

        advance_waves(now=now + HOUR)

        assert outcomes(wave, now + HOUR) == {str(base.version): "fix_not_in_mirror"}

    def test_a_registry_that_is_down_is_not_unmoved(self, now: datetime) -> None:
        base, watch = self.watched(now)
        wave = fix_wave(base, now)
        Watch.objects.filter(pk=watch.pk).update(last_failure="It does not answer.")

        advance_waves(now=now + HOUR)

        assert outcomes(wave, now + HOUR) == {str(base.version): "asking"}
        assert "It does not answer." in row_views(wave.pk, now)[0].outcome.sentence

    def test_a_stopped_watch_is_held(self, now: datetime) -> None:
        base, _ = self.watched(now, stopped_at=now)

        assert outcomes(fix_wave(base, now), now) == {str(base.version): "held"}


class TestByHand:
    def event(self) -> Event:
        return Event(reason="by_hand", key="ada 1", title="By hand", detail={"by": "ada"})

    def test_builds_the_base_in_that_persons_name(self, now: datetime) -> None:
        base = certified(now)
        person = person_with(Role.PLATFORM_ADMIN)

        wave = open_wave(root=base.version, event=self.event(), now=now, by=person)

        assert row_of(wave, base).build.asked_by == person

    def test_without_a_source_it_ends_at_once(self, now: datetime) -> None:
        base = certified(now, has_source=False)

        wave = open_wave(root=base.version, event=self.event(), now=now, by=person_with(Role.PLATFORM_ADMIN))

        assert outcomes(wave, now) == {str(base.version): "no_source"}
        assert wave.closed_at == now


class TestRecipeApproved:
    def test_is_built_once(self, now: datetime) -> None:
        recipe = RecipeFactory(now, approved_at=now)

        recipe_approved(recipe_id=recipe.pk, now=now)
        recipe_approved(recipe_id=recipe.pk, now=now)

        assert (Cause.objects.get().reason, Build.objects.count()) == ("recipe_approved", 1)

    def test_what_has_a_candidate_already_is_not_built_again(self, now: datetime) -> None:
        recipe = RecipeFactory(now, approved_at=now)
        made = SubversionFactory(now, version=recipe.source.version)
        BuildFactory(now, recipe=recipe, state="succeeded", finished_at=now, subversion=made)

        assert recipe_approved(recipe_id=recipe.pk, now=now) is None

    def test_a_withdrawn_one_is_not_built(self, now: datetime) -> None:
        recipe = RecipeFactory(now, approved_at=now, withdrawn_at=now, withdrawn_reason="x")

        assert recipe_approved(recipe_id=recipe.pk, now=now) is None


class TestQueries:
    def test_many_rows_take_as_many_queries_as_one(self, now: datetime) -> None:
        def queries(count: int) -> int:
            base = certified(now)
            for _ in range(count):
                certified(now, on=base)
            wave = fix_wave(base, now, f"CVE-{count}")
            with CaptureQueriesContext(connection) as caught:
                row_views(wave.pk, now)
            return len(caught)

        assert queries(1) == queries(20)


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_one_event_seen_three_times_at_once_is_one_wave(self, now: datetime) -> None:
        base = certified(now)
        certified(now, on=base)
        with_fixes(base, now, "CVE-1")

        def see(_: int) -> None:
            try:
                fix_seen(artifact_id=base.artifact_id, now=now)
            finally:
                connection.close()

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(see, range(3)))

        assert (Wave.objects.count(), Build.objects.count()) == (1, 1)
