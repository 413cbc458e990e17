"""Tokens that are not what a source trusts: each refused before anything else is read, and recorded."""

import hmac
import json
from hashlib import sha256

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from audit.models import Record
from audit.verbs import Verb
from builds.models import Build, RefusedSubmissions, Submission
from builds.services.pipelines import end_pipeline
from builds.services.submissions import RECORDED_AN_HOUR
from registry.models import Import
from tests.fakes.oidc_issuer import ec_key, github_claims, jwk, part, rsa_key

pytestmark = pytest.mark.django_db


def public_pem(key) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def hs256(header, claims, secret: bytes) -> str:
    """By hand: the library refuses to sign with a public key."""
    text = f"{part(header)}.{part(claims)}"
    return f"{text}.{part(hmac.new(secret, text.encode(), sha256).digest())}"


def resigned(issuer, claims_bytes: bytes, header=None, key=None) -> str:
    """Any bytes as claims, signed by the issuer's own key or another one."""
    head = json.dumps({"alg": "RS256", "kid": "key-1", "typ": "JWT", **(header or {})}).encode()
    text = f"{part(head)}.{part(claims_bytes)}"
    signature = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(
        text.encode(), issuer.keys["key-1"]
    )
    return f"{text}.{part(signature)}"


def good(issuer, at, **changes):
    return github_claims(issuer.url, at, **changes)


def seconds(at, more):
    return int(at.timestamp()) + more


