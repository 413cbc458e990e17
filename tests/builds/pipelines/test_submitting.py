"""What a trusted pipeline submits becomes a candidate like what is built here; what does not hold is refused."""

import base64
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from accounts.roles import Role
from audit.models import Record
from audit.verbs import Verb
from builds.errors import BaseNotCertified
from builds.models import Build, RefusedSubmissions, Source, Submission
from builds.services.attesting import attest_build
from builds.services.schedules import start_due
from builds.services.submissions import take_submission
from catalog import services as catalog
from catalog.models import Subversion
from jobs.models import Job
from registry import services as registry_services
from registry.blobs import kept_blobs
from registry.models import Import, Repository
from tests.factories.accounts import person_with
from tests.factories.builds import SourceFactory
from tests.factories.registry import LayoutFactory
from tests.factories.signing import Images, known_artifact
from tests.fakes.oidc_issuer import COMMIT, github_claims, gitlab_claims
from tests.jobs.support import run_due_jobs

pytestmark = pytest.mark.django_db
BASE = "ab" * 32


@pytest.fixture
def image(at):
    """An image in a listed registry, and where."""
    images = Images()
    artifact = known_artifact(images, images.image("submitted"), now=at)
    registry = LayoutFactory("source.example/images", side="source")
    repository = registry_services.ensure_repository(registry=registry, path="images/debian", now=at)
    registry_services.copy_artifact(artifact=artifact, to=repository, now=at)
    return repository, artifact


def statement(digest: str, *, commit: str = COMMIT, **changes) -> dict:
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "debian", "digest": {"sha256": digest.removeprefix("sha256:")}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "https://actions.github.io/buildtypes/workflow/v1",
                "externalParameters": {"workflow": {"ref": "refs/heads/main"}},
                "resolvedDependencies": [
                    {"uri": "git+https://github.com/acme/base-images@refs/heads/main", "digest": {"gitCommit": commit}},
                    {
                        "uri": "pkg:oci/debian@sha256%3A" + BASE + "?repository_url=docker.io/library/debian",
                        "digest": {"sha256": BASE},
                    },
                ],
            },
            "runDetails": {"builder": {"id": "https://github.com/actions/runner"}},
        },
        **changes,
    }


def envelope(document: dict) -> dict:
    payload = base64.b64encode(json.dumps(document).encode()).decode()
    signatures = [{"keyid": "", "sig": "AAAA"}]
    return {"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": signatures}


def body_of(image, **changes) -> dict:
    repository, artifact = image
    return {
        "repository": repository.name,
        "digest": artifact.digest,
        "provenance": statement(artifact.digest),
        **changes,
    }


def post(client, source, token: str, body: dict):
    return client.post(
        f"/api/v1/sources/{source.pk}/submissions",
        data=json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )


def codes_of(answer) -> list[str]:
    return [one["code"] for one in answer.json().get("errors", [])]


