"""Envelopes and statements: what is read, and what is refused with its own code."""

import base64
import json

import pytest

from scans.domain import statements
from scans.domain.signers import is_signed_by
from scans.domain.statements import AttestationRefused, read_envelope, require_about
from tests.factories.attestations import CYCLONEDX, SPDX, V01, V1, Key, bundle, cyclonedx, statement

DIGEST = "sha256:" + "ab" * 32
OTHER = "sha256:" + "cd" * 32
BOM = cyclonedx(["pkg:golang/example.com/x@v1.0.0"])


@pytest.fixture(scope="module")
def key() -> Key:
    return Key()


def refusal(call) -> str:
    with pytest.raises(AttestationRefused) as refused:
        call()
    assert refused.value.detail
    return refused.value.code


class TestEnvelopes:
    @pytest.mark.parametrize("algorithm", ["ecdsa-p256", "ed25519"])
    def test_a_signed_one_verifies_with_its_key_alone(self, algorithm):
        key = Key(algorithm)
        envelope = read_envelope(key.attest(DIGEST, BOM))
        assert is_signed_by(envelope, key.public_pem)
        assert not is_signed_by(envelope, Key(algorithm).public_pem)
        assert not is_signed_by(envelope, Key().public_pem)

    def test_cosign_3s_bundle_holds_the_same_envelope(self, key):
        body = key.attest(DIGEST, BOM)
        assert read_envelope(bundle(body)) == read_envelope(body)

    def test_one_changed_byte_of_the_payload_is_not_signed(self, key):
        document = json.loads(key.attest(DIGEST, BOM))
        payload = base64.b64decode(document["payload"]).replace(b"v1.0.0", b"v1.0.1")
        document["payload"] = base64.b64encode(payload).decode()
        assert not is_signed_by(read_envelope(json.dumps(document).encode()), key.public_pem)

    def test_a_payload_of_another_type_cannot_be_passed_off(self, key):
        body = key.envelope(statement(DIGEST, BOM), payload_type="application/json")
        assert refusal(lambda: read_envelope(body)) == "payload_type"
        document = json.loads(body) | {"payloadType": "application/vnd.in-toto+json"}
        assert not is_signed_by(read_envelope(json.dumps(document).encode()), key.public_pem)

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b"\x00\xff", id="no-text"),
            pytest.param(b"[" * 100_000, id="deep"),
            pytest.param(b"[]", id="list"),
            pytest.param(b"{}", id="nothing"),
            pytest.param(b'{"payloadType": 7}', id="number"),
            pytest.param(b'{"dsseEnvelope": {}}', id="empty-bundle"),
            pytest.param(b'{"dsseEnvelope": {"payloadType": 1e999}}', id="no-number"),
        ],
    )
    def test_what_is_no_envelope_is_refused(self, body):
        assert refusal(lambda: read_envelope(body)) == "envelope_malformed"

    def test_two_signatures_are_refused(self, key):
        document = json.loads(key.attest(DIGEST, BOM))
        document["signatures"] *= 2
        assert refusal(lambda: read_envelope(json.dumps(document).encode())) == "envelope_malformed"

    def test_too_large_a_one_is_not_read(self, monkeypatch):
        monkeypatch.setattr(statements, "MAX_BYTES", 10)
        assert refusal(lambda: read_envelope(b"[" * 11)) == "too_large"


class TestStatements:
    @pytest.mark.parametrize("kind", [V01, V1])
    @pytest.mark.parametrize("predicate_type", [CYCLONEDX, SPDX])
    def test_both_versions_and_both_formats_are_read(self, kind, predicate_type):
        payload = statement(DIGEST, BOM, statement_type=kind, predicate_type=predicate_type)
        read = require_about(payload, digest=DIGEST)
        assert read.predicate_type == predicate_type
        assert json.loads(read.predicate) == BOM

    @pytest.mark.parametrize(
        ("payload", "code"),
        [
            pytest.param(b"x", "statement_malformed", id="no-json"),
            pytest.param(b"[]", "statement_malformed", id="list"),
            pytest.param(b"[" * 100_000, "statement_malformed", id="deep"),
            pytest.param(statement(DIGEST, BOM, statement_type="other"), "statement_malformed", id="type"),
            pytest.param(statement(OTHER, BOM), "other_subject", id="other-image"),
            pytest.param(statement(DIGEST, OTHER, BOM), "other_subject", id="two-images"),
            pytest.param(statement(BOM), "other_subject", id="no-image"),
            pytest.param(statement("sha512:" + "ab" * 32, BOM), "other_subject", id="other-algorithm"),
            pytest.param(
                statement(DIGEST, BOM, predicate_type="https://slsa.dev/provenance/v1"), "predicate_type", id="slsa"
            ),
        ],
    )
    def test_everything_else_is_refused(self, payload, code):
        assert refusal(lambda: require_about(payload, digest=DIGEST)) == code
