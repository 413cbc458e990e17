"""The issuer's keys: fetched when needed, kept an hour, never believed for longer, never asked for at will."""

from datetime import timedelta

import pytest

from builds.adapters.jwks import MAX_KEY_SET_BYTES, fetch_key_set
from builds.domain.oidc import TokenRefused
from builds.errors import IssuerUnavailable
from builds.services.submissions import verify_token
from tests.fakes.oidc_issuer import ec_key, github_claims, jwk, rsa_key

pytestmark = pytest.mark.django_db


def verify(source, issuer, at, **fields):
    token = issuer.token(github_claims(issuer.url, at), **fields)
    return verify_token(source=source, text=token, now=at)


class TestTheCache:
    def test_one_fetch_serves_an_hour(self, source, issuer, trust, at):
        trust(source)
        for minutes in (0, 10, 50):
            verify(source, issuer, at + timedelta(minutes=minutes))
        assert issuer.asked == ["/.well-known/jwks"]

    def test_then_it_is_fetched_again(self, source, issuer, trust, at):
        trust(source)
        verify(source, issuer, at)
        verify(source, issuer, at + timedelta(minutes=61))
        assert len(issuer.asked) == 2

    def test_a_new_key_is_looked_for_at_once(self, source, issuer, trust, at):
        trust(source)
        verify(source, issuer, at)
        issuer.keys["key-2"] = rsa_key(5)
        assert verify(source, issuer, at + timedelta(minutes=2), kid="key-2")

    def test_a_key_that_is_gone_is_believed_no_longer_than_an_hour(self, source, issuer, trust, at):
        trust(source)
        verify(source, issuer, at)
        old = issuer.token(github_claims(issuer.url, at + timedelta(minutes=61)))
        issuer.keys = {"key-2": rsa_key(5)}
        with pytest.raises(TokenRefused) as refused:
            verify_token(source=source, text=old, now=at + timedelta(minutes=61))
        assert refused.value.refusal == "token_key_unknown"

    def test_unknown_keys_make_us_ask_once_a_minute(self, source, issuer, trust, at):
        trust(source)
        verify(source, issuer, at)
        issuer.keys["key-2"] = rsa_key(5)
        tokens = [issuer.token(github_claims(issuer.url, at, jti=str(one)), kid="key-2") for one in range(20)]
        del issuer.keys["key-2"]
        for seconds, token in enumerate(tokens, start=61):
            with pytest.raises(TokenRefused):
                verify_token(source=source, text=token, now=at + timedelta(seconds=seconds))
        assert len(issuer.asked) == 2

    def test_with_old_keys_and_no_issuer_nothing_is_believed(self, source, issuer, trust, at):
        trust(source)
        verify(source, issuer, at)
        issuer.status = 500
        for seconds in (0, 1, 11):
            with pytest.raises(IssuerUnavailable):
                verify(source, issuer, at + timedelta(hours=2, seconds=seconds))
        assert len(issuer.asked) == 3  # the second one came within ten seconds

    def test_the_answer_is_503(self, client, source, issuer, trust, at):
        trust(source)
        issuer.status = 500
        token = issuer.token(github_claims(issuer.url, at))
        answer = client.post(f"/api/v1/sources/{source.pk}/submissions", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["code"]) == (503, "issuer_unavailable")


class TestFetching:
    def fetch(self, issuer, **fields):
        return fetch_key_set(f"{issuer.url}/.well-known/jwks", **{"ca_pem": issuer.ca_pem, **fields})

    def test_public_members_of_keys_alone_are_kept(self, issuer):
        issuer.more_keys = [
            {"kty": "oct", "kid": "key-s", "k": "c2VjcmV0"},
            {**jwk(rsa_key(2), "key-2"), "d": "AQAB", "x5u": "https://evil.example"},
            {"kty": "RSA", "n": "x", "e": "y"},
            "no key",
        ]
        found = self.fetch(issuer, is_private_allowed=True)
        assert [key["kid"] for key in found["keys"]] == ["key-1", "key-ec", "key-2"]
        assert "d" not in found["keys"][2]
        assert "x5u" not in found["keys"][2]

    def test_a_private_address_is_for_those_that_were_allowed_it(self, issuer):
        with pytest.raises(IssuerUnavailable, match="no public address"):
            self.fetch(issuer)
        assert issuer.asked == []

    def test_a_certificate_of_a_stranger_is_refused(self, issuer):
        with pytest.raises(IssuerUnavailable, match="certificate"):
            self.fetch(issuer, ca_pem="", is_private_allowed=True)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[]",
            b"{}",
            b'{"keys": 1}',
            b'{"keys": [], "keys": []}',
            b'{"keys": [' + b",".join([b"{}"] * 101) + b"]}",
            b'{"keys": ["' + b"x" * MAX_KEY_SET_BYTES + b'"]}',
        ],
        ids=["nothing", "a list", "no keys", "a number", "keys twice", "too many", "too large"],
    )
    def test_what_is_no_key_set_is_none(self, issuer, body):
        issuer.body = body
        with pytest.raises(IssuerUnavailable):
            self.fetch(issuer, is_private_allowed=True)

    def test_keys_of_another_host_are_not_taken(self, issuer):
        issuer.status, issuer.location = 302, "https://localhost.evil.example/jwks"
        with pytest.raises(IssuerUnavailable):
            self.fetch(issuer, is_private_allowed=True)

    def test_two_keys_of_one_name_are_none(self, source, issuer, trust, at):
        trust(source)
        issuer.more_keys = [jwk(ec_key(2), "key-ec")]
        with pytest.raises(TokenRefused) as refused:
            verify(source, issuer, at, kid="key-ec")
        assert refused.value.refusal == "token_key_unfit"
