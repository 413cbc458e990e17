"""Claims and statements that nobody would write by accident, and those that real issuers write."""

import json

import pytest

from audit.models import Record
from audit.verbs import Verb
from builds.domain.oidc import MAX_LIFETIME_SECONDS
from builds.errors import PipelineInvalid
from builds.models import Build, Submission
from tests.builds.pipelines.test_forged_tokens import good, resigned, seconds
from tests.builds.pipelines.test_submitting import body_of, codes_of, image, post, statement  # noqa: F401 — a fixture
from tests.fakes.oidc_issuer import gitlab_claims, part
from tests.jobs.support import run_due_jobs

pytestmark = pytest.mark.django_db


def refused(client, source, token: str) -> dict:
    answer = client.post(f"/api/v1/sources/{source.pk}/submissions", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401, answer.content
    return answer.json()


class TestTextThatCannotBeKept:
    """Nothing of it is signed by anybody: whoever can reach the portal can send it."""

    @pytest.mark.parametrize("sign", [r"\u0000", r"\ud800", r"\u202e"], ids=["nul", "half-a-pair", "turned"])
    @pytest.mark.parametrize("claim", ["iss", "aud", "sub", "jti"])
    def test_is_refused_and_recorded(self, client, source, issuer, trust, at, claim, sign):
        trust(source)
        claims = json.dumps({**good(issuer, at), "sub": "repo:evil/x:ref:y", claim: "x" + "SIGN"}).replace("SIGN", sign)
        refused(client, source, resigned(issuer, claims.encode()))
        assert Record.objects.filter(verb=Verb.BUILD_SUBMISSION_REFUSED).count() == 1

    @pytest.mark.parametrize("name", ["kid", "alg", "typ"])
    @pytest.mark.parametrize("sign", [r"\u0000", r"\ud800"], ids=["nul", "half-a-pair"])
    def test_in_the_header_too(self, client, source, issuer, trust, at, name, sign):
        trust(source)
        head = json.dumps({"alg": "RS256", "kid": "key-1", "typ": "JWT", name: "xSIGN"}).replace("SIGN", sign)
        refused(client, source, f"{part(head.encode())}.{part(good(issuer, at))}.AAAA")
        assert Record.objects.filter(verb=Verb.BUILD_SUBMISSION_REFUSED).count() == 1

    @pytest.mark.parametrize("claim", ["workflow_ref", "actor", "runner_environment", "repository"])
    def test_in_a_claim_that_the_issuer_signed(self, client, source, issuer, trust, at, image, claim):  # noqa: F811
        trust(source)
        claims = json.dumps({**good(issuer, at), claim: "acme/xSIGN"}).replace("SIGN", r"\u0000")
        answer = post(client, source, resigned(issuer, claims.encode()), body_of(image))
        assert answer.status_code == 401, answer.content
        assert not Build.objects.exists()

    @pytest.mark.parametrize("uri", ["pkg:oci/debian%00x", "oci://debian\u202e", "docker://a\x00b", "pkg:docker/%ff"])
    def test_in_what_a_statement_names(self, client, source, issuer, trust, at, image, uri):  # noqa: F811
        trust(source)
        document = statement(image[1].digest)
        document["predicate"]["buildDefinition"]["resolvedDependencies"][1]["uri"] = uri
        answer = post(client, source, issuer.token(good(issuer, at)), body_of(image, provenance=document))
        assert answer.status_code in (202, 400, 403), answer.content
        assert Submission.objects.count() == (answer.status_code == 202)
        if answer.status_code == 202:
            assert all(one["reference"].isprintable() for one in Submission.objects.get().bases)
        elif answer.status_code == 403:
            assert codes_of(answer) == ["statement_malformed"]


class TestLifetime:
    def test_a_job_of_gitlab_with_an_hour_has_a_token_for_it(self, client, source, issuer, trust, at, image):  # noqa: F811
        """GitLab dates ``nbf`` five seconds back, and lets a token live as long as its job may: an hour by default."""
        trust(source, kind="gitlab")
        now = int(at.timestamp())
        claims = gitlab_claims(issuer.url, at, iat=now, nbf=now - 5, exp=now + MAX_LIFETIME_SECONDS)
        answer = post(client, source, issuer.token(claims), body_of(image))
        assert answer.status_code == 202, answer.content

    @pytest.mark.parametrize(
        "times",
        [
            pytest.param({"iat": -10, "nbf": -10, "exp": 3600}, id="longer-than-an-hour"),
            pytest.param({"iat": 0, "nbf": -3600, "exp": 300}, id="valid-long-before-it-was-issued"),
        ],
    )
    def test_no_longer(self, client, source, issuer, trust, at, times):
        trust(source)
        moments = {name: seconds(at, more) for name, more in times.items()}
        assert refused(client, source, issuer.token(good(issuer, at, **moments)))["code"] == "token_lifetime"


class TestAnotherRepositoryOfTheSameName:
    """A name that was given up can be taken by others; what an issuer numbers stays."""

    @pytest.mark.parametrize(
        ("kind", "claim"),
        [("github", "repository_id"), ("github", "repository_owner_id"), ("gitlab", "project_id")],
    )
    def test_is_refused(self, client, source, issuer, trust, at, image, kind, claim):  # noqa: F811
        trust(source, kind=kind)
        make = good if kind == "github" else lambda i, now, **changes: gitlab_claims(i.url, now, **changes)
        first = post(client, source, issuer.token(make(issuer, at, jti="1", **{claim: "17"})), body_of(image))
        assert first.status_code == 202, first.content
        run_due_jobs(queues=("default",))
        for number, changed in enumerate(({claim: "18"}, {})):
            token = issuer.token(make(issuer, at, jti=f"2{number}", **changed))
            assert refused(client, source, token)["code"] == "token_subject"
        again = post(client, source, issuer.token(make(issuer, at, jti="3", **{claim: "17"})), body_of(image))
        assert again.status_code == 202, again.content


class TestASourceThatIsBuiltHereNow:
    def test_takes_nothing_from_the_pipelines_of_before(self, client, source, issuer, trust, at, image):  # noqa: F811
        """Else two would make candidates of one version, one of them without a recipe that anybody read."""
        trust(source)
        type(source).objects.filter(pk=source.pk).update(builder="buildah")
        answer = post(client, source, issuer.token(good(issuer, at)), body_of(image))
        assert (answer.status_code, codes_of(answer)) == (403, ["built_here"]), answer.content
        assert not Build.objects.exists()
        assert Record.objects.get(verb=Verb.BUILD_SUBMISSION_REFUSED).data["code"] == "built_here"


class TestTrusting:
    @pytest.mark.parametrize("subject", ["repo:acme/base-images:pull_request"])
    def test_what_nobody_merged_is_not_trusted(self, source, trust, subject):
        with pytest.raises(PipelineInvalid):
            trust(source, subject=subject)

    @pytest.mark.parametrize("event", ["pull_request", "pull_request_target"])
    def test_a_run_for_a_pull_request_submits_nothing(self, client, source, issuer, trust, at, event):
        """``pull_request_target`` runs with the branch's subject, and often with the pull request's files."""
        trust(source)
        assert refused(client, source, issuer.token(good(issuer, at, event_name=event)))["code"] == "token_subject"
