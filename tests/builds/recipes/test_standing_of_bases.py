"""A base that is not good today may be tomorrow, and the other way round: neither is found in an old recipe."""

from datetime import timedelta

import pytest

from accounts.roles import Role
from approvals.selectors.proposals import subversion_verdict
from approvals.services.ending import revoke
from builds.models import Source
from builds.selectors.recipes import recipe_difference
from builds.services.running import hosts_of
from builds.services.sources import fetch_source
from tests.builds.recipes.test_inheritance import files, repository, source, upstream  # noqa: F401 — fixtures
from tests.factories.accounts import person_with
from tests.factories.approvals import ProposalFactory, certified
from tests.factories.builds import BuildFactory, RecipeFactory, SourceFactory
from tests.factories.catalog import SubversionFactory, VersionFactory
from tests.factories.recipes import approve_recipe
from tests.jobs.support import run_due_jobs

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def kinds(recipe) -> list[str]:
    return [base["kind"] for base in recipe.bases]


class TestARefusedBase:
    def test_is_good_once_it_is_certified(self, now, repository):  # noqa: F811
        """The same commit; what it stands on waited for its reviewers when it was fetched first."""
        subversion = SubversionFactory(now, version=VersionFactory(now, "debian/12"))
        repository.commit(files(f"debian@{subversion.artifact.digest}"))
        made = SourceFactory(now, url=repository.url, is_base_recipe=False)
        before = fetch_source(made.pk, now=now)
        assert kinds(before) == ["refused"]
        certified(now, proposal=ProposalFactory(now, subversion=subversion))
        after = fetch_source(made.pk, now=now + MINUTE)
        assert kinds(after) == ["certified"]

    def test_is_not_what_was_approved(self, now, source, upstream):  # noqa: F811
        """An approval was for a base recipe; the source is none any more."""
        approved = approve_recipe(fetch_source(source.pk, now=now), now)
        assert kinds(approved) == ["adopted"]
        Source.objects.filter(pk=source.pk).update(is_base_recipe=False)
        after = fetch_source(source.pk, now=now + MINUTE)
        assert kinds(after) == ["refused"]
        assert not after.is_approved
        Source.objects.filter(pk=source.pk).update(is_base_recipe=True)
        assert fetch_source(source.pk, now=now + 2 * MINUTE) == approved


class TestARevokedBase:
    def test_takes_what_was_built_on_it_along(self, now, repository):  # noqa: F811
        """Built in time, on what was good then, and not yet judged."""
        base = SubversionFactory(now, version=VersionFactory(now, "debian/12"))
        certified(now, proposal=ProposalFactory(now, subversion=base))
        repository.commit(files(f"debian@{base.artifact.digest}"))
        made = SourceFactory(now, url=repository.url, is_base_recipe=False)
        recipe = fetch_source(made.pk, now=now)
        candidate = SubversionFactory(now, version=made.version)
        BuildFactory(now, recipe=recipe, state="succeeded", finished_at=now, subversion=candidate)
        assert refusals_of(candidate, now) == set()
        revoke(
            subversion_id=base.pk, person=person_with(Role.SECURITY_REVIEWER), reason="It holds a back door.", now=now
        )
        run_due_jobs()
        assert refusals_of(candidate, now) == {"GG1002"}


def refusals_of(candidate, now) -> set[str]:
    """The rules on the recipe or the files that keep it from being certified."""
    (line,) = [one for one in subversion_verdict(candidate, now) if one.code == "hardening"]
    return {item.partition(":")[0] for item in line.items} if line.outcome == "fail" else set()


class TestTheNetwork:
    """A host that a build may reach decides the result too: nobody adds one behind an approval."""

    def test_another_host_is_another_recipe(self, now, source):  # noqa: F811
        approved = approve_recipe(fetch_source(source.pk, now=now), now)
        assert approved.allowed_hosts == []
        Source.objects.filter(pk=source.pk).update(network="listed", allowed_hosts=["b.example", "a.example"])
        after = fetch_source(source.pk, now=now + MINUTE)
        assert after.allowed_hosts == ["a.example", "b.example"]
        assert not after.is_approved
        assert [(one.name, one.new) for one in recipe_difference(approved, after).settings] == [
            ("network", "a.example, b.example")
        ]
        Source.objects.filter(pk=source.pk).update(network="none", allowed_hosts=[])
        assert fetch_source(source.pk, now=now + 2 * MINUTE) == approved

    @pytest.mark.parametrize(
        ("judged", "listed", "reached"),
        [
            pytest.param([], ["evil.example"], None, id="added-after-it-was-judged"),
            pytest.param(["a.example"], ["a.example", "evil.example"], ["a.example"], id="one-more"),
            pytest.param(["a.example", "b.example"], ["b.example"], ["b.example"], id="taken-away-since"),
            pytest.param(["a.example"], [], None, id="all-taken-away"),
        ],
    )
    def test_a_build_reaches_what_was_judged_and_is_listed_still(self, now, judged, listed, reached):
        made = SourceFactory(now, network="listed" if listed else "none", allowed_hosts=listed)
        assert hosts_of(RecipeFactory(now, source=made, allowed_hosts=judged)) == reached