class TestAccepted:
    @pytest.mark.parametrize("kid", ["key-1", "key-ec"])
    def test_becomes_a_candidate(self, client, source, issuer, trust, image, at, kid):
        trust(source)
        answer = post(client, source, issuer.token(github_claims(issuer.url, at), kid=kid), body_of(image))
        assert answer.status_code == 202
        run_due_jobs(queues=("default",))
        build = Build.objects.get()
        assert build.state == "succeeded"
        assert build.subversion.artifact == image[1] == build.artifact
        assert build.recipe is None
        assert build.builder_id == (
            "https://127.0.0.1:"
            + issuer.url.rpartition(":")[2]
            + "/acme/base-images/.github/workflows/build.yml@refs/heads/main"
        )
        verbs = set(Record.objects.filter(subject_kind="build").values_list("verb", flat=True))
        assert {Verb.BUILD_SUBMITTED, Verb.BUILD_SUCCEEDED} <= verbs
        told = Record.objects.get(verb=Verb.BUILD_SUBMITTED)
        assert told.actor_name == "repo:acme/base-images:ref:refs/heads/main"

    def test_of_gitlab_too(self, client, source, issuer, trust, image, at):
        trust(source, kind="gitlab")
        document = statement(image[1].digest)
        answer = post(client, source, issuer.token(gitlab_claims(issuer.url, at)), body_of(image, provenance=document))
        assert answer.status_code == 202
        build = Build.objects.get()
        assert build.builder_id == "https://gitlab.acme.example/acme/base-images//.gitlab-ci.yml@refs/heads/main"

    @pytest.mark.parametrize("wrap", [lambda s: s, envelope, lambda s: {"dsseEnvelope": envelope(s)}])
    def test_the_statement_is_kept_as_it_came(self, client, source, issuer, trust, image, at, wrap):
        trust(source)
        sent = wrap(statement(image[1].digest))
        post(client, source, issuer.token(github_claims(issuer.url, at)), body_of(image, provenance=sent))
        submission = Submission.objects.get()
        assert json.loads(kept_blobs().read(submission.statement_digest, 10_000_000)) == sent
        assert submission.commit == COMMIT
        assert submission.claims["repository"] == "acme/base-images"
        assert [one["digest"] for one in submission.bases] == ["sha256:" + BASE]

    def test_a_reference_by_digest_will_do(self, client, source, issuer, trust, image, at):
        trust(source)
        body = {
            "reference": f"{image[0].name}@{image[1].digest}",
            "provenance": statement(image[1].digest),
        }
        assert post(client, source, issuer.token(github_claims(issuer.url, at)), body).status_code == 202

    def test_it_is_copied_among_the_candidates(self, client, source, issuer, trust, image, at):
        candidates = Repository.objects.create(
            registry=LayoutFactory(side="source"), path="candidates/debian", created_at=at
        )
        Source.objects.filter(pk=source.pk).update(candidate_repository=candidates)
        trust(source)
        post(client, source, issuer.token(github_claims(issuer.url, at)), body_of(image))
        run_due_jobs(queues=("default",))
        assert candidates.artifact_links.filter(artifact=image[1]).exists()

    def test_its_provenance_says_what_the_token_proved(self, client, source, issuer, trust, image, at):
        pipeline = trust(source)
        post(client, source, issuer.token(github_claims(issuer.url, at)), body_of(image))
        build = take_submission(build_id=Build.objects.get().pk, now=at)
        found = attest_build(build.pk, at + timedelta(minutes=5)).provenance
        definition = found["buildDefinition"]
        assert definition["buildType"] == "https://goldgate.dev/build/submitted/v1"
        assert definition["internalParameters"]["token"] == {
            "issuer": issuer.url,
            "subject": pipeline.subject,
            "kind": "github",
        }
        commit, base = definition["resolvedDependencies"]
        assert commit["digest"] == {"gitCommit": COMMIT}
        assert base["annotations"] == {"kind": "claimed"}
        assert found["runDetails"]["builder"]["id"].endswith("build.yml@refs/heads/main")
        client.force_login(person_with(Role.AUDITOR))
        said = client.get(f"/api/v1/artifacts/{image[1].digest}/provenance").json()
        assert said["commit"] == COMMIT
        assert said["recipe"] is None
        assert said["submitted_by"]["subject"] == pipeline.subject

    def test_people_read_what_was_submitted(self, client, source, issuer, trust, image, at):
        trust(source)
        post(client, source, issuer.token(github_claims(issuer.url, at)), body_of(image))
        client.force_login(person_with(Role.AUDITOR))
        (row,) = client.get(f"/api/v1/sources/{source.pk}/submissions").json()["results"]
        assert (row["commit"], row["state"], row["kind"]) == (COMMIT, "built", "github")

    def test_what_is_there_already_is_no_change(self, client, source, issuer, trust, image, at):
        trust(source)
        catalog.add_subversion(version=source.version, artifact=image[1], created_by=source.owner, now=at)
        post(client, source, issuer.token(github_claims(issuer.url, at)), body_of(image))
        assert take_submission(build_id=Build.objects.get().pk, now=at).state == "no_change"

    def test_taken_twice_it_is_one_candidate(self, client, source, issuer, trust, image, at):
        trust(source)
        post(client, source, issuer.token(github_claims(issuer.url, at)), body_of(image))
        for _ in range(2):
            take_submission(build_id=Build.objects.get().pk, now=at)
        assert Subversion.objects.count() == 1

    def test_one_whose_job_was_cancelled_is_stopped(self, client, source, issuer, trust, image, at):
        trust(source)
        submitted = post(client, source, issuer.token(github_claims(issuer.url, at)), body_of(image))
        assert submitted.status_code == 202
        taking = Job.objects.filter(kind="builds.take_submission")
        assert taking.update(state="cancelled", finished_at=at, error_code="cancelled") == 1
        start_due(now=at + timedelta(hours=1))
        assert Build.objects.get().state == "stopped"

    def test_an_image_that_is_not_there_fails_and_says_so(self, client, source, issuer, trust, image, at):
        trust(source)
        missing = "sha256:" + "0" * 64
        body = body_of(image, digest=missing, provenance=statement(missing))
        assert post(client, source, issuer.token(github_claims(issuer.url, at)), body).status_code == 202
        run_due_jobs(queues=("default",))
        build = Build.objects.get()
        assert build.state == "failed"
        assert build.failure


