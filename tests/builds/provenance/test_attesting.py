"""Written down once, signed, and sent to wherever the image lies."""

import base64
import json
from datetime import timedelta

import pgtrigger
import pytest

from accounts.roles import Role
from audit.actor import Actor, Subject
from audit.models import Record
from audit.services import record
from audit.verbs import Verb
from builds.domain.provenance import PREDICATE_TYPE
from builds.errors import InventoryOutstanding
from builds.models import Build, LogChunk, Source
from builds.services.attesting import attest_build, attest_certified
from catalog import services as catalog
from jobs.models import Job
from registry import selectors as registry_selectors
from registry import services as registry_services
from registry.models import Repository
from signing import services as signing
from signing.domain import cosign
from signing.models import Attestation, Publication, Signature
from tests.factories.accounts import person_with
from tests.factories.authority import begin_certified
from tests.factories.builds import BuildFactory, RecipeFactory, SourceFactory
from tests.factories.registry import LayoutFactory
from tests.factories.scans import inventory_of
from tests.factories.signing import Images, certified_layout, certified_repository, known_artifact, signing_key
from tests.jobs.support import run_due_jobs

pytestmark = pytest.mark.django_db
BASE = "sha256:" + "ab" * 32


@pytest.fixture
def signer(tmp_path, now, settings):
    settings.GOLDGATE_SIGNING_KEY_FILE = str(tmp_path / "signing.pem")
    return signing_key(tmp_path, now=now)[1]


@pytest.fixture
def candidates(now) -> Repository:
    return Repository.objects.create(registry=LayoutFactory(side="source"), path="candidates/base", created_at=now)


def succeeded(now, *, candidates=None, name="debian", **recipe) -> Build:
    images = Images()
    artifact = known_artifact(images, images.image(name), now=now)
    source = SourceFactory(now, candidate_repository=candidates, arguments={"SUITE": "bookworm"})
    values = {
        "arguments": {"SUITE": "bookworm", "MIRROR_PASSWORD": "hunter2"},
        "bases": [
            {"kind": "adopted", "reference": "r.example/debian", "digest": BASE, "asked": "debian:12", "stage": "1"},
            {"kind": "scratch", "reference": "", "digest": "", "asked": "scratch"},
        ],
        **recipe,
    }
    made = RecipeFactory(now, source=source, **values)
    if candidates is not None:
        registry_services.copy_artifact(artifact=artifact, to=candidates, now=now)
    subversion = catalog.add_subversion(version=source.version, artifact=artifact, created_by=source.owner, now=now)
    build = BuildFactory(
        now,
        recipe=made,
        state="succeeded",
        finished_at=now,
        started_at=now,
        artifact=artifact,
        subversion=subversion,
        builder_id="https://goldgate.example/builders/buildah",
        builder_version="1.28.2",
        isolation="chroot in a network namespace",
        log_bytes=3,
    )
    LogChunk.objects.create(build=build, number=0, text="log", at=now)
    return build


def later(now):
    """When nobody waits for an inventory any more."""
    return now + timedelta(minutes=5)


def run_signing(now):
    run_due_jobs(queues=("default", "signing"))


