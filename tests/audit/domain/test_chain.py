"""The hashes, against values computed by hand and RFC 6962's own construction."""

import hashlib

import pytest

from audit.domain import chain
from audit.domain.body import storable, time_text
from audit.domain.checkpoint import checkpoint_body, key_id_of, signed_bytes


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


A, B, C, D, E = (sha256(letter) for letter in (b"a", b"b", b"c", b"d", b"e"))


class TestMerkleRoot:
    def test_one_leaf_is_the_root(self):
        assert chain.merkle_root([A]) == A

    def test_five_leaves_split_at_the_largest_power_of_two(self):
        left = sha256(b"\x01", sha256(b"\x01", A, B), sha256(b"\x01", C, D))
        assert chain.merkle_root([A, B, C, D, E]) == sha256(b"\x01", left, E)

    def test_order_counts(self):
        assert chain.merkle_root([A, B]) != chain.merkle_root([B, A])

    def test_nothing_has_no_root(self):
        with pytest.raises(ValueError, match="empty"):
            chain.merkle_root([])


class TestPrefixes:
    def test_leaf(self):
        assert chain.leaf_hash({"b": 1, "a": "ä"}) == sha256(b"\x00", '{"a":"ä","b":1}'.encode())

    def test_seal(self):
        assert chain.seal_hash({"number": 1}) == sha256(b"\x02", b'{"number":1}').hex()


class TestTimeText:
    def test_always_six_digits_and_utc(self, now):
        assert time_text(now) == "2026-11-24T12:00:00.000000Z"


class TestStorable:
    def test_lists_and_tuples_are_lists(self):
        assert storable({"a": (1, [2])}) == {"a": [1, [2]]}


class TestCheckpoint:
    def test_signed_bytes_are_the_documented_line(self, now):
        body = checkpoint_body(number=2, size=5, head="ab", at=now, key_id="sha256:cd")
        assert signed_bytes(body) == (
            b'{"at":"2026-11-24T12:00:00.000000Z","format":"goldgate-checkpoint/1",'
            b'"head":"ab","key_id":"sha256:cd","number":2,"size":5}'
        )

    def test_key_id(self):
        assert key_id_of(b"\x00" * 32) == "sha256:" + hashlib.sha256(b"\x00" * 32).hexdigest()
