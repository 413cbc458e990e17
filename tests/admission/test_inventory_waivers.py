"""From a waiver of a missing inventory to the gate's answer: what is published, when, and what it says."""

from datetime import timedelta

import pytest

from accounts.roles import Role
from admission import published, services
from admission.facts import facts_of_artifacts
from admission.inventory_waivers import artifacts_reached
from admission.manifests import uses_of
from admission.models import AdmittedDigest, SnapshotChange
from approvals import selectors as approvals
from approvals import services as approving
from catalog.models import Subversion
from gate.facts import DigestFacts, ScanState
from jobs.services import enqueue
from registry.models import Artifact
from tests.admission.test_line import NAME, sign
from tests.factories.accounts import person_with
from tests.factories.admission import certified_subversion, enrolled_gate
from tests.factories.approvals import bare, inventory_waiver, known
from tests.factories.builds import BuildFactory, RecipeFactory, SourceFactory
from tests.factories.catalog import ArtifactFactory, IndexFactory, SubversionFactory, VersionFactory
from tests.factories.signing import signing_key

pytestmark = pytest.mark.django_db
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def facts(artifact: Artifact, now) -> DigestFacts:
    (found,) = facts_of_artifacts([artifact.pk], now)
    return found


def seconds(moment) -> int:
    return int(moment.timestamp())


def end(grant, now) -> None:
    approving.end_waiver(grant_id=grant.pk, person=person_with(Role.REVIEWER), reason="It is attested now.", now=now)


class TestFacts:
    def test_nothing_is_said_where_nobody_ever_waived(self, artifact, now):
        bare(artifact, now)
        found = facts(artifact, now)
        assert (found.scan, found.inventory_waived_until) == (ScanState.UNSUPPORTED, 0)

    def test_one_that_waits_or_was_refused_says_nothing(self, artifact, now):
        bare(artifact, now)
        asked = approving.ask_waiver(
            rule="GG3001",
            scope_kind="digest",
            scope=artifact.digest,
            reason="Later.",
            ends_at=now + DAY,
            asked_by=person_with(Role.REQUESTER),
            now=now,
        )
        assert facts(artifact, now).inventory_waived_until == 0
        approving.refuse_waiver(grant_id=asked.pk, person=person_with(Role.REVIEWER), reason="No.", now=now)
        assert facts(artifact, now).inventory_waived_until == 0

    def test_until_when_is_said_also_when_it_is_over(self, artifact, now):
        bare(artifact, now)
        grant = inventory_waiver(now, scope_kind="digest", scope=artifact.digest, until=DAY)
        for at in (now, now + 2 * DAY):
            assert facts(artifact, at).inventory_waived_until == seconds(grant.ends_at)

    def test_ended_early_it_says_since_when(self, artifact, now):
        bare(artifact, now)
        grant = inventory_waiver(now, scope_kind="digest", scope=artifact.digest)
        end(grant, now + MINUTE)
        assert facts(artifact, now + MINUTE).inventory_waived_until == seconds(now + MINUTE)

    def test_of_several_the_last_end_counts(self, artifact, now):
        bare(artifact, now)
        subversion = certified_subversion(artifact, now=now)
        inventory_waiver(now, scope_kind="version", scope=str(subversion.version), until=3 * DAY)
        end(inventory_waiver(now, scope_kind="digest", scope=artifact.digest), now + MINUTE)
        assert facts(artifact, now).inventory_waived_until == seconds(now + 3 * DAY)

    def test_an_image_with_an_inventory_has_none(self, artifact, now):
        known(artifact, now)
        inventory_waiver(now, scope_kind="digest", scope=artifact.digest)
        assert facts(artifact, now).inventory_waived_until == 0

    def test_nor_one_whose_packages_are_listed(self, artifact, now):
        bare(artifact, now, "pkg:deb/debian/dash@0.5.12-2?arch=amd64")
        inventory_waiver(now, scope_kind="digest", scope=artifact.digest)
        assert facts(artifact, now).inventory_waived_until == 0

    def test_it_stands_while_the_next_look_is_made(self, artifact, now):
        bare(artifact, now)
        enqueue("scans.inventory", subject_id=artifact.pk, now=now)
        assert facts(artifact, now).scan is ScanState.RUNNING
        inventory_waiver(now, scope_kind="digest", scope=artifact.digest)
        assert facts(artifact, now).scan is ScanState.UNSUPPORTED

    def test_many_cost_as_many_queries_as_one(self, now, django_assert_num_queries):
        version = VersionFactory(now, "hello/1")
        made = [SubversionFactory(now, version=version) for _ in range(4)]
        for one in made:
            bare(one.artifact, now)
        inventory_waiver(now, scope_kind="version", scope="hello/1")
        with django_assert_num_queries(15):
            assert len(list(facts_of_artifacts([made[0].artifact_id], now))) == 1
        with django_assert_num_queries(15):
            found = list(facts_of_artifacts([one.artifact_id for one in made], now))
        assert all(each.inventory_waived_until for each in found)


