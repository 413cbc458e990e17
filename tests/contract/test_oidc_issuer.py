"""The issuer that the tests of submissions talk to is one: any OIDC client finds its keys and verifies its tokens."""

import json
import ssl
import urllib.request
from datetime import UTC, datetime

import jwt
import pytest

from tests.fakes.oidc_issuer import OidcIssuer, github_claims, gitlab_claims

# docs.github.com, "OpenID Connect reference"; docs.gitlab.com, "OpenID Connect (OIDC) Authentication Using ID Tokens".
ALWAYS = {
    "github": {"jti", "sub", "aud", "iss", "iat", "nbf", "exp", "repository", "ref", "sha", "workflow_ref"},
    "gitlab": {"jti", "sub", "aud", "iss", "iat", "nbf", "exp", "project_path", "ref", "sha", "ref_type"},
}


@pytest.mark.parametrize("kid", ["key-1", "key-ec"])
def test_a_client_that_knows_the_issuer_alone_verifies_its_token(kid):
    now = datetime.now(UTC)
    with OidcIssuer() as issuer:
        context = ssl.create_default_context(cadata=issuer.ca_pem)
        with urllib.request.urlopen(f"{issuer.url}/.well-known/openid-configuration", context=context) as answer:
            found = json.load(answer)
        assert found["issuer"] == issuer.url
        client = jwt.PyJWKClient(found["jwks_uri"], ssl_context=context)
        token = issuer.token(github_claims(issuer.url, now), kid=kid)
        key = client.get_signing_key_from_jwt(token)
        said = jwt.decode(
            token, key.key, algorithms=["RS256", "ES256"], audience="https://goldgate.example", issuer=issuer.url
        )
    assert said["repository"] == "acme/base-images"


@pytest.mark.parametrize(("kind", "claims"), [("github", github_claims), ("gitlab", gitlab_claims)])
def test_its_tokens_have_the_claims_that_the_providers_always_write(kind, claims):
    assert ALWAYS[kind] <= set(claims("https://issuer.example", datetime.now(UTC)))
