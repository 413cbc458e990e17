"""A row of the table alone has nothing signed: the signer and the database ask what stands behind it."""

from datetime import timedelta

import pgtrigger
import pytest
from django.db import DatabaseError, connection, transaction

from approvals.models import Certification, CertificationReview
from audit.actor import Actor
from audit.models import Record
from jobs.models import Job
from registry.models import Registry, Repository
from signing import selectors, services
from signing.errors import NotAuthorised
from signing.models import Attestation, Publication, Signature
from tests.factories.accounts import PersonFactory
from tests.factories.authority import PACKET_TYPE, approval, begin_certified, built, packet_of, subversion_of
from tests.factories.policies import adopted
from tests.factories.signing import Images, known_artifact
from tests.jobs.support import run_due_jobs

PROVENANCE = "https://slsa.dev/provenance/v1"

pytestmark = pytest.mark.django_db


def silent(**_):
    pass


def forged(artifact, target, now, **fields) -> Publication:
    """A row as somebody writes it who may write to the table: no service, no record."""
    values = {
        "artifact": artifact,
        "target_repository": target,
        "predicate_type": PACKET_TYPE,
        "predicate": {"packet_sha256": "0" * 64, "packet": {"subject": {"digest": artifact.digest}}},
        "covered_digests": [artifact.digest],
        "begun_at": now,
        "copied_at": now,
        **fields,
    }
    if values.get("kind") == "attestation":
        values |= {"copied_at": None}
    return Publication.objects.create(**values)


def altered(publication: Publication, **changes: object) -> None:
    """Change what is fixed, as only somebody can who may switch triggers off."""
    with pgtrigger.ignore("signing.Publication:publication_claim_fixed"):
        Publication.objects.filter(pk=publication.pk).update(**changes)


def copied(publication: Publication, now) -> Publication:
    Publication.objects.filter(pk=publication.pk).update(copied_at=now)
    return publication


def assert_nothing_is_signed(publication: Publication, signer, now) -> None:
    before = Signature.objects.count(), Attestation.objects.count()
    with pytest.raises(NotAuthorised):
        services.sign_publication(publication_id=publication.pk, signer=Unused(signer.key_id), now=now)
    assert (Signature.objects.count(), Attestation.objects.count()) == before
    publication.refresh_from_db()
    assert publication.signed_at is None


class Unused:
    """A signer that must not be asked: what it had signed would exist, stored or not."""

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id

    def sign(self, message: bytes) -> bytes:
        raise AssertionError("it was asked to sign")


class TestForgedRows:
    def test_a_row_alone_is_refused_and_recorded(self, artifact, target, signer, now):
        publication = forged(artifact, target, now)
        assert_nothing_is_signed(publication, signer, now)
        refused = Record.objects.get(verb="publication.refused")
        assert (refused.actor_id, refused.subject_id) == ("signer", str(publication.pk))
        assert refused.data["digest"] == artifact.digest

    def test_nor_is_it_copied(self, artifact, target, now):
        publication = forged(artifact, target, now, copied_at=None)
        with pytest.raises(NotAuthorised):
            services.copy_publication(publication_id=publication.pk, progress=silent, now=now)
        assert not Record.objects.filter(verb="artifact.copied").exists()

    def test_with_a_job_beside_it_the_job_fails(self, artifact, target, signer, now):
        publication = forged(artifact, target, now)
        job = Job.objects.create(
            kind="signing.sign",
            queue="signing",
            subject_id=str(publication.pk),
            max_attempts=9,
            limit_seconds=60,
            run_at=now,
            created_at=now,
        )
        run_due_jobs()
        job.refresh_from_db()
        assert (job.state, job.error_code) == ("failed", "publication_not_authorised")

    def test_an_attestation_without_a_build_is_refused(self, artifact, target, signer, now):
        publication = forged(
            artifact, target, now, kind="attestation", predicate_type=PROVENANCE, predicate={"by": "me"}
        )
        assert_nothing_is_signed(publication, signer, now)

    def test_the_database_keeps_nothing_that_the_signer_was_not_asked_for(self, artifact, target, key_and_signer, now):
        publication = forged(artifact, target, now)
        made = {"digest": artifact.digest, "key": key_and_signer[0], "created_at": now}
        with pytest.raises(DatabaseError, match="no certification covers"), transaction.atomic():
            Signature.objects.create(repository_name=target.name, payload=b"x", signature=b"x", **made)
        with pytest.raises(DatabaseError, match="nothing stands behind"), transaction.atomic():
            Attestation.objects.create(publication=publication, predicate_type=PACKET_TYPE, envelope=b"x", **made)

    def test_nor_a_row_that_calls_itself_signed(self, artifact, target, now):
        publication = forged(artifact, target, now)
        with pytest.raises(DatabaseError, match="nothing stands behind"), transaction.atomic():
            Publication.objects.filter(pk=publication.pk).update(signed_at=now)
        with pytest.raises(DatabaseError, match="nothing stands behind"), transaction.atomic():
            forged(artifact, target, now, signed_at=now, sent_at=now)

    def test_nor_a_signature_under_another_repository_s_name(self, artifact, target, key_and_signer, now):
        begin_certified(artifact, target, now)
        made = {"digest": artifact.digest, "key": key_and_signer[0], "payload": b"x", "signature": b"x"}
        with pytest.raises(DatabaseError, match="no certification covers"), transaction.atomic():
            Signature.objects.create(repository_name="registry.example/other", created_at=now, **made)


