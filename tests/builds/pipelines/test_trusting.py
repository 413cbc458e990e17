"""Which pipelines may be trusted, by whom."""

import pytest

from accounts.roles import Role
from audit.models import Record
from audit.verbs import Verb
from builds.errors import PipelineExists, PipelineInvalid
from builds.models import TrustedPipeline
from builds.services.pipelines import PipelineFields, trust_pipeline
from tests.factories.accounts import person_with
from tests.factories.builds import SourceFactory

pytestmark = pytest.mark.django_db
GITHUB = {
    "kind": "github",
    "issuer": "https://token.actions.githubusercontent.com",
    "audience": "https://goldgate.example",
    "subject": "repo:acme/base-images:ref:refs/heads/main",
}
GITLAB = {
    "kind": "gitlab",
    "issuer": "https://gitlab.com",
    "audience": "https://goldgate.example",
    "subject": "project_path:acme/base/images:ref_type:branch:ref:main",
}


def add(source, at, **fields):
    return trust_pipeline(source=source, fields=PipelineFields(**fields), by=source.owner, now=at)


class TestTrust:
    @pytest.mark.parametrize(
        ("fields", "keys_at"),
        [
            (GITHUB, "https://token.actions.githubusercontent.com/.well-known/jwks"),
            (GITLAB, "https://gitlab.com/oauth/discovery/keys"),
        ],
        ids=["github", "gitlab"],
    )
    def test_is_recorded_and_knows_where_its_keys_are(self, source, at, fields, keys_at):
        pipeline = add(source, at, **fields)
        assert pipeline.jwks_url == keys_at
        assert Record.objects.get(verb=Verb.PIPELINE_TRUSTED).data["subject"] == fields["subject"]

    def test_once(self, source, at):
        add(source, at, **GITHUB)
        with pytest.raises(PipelineExists):
            add(source, at, **GITHUB)

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"issuer": "http://token.actions.githubusercontent.com"}, "/issuer"),
            ({"issuer": "https://me:pw@issuer.example"}, "/issuer"),
            ({"issuer": "https://issuer.example?x=1"}, "/issuer"),
            ({"issuer": "https://"}, "/issuer"),
            ({"issuer": "file:///etc/passwd"}, "/issuer"),
            ({"jwks_url": "https://evil.example/jwks"}, "/jwks_url"),
            ({"jwks_url": "http://token.actions.githubusercontent.com/jwks"}, "/jwks_url"),
            ({"jwks_url": "https://token.actions.githubusercontent.com:8443/jwks"}, "/jwks_url"),
            ({"subject": "repo:acme/*:ref:refs/heads/main"}, "/subject"),
            ({"subject": "repo:acme/base-images:*"}, "/subject"),
            ({"subject": "acme/base-images"}, "/subject"),
            ({"subject": GITLAB["subject"]}, "/subject"),
            ({"audience": ""}, "/audience"),
            ({"audience": "two words"}, "/audience"),
            ({"kind": "jenkins"}, "/kind"),
        ],
    )
    def test_what_would_trust_more_than_one_is_refused(self, source, at, change, pointer):
        with pytest.raises(PipelineInvalid) as refused:
            add(source, at, **{**GITHUB, **change})
        assert pointer in [one.pointer for one in refused.value.errors]
        assert not TrustedPipeline.objects.exists()

    def test_what_is_built_here_is_not_submitted(self, at):
        with pytest.raises(PipelineInvalid, match="built here"):
            add(SourceFactory(at), at, **GITHUB)


class TestApi:
    def test_an_administrator_adds_and_ends_it(self, client, source):
        client.force_login(person_with(Role.PLATFORM_ADMIN))
        made = client.post(f"/api/v1/sources/{source.pk}/pipelines", data=GITHUB, content_type="application/json")
        assert made.status_code == 201
        assert client.delete(f"/api/v1/pipelines/{made.json()['id']}").status_code == 204
        (row,) = client.get(f"/api/v1/sources/{source.pk}/pipelines").json()["results"]
        assert row["ended_at"]
        assert Record.objects.filter(verb=Verb.PIPELINE_ENDED).count() == 1

    @pytest.mark.parametrize("role", [Role.REQUESTER, Role.REVIEWER, Role.AUDITOR])
    def test_nobody_else_does(self, client, source, role):
        client.force_login(person_with(role))
        answer = client.post(f"/api/v1/sources/{source.pk}/pipelines", data=GITHUB, content_type="application/json")
        assert answer.status_code == 403
        assert not TrustedPipeline.objects.exists()

    def test_one_that_is_not_there_is_missing(self, client, source):
        client.force_login(person_with(Role.PLATFORM_ADMIN))
        assert client.delete(f"/api/v1/pipelines/{source.pk}").json()["code"] == "pipeline_missing"
