"""Payloads, envelopes and manifests: what they say, and what is refused."""

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from signing.adapters.key_file import FileSigner, make_key_file
from signing.domain import cosign, dsse, ecdsa, simple_signing
from signing.errors import KeyExists, SignatureInvalid, SignerUnavailable

RECORDED = Path(__file__).parents[1] / "data" / "cosign"
DIGEST = "sha256:" + "ab" * 32
NAME = "registry.example/golden/debian"
KIND = "https://example.org/packet/v1"


@pytest.fixture
def signer(tmp_path: Path) -> FileSigner:
    make_key_file(tmp_path / "k.pem", passphrase=None)
    return FileSigner.load(str(tmp_path / "k.pem"))


@pytest.fixture
def public_pem(tmp_path: Path, signer: FileSigner) -> str:
    key = serialization.load_pem_private_key((tmp_path / "k.pem").read_bytes(), None)
    return ecdsa.pem_of(key.public_key())


class TestSimpleSigning:
    def test_a_signature_that_cosign_made_verifies(self):
        manifest = json.loads((RECORDED / "legacy.manifest.json").read_bytes())
        payload = (RECORDED / "legacy.payload0.json").read_bytes()
        signature = base64.b64decode(manifest["layers"][0]["annotations"][simple_signing.SIGNATURE_ANNOTATION])
        digest = "sha256:07e4e82a56fad61ed13610e99005e4f5c44ca47be90902bb71e1db0fa2a29c41"
        simple_signing.require_payload_names(payload, digest=digest, repository_name="127.0.0.1:5055/debian/base")
        ecdsa.require_signed(payload, signature=signature, public_pem=(RECORDED / "cosign.pub").read_text())

    def test_our_manifest_for_the_same_layer_is_what_cosign_pushed(self):
        recorded = json.loads((RECORDED / "legacy.manifest.json").read_bytes())
        payload = (RECORDED / "legacy.payload0.json").read_bytes()
        signature = base64.b64decode(recorded["layers"][0]["annotations"][simple_signing.SIGNATURE_ANNOTATION])
        ours = cosign.bundle("x.sig", [cosign.signature_layer(payload=payload, signature=signature)])
        assert json.loads(ours.manifest)["layers"] == recorded["layers"]
        assert json.loads(ours.manifest)["config"]["mediaType"] == recorded["config"]["mediaType"]

    @pytest.mark.parametrize(
        ("digest", "name"),
        [
            pytest.param("sha256:" + "cd" * 32, NAME, id="other-digest"),
            pytest.param(DIGEST, "registry.example/golden/other", id="other-repository"),
            pytest.param(DIGEST, "registry.example/golden/debian-evil", id="longer-repository"),
        ],
    )
    def test_a_payload_for_something_else_is_refused(self, digest, name):
        payload = simple_signing.payload_for(digest=digest, repository_name=name)
        with pytest.raises(SignatureInvalid):
            simple_signing.require_payload_names(payload, digest=DIGEST, repository_name=NAME)

    @pytest.mark.parametrize(
        "payload", [b"", b"null", b"[]", b'{"critical":[]}', b'{"critical":{"type":"x"}}', b"[" * 60_000]
    )
    def test_what_is_no_payload_is_refused(self, payload):
        with pytest.raises(SignatureInvalid):
            simple_signing.require_payload_names(payload, digest=DIGEST, repository_name=NAME)

    def test_the_same_input_gives_the_same_bytes(self):
        first = simple_signing.payload_for(digest=DIGEST, repository_name=NAME)
        assert first == simple_signing.payload_for(digest=DIGEST, repository_name=NAME)