class TestWhatACertificationMustBe:
    """Each of these is a certification's row with one thing wrong; the database's count was switched off."""

    def begin(self, artifact, target, now, *, reviews=2):
        with pgtrigger.ignore("approvals.Certification:certification_is_backed"), connection.cursor() as cursor:
            begun = begin_certified(artifact, target, now, reviewers=reviews)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        return copied(begun, now)

    def test_a_whole_one_is_signed(self, artifact, target, signer, now):
        publication = self.begin(artifact, target, now)
        services.sign_publication(publication_id=publication.pk, signer=signer, now=now)
        assert Signature.objects.count() == 1

    def test_fewer_reviews_than_its_policy_asks_for(self, artifact, target, signer, now):
        adopted(now - timedelta(days=1), reviewers=3)
        publication = self.begin(artifact, target, now)
        assert_nothing_is_signed(publication, signer, now)

    def test_no_reviews_at_all(self, artifact, target, signer, now):
        publication = self.begin(artifact, target, now, reviews=0)
        assert_nothing_is_signed(publication, signer, now)

    def test_one_review_where_two_are_needed(self, artifact, target, signer, now):
        assert_nothing_is_signed(self.begin(artifact, target, now, reviews=1), signer, now)

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda other: {"artifact": other, "covered_digests": [other.digest]}, id="another-digest"),
            pytest.param(lambda other: {"covered_digests": [other.digest]}, id="covers-another"),
            pytest.param(lambda other: {"covered_digests": []}, id="covers-nothing"),
            pytest.param(lambda other: {"predicate": {"packet_sha256": "0" * 64}}, id="another-hash"),
            pytest.param(lambda other: {"predicate_type": PROVENANCE}, id="another-type"),
        ],
    )
    def test_a_claim_that_was_altered(self, change, artifact, target, signer, now):
        publication = self.begin(artifact, target, now)
        images = Images()
        altered(publication, **change(known_artifact(images, images.image("other"), now=now)))
        assert_nothing_is_signed(publication, signer, now)

    def test_the_packet_s_hash_with_other_words_in_it(self, artifact, target, signer, now):
        publication = self.begin(artifact, target, now)
        said = publication.predicate | {"packet": publication.predicate["packet"] | {"findings": []}}
        altered(publication, predicate=said)
        assert_nothing_is_signed(publication, signer, now)

    def test_a_digest_beside_the_certified_one(self, artifact, target, signer, now):
        publication = self.begin(artifact, target, now)
        images = Images()
        other = known_artifact(images, images.image("other"), now=now)
        altered(publication, covered_digests=[artifact.digest, other.digest])
        assert_nothing_is_signed(publication, signer, now)

    def test_a_repository_that_is_not_on_the_certified_side(self, artifact, target, signer, now):
        publication = self.begin(artifact, target, now)
        source = Registry.objects.create(
            name="s", host="source.example", base_url="https://source.example", created_at=now
        )
        altered(publication, target_repository=Repository.objects.create(registry=source, path="x", created_at=now))
        assert_nothing_is_signed(publication, signer, now)

    def test_somebody_else_s_certification(self, artifact, target, signer, now):
        """A row beside a real one: the real one names its own publication, and no other."""
        real = self.begin(artifact, target, now)
        beside = forged(artifact, target, now, predicate=real.predicate)
        assert_nothing_is_signed(beside, signer, now)
        services.sign_publication(publication_id=real.pk, signer=signer, now=now)

    def test_the_children_of_an_index_are_covered_and_no_others(self, index, target, signer, now):
        publication = self.begin(index, target, now)
        services.sign_publication(publication_id=publication.pk, signer=signer, now=now)
        assert Signature.objects.count() == 3

    def test_reviews_of_another_packet(self, artifact, target, signer, now):
        publication = self.begin(artifact, target, now, reviews=0)
        other = packet_of(subversion_of(known_other(now), now), now)
        for _ in range(2):
            CertificationReview.objects.create(
                certification=Certification.objects.get(publication=publication),
                review=approval(other, PersonFactory(), now),
            )
        assert_nothing_is_signed(publication, signer, now)


