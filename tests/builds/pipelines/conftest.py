"""A source that a pipeline elsewhere builds, its issuer, and an image in a listed registry."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from accounts.roles import Role
from builds.models import Source, TrustedPipeline
from builds.services.pipelines import PipelineFields, trust_pipeline
from tests.factories.accounts import person_with
from tests.factories.builds import SourceFactory
from tests.fakes.oidc_issuer import OidcIssuer

AUDIENCE = "https://goldgate.example"
SUBJECTS = {
    "github": "repo:acme/base-images:ref:refs/heads/main",
    "gitlab": "project_path:acme/base-images:ref_type:branch:ref:main",
}


@pytest.fixture
def at() -> datetime:
    """The view has its own clock."""
    return timezone.now().astimezone(UTC)


@pytest.fixture
def issuer() -> Iterator[OidcIssuer]:
    with OidcIssuer() as found:
        yield found


@pytest.fixture
def source(at: datetime) -> Source:
    return SourceFactory(at, builder="external", is_base_recipe=True)


@pytest.fixture
def trust(at: datetime, issuer: OidcIssuer):
    def _trust(source: Source, kind: str = "github", **changes: object) -> TrustedPipeline:
        values = {
            "kind": kind,
            "issuer": issuer.url,
            "audience": AUDIENCE,
            "subject": SUBJECTS[kind],
            "ca_pem": issuer.ca_pem,
            "is_private_allowed": True,
            **changes,
        }
        return trust_pipeline(
            source=source, fields=PipelineFields(**values), by=person_with(Role.PLATFORM_ADMIN), now=at
        )

    return _trust