FORGED = {
    "wrong issuer": (
        "token_issuer",
        lambda i, at: i.token(good(i, at, iss="https://token.actions.githubusercontent.com")),
    ),
    "issuer with a slash": ("token_issuer", lambda i, at: i.token(good(i, at, iss=i.url + "/"))),
    "issuer with a path of ours": ("token_issuer", lambda i, at: i.token(good(i, at, iss=i.url + "/evil"))),
    "issuer as a list": (
        "token_issuer",
        lambda i, at: resigned(i, json.dumps({**good(i, at), "iss": [i.url]}).encode()),
    ),
    "wrong audience": ("token_audience", lambda i, at: i.token(good(i, at, aud="https://other.example"))),
    "audience in other case": ("token_audience", lambda i, at: i.token(good(i, at, aud="https://GOLDGATE.example"))),
    "audience and a foreign one": (
        "token_audience",
        lambda i, at: i.token(good(i, at, aud=["https://goldgate.example", "https://other.example"])),
    ),
    "no audience": ("token_audience", lambda i, at: i.token(good(i, at, aud=None))),
    "wrong subject": ("token_subject", lambda i, at: i.token(good(i, at, sub="repo:evil/x:ref:refs/heads/main"))),
    "subject that begins like it": (
        "token_subject",
        lambda i, at: i.token(good(i, at, sub="repo:acme/base-images:ref:refs/heads/main-evil")),
    ),
    "subject that it begins like": (
        "token_subject",
        lambda i, at: i.token(good(i, at, sub="repo:acme/base-images:ref:refs/heads/mai")),
    ),
    "pull request of the same repository": (
        "token_subject",
        lambda i, at: i.token(good(i, at, sub="repo:acme/base-images:pull_request")),
    ),
    "algorithm none": (
        "token_malformed",
        lambda i, at: f"{part({'alg': 'none', 'kid': 'key-1'})}.{part(good(i, at))}.",
    ),
    "algorithm none with a signature": (
        "token_algorithm",
        lambda i, at: f"{part({'alg': 'none', 'kid': 'key-1'})}.{part(good(i, at))}.AAAA",
    ),
    "algorithm nOnE": (
        "token_algorithm",
        lambda i, at: f"{part({'alg': 'nOnE', 'kid': 'key-1'})}.{part(good(i, at))}.AAAA",
    ),
    "HS256 with the public key as secret": (
        "token_algorithm",
        lambda i, at: hs256({"alg": "HS256", "kid": "key-1", "typ": "JWT"}, good(i, at), public_pem(i.keys["key-1"])),
    ),
    "RS256 said, HS256 done": (
        "token_signature",
        lambda i, at: hs256({"alg": "RS256", "kid": "key-1", "typ": "JWT"}, good(i, at), public_pem(i.keys["key-1"])),
    ),
    "RS512 by the right key": (
        "token_algorithm",
        lambda i, at: jwt.encode(good(i, at), i.keys["key-1"], algorithm="RS512", headers={"kid": "key-1"}),
    ),
    "PS256 by the right key": (
        "token_algorithm",
        lambda i, at: jwt.encode(good(i, at), i.keys["key-1"], algorithm="PS256", headers={"kid": "key-1"}),
    ),
    "RS256 named with the EC key": (
        "token_key_unfit",
        lambda i, at: jwt.encode(good(i, at), rsa_key(1), algorithm="RS256", headers={"kid": "key-ec"}),
    ),
    "foreign key under the same kid": (
        "token_signature",
        lambda i, at: jwt.encode(good(i, at), rsa_key(2), algorithm="RS256", headers={"kid": "key-1"}),
    ),
    "foreign EC key under the same kid": (
        "token_signature",
        lambda i, at: jwt.encode(good(i, at), ec_key(2), algorithm="ES256", headers={"kid": "key-ec"}),
    ),
    "unknown kid": (
        "token_key_unknown",
        lambda i, at: jwt.encode(good(i, at), rsa_key(2), algorithm="RS256", headers={"kid": "key-9"}),
    ),
    "no kid": ("token_header", lambda i, at: jwt.encode(good(i, at), i.keys["key-1"], algorithm="RS256")),
    "expired": (
        "token_expired",
        lambda i, at: i.token(good(i, at, iat=seconds(at, -700), nbf=None, exp=seconds(at, -61))),
    ),
    "not yet valid": ("token_not_yet_valid", lambda i, at: i.token(good(i, at, nbf=seconds(at, 120)))),
    "issued in the future": (
        "token_not_yet_valid",
        lambda i, at: i.token(good(i, at, iat=seconds(at, 120), nbf=None, exp=seconds(at, 300))),
    ),
    "for a day": ("token_lifetime", lambda i, at: i.token(good(i, at, exp=seconds(at, 86_400)))),
    "for a day, said by nbf": (
        "token_lifetime",
        lambda i, at: i.token(good(i, at, nbf=seconds(at, -86_400), exp=seconds(at, 300))),
    ),
    "no end": ("token_claim_missing", lambda i, at: i.token(good(i, at, exp=None))),
    "no beginning": ("token_claim_missing", lambda i, at: i.token(good(i, at, iat=None))),
    "end as a text": (
        "token_claim_missing",
        lambda i, at: resigned(i, json.dumps({**good(i, at), "exp": str(seconds(at, 300))}).encode()),
    ),
    "no id": ("token_claim_missing", lambda i, at: i.token(good(i, at, jti=None))),
    "no commit": ("token_claim_missing", lambda i, at: i.token(good(i, at, sha=None))),
    "a commit that is none": ("token_claim_missing", lambda i, at: i.token(good(i, at, sha="main"))),
    "no repository": ("token_claim_missing", lambda i, at: i.token(good(i, at, repository=None))),
    "key set address of its own (jku)": (
        "token_header",
        lambda i, at: i.token(good(i, at), headers={"jku": "https://evil.example/jwks"}),
    ),
    "certificate address of its own (x5u)": (
        "token_header",
        lambda i, at: i.token(good(i, at), headers={"x5u": "https://evil.example/x.pem"}),
    ),
    "key of its own (jwk)": (
        "token_header",
        lambda i, at: jwt.encode(
            good(i, at), rsa_key(2), algorithm="RS256", headers={"kid": "key-1", "jwk": jwk(rsa_key(2), "key-1")}
        ),
    ),
    "crit": ("token_header", lambda i, at: resigned(i, json.dumps(good(i, at)).encode(), {"crit": ["exp"]})),
    "b64": ("token_header", lambda i, at: resigned(i, json.dumps(good(i, at)).encode(), {"b64": False})),
    "another type": ("token_header", lambda i, at: i.token(good(i, at), headers={"typ": "logout+jwt"})),
    "claims with a key twice": (
        "token_malformed",
        lambda i, at: resigned(
            i, json.dumps(good(i, at)).encode()[:-1] + b', "sub": "repo:acme/base-images:ref:refs/heads/main"}'
        ),
    ),
    "claims that are a list": ("token_malformed", lambda i, at: resigned(i, b"[]")),
    "claims that nest too deep": ("token_malformed", lambda i, at: resigned(i, b'{"a":' * 200 + b"1" + b"}" * 200)),
    "oversize": ("token_too_large", lambda i, at: i.token(good(i, at, more="x" * 20_000))),
    "two parts": ("token_malformed", lambda i, at: ".".join(i.token(good(i, at)).split(".")[:2])),
    "five parts": ("token_malformed", lambda i, at: i.token(good(i, at)) + ".a.b"),
    "signature with padding": ("token_malformed", lambda i, at: i.token(good(i, at)) + "=="),
    "signature cut": ("token_signature", lambda i, at: i.token(good(i, at))[:-20]),
    "a service token": ("token_malformed", lambda i, at: "ggt_" + "a" * 43),
}


@pytest.mark.parametrize("name", FORGED)
def test_is_refused_and_recorded(client, source, issuer, trust, at, name):
    trust(source)
    expected, make = FORGED[name]

    answer = client.post(
        f"/api/v1/sources/{source.pk}/submissions",
        data="this body is never read",
        content_type="application/json",
        headers={"Authorization": f"Bearer {make(issuer, at)}"},
    )

    assert answer.status_code == 401
    assert answer.json()["code"] == expected
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    told = Record.objects.get(verb=Verb.BUILD_SUBMISSION_REFUSED)
    assert told.data["code"] == expected
    assert (told.subject_kind, told.subject_id) == ("source", str(source.pk))
    assert RefusedSubmissions.objects.get(source=source).count == 1
    assert not Build.objects.exists()
    assert not Submission.objects.exists()
    assert not Import.objects.exists()


