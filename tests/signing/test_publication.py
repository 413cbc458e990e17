"""Publishing a digest: each step works, may die and be done again, and refuses what it must."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pgtrigger
import pytest
from django.db import IntegrityError, connection, transaction

from audit.actor import Actor
from audit.models import Record
from audit.verbs import Verb
from jobs.models import Job
from oci.digest import Digest
from registry import selectors as registry_selectors
from signing import selectors, services
from signing.domain import cosign, ecdsa
from signing.errors import KeyExists, KeyRetired, PublicationClosed, SignatureInvalid, TargetNotCertifiedSide
from signing.models import Attestation, Publication, Signature, SigningKey
from tests.factories.authority import begin_certified
from tests.factories.signing import Images, known_artifact, signing_key
from tests.jobs.support import run_due_jobs

KIND = "https://example.org/packet/v1"
ACTOR = Actor.system("test")


def silent(**_):
    pass


def begin(artifact, target, now, **fields):
    return begin_certified(artifact, target, now, **fields)


def publish(artifact, target, signer, now, **fields) -> Publication:
    publication = begin(artifact, target, now, **fields)
    services.copy_publication(publication_id=publication.pk, progress=silent, now=now)
    services.sign_publication(publication_id=publication.pk, signer=signer, now=now)
    services.send_publication(publication_id=publication.pk, progress=silent, now=now)
    return selectors.publication(publication.pk)


def tags(target):
    return registry_selectors.side_for(target.registry).tags(target.path)


@pytest.mark.django_db
class TestPublish:
    def test_the_digest_its_signature_and_its_attestation_stand_in_the_target(self, artifact, target, signer, now):
        publication = publish(artifact, target, signer, now)
        side = registry_selectors.side_for(target.registry)
        assert str(side.head_manifest(target.path, artifact.digest)) == artifact.digest
        assert tags(target) == sorted([cosign.signature_tag(artifact.digest), cosign.attestation_tag(artifact.digest)])
        assert publication.sent_at == now
        found = selectors.verified_signature(artifact)
        assert (found.digest, found.repository_name) == (artifact.digest, "registry.example/golden/debian")

    def test_each_step_twice_leaves_one_signature(self, artifact, target, signer, now):
        publication = begin(artifact, target, now)
        sent = []
        for _ in range(3):
            services.copy_publication(publication_id=publication.pk, progress=silent, now=now)
        for _ in range(3):
            services.sign_publication(publication_id=publication.pk, signer=signer, now=now)
        for _ in range(3):
            Publication.objects.update(sent_at=None)  # died after sending, before it was recorded
            services.send_publication(publication_id=publication.pk, progress=silent, now=now)
            side = registry_selectors.side_for(target.registry)
            sent.append(side.get_manifest(target.path, cosign.signature_tag(artifact.digest)).body)
        assert Signature.objects.count() == 1
        assert Attestation.objects.count() == 1
        assert len(set(sent)) == 1

    def test_a_signer_that_died_after_storing_sends_what_was_stored(self, artifact, target, signer, now):
        publication = begin(artifact, target, now)
        services.copy_publication(publication_id=publication.pk, progress=silent, now=now)
        services.sign_publication(publication_id=publication.pk, signer=signer, now=now)
        stored = bytes(Signature.objects.get().signature)
        Publication.objects.update(signed_at=None)  # as if the last commit had not come
        services.sign_publication(publication_id=publication.pk, signer=signer, now=now)
        assert bytes(Signature.objects.get().signature) == stored

    def test_the_jobs_carry_it_through(self, artifact, target, signer, now):
        begin(artifact, target, now)
        run_due_jobs()
        kinds = list(Job.objects.filter(kind__startswith="signing.").order_by("id").values_list("kind", "state"))
        assert kinds == [("signing.copy", "succeeded"), ("signing.sign", "succeeded"), ("signing.send", "succeeded")]
        assert selectors.verified_signature(artifact)
        verbs = Record.objects.filter(subject_kind="publication").order_by("id").values_list("verb", flat=True)
        assert list(verbs) == [
            Verb.PUBLICATION_BEGUN,
            Verb.PUBLICATION_COPIED,
            Verb.PUBLICATION_SIGNED,
            Verb.PUBLICATION_SENT,
        ]

    def test_without_a_key_the_signature_waits(self, artifact, target, now, settings):
        settings.GOLDGATE_SIGNING_KEY_FILE = ""
        begin(artifact, target, now)
        run_due_jobs()
        job = Job.objects.get(kind="signing.sign")
        assert (job.state, job.error_code) == ("queued", "signer_unavailable")
        assert selectors.verified_signature(artifact) is None

    def test_an_index_and_each_runnable_child_are_signed(self, index, target, signer, now):
        publication = publish(index, target, signer, now)
        children = [link.child for link in index.child_links.select_related("child")]
        assert publication.covered_digests == [index.digest, *(child.digest for child in children)]
        assert all(selectors.verified_signature(one) for one in (index, *children))

    def test_a_tag_is_put_last_and_names_the_digest(self, artifact, target, signer, now):
        publish(artifact, target, signer, now, tag="12.15-20261124.1")
        side = registry_selectors.side_for(target.registry)
        assert str(side.head_manifest(target.path, "12.15-20261124.1")) == artifact.digest

    def test_a_second_publication_keeps_the_signature_and_adds_its_packet(self, artifact, target, signer, now):
        publish(artifact, target, signer, now)
        publish(artifact, target, signer, now)
        side = registry_selectors.side_for(target.registry)
        assert Signature.objects.count() == 1
        assert side.get_manifest(target.path, cosign.attestation_tag(artifact.digest)).body.count(b"predicateType") == 2

    def test_another_signers_signature_stays(self, artifact, target, signer, now):
        side = registry_selectors.side_for(target.registry)
        theirs = cosign.bundle(
            cosign.signature_tag(artifact.digest), [cosign.signature_layer(payload=b"{}", signature=b"theirs")]
        )
        for blob in theirs.blobs:
            side.put_blob(target.path, Digest.parse(blob.digest), len(blob.body), [blob.body])
        side.put_manifest(target.path, theirs.tag, theirs.manifest, cosign.MANIFEST_MEDIA_TYPE)
        publication = publish(artifact, target, signer, now)
        assert side.get_manifest(target.path, theirs.tag).body.count(b"simplesigning") == 2
        services.withdraw_publication(publication=publication, actor=ACTOR, now=now)
        services.finish_withdrawal(publication_id=publication.pk, now=now)
        left = side.get_manifest(target.path, theirs.tag).body
        assert left.count(b"simplesigning") == 1
        assert b"dGhlaXJz" in left


@pytest.mark.django_db
class TestRefusals:
    def test_a_source_side_is_no_target(self, artifact, target, now):
        target.registry.side = "source"
        with pytest.raises(TargetNotCertifiedSide):
            begin(artifact, target, now)
        assert not Publication.objects.exists()

    def test_steps_out_of_order_are_refused(self, artifact, target, signer, now):
        publication = begin(artifact, target, now)
        with pytest.raises(PublicationClosed):
            services.sign_publication(publication_id=publication.pk, signer=signer, now=now)
        with pytest.raises(PublicationClosed):
            services.send_publication(publication_id=publication.pk, progress=silent, now=now)
        with pytest.raises(PublicationClosed):
            services.finish_withdrawal(publication_id=publication.pk, now=now)
        assert not Signature.objects.exists()

    def test_the_database_refuses_steps_out_of_order(self, artifact, target, now):
        publication = begin(artifact, target, now)
        for field in ("signed_at", "sent_at", "withdrawn_at"):
            with pytest.raises(IntegrityError), transaction.atomic():
                Publication.objects.filter(pk=publication.pk).update(**{field: now})

    def test_a_retired_or_unknown_key_signs_nothing(self, artifact, target, signer, now):
        publication = begin(artifact, target, now)
        services.copy_publication(publication_id=publication.pk, progress=silent, now=now)
        services.retire_key(key_id=signer.key_id, actor=ACTOR, now=now)
        with pytest.raises(KeyRetired, match="retired"):
            services.sign_publication(publication_id=publication.pk, signer=signer, now=now)
        SigningKey.objects.all().delete()
        with pytest.raises(KeyRetired, match="not registered"):
            services.sign_publication(publication_id=publication.pk, signer=signer, now=now)

    def test_a_second_key_in_use_is_refused(self, signer, tmp_path, now):
        (tmp_path / "other").mkdir()
        with pytest.raises(KeyExists):
            signing_key(tmp_path / "other", now=now)

    def test_after_rotation_the_old_signature_still_verifies(self, artifact, target, signer, tmp_path, now):
        publish(artifact, target, signer, now)
        services.retire_key(key_id=signer.key_id, actor=ACTOR, now=now.replace(hour=13))
        (tmp_path / "next").mkdir()
        signing_key(tmp_path / "next", now=now.replace(hour=13))
        assert selectors.verified_signature(artifact).key_id == signer.key_id


@pytest.mark.django_db
class TestVerifiedSignature:
    @pytest.mark.parametrize("field", ["payload", "signature"])
    def test_a_changed_row_is_no_signature(self, artifact, target, signer, now, field):
        publish(artifact, target, signer, now)
        row = Signature.objects.get()
        body = bytearray(getattr(row, field))
        body[-3] ^= 1
        Signature.objects.update(**{field: bytes(body)})
        assert selectors.verified_signature(artifact) is None

    def test_a_signature_carried_to_another_repository_or_digest_is_none(self, artifact, target, signer, now):
        publish(artifact, target, signer, now)
        images = Images()
        other = known_artifact(images, images.image("other"), now=now)
        with pgtrigger.ignore("signing.Publication:publication_claim_fixed"):
            Publication.objects.update(covered_digests=[other.digest])
        Signature.objects.update(digest=other.digest)
        assert selectors.verified_signature(other) is None

    def test_another_key_s_signature_is_none(self, artifact, target, signer, tmp_path, now):
        publish(artifact, target, signer, now)
        (tmp_path / "x").mkdir()
        services.retire_key(key_id=signer.key_id, actor=ACTOR, now=now)
        other, _ = signing_key(tmp_path / "x", now=now)
        Signature.objects.update(key=other)
        assert selectors.verified_signature(artifact) is None

    def test_unsent_is_unsigned(self, artifact, target, signer, now):
        publication = begin(artifact, target, now)
        services.copy_publication(publication_id=publication.pk, progress=silent, now=now)
        services.sign_publication(publication_id=publication.pk, signer=signer, now=now)
        assert selectors.verified_signature(artifact) is None

    def test_many_digests_cost_as_many_queries_as_one(self, index, target, signer, now, django_assert_num_queries):
        publish(index, target, signer, now)
        with django_assert_num_queries(2):
            assert len(selectors.verified_signatures()) == 3


@pytest.mark.django_db
class TestWithdraw:
    def test_signature_attestation_and_tag_go_and_what_stays_is_said(self, artifact, target, signer, now):
        publication = publish(artifact, target, signer, now, tag="12")
        services.withdraw_publication(publication=publication, actor=ACTOR, now=now, reason="bad")
        assert selectors.verified_signature(artifact) is None  # from this moment, before any job ran
        run_due_jobs()
        publication.refresh_from_db()
        assert tags(target) == []
        assert publication.withdrawn_at
        assert len(publication.remains) == 2
        assert "cannot be unsaid" in publication.remains[1]

    def test_a_registry_that_does_not_delete_is_named(self, artifact, target, signer, now, monkeypatch):
        publication = publish(artifact, target, signer, now, tag="12")
        services.withdraw_publication(publication=publication, actor=ACTOR, now=now)
        side = type(registry_selectors.side_for(target.registry))

        def refuse(self, repo, ref):
            raise services.sending.RegistryRefused("deletes are off")

        monkeypatch.setattr(side, "delete_manifest", refuse)
        services.finish_withdrawal(publication_id=publication.pk, now=now)
        publication.refresh_from_db()
        said = " ".join(publication.remains)
        for what in ("The signature of", "The attestation of", "The tag registry.example/golden/debian:12"):
            assert what in said

    def test_a_send_that_comes_late_takes_back_what_it_sent(self, artifact, target, signer, now):
        publication = begin(artifact, target, now)
        services.copy_publication(publication_id=publication.pk, progress=silent, now=now)
        services.sign_publication(publication_id=publication.pk, signer=signer, now=now)

        def withdraw_meanwhile(**_):
            services.withdraw_publication(publication=publication, actor=ACTOR, now=now)

        services.send_publication(publication_id=publication.pk, progress=withdraw_meanwhile, now=now)
        publication.refresh_from_db()
        assert publication.sent_at is None
        assert tags(target) == []

    def test_another_live_publication_keeps_the_signature(self, artifact, target, signer, now):
        first = publish(artifact, target, signer, now)
        publish(artifact, target, signer, now)
        services.withdraw_publication(publication=first, actor=ACTOR, now=now)
        services.finish_withdrawal(publication_id=first.pk, now=now)
        assert selectors.verified_signature(artifact)
        assert len(tags(target)) == 2

    def test_withdrawn_before_it_was_copied_nothing_is_done(self, artifact, target, signer, now):
        publication = begin(artifact, target, now)
        services.withdraw_publication(publication=publication, actor=ACTOR, now=now)
        run_due_jobs()
        publication.refresh_from_db()
        assert (publication.copied_at, publication.signed_at) == (None, None)
        assert publication.withdrawn_at


class TestRequireSigned:
    def test_a_key_that_is_none_is_refused(self):
        with pytest.raises(SignatureInvalid):
            ecdsa.require_signed(b"x", signature=b"y", public_pem="-----BEGIN PUBLIC KEY-----")


@pytest.mark.django_db(transaction=True)
class TestTwoSigners:
    def test_two_at_once_store_one_signature(self, artifact, target, signer, now):
        publication = begin(artifact, target, now)
        services.copy_publication(publication_id=publication.pk, progress=silent, now=now)
        barrier = threading.Barrier(4)

        def sign():
            try:
                barrier.wait(10)
                services.sign_publication(publication_id=publication.pk, signer=signer, now=now)
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            for outcome in [pool.submit(sign) for _ in range(4)]:
                outcome.result(20)
        assert (Signature.objects.count(), Attestation.objects.count()) == (1, 1)
        assert Record.objects.filter(verb=Verb.PUBLICATION_SIGNED).count() == 1
