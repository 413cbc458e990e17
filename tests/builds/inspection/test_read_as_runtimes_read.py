"""Archives that two programs read in two ways: a name that is listed here must be the name that a runtime unpacks."""

import hashlib
import subprocess
from dataclasses import replace

import pytest
import zstandard

from builds.domain.layer_files import LIMITS
from builds.domain.layer_files.entries import Magic
from builds.errors import LayersRefused
from tests.builds.inspection.layer_bytes import LINK, SPARSE, entry, gz, header, layer, look, pax, raw_pax, read, record
from tests.builds.inspection.test_unpacked_by_umoci import layout, unpacked
from tests.registry.servers import tool

GNU = b"ustar  \0"
SU = b"\x7fELF, and more"
ONE_MAP = b"2\n1\n2\n6\n1\n".ljust(512, b"\0")  # bytes 1-2 and byte 6 are stored


def number(value: int) -> bytes:
    return b"%011o\0" % value


def old_sparse(name: str, stored: bytes, parts: list[tuple[int, int]], size: int, more: bytes = b"") -> bytes:
    said = b"".join(number(offset) + number(length) for offset, length in parts)
    behind = {386: said, 482: b"\1" if more else b"\0", 483: number(size)}
    begin = header(name, type=SPARSE, magic=GNU, size=len(stored), behind=behind) + more
    return begin + stored + bytes(-len(stored) % 512)


def one_dot_zero(stored: bytes, size: int, **more: str) -> bytes:
    records = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "s", "GNU.sparse.realsize": size}
    return pax({name: str(value) for name, value in {**records, **more}.items()}) + entry("GNUSparseFile.1/s", stored)


# Name → what a runtime unpacks, and the archive. What others would make of it stands beside it.
NAMES = {
    "a name for sparse files alone renames nothing": (
        {"usr/bin/su"},
        layer(pax({"path": "usr/bin/su", "GNU.sparse.name": "usr/share/doc/su"}), entry("x", SU, mode=0o4755)),
    ),
    "nor does one of an unknown version": (
        {"usr/bin/su"},
        layer(
            pax({"GNU.sparse.major": "2", "GNU.sparse.minor": "0", "GNU.sparse.name": "decoy"}),
            entry("usr/bin/su", SU, mode=0o4755),
        ),
    ),
    "a prefix where GNU's format has times": (
        {"usr/bin/su"},
        layer(header("su", mode=0o4755, magic=GNU, behind={345: b"usr/bin"})),
    ),
    "times where GNU's format has times": (
        {"su"},
        layer(header("su", magic=GNU, behind={345: number(1_700_000_000), 357: number(1_700_000_000)})),
    ),
    "a prefix that is no ASCII": ({"su"}, layer(header("su", magic=GNU, behind={345: "usr/bin-é".encode()}))),
    "a size of 1 in a record where the header says 512": (
        {"innocent", "su"},
        layer(pax({"size": "1"}) + header("innocent", size=512) + b"x".ljust(512, b"\0"), entry("su", SU, mode=0o4755)),
    ),
    "sparse in the old way": ({"s"}, layer(old_sparse("s", b"abc", [(1, 2), (6, 1)], 9))),
    "sparse as 0.1 says": (
        {"s"},
        layer(
            pax(
                {
                    "GNU.sparse.numblocks": "2",
                    "GNU.sparse.map": "1,2,6,1",
                    "GNU.sparse.size": "9",
                    "GNU.sparse.name": "s",
                }
            ),
            entry("x", b"abc"),
        ),
    ),
    "sparse as 1.0 says": ({"s"}, layer(one_dot_zero(ONE_MAP + b"abc", 9))),
}
REFUSED = {
    "global header between a name and its entry": (
        layer(pax({"path": "decoy"}), pax({"comment": "x"}, type=b"g"), entry("usr/bin/su", SU, mode=0o4755)),
        "global header",
    ),
    "global header between a long name and its entry": (
        layer(entry("././@LongLink", b"decoy\0", type=b"L"), pax({"comment": "x"}, type=b"g"), entry("usr/bin/su")),
        "global header",
    ),
    "global header that is malformed": (layer(raw_pax(b"9 x", type=b"g"), entry("x")), "malformed"),
    "sparse header of another form": (layer(header("s", type=SPARSE, behind={483: number(9)})), "GNU's form"),
    "sparse parts past the end": (layer(old_sparse("s", b"abc", [(1, 2), (9, 1)], 9)), "do not fit"),
    "sparse parts that overlap": (layer(old_sparse("s", b"abc", [(1, 2), (2, 1)], 9)), "do not fit"),
    "more stored than its parts say": (layer(old_sparse("s", b"abcd", [(1, 2), (6, 1)], 9)), "other bytes"),
    "less stored than its parts say": (layer(old_sparse("s", b"ab", [(1, 2), (6, 1)], 9)), "other bytes"),
    "sparse map of other length": (
        layer(pax({"GNU.sparse.numblocks": "1", "GNU.sparse.map": "1,2,6,1"}), entry("x", b"abc")),
        "another length",
    ),
    "sparse map of words": (layer(pax({"GNU.sparse.map": "a,b", "GNU.sparse.numblocks": "1"}), entry("x")), "numbers"),
    "sparse map without an end": (layer(one_dot_zero(b"1" * 512, 9)), "middle of its map"),
    "sparse map of a million parts": (layer(one_dot_zero(b"999999\n".ljust(512, b"1"), 9)), "middle of its map"),
    "sparse offsets out of turn": (
        layer(raw_pax(record("GNU.sparse.numbytes", "1") + record("GNU.sparse.offset", "1")), entry("x")),
        "malformed",
    ),
    "link that says it is sparse": (
        layer(
            pax({"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.name": "decoy"}),
            entry("etc/passwd", type=LINK, target="/tmp/x"),
        ),
        "no file",
    ),
    "octal number with a blank in it": (layer(header("x", size=b"1 \0 2       \0")), "no number"),
    "checksum in base 256": (layer(b"".join([entry("x")[:148], b"\x80" + bytes(7), entry("x")[156:]])), "checksum"),
}