def test_there_are_more_than_the_kinds_that_were_asked_for():
    assert len({code for code, _ in FORGED.values()}) >= 12


class TestTheKeys:
    @pytest.mark.parametrize(
        "key",
        [
            pytest.param(jwk(rsa_key(3, 1024), "weak"), id="1024 bits"),
            pytest.param({**jwk(rsa_key(2), "weak"), "use": "enc"}, id="for encryption"),
            pytest.param({**jwk(rsa_key(2), "weak"), "alg": "RS512"}, id="for another algorithm"),
            pytest.param({"kty": "RSA", "kid": "weak", "n": "AQ", "e": "AQAB"}, id="no modulus"),
        ],
    )
    def test_one_that_is_not_fit_verifies_nothing(self, client, source, issuer, trust, at, key):
        trust(source)
        issuer.more_keys = [key]
        signer = rsa_key(3, 1024) if key.get("n") == jwk(rsa_key(3, 1024), "weak")["n"] else rsa_key(2)
        token = resigned(issuer, json.dumps(good(issuer, at)).encode(), {"kid": "weak"}, signer)
        answer = client.post(f"/api/v1/sources/{source.pk}/submissions", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["code"]) == (401, "token_key_unfit")

    def test_another_curve_is_not_fit(self, client, source, issuer, trust, at):
        trust(source)
        key = ec.generate_private_key(ec.SECP384R1())
        issuer.more_keys = [{**jwk(key, "p384"), "alg": "ES256"}]
        head, claims = part({"alg": "ES256", "kid": "p384", "typ": "JWT"}), part(good(issuer, at))
        answer = client.post(
            f"/api/v1/sources/{source.pk}/submissions", headers={"Authorization": f"Bearer {head}.{claims}.AAAA"}
        )
        assert (answer.status_code, answer.json()["code"]) == (401, "token_key_unfit")


class TestNobodyInParticular:
    def test_no_token_is_refused_and_recorded(self, client, source, trust):
        trust(source)
        answer = client.post(f"/api/v1/sources/{source.pk}/submissions")
        assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")
        assert Record.objects.filter(verb=Verb.BUILD_SUBMISSION_REFUSED).count() == 1

    def test_a_session_is_no_token(self, client, source, trust):
        trust(source)
        client.force_login(source.owner)
        answer = client.post(f"/api/v1/sources/{source.pk}/submissions", data={}, content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")

    def test_a_source_that_trusts_nobody_believes_nobody(self, client, source, issuer, at):
        token = issuer.token(good(issuer, at))
        answer = client.post(f"/api/v1/sources/{source.pk}/submissions", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["code"]) == (401, "token_issuer")
        assert issuer.asked == []

    def test_a_pipeline_that_was_ended_is_believed_no_longer(self, client, source, issuer, trust, at):
        end_pipeline(pipeline_id=trust(source).pk, by=source.owner, now=at)
        token = issuer.token(good(issuer, at))
        answer = client.post(f"/api/v1/sources/{source.pk}/submissions", headers={"Authorization": f"Bearer {token}"})
        assert answer.json()["code"] == "token_issuer"

    def test_what_names_no_trusted_pipeline_makes_us_ask_nobody(self, client, source, issuer, trust, at):
        trust(source)
        for changes in ({"iss": "https://evil.example"}, {"sub": "repo:evil/x:ref:y"}, {"aud": "x"}, {"exp": 1}):
            client.post(
                f"/api/v1/sources/{source.pk}/submissions",
                headers={"Authorization": f"Bearer {issuer.token(good(issuer, at, **changes))}"},
            )
        assert issuer.asked == []


class TestAFlood:
    def test_fills_the_counter_and_not_the_record(self, client, source, issuer, trust, at):
        trust(source)
        token = issuer.token(good(issuer, at, aud="https://other.example"))
        for _ in range(RECORDED_AN_HOUR + 7):
            client.post(f"/api/v1/sources/{source.pk}/submissions", headers={"Authorization": f"Bearer {token}"})
        assert sum(RefusedSubmissions.objects.values_list("count", flat=True)) == RECORDED_AN_HOUR + 7
        recorded = Record.objects.filter(verb=Verb.BUILD_SUBMISSION_REFUSED)
        assert recorded.count() in (RECORDED_AN_HOUR, 2 * RECORDED_AN_HOUR)  # an hour may have ended meanwhile

    def test_another_kind_is_still_recorded(self, client, source, issuer, trust, at):
        trust(source)
        for changes in [{"aud": "https://other.example"}] * (RECORDED_AN_HOUR + 1) + [{"sub": "repo:evil/x:ref:y"}]:
            token = issuer.token(good(issuer, at, **changes))
            client.post(f"/api/v1/sources/{source.pk}/submissions", headers={"Authorization": f"Bearer {token}"})
        codes = Record.objects.filter(verb=Verb.BUILD_SUBMISSION_REFUSED).values_list("data__code", flat=True)
        assert "token_subject" in codes
