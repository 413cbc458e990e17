"""Signers: which keys are read, and what a scope may name."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from scans.domain.signers import KeyUnreadable, algorithm_of, load_key, wrong_fields
from signing.domain.ecdsa import pem_of
from tests.factories.attestations import Key


class TestKeys:
    @pytest.mark.parametrize("algorithm", ["ecdsa-p256", "ed25519"])
    def test_two_kinds_are_read(self, algorithm):
        key = load_key(Key(algorithm).public_pem)
        assert algorithm_of(key) == algorithm
        assert load_key(pem_of(key)) == key

    def test_others_are_refused(self):
        pem = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        for key in (ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)):
            with pytest.raises(KeyUnreadable, match="neither"):
                load_key(key.public_key().public_bytes(*pem).decode())

    def test_a_private_key_is_refused_and_not_repeated(self):
        secret = Key().private_pem
        with pytest.raises(KeyUnreadable, match="private key") as refused:
            load_key(secret)
        assert secret.splitlines()[1] not in str(refused.value)

    @pytest.mark.parametrize(
        "text", ["", "x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "x" * 9999]
    )
    def test_what_is_no_key_is_refused(self, text):
        with pytest.raises(KeyUnreadable):
            load_key(text)


class TestScope:
    @pytest.mark.parametrize(
        ("fields", "pointer"),
        [
            ({"name": ""}, "/name"),
            ({"name": "a\nb"}, "/name"),
            ({"name": "x" * 101}, "/name"),
            ({"images": [], "repositories": []}, "/repositories"),
            ({"images": ["Debian"]}, "/images/0"),
            ({"images": ["debian*"]}, "/images/0"),
            ({"repositories": ["registry.example/Base"]}, "/repositories/0"),
            ({"repositories": ["registry.example/base/*"]}, "/repositories/0"),
            ({"repositories": ["registry.example/"]}, "/repositories/0"),
            ({"repositories": [""]}, "/repositories/0"),
            ({"images": ["x"] * 51}, "/images"),
        ],
    )
    def test_wrong_ones_are_named(self, fields, pointer):
        chosen = {"name": "builders", "images": ["debian"], "repositories": ["registry.example/base"], **fields}
        assert [one.pointer for one in wrong_fields(**chosen)] == [pointer]

    def test_good_ones_have_nothing_wrong(self):
        assert wrong_fields(name="Base images (CI)", images=["debian"], repositories=["127.0.0.1:5000"]) == []