@pytest.mark.parametrize(("names", "body"), [pytest.param(*case, id=name) for name, case in NAMES.items()])
def test_the_name_that_is_unpacked(tmp_path, names, body):
    assert {path for path, one in read(tmp_path, body).items() if one.kind == "file"} == names


@pytest.mark.parametrize(("body", "sentence"), [pytest.param(*case, id=name) for name, case in REFUSED.items()])
def test_what_is_read_in_two_ways_is_refused(tmp_path, body, sentence):
    with pytest.raises(LayersRefused, match=sentence):
        read(tmp_path, body)


class TestPacking:
    def test_a_frame_that_is_skipped_does_not_make_it_another_archive(self, tmp_path):
        """The beginning is a sound tar and a zstd frame that every decoder skips: runtimes read what stands behind."""
        length = (512 - 8).to_bytes(4, "little")
        first = header(b"\x50\x2a\x4d\x18" + length + b"decoy")
        body = first + zstandard.ZstdCompressor().compress(layer(entry("usr/bin/su", SU, mode=0o4755)))
        assert {path for path, one in read(tmp_path, body).items() if one.kind == "file"} == {"usr/bin/su"}

    def test_members_with_zeros_between_them_are_refused(self, tmp_path):
        first, second = gz(entry("a")), gz(layer(entry("usr/bin/su", SU, mode=0o4755)))
        with pytest.raises(LayersRefused, match="behind zeros"):
            read(tmp_path, first + bytes(100) + second)

    def test_zeros_that_fill_up_the_end_are_not(self, tmp_path):
        assert list(read(tmp_path, gz(layer(entry("a"))) + bytes(300_000))) == ["a"]


class TestSparseFiles:
    WHOLE = b"\0ab\0\0\0c\0\0"

    @pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("sparse")])
    def test_are_listed_as_they_are_read(self, tmp_path, name):
        """However they are stored, one content is one hash."""
        found = read(tmp_path, NAMES[name][1])["s"]
        assert (found.size, found.sha256) == (len(self.WHOLE), hashlib.sha256(self.WHOLE).hexdigest())

    def test_with_more_parts_than_their_header_holds(self, tmp_path):
        parts = [(2 * one, 1) for one in range(30)]
        said = [number(offset) + number(length) for offset, length in parts]
        more = b"".join(said[4:25]) + b"\1".ljust(8, b"\0") + b"".join(said[25:]).ljust(512, b"\0")
        found = read(tmp_path, layer(old_sparse("s", b"x" * 30, parts[:4], 60, more)))
        assert found["s"].sha256 == hashlib.sha256(b"x\0" * 30).hexdigest()

    def test_a_program_in_one_is_a_program(self, tmp_path):
        """The map before the content is not its beginning."""
        body = b"1\n0\n%d\n" % len(SU)
        found = read(tmp_path, layer(one_dot_zero(body.ljust(512, b"\0") + SU, len(SU))))
        assert found["s"].magic is Magic.ELF

    def test_a_secret_in_one_is_seen(self, tmp_path):
        kind = b"OPENSSH PRIVATE KEY-----\n"
        text = b"-----BEGIN " + kind + b"b3BlbnNzaC1rZXktdjEAAAAABG5vbmU=\n-----END " + kind
        body = (b"1\n0\n%d\n" % len(text)).ljust(512, b"\0") + text
        archive = layer(one_dot_zero(body, len(text), **{"GNU.sparse.name": "root/.ssh/key.pem"}))
        sights = look(tmp_path, archive).sights()
        assert [(one.path, one.line) for one in sights if one.line] == [("root/.ssh/key.pem", 1)]

    def test_holes_count_as_bytes(self, tmp_path):
        tight = replace(LIMITS, unpacked_bytes=10_000)
        with pytest.raises(LayersRefused, match="unpack to over"):
            read(tmp_path, layer(old_sparse("s", b"", [], 6000), old_sparse("t", b"", [], 6000)), limits=tight)


@pytest.mark.integration
@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("sparse in")])
def test_umoci_unpacks_the_same_names(tmp_path, name):
    body = NAMES[name][1]
    image = layout(tmp_path / "layout", body)
    command = [tool("umoci"), "unpack", "--rootless", "--image", f"{image}:x", str(tmp_path / "bundle")]
    subprocess.run(command, check=True, capture_output=True)
    found = {path: one[2] for path, one in unpacked(tmp_path / "bundle" / "rootfs").items() if one[0] == "file"}
    assert found == {path: one.sha256 for path, one in read(tmp_path, gz(body)).items() if one.kind == "file"}
