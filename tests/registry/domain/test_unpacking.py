"""A layer is what its bytes unpack to; what grows without bound is left."""

import gzip
import io

import pytest
import zstandard

from oci.digest import Digest
from registry.domain import unpacking
from registry.errors import LayerNotAsClaimed

BODY = b"the layer's tar" * 1000
ANY = Digest.of(b"")


def unpack(packed: bytes) -> unpacking.Unpacked:
    return unpacking.unpack(io.BytesIO(packed), packed_bytes=len(packed), digest=ANY)


class TestUnpack:
    @pytest.mark.parametrize(
        "packed",
        [
            pytest.param(BODY, id="plain"),
            pytest.param(gzip.compress(BODY), id="gzip"),
            pytest.param(gzip.compress(BODY[:5000]) + gzip.compress(BODY[5000:]), id="gzip-in-two-members"),
            pytest.param(zstandard.compress(BODY), id="zstd"),
            pytest.param(zstandard.compress(BODY[:5000]) + zstandard.compress(BODY[5000:]), id="zstd-in-two-frames"),
        ],
    )
    def test_however_it_is_packed_it_is_the_same_layer(self, packed):
        assert unpack(packed) == unpacking.Unpacked(Digest.of(BODY), len(BODY))

    @pytest.mark.parametrize(
        "packed",
        [
            pytest.param(gzip.compress(BODY)[:-10], id="gzip-cut"),
            pytest.param(gzip.compress(BODY)[:-8] + b"\x00" * 8, id="gzip-wrong-sum"),
            pytest.param(gzip.compress(BODY) + b"and more", id="gzip-with-rest"),
            pytest.param(b"\x28\xb5\x2f\xfd" + b"\xff" * 100, id="zstd-noise"),
        ],
    )
    def test_what_cannot_be_unpacked_is_refused(self, packed):
        with pytest.raises(LayerNotAsClaimed, match="cannot be unpacked"):
            unpack(packed)

    @pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
    def test_a_bomb_is_left_at_the_ratio(self, pack, monkeypatch):
        monkeypatch.setattr(unpacking, "RATIO_COUNTS_FROM_BYTES", 1_000_000)
        with pytest.raises(LayerNotAsClaimed, match="times its size"):
            unpack(pack(b"\0" * 30_000_000))

    def test_a_bomb_is_left_at_the_size(self, monkeypatch):
        monkeypatch.setattr(unpacking, "MAX_UNPACKED_BYTES", 1_000_000)
        with pytest.raises(LayerNotAsClaimed, match="1000000 bytes"):
            unpack(b"\0" * 3_000_000)

    def test_a_cut_zstd_frame_is_not_taken_for_a_whole_layer(self):
        cut = zstandard.compress(bytes(range(256)) * 4000)[:-5]
        try:
            found = unpack(cut)
        except LayerNotAsClaimed:
            return
        assert found.diff_id != Digest.of(bytes(range(256)) * 4000)