class TestAttest:
    def test_the_candidate_gets_its_provenance_and_no_signature(self, now, candidates, signer):
        build = succeeded(now, candidates=candidates)
        attest_build(build.pk, later(now))
        Job.objects.exclude(kind__startswith="signing.").delete()
        run_signing(now)
        build.refresh_from_db()
        assert build.publication.target_repository == candidates
        assert build.publication.sent_at
        side = registry_selectors.side_for(candidates.registry)
        assert cosign.attestation_tag(build.artifact.digest) in side.tags(candidates.path)
        assert cosign.signature_tag(build.artifact.digest) not in side.tags(candidates.path)
        assert not Signature.objects.exists()

    def test_what_is_signed_is_what_is_kept(self, now, candidates, signer):
        build = succeeded(now, candidates=candidates)
        attest_build(build.pk, later(now))
        signing.sign_publication(publication_id=Publication.objects.get().pk, signer=signer, now=now)
        build.refresh_from_db()
        envelope = json.loads(bytes(Attestation.objects.get().envelope))
        statement = json.loads(base64.b64decode(envelope["payload"]))
        assert statement["predicate"] == build.provenance
        assert statement["predicateType"] == PREDICATE_TYPE == "https://slsa.dev/provenance/v1"
        assert statement["subject"][0]["digest"] == {"sha256": build.artifact.digest.removeprefix("sha256:")}

    def test_it_names_commit_base_recipe_and_log_and_no_secret(self, now, candidates):
        build = attest_build(succeeded(now, candidates=candidates).pk, later(now))
        definition = build.provenance["buildDefinition"]
        commit, base = definition["resolvedDependencies"]
        assert commit["digest"] == {"gitCommit": build.recipe.commit}
        assert base["digest"] == {"sha256": "ab" * 32}
        assert definition["internalParameters"]["recipe"]["sha256"] == build.recipe.sha256
        assert definition["internalParameters"]["isolation"] == "chroot in a network namespace"
        assert definition["externalParameters"]["arguments"]["SUITE"] == "bookworm"
        assert "hunter2" not in json.dumps(build.provenance)
        (log,) = build.provenance["runDetails"]["byproducts"]
        assert log == {
            "name": "log",
            "digest": {"sha256": "836ff184e7b41b1e13cb5fd89fa1de98dbbab99e9d2918913ff43b86a5c7c213"},  # of "log"
            "mediaType": "text/plain",
        }

    def test_what_was_changed_at_the_source_since_changes_no_word(self, now, candidates):
        build = succeeded(now, candidates=candidates)
        changed = {"url": "/srv/git/other.git", "directory": "other", "dockerfile": "Other", "builder": "buildkit"}
        Source.objects.filter(pk=build.source_id).update(**changed)
        predicate = attest_build(build.pk, later(now)).provenance
        definition = predicate["buildDefinition"]
        assert definition["externalParameters"]["source"]["uri"] == build.recipe.url == "/srv/git/base.git"
        assert definition["externalParameters"]["directory"] == ""
        assert definition["externalParameters"]["dockerfile"] == "Dockerfile"
        assert list(predicate["runDetails"]["builder"]["version"]) == ["buildah"]

    def test_again_it_says_the_same_words_once(self, now, candidates):
        build = succeeded(now, candidates=candidates)
        first = attest_build(build.pk, later(now)).provenance
        LogChunk.objects.create(build=build, number=1, text="more", at=now)
        assert attest_build(build.pk, later(now) + timedelta(days=1)).provenance == first
        assert Publication.objects.count() == 1
        assert Record.objects.filter(verb=Verb.BUILD_ATTESTED).count() == 1

    def test_it_waits_for_the_inventory_but_not_for_ever(self, now, candidates):
        build = succeeded(now, candidates=candidates)
        with pytest.raises(InventoryOutstanding):
            attest_build(build.pk, now + timedelta(minutes=1))
        assert not Publication.objects.exists()
        assert attest_build(build.pk, later(now)).provenance

    def test_of_an_index_each_inventory_says_whose_it_is(self, now, candidates):
        build = succeeded(now, candidates=candidates)
        images = Images()
        index = known_artifact(images, images.index(images.image("a"), images.image("b", arch="arm64")), now=now)
        Build.objects.filter(pk=build.pk).update(artifact=index)
        children = registry_selectors.runnable_images(index)
        for child in children:
            inventory_of(child, now, ())
        with_log = attest_build(build.pk, later(now)).provenance["runDetails"]["byproducts"]
        assert [one["annotations"] for one in with_log if one["name"] == "sbom"] == [
            {"platform": "linux/amd64", "image": children[0].digest},
            {"platform": "linux/arm64", "image": children[1].digest},
        ]

    @pytest.mark.parametrize(
        "change",
        [
            {"state": "failed", "failure": "x"},
            {"state": "no_change"},
        ],
        ids=["failed", "no change"],
    )
    def test_what_left_no_candidate_has_nothing_to_attest(self, now, candidates, change):
        build = succeeded(now, candidates=candidates)
        with pgtrigger.ignore("builds.Build:build_end_stays"):
            Build.objects.filter(pk=build.pk).update(**change)
        assert attest_build(build.pk, later(now)).provenance == {}
        assert not Publication.objects.exists()