def known_other(now):
    images = Images()
    return known_artifact(images, images.image("other"), now=now)


class TestWhatABuildMustBe:
    def begin(self, artifact, target, now):
        return forged(artifact, target, now, kind="attestation", predicate_type=PROVENANCE, predicate={"by": "us"})

    def test_one_that_ended_well_and_says_so_is_signed(self, artifact, target, signer, now):
        built(artifact, now, {"by": "us"})
        services.sign_publication(publication_id=self.begin(artifact, target, now).pk, signer=signer, now=now)
        assert (Attestation.objects.count(), Signature.objects.count()) == (1, 0)

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"state": "failed", "failure": "x"}, id="failed"),
            pytest.param({"state": "built", "finished_at": None}, id="not-ended"),
            pytest.param({"artifact": None}, id="without-artifact"),
            pytest.param({"provenance": {"by": "them"}}, id="other-words"),
        ],
    )
    def test_one_that_did_not_is_not(self, change, artifact, target, signer, now):
        built(artifact, now, {"by": "us"}, change)
        assert_nothing_is_signed(self.begin(artifact, target, now), signer, now)

    def test_of_another_digest(self, artifact, target, signer, now):
        built(known_other(now), now, {"by": "us"})
        assert_nothing_is_signed(self.begin(artifact, target, now), signer, now)

    def test_a_packet_is_not_attested_as_a_build(self, artifact, target, signer, now):
        built(artifact, now, {"by": "us"})
        publication = forged(artifact, target, now, kind="attestation", predicate={"by": "us"})
        assert_nothing_is_signed(publication, signer, now)


class TestOnceAuthorised:
    @pytest.mark.parametrize(
        "change", [{"tag": "13"}, {"covered_digests": []}, {"predicate": {}}, {"kind": "attestation"}]
    )
    def test_what_was_authorised_is_not_changed(self, change, artifact, target, now):
        publication = begin_certified(artifact, target, now)
        with pytest.raises(DatabaseError, match="Cannot update rows"), transaction.atomic():
            Publication.objects.filter(pk=publication.pk).update(**change)

    def test_a_withdrawal_is_not_taken_back(self, artifact, target, signer, now):
        publication = copied(begin_certified(artifact, target, now), now)
        services.sign_publication(publication_id=publication.pk, signer=signer, now=now)
        services.withdraw_publication(publication=publication, actor=Actor.system("t"), now=now)
        with pytest.raises(DatabaseError, match="Cannot update rows"), transaction.atomic():
            Publication.objects.filter(pk=publication.pk).update(withdrawal_begun_at=None)
        assert not selectors.is_covered(digest=artifact.digest, repository_id=target.pk)