class TestReach:
    """Whoever asks from the waiver, from the digest or from the candidate finds the same."""

    @pytest.fixture
    def hello(self, now) -> Subversion:
        """An index of two images from scratch that a source built."""
        images = [ArtifactFactory(now, architecture=name) for name in ("amd64", "arm64")]
        for image in images:
            bare(image, now)
        version = VersionFactory(now, "hello/1")
        made = SubversionFactory(now, version=version, artifact=IndexFactory(now, *images))
        recipe = RecipeFactory(now, source=SourceFactory(now, version=version))
        BuildFactory(now, recipe=recipe, subversion=made, artifact=made.artifact)
        return made

    @pytest.fixture
    def others(self, now) -> list[Artifact]:
        made = SubversionFactory(now, version=VersionFactory(now, "hello/2"))
        loose = ArtifactFactory(now)
        for image in (made.artifact, loose):
            bare(image, now)
        return [made.artifact, loose]

    @pytest.mark.parametrize("kind", ["version", "source", "index", "child"])
    def test_it_is_the_same_from_every_side(self, hello, others, now, kind):
        children = [link.child for link in hello.artifact.child_links.order_by("position")]
        scope_kind, scope, whole, reached = {
            "version": ("version", "hello/1", hello.artifact, children),
            "source": ("source", hello.builds.get().source.name, hello.artifact, children),
            "index": ("digest", hello.artifact.digest, hello.artifact, children),
            "child": ("digest", children[1].digest, children[1], children[1:]),
        }[kind]
        grant = inventory_waiver(now, scope_kind=scope_kind, scope=scope)
        everything = [*children, *others]
        by_facts = [one for one in everything if facts(one, now).inventory_waived_until]
        told = {one.digest: one.inventory_waiver for one in approvals.evidence_of(hello, now).artifacts}
        by_evidence = [one for one in children if told[one.digest]]
        assert by_facts == by_evidence == reached
        assert artifacts_reached([grant.pk]) == {whole.pk}


class TestPublish:
    @pytest.fixture
    def hello(self, artifact, golden, tmp_path, now) -> Artifact:
        """debian/12, of all names, from scratch: signed and certified."""
        _, signer = signing_key(tmp_path / "signing", now=now)
        bare(artifact, now)
        sign(artifact, golden, signer, now)
        certified_subversion(artifact, now=now)
        return artifact

    @pytest.fixture
    def ask(self, hello, now):
        def answer(at=now, cluster=None):
            (use,) = uses_of([f"{NAME}@{hello.digest}"])
            return services.decide_here(uses=[use], cluster=cluster, namespace="shop", user="vera", now=at)

        return answer

    def test_the_gate_allows_it_while_a_waiver_holds_and_denies_from_its_end_on(self, publisher, ask, now):
        publisher.publish_due(now=now)
        assert ask().failed_codes == ["scanned", "findings"]
        inventory_waiver(now, scope_kind="version", scope="debian/12", until=10 * MINUTE)
        assert publisher.publish_due(now=now)
        allowed = ask(now + 9 * MINUTE)
        assert allowed.allowed, allowed.message
        assert allowed.valid_until == now + 10 * MINUTE
        assert any("no inventory, waived until" in line for line in allowed.warnings)
        assert not publisher.publish_due(now=now)  # nothing has to be published for the end
        denied = ask(now + 10 * MINUTE)
        assert denied.failed_codes == ["scanned", "findings"]
        assert "the waiver of that ended" in denied.message
        assert "attested, or a new waiver of GG3001" in denied.message

    def test_taken_back_it_is_denied_before_anything_else_is_published(self, publisher, ask, hello, now):
        grant = inventory_waiver(now, scope_kind="version", scope="debian/12")
        publisher.publish_due(now=now)
        assert ask().allowed
        end(grant, now + MINUTE)
        assert SnapshotChange.objects.get(publication=None).verb == "grant.ended"
        assert publisher.publish_due(now=now + MINUTE)
        denied = ask(now + MINUTE)
        assert not denied.allowed
        assert "the waiver of that ended" in denied.message
        assert published.published_snapshot().base_version == 1  # the overlay alone was written
        assert published.published_snapshot().lookup(hello.digest).revoked_at == 0

    def test_where_it_ran_before_it_starts_again_after_its_end_too(self, publisher, ask, hello, now):
        gate, _ = enrolled_gate(now=now)
        AdmittedDigest.objects.create(cluster=gate.cluster, namespace="shop", digest=hello.digest, last_at=now)
        inventory_waiver(now, scope_kind="digest", scope=hello.digest, until=10 * MINUTE)
        publisher.publish_due(now=now)
        assert ask(now, gate.cluster).allowed
        assert ask(now + 10 * MINUTE, gate.cluster).allowed
        assert not ask(now + 10 * MINUTE).allowed

    def test_a_waiver_of_a_hardening_check_publishes_nothing(self, publisher, hello, now):
        publisher.publish_due(now=now)
        asked = approving.ask_waiver(
            rule="GG2001",
            scope_kind="digest",
            scope=hello.digest,
            reason="Another matter.",
            ends_at=now + DAY,
            asked_by=person_with(Role.REQUESTER),
            now=now,
        )
        approving.give_waiver(grant_id=asked.pk, given_by=person_with(Role.REVIEWER), now=now)
        assert not publisher.publish_due(now=now)