class TestCertified:
    def test_without_a_repository_of_candidates_it_goes_out_when_certified(self, now, signer, tmp_path):
        build = succeeded(now)
        attest_build(build.pk, later(now))
        assert not Publication.objects.exists()
        target = certified_repository(certified_layout(tmp_path / "certified", now=now), "golden/debian", now=now)
        self.certify(build, target, signer, now)
        attest_certified(build.subversion_id, later(now))
        assert Publication.objects.get(kind="attestation").target_repository == target

    def test_it_stands_beside_the_packet(self, now, candidates, signer, tmp_path):
        build = succeeded(now, candidates=candidates)
        attest_build(build.pk, later(now))
        target = certified_repository(certified_layout(tmp_path / "certified", now=now), "golden/debian", now=now)
        self.certify(build, target, signer, now)
        record(
            Verb.CERTIFICATION_COMPLETED,
            actor=Actor.system("test"),
            subject=Subject("subversion", str(build.subversion_id), "x"),
            at=later(now),
        )
        Job.objects.exclude(kind__in=["builds.attest_certified", "signing.sign", "signing.send"]).delete()
        run_due_jobs(queues=("default", "signing"))
        side = registry_selectors.side_for(target.registry)
        held = side.get_manifest(target.path, cosign.attestation_tag(build.artifact.digest)).body
        assert PREDICATE_TYPE.encode() in held
        assert b"https://goldgate.dev/packet/v1" in held
        assert Publication.objects.filter(kind="attestation").count() == 2

    def certify(self, build, target, signer, now):
        publication = begin_certified(build.artifact, target, now)
        for step in ("copy", "sign", "send"):
            extra = {"signer": signer} if step == "sign" else {"progress": lambda **_: None}
            getattr(signing, f"{step}_publication")(publication_id=publication.pk, now=now, **extra)


class TestApi:
    def test_answers_who_built_it(self, client, now, candidates):
        build = succeeded(now, candidates=candidates, approved_at=now)
        Build.objects.filter(pk=build.pk).update(is_reviewed=True)
        record(
            Verb.RECIPE_APPROVED,
            actor=Actor.system("test"),
            subject=Subject("recipe", str(build.recipe_id), "x"),
            at=now,
            data={"reviewers": ["rita", "sam"]},
        )
        attest_build(build.pk, later(now))
        client.force_login(person_with(Role.AUDITOR))
        found = client.get(f"/api/v1/artifacts/{build.artifact.digest}/provenance").json()
        assert found["built_by"] == "https://goldgate.example/builders/buildah"
        assert found["commit"] == build.recipe.commit
        assert found["recipe"]["sha256"] == build.recipe.sha256
        assert found["approved_by"] == ["rita", "sam"]
        assert found["predicate"]["buildDefinition"]["buildType"] == "https://goldgate.dev/build/dockerfile/v1"
        assert [one["repository"] for one in found["places"]] == [candidates.name]
        assert found["submitted_by"] is None

    def test_nobody_approved_an_unreviewed_build(self, client, now, candidates):
        build = attest_build(succeeded(now, candidates=candidates).pk, later(now))
        client.force_login(person_with(Role.AUDITOR))
        found = client.get(f"/api/v1/artifacts/{build.artifact.digest}/provenance").json()
        assert found["approved_by"] == []
        assert found["is_recipe_approved"] is False

    def test_of_what_nobody_built_here_it_says_so(self, client, now):
        images = Images()
        artifact = known_artifact(images, images.image("elsewhere"), now=now)
        client.force_login(person_with(Role.AUDITOR))
        answer = client.get(f"/api/v1/artifacts/{artifact.digest}/provenance")
        assert answer.status_code == 404
        assert answer.json()["code"] == "provenance_missing"

    def test_nobody_in_particular_reads_nothing(self, client):
        assert client.get(f"/api/v1/artifacts/{BASE}/provenance").status_code == 401