class TestEnvelope:
    def test_the_encoding_is_the_specifications_example(self):
        # dsse, protocol.md: the test vector.
        encoded = dsse.pre_authentication_encoding(b"hello world", "http://example.com/HelloWorld")
        assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"

    def test_a_statement_comes_back_as_it_was_signed(self, signer, public_pem):
        payload = dsse.statement_for(digest=DIGEST, repository_name=NAME, predicate_type=KIND, predicate={"a": 1})
        signature = signer.sign(dsse.pre_authentication_encoding(payload))
        envelope = dsse.parse_envelope(dsse.envelope_of(payload, signature=signature, key_id=signer.key_id))
        ecdsa.require_signed(
            dsse.pre_authentication_encoding(envelope.payload), signature=envelope.signature, public_pem=public_pem
        )
        assert dsse.require_statement_names(envelope.payload, digest=DIGEST, predicate_type=KIND) == {"a": 1}

    def test_a_signature_over_the_bare_payload_does_not_verify(self, signer, public_pem):
        payload = dsse.statement_for(digest=DIGEST, repository_name=NAME, predicate_type=KIND, predicate={})
        with pytest.raises(SignatureInvalid):
            ecdsa.require_signed(
                dsse.pre_authentication_encoding(payload), signature=signer.sign(payload), public_pem=public_pem
            )

    @pytest.mark.parametrize(
        ("digest", "kind"),
        [pytest.param("sha256:" + "cd" * 32, KIND, id="digest"), pytest.param(DIGEST, KIND + "x", id="type")],
    )
    def test_a_statement_about_something_else_is_refused(self, digest, kind):
        payload = dsse.statement_for(digest=digest, repository_name=NAME, predicate_type=kind, predicate={})
        with pytest.raises(SignatureInvalid):
            dsse.require_statement_names(payload, digest=DIGEST, predicate_type=KIND)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"[]",
            b'{"payloadType":"application/vnd.in-toto+json","payload":"","signatures":[]}',
            b'{"payloadType":"text/plain","payload":"","signatures":[{"sig":""}]}',
            b'{"payloadType":"application/vnd.in-toto+json","payload":"*","signatures":[{"sig":""}]}',
            b'{"payloadType":"application/vnd.in-toto+json","payload":"","signatures":[{"sig":""},{"sig":""}]}',
        ],
    )
    def test_what_is_no_envelope_is_refused(self, body):
        with pytest.raises(SignatureInvalid):
            dsse.parse_envelope(body)


class TestOtherLayers:
    def test_another_signers_layer_is_kept(self):
        mine = cosign.signature_layer(payload=b"a", signature=b"mine")
        theirs = cosign.signature_layer(payload=b"a", signature=b"theirs")
        found = cosign.bundle("t", [theirs, mine]).manifest
        assert cosign.other_layers(found, ours=[mine]) == [theirs.descriptor()]

    @pytest.mark.parametrize("found", [b"", b"[]", b'{"layers":[1,{"digest":2}]}'])
    def test_nothing_is_kept_of_what_cannot_be_read(self, found):
        assert cosign.other_layers(found, ours=[]) == []


class TestKeyFile:
    def test_a_new_key_is_readable_by_nobody_else(self, tmp_path):
        make_key_file(tmp_path / "deep" / "k.pem", passphrase=None)
        assert (tmp_path / "deep" / "k.pem").stat().st_mode & 0o777 == 0o600

    def test_a_key_is_never_written_over(self, tmp_path):
        make_key_file(tmp_path / "k.pem", passphrase=None)
        before = (tmp_path / "k.pem").read_bytes()
        with pytest.raises(KeyExists):
            make_key_file(tmp_path / "k.pem", passphrase=None)
        assert (tmp_path / "k.pem").read_bytes() == before

    def test_a_key_open_to_others_is_refused(self, tmp_path):
        make_key_file(tmp_path / "k.pem", passphrase=None)
        (tmp_path / "k.pem").chmod(0o640)
        with pytest.raises(SignerUnavailable, match="0640"):
            FileSigner.load(str(tmp_path / "k.pem"))

    def test_a_passphrase_protects_the_key(self, tmp_path):
        make_key_file(tmp_path / "k.pem", passphrase=b"open sesame")
        for name, text in (("right", "open sesame\n"), ("wrong", "open barley")):
            (tmp_path / name).write_text(text)
            (tmp_path / name).chmod(0o600)
        FileSigner.load(str(tmp_path / "k.pem"), passphrase_path=str(tmp_path / "right"))
        with pytest.raises(SignerUnavailable):
            FileSigner.load(str(tmp_path / "k.pem"), passphrase_path=str(tmp_path / "wrong"))
        with pytest.raises(SignerUnavailable):
            FileSigner.load(str(tmp_path / "k.pem"))

    def test_no_file_and_no_key_are_refused(self, tmp_path):
        (tmp_path / "junk").write_text("junk")
        (tmp_path / "junk").chmod(0o600)
        for path in ("", str(tmp_path / "absent"), str(tmp_path / "junk")):
            with pytest.raises(SignerUnavailable):
                FileSigner.load(path)

    def test_another_curve_is_refused(self, tmp_path):
        key = ec.generate_private_key(ec.SECP384R1())
        path = tmp_path / "k.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        path.chmod(0o600)
        with pytest.raises(SignerUnavailable, match="P-256"):
            FileSigner.load(str(path))
        with pytest.raises(SignatureInvalid, match="P-256"):
            ecdsa.load_public_key(ecdsa.pem_of(key.public_key()))
