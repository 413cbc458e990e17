"""Saying something about a digest where it lies already: never a signature of it, on either side."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pgtrigger
import pytest
from django.db import IntegrityError, connection, transaction

from audit.actor import Actor
from audit.models import Record
from audit.verbs import Verb
from builds.models import Build
from jobs.models import Job
from oci.digest import Digest
from registry import selectors as registry_selectors
from registry import services as registry_services
from registry.models import Registry
from signing import selectors, sending, services
from signing.domain import cosign
from signing.models import Attestation, Publication, Signature
from tests.factories.authority import PACKET_TYPE, begin_certified, built
from tests.jobs.support import run_due_jobs

KIND = "https://slsa.dev/provenance/v1"
PACKET = PACKET_TYPE
ACTOR = Actor.system("test")

pytestmark = pytest.mark.django_db


def silent(**_):
    pass


@pytest.fixture
def candidates(tmp_path, now, artifact):
    """A repository on the source side, with the artifact in it."""
    registry = Registry.objects.create(
        name="sources",
        kind="layout",
        side="source",
        host="source.example",
        layout_path=str(tmp_path / "sources"),
        public_name="source.example",
        created_at=now,
    )
    repository = registry_services.ensure_repository(registry=registry, path="candidates/debian", now=now)
    registry_services.copy_artifact(artifact=artifact, to=repository, now=now)
    return repository


def attest(artifact, target, now, predicate=None):
    said = predicate or {"by": "us"}
    if not Build.objects.filter(artifact=artifact, provenance=said).exists():
        built(artifact, now, said)
    return services.begin_attestation(
        artifact=artifact, target=target, predicate_type=KIND, predicate=said, actor=ACTOR, now=now
    )


def certify(artifact, target, signer, now):
    publication = begin_certified(artifact, target, now)
    services.copy_publication(publication_id=publication.pk, progress=silent, now=now)
    services.sign_publication(publication_id=publication.pk, signer=signer, now=now)
    services.send_publication(publication_id=publication.pk, progress=silent, now=now)
    return selectors.publication(publication.pk)


def sign_and_send(publication, signer, now):
    services.sign_publication(publication_id=publication.pk, signer=signer, now=now)
    services.send_publication(publication_id=publication.pk, progress=silent, now=now)


def tags(target):
    return registry_selectors.side_for(target.registry).tags(target.path)


def predicate_types(target, digest):
    body = registry_selectors.side_for(target.registry).get_manifest(target.path, cosign.attestation_tag(digest)).body
    return sorted(kind for kind in (KIND, PACKET) for _ in range(body.count(kind.encode())))


class TestAttest:
    def test_the_jobs_send_the_attestation_and_nothing_else(self, artifact, candidates, signer, now):
        before = tags(candidates)
        publication = attest(artifact, candidates, now)
        run_due_jobs()
        assert tags(candidates) == sorted([*before, cosign.attestation_tag(artifact.digest)])
        publication.refresh_from_db()
        assert (publication.copied_at, publication.tag) == (None, "")
        assert publication.sent_at
        kinds = list(Job.objects.filter(kind__startswith="signing.").order_by("id").values_list("kind", "state"))
        assert kinds == [("signing.sign", "succeeded"), ("signing.send", "succeeded")]
        verbs = Record.objects.filter(subject_kind="publication").order_by("id").values_list("verb", flat=True)
        assert list(verbs) == [Verb.ATTESTATION_BEGUN, Verb.PUBLICATION_SIGNED, Verb.PUBLICATION_SENT]

    def test_no_signature_of_the_image_comes_of_it(self, artifact, candidates, signer, now):
        attest(artifact, candidates, now)
        run_due_jobs()
        assert Attestation.objects.count() == 1
        assert not Signature.objects.exists()
        assert selectors.verified_signature(artifact) is None
        assert not selectors.is_covered(digest=artifact.digest, repository_id=candidates.pk)
        assert not selectors.live_publications().exists()

    def test_the_database_keeps_no_signature_of_what_is_not_certified(self, artifact, candidates, key_and_signer, now):
        attest(artifact, candidates, now)
        with pytest.raises(IntegrityError, match="no certification covers"), transaction.atomic():
            Signature.objects.create(
                digest=artifact.digest,
                repository_name=candidates.name,
                key=key_and_signer[0],
                payload=b"{}",
                signature=b"x",
                created_at=now,
            )

    def test_the_same_words_twice_are_one(self, artifact, candidates, signer, now):
        first, again = attest(artifact, candidates, now), attest(artifact, candidates, now)
        other = attest(artifact, candidates, now, {"by": "somebody else"})
        assert first == again != other
        run_due_jobs()
        assert Attestation.objects.count() == 2
        assert Record.objects.filter(verb=Verb.ATTESTATION_BEGUN).count() == 2
        assert predicate_types(candidates, artifact.digest) == [KIND, KIND]

    def test_each_runnable_child_of_an_index_has_its_own(self, index, target, signer, now):
        registry_services.copy_artifact(artifact=index, to=target, now=now)
        publication = attest(index, target, now)
        sign_and_send(publication, signer, now)
        assert len(publication.covered_digests) == 3
        assert {cosign.attestation_tag(digest) for digest in publication.covered_digests} <= set(tags(target))

    def test_what_is_no_plain_json_is_refused(self, artifact, candidates, now):
        with pytest.raises(ValueError, match="not representable"):
            services.begin_attestation(
                artifact=artifact,
                target=candidates,
                predicate_type=KIND,
                predicate={"x": float("nan")},
                actor=ACTOR,
                now=now,
            )

    def test_the_database_refuses_a_tag_or_a_copy(self, artifact, candidates, now):
        publication = attest(artifact, candidates, now)
        for change in ({"tag": "12"}, {"copied_at": now}, {"kind": "signature"}):
            with (
                pgtrigger.ignore("signing.Publication:publication_claim_fixed"),
                pytest.raises(IntegrityError, match="publication_kind_known"),
                transaction.atomic(),
            ):
                Publication.objects.filter(pk=publication.pk).update(**change)


class TestBesideACertification:
    def test_packet_and_provenance_stand_under_one_tag(self, artifact, target, signer, now):
        certify(artifact, target, signer, now)
        sign_and_send(attest(artifact, target, now), signer, now)
        assert predicate_types(target, artifact.digest) == [PACKET, KIND]
        assert selectors.verified_signature(artifact)

    def test_withdrawing_the_certification_leaves_who_built_it(self, artifact, target, signer, now):
        publication = certify(artifact, target, signer, now)
        sign_and_send(attest(artifact, target, now), signer, now)
        services.withdraw_publication(publication=publication, actor=ACTOR, now=now)
        services.finish_withdrawal(publication_id=publication.pk, now=now)
        assert predicate_types(target, artifact.digest) == [KIND]
        assert tags(target) == [cosign.attestation_tag(artifact.digest)]
        assert selectors.verified_signature(artifact) is None

    def test_withdrawing_the_provenance_leaves_the_certification(self, artifact, target, signer, now):
        certify(artifact, target, signer, now)
        publication = attest(artifact, target, now)
        sign_and_send(publication, signer, now)
        services.withdraw_publication(publication=publication, actor=ACTOR, now=now)
        services.finish_withdrawal(publication_id=publication.pk, now=now)
        assert predicate_types(target, artifact.digest) == [PACKET]
        assert cosign.signature_tag(artifact.digest) in tags(target)
        assert selectors.verified_signature(artifact)
        publication.refresh_from_db()
        assert publication.remains == [
            "Whoever fetched the attestation before keeps it: what was said cannot be unsaid."
        ]
        assert attest(artifact, target, now) != publication  # may be said again

    def test_another_signers_attestation_stays(self, artifact, target, signer, now):
        side = registry_selectors.side_for(target.registry)
        theirs = cosign.bundle(
            cosign.attestation_tag(artifact.digest),
            [cosign.attestation_layer(envelope=b"theirs", predicate_type="https://example.org/theirs")],
        )
        for blob in theirs.blobs:
            side.put_blob(target.path, Digest.parse(blob.digest), len(blob.body), [blob.body])
        side.put_manifest(target.path, theirs.tag, theirs.manifest, cosign.MANIFEST_MEDIA_TYPE)
        publication = attest(artifact, target, now)
        sign_and_send(publication, signer, now)
        assert predicate_types(target, artifact.digest) == [KIND]
        services.withdraw_publication(publication=publication, actor=ACTOR, now=now)
        services.finish_withdrawal(publication_id=publication.pk, now=now)
        left = side.get_manifest(target.path, theirs.tag).body
        assert b"https://example.org/theirs" in left
        assert KIND.encode() not in left

    def test_sent_at_once_none_writes_over_the_other(self, artifact, target, signer, now, monkeypatch):
        """The slower one looked before the faster one had signed, and writes after it."""
        certified = certify(artifact, target, signer, now)
        Publication.objects.filter(pk=certified.pk).update(sent_at=None)
        settle, is_first = sending._settle, [True]

        def slow(place, *, wanted, ours):
            if place.tag.endswith(".att") and is_first.pop():
                is_first.append(False)
                sign_and_send(attest(artifact, target, now), signer, now)
                assert predicate_types(target, artifact.digest) == [PACKET, KIND]
                is_first[:] = [False]
                # As if the registry's answer had been read before the other wrote.
                monkeypatch.setattr(sending, "_present", lambda *_: b"")
                found = settle(place, wanted=wanted, ours=ours)
                monkeypatch.undo()
                return found
            is_first.append(False)
            return settle(place, wanted=wanted, ours=ours)

        monkeypatch.setattr(sending, "_settle", slow)
        services.send_publication(publication_id=certified.pk, progress=silent, now=now)
        assert predicate_types(target, artifact.digest) == [PACKET, KIND]


@pytest.mark.django_db(transaction=True)
class TestManyAtOnce:
    def test_every_one_of_them_is_there_in_the_end(self, artifact, target, signer, now):
        registry_services.copy_artifact(artifact=artifact, to=target, now=now)
        publications = [attest(artifact, target, now, {"number": number}) for number in range(4)]
        barrier = threading.Barrier(4)

        def send(publication):
            try:
                barrier.wait(10)
                sign_and_send(publication, signer, now)
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            for outcome in [pool.submit(send, one) for one in publications]:
                outcome.result(30)
        assert predicate_types(target, artifact.digest) == [KIND] * 4

    def test_two_who_begin_at_once_begin_one(self, artifact, target, now):
        barrier = threading.Barrier(4)

        def begin():
            try:
                barrier.wait(10)
                return attest(artifact, target, now).pk
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as pool:
            found = {outcome.result(20) for outcome in [pool.submit(begin) for _ in range(4)]}
        assert len(found) == 1
        assert Record.objects.filter(verb=Verb.ATTESTATION_BEGUN).count() == 1