class TestReplay:
    def test_a_token_is_used_once(self, client, source, issuer, trust, image, at):
        trust(source)
        token = issuer.token(github_claims(issuer.url, at))
        assert post(client, source, token, body_of(image)).status_code == 202
        again = post(client, source, token, body_of(image))
        assert (again.status_code, again.json()["code"]) == (401, "token_replayed")
        assert Build.objects.count() == 1
        assert RefusedSubmissions.objects.get().code == "token_replayed"

    def test_and_to_one_source(self, client, source, issuer, trust, image, at):

        other = SourceFactory(at, builder="external", is_base_recipe=True)
        trust(source)
        trust(other)
        token = issuer.token(github_claims(issuer.url, at))
        assert post(client, source, token, body_of(image)).status_code == 202
        assert post(client, other, token, body_of(image)).json()["code"] == "token_replayed"

    def test_what_was_refused_used_up_nothing(self, client, source, issuer, trust, image, at):
        trust(source)
        token = issuer.token(github_claims(issuer.url, at))
        assert post(client, source, token, body_of(image, provenance={})).status_code == 403
        assert post(client, source, token, body_of(image)).status_code == 202


class TestRefused:
    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            pytest.param({"provenance": statement("sha256:" + "1" * 64)}, "statement_subject", id="another digest"),
            pytest.param({"provenance": {"_type": "x"}}, "statement_malformed", id="no statement"),
            pytest.param(
                {"provenance": {"payloadType": "x", "payload": "e30="}}, "statement_malformed", id="another payload"
            ),
            pytest.param(
                {"provenance": {"payloadType": "application/vnd.in-toto+json", "payload": "%%"}},
                "statement_malformed",
                id="no base64",
            ),
            pytest.param({"repository": "unlisted.example/debian"}, "registry_unknown", id="a registry nobody listed"),
            pytest.param({"digest": "sha256:ab"}, "digest_malformed", id="no digest"),
        ],
    )
    def test_what_does_not_hold_is_refused_and_recorded(self, client, source, issuer, trust, image, at, changes, code):
        trust(source)
        answer = post(client, source, issuer.token(github_claims(issuer.url, at)), body_of(image, **changes))
        assert answer.status_code == 403
        assert codes_of(answer) == [code]
        assert Record.objects.get(verb=Verb.BUILD_SUBMISSION_REFUSED).data["code"] == code
        assert not Build.objects.exists()
        assert not Import.objects.exists()

    def test_another_commit_than_the_tokens(self, client, source, issuer, trust, image, at):
        trust(source)
        sent = statement(image[1].digest, commit="f" * 40)
        answer = post(client, source, issuer.token(github_claims(issuer.url, at)), body_of(image, provenance=sent))
        assert codes_of(answer) == ["statement_commit"]

    def test_another_type_of_provenance(self, client, source, issuer, trust, image, at):
        trust(source)
        sent = statement(image[1].digest, predicateType="https://slsa.dev/provenance/v0.2")
        answer = post(client, source, issuer.token(github_claims(issuer.url, at)), body_of(image, provenance=sent))
        assert codes_of(answer) == ["statement_type"]

    @pytest.mark.parametrize(
        "change",
        [{"digest": None}, {"reference": "x@sha256:" + "1" * 64}, {"provenance": None}, {"builder": "me"}],
        ids=["half a name", "two names", "no provenance", "a member that nobody asked for"],
    )
    def test_a_body_that_is_none(self, client, source, issuer, trust, image, at, change):
        trust(source)
        body = {name: value for name, value in (body_of(image) | change).items() if value is not None}
        assert post(client, source, issuer.token(github_claims(issuer.url, at)), body).status_code == 400

    def test_a_paused_source_takes_nothing(self, client, source, issuer, trust, image, at):
        trust(source)
        Source.objects.filter(pk=source.pk).update(is_paused=True)
        answer = post(client, source, issuer.token(github_claims(issuer.url, at)), body_of(image))
        assert (answer.status_code, answer.json()["code"]) == (409, "source_paused")

    def test_what_stands_on_nothing_certified_is_no_candidate(self, client, source, issuer, trust, image, at):
        Source.objects.filter(pk=source.pk).update(is_base_recipe=False)
        trust(source)
        post(client, source, issuer.token(github_claims(issuer.url, at)), body_of(image))
        with pytest.raises(BaseNotCertified):
            take_submission(build_id=Build.objects.get().pk, now=at)
        run_due_jobs(queues=("default",))
        assert Build.objects.get().failure_code == "base_not_certified"
        assert not Subversion.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    def test_one_token_makes_one_build(self, client, source, issuer, trust, image, at):
        trust(source)
        token, barrier = issuer.token(github_claims(issuer.url, at)), threading.Barrier(4)
        body = body_of(image)

        def send():
            try:
                barrier.wait(10)
                return post(client, source, token, body).status_code
            finally:
                connection.close()

        # The keys first, so that all four get as far as the token's id.
        post(client, source, token, body_of(image, provenance={}))
        with ThreadPoolExecutor(4) as pool:
            found = sorted(outcome.result(30) for outcome in [pool.submit(send) for _ in range(4)])
        assert found[0] == 202
        assert set(found[1:]) <= {401, 403}
        assert Build.objects.count() == 1
