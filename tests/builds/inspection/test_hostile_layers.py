"""Layers made to escape, to hide files, to exhaust: contained, and never called clean when they cannot be read."""

import os
import struct
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from builds.adapters.layer_reader.parent import read_layers
from builds.domain.layer_files import LIMITS, Kind
from builds.domain.layer_files.entries import shown
from builds.errors import LayersRefused
from scans.adapters.child import Limits
from tests.builds.inspection.layer_bytes import (
    BLOCK,
    CHARACTER,
    CHILD,
    DIRECTORY,
    END,
    FIFO,
    HARD,
    LINK,
    SPARSE,
    blobs,
    directory,
    entry,
    gz,
    header,
    layer,
    look,
    pax,
    raw_pax,
    read,
)

OUTSIDE = f"/tmp/goldgate-escaped-{os.getpid()}"
PASSWD = entry("etc/passwd", b"root:x:0:0")
BASE_256 = b"\x80" + bytes(11)


def zstd_with_window(exponent: int) -> bytes:
    """A frame that asks for a window of 2**exponent bytes (RFC 8878, 3.1.1.1)."""
    frame = struct.pack("<I", 0xFD2FB528) + bytes([0b0000_0000, (exponent - 10) << 3])
    return frame + (1 | 4 << 3).to_bytes(3, "little") + b"1234"


REFUSED = {
    "gzip bomb": (gz(layer(entry("zeros", bytes(100 * 1024**2)))), "200 times its size"),
    "name that leads upward": (layer(entry("../../escaped")), "leads upward"),
    "name that leads upward in the middle": (layer(entry("etc/../../escaped")), "leads upward"),
    "links in a circle": (
        layer(entry("a", type=LINK, target="b"), entry("b", type=LINK, target="a"), entry("a/x")),
        "in a circle",
    ),
    "hard link to outside": (layer(entry("shadow", type=HARD, target="../../../etc/shadow")), "leads upward"),
    "hard link to nothing": (layer(entry("x", type=HARD, target="/etc/shadow")), "not there"),
    "hard link to a directory": (layer(directory("d"), entry("x", type=HARD, target="d")), "not there"),
    "header that promises 7 GiB": (layer(header("big", size=7 * 1024**3)), "in the middle of an entry"),
    "size below 0": (layer(header("x", size=b"\xff" * 12)), "below 0"),
    "size of 2**70": (layer(header("x", size=b"\x80\0\0\x40" + bytes(8))), "no number that fits"),
    "size of 8 EiB": (layer(header("x", size=b"\x80\0\0\0\x7f" + b"\xff" * 7)), "unpack to over"),
    "size that is no number": (layer(header("x", size=b"9999999999\0\0")), "is no number"),
    "size with a sign": (layer(header("x", size=b"-0000000001\0")), "is no number"),
    "sparse bomb, PAX 1.0": (
        layer(
            pax({"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(2**50)}),
            entry("hole", b"0\n".ljust(512, b"\0")),
        ),
        "unpack to over",
    ),
    "sparse bomb, PAX 0.1": (
        layer(pax({"GNU.sparse.size": str(2**50), "GNU.sparse.map": "0,0"}), entry("hole")),
        "unpack to over",
    ),
    "sparse bomb, GNU": (
        layer(header("hole", type=SPARSE, magic=b"ustar  \0", behind={483: BASE_256[:6] + b"\x04" + bytes(5)})),
        "unpack to over",
    ),
    "sparse file whose map goes on for ever": (
        header("x", type=SPARSE, magic=b"ustar  \0", behind={482: b"\1"}) + (bytes(504) + b"\1" + bytes(7)) * 50,
        "in the middle of an entry",
    ),
    "PAX header of 2 MiB": (layer(pax({"comment": "x" * 2 * 1024**2}), PASSWD), "extends the next one"),
    "GNU long name of 100 MiB": (
        gz(layer(header("L", type=b"L", size=100 * 1024**2), bytes(1024**2))),
        "extends the next one",
    ),
    "PAX length that lies": (layer(raw_pax(b"999 path=x\n"), PASSWD), "PAX header is malformed"),
    "PAX length of nothing": (layer(raw_pax(b"0 path=x\n"), PASSWD), "PAX header is malformed"),
    "PAX record without a key": (layer(raw_pax(b"6 =xy\n"), PASSWD), "PAX header is malformed"),
    "PAX size below 0": (layer(pax({"size": "-1"}), PASSWD), "no number from 0"),
    "PAX path with a NUL": (layer(pax({"path": b"etc/sha\0dow"}), PASSWD), "has a NUL"),
    "whiteout of the directory itself": (layer(entry("etc/.wh..")), "names no file"),
    "whiteout of the directory above": (layer(entry("etc/.wh...")), "names no file"),
    "whiteout of nothing": (layer(entry("etc/.wh.")), "names no file"),
    "whiteout outside": (layer(entry("../.wh.etc")), "leads upward"),
    "gzip cut short": (gz(layer(PASSWD, entry("x", os.urandom(4096))))[:-600], "cannot be unpacked"),
    "gzip with a wrong checksum": (gz(layer(PASSWD))[:-8] + b"\0\0\0\0" + gz(layer(PASSWD))[-4:], "cannot be unpacked"),
    "tar cut short": (layer(entry("x", bytes(9000)))[:4096], "in the middle of an entry"),
    # Python's tarfile takes it for the end of the archive: what stands behind would run and never be seen.
    "wrong checksum behind a good entry": (layer(PASSWD, header("bin/su", mode=0o4755, checksum=1)), "checksum"),
    "garbage behind the packed bytes": (gz(layer(PASSWD)) + b"garbage", "cannot be unpacked"),
    "zstd with a window of 2 GiB": (zstd_with_window(31), "cannot be unpacked"),
    "zstd that is none": (b"\x28\xb5\x2f\xfd" + b"\xff" * 40, "cannot be unpacked"),
    "path of 4096 components": (layer(pax({"path": "d/" * 2040 + "f"}), PASSWD), "components"),
    "path of 5000 bytes": (layer(pax({"path": "d/" + "x" * 5000}), PASSWD), "over 4096 bytes"),
    "name of 300 bytes": (layer(pax({"path": "d/" + "x" * 300}), PASSWD), "over 255 bytes"),
    "file used as a directory": (layer(entry("etc"), entry("etc/passwd")), "as a directory"),
    "root replaced by a file": (layer(entry("./")), "replace the root"),
    "root replaced by a link": (layer(entry("/", type=LINK, target="/tmp")), "replace the root"),
    "entry of an unknown type": (layer(entry("x", type=b"V")), "type 'V'"),
    "archive that goes on behind zeros": (PASSWD + bytes(512) + entry("bin/su", mode=0o4755) + END, "goes on behind"),
    "noise": (os.urandom(20_000), ""),
    "text": (b"no archive at all " * 100, ""),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_outside(tmp_path: Path):
    """Whatever a layer says, nothing is written but in the job's directory."""
    canary = tmp_path / "canary"
    canary.write_text("untouched")
    etc = set(os.listdir("/etc"))
    yield
    assert canary.read_text() == "untouched"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["blobs", "canary", "job"]
    written = {one.name for one in (tmp_path / "job").rglob("*")}
    assert written <= {"job.json", "files.jsonl", "sights.jsonl", "result.json", "stderr"}
    assert not Path(OUTSIDE).exists()
    assert set(os.listdir("/etc")) == etc


class TestRefused:
    @pytest.mark.parametrize(("body", "sentence"), [pytest.param(*case, id=name) for name, case in REFUSED.items()])
    def test_with_a_sentence(self, tmp_path, body, sentence):
        with pytest.raises(LayersRefused, match=r"Layer 1 \(sha256:") as refused:
            read(tmp_path, body)
        assert sentence in refused.value.detail

    def test_the_layer_is_named(self, tmp_path):
        with pytest.raises(LayersRefused, match="Layer 2 "):
            read(tmp_path, gz(layer(PASSWD)), layer(entry("../x")))

    def test_bytes_that_are_not_those_of_the_digest(self, tmp_path):
        job = tmp_path / "job"
        job.mkdir()
        (blob,) = blobs(tmp_path / "blobs", gz(layer(PASSWD)))
        blob.path.write_bytes(gz(layer(entry("etc/passwd", b"other"))))
        refused = pytest.raises(LayersRefused, match="not those that its digest names")
        with refused, read_layers([blob], job, child_limits=CHILD):
            pass

    @pytest.mark.parametrize(
        ("body", "change", "sentence"),
        [
            pytest.param(layer(*[entry(f"f{n}") for n in range(50)]), {"entries": 49}, "49 entries", id="entries"),
            pytest.param(layer(*[raw_pax(b"")] * 50, PASSWD), {"headers": 40}, "40 tar headers", id="headers"),
            pytest.param(
                layer(*[entry(f"{n}/" + "d/" * 40 + "f") for n in range(20)]),
                {"entries": 500},
                "500 entries",
                id="directories that nobody named",
            ),
            pytest.param(layer(*[entry("x" * 90)] * 20), {"names_bytes": 1000}, "1000 bytes", id="names"),
            pytest.param(layer(entry("x", bytes(5000))), {"unpacked_bytes": 4999}, "4999 bytes", id="bytes"),
            pytest.param(layer(entry("a/b/c/d")), {"depth": 3}, "3 components", id="depth"),
        ],
    )
    def test_past_a_limit(self, tmp_path, body, change, sentence):
        with pytest.raises(LayersRefused, match=sentence):
            read(tmp_path, gz(body), limits=replace(LIMITS, **change))

    def test_more_layers_than_are_read(self, tmp_path):
        with pytest.raises(LayersRefused, match="3 layers, more than 2"):
            read(tmp_path, *[layer(PASSWD)] * 3, limits=replace(LIMITS, layers=2))

    def test_what_needs_too_much_memory(self, tmp_path):
        small = Limits(wall_seconds=60, cpu_seconds=60, data_bytes=48 * 1024**2, file_bytes=64 * 1024**2)
        body = gz(layer(*[entry(f"{n:090}") for n in range(100_000)]))
        with pytest.raises(LayersRefused, match=r"memory|ended with"):
            read(tmp_path, body, child_limits=small)

    def test_what_takes_too_long(self, tmp_path):
        short = Limits(wall_seconds=0.1, cpu_seconds=60, data_bytes=CHILD.data_bytes, file_bytes=CHILD.file_bytes)
        with pytest.raises(LayersRefused, match=r"did not end within 0\.1 seconds"):
            read(tmp_path, gz(layer(*[entry(f"f{n}") for n in range(50_000)])), child_limits=short)


class TestContained:
    def test_an_absolute_name_is_below_the_root(self, tmp_path):
        files = read(tmp_path, layer(entry(OUTSIDE), entry("//etc//shadow")))
        assert sorted(files) == ["etc", "etc/shadow", "tmp", OUTSIDE[1:]]

    def test_what_is_written_through_a_link_is_listed_where_it_lands(self, tmp_path):
        files = read(tmp_path, layer(entry("etc", type=LINK, target="/tmp"), entry("etc/su", mode=0o4755)))
        assert files["tmp/su"].is_setuid
        assert files["etc"].kind is Kind.LINK
        assert "etc/su" not in files

    def test_a_link_that_leads_out_leads_to_the_root(self, tmp_path):
        files = read(tmp_path, layer(entry("up", type=LINK, target="../../../.."), entry("up/x")))
        assert sorted(files) == ["up", "x"]

    def test_a_link_of_a_lower_layer_is_followed_too(self, tmp_path):
        lower = layer(directory("usr/bin"), entry("bin", type=LINK, target="usr/bin"))
        files = read(tmp_path, lower, layer(entry("bin/su", mode=0o4755)))
        assert files["usr/bin/su"].is_setuid

    def test_a_hard_link_can_make_its_target_set_uid(self, tmp_path):
        parts = [entry("bin/sh", b"\x7fELF", mode=0o755), entry("tmp/x", type=HARD, target="bin/sh", mode=0o4755)]
        files = read(tmp_path, layer(*parts))
        assert files["bin/sh"].is_setuid
        assert files["tmp/x"].is_setuid
        assert files["bin/sh"].sha256 == files["tmp/x"].sha256

    def test_a_hard_link_takes_no_set_uid_bit_off_the_list(self, tmp_path):
        """umoci leaves the file as it was, others change it: one that may be set-uid is listed as one."""
        body = layer(entry("bin/su", b"x", mode=0o4755), entry("doc", type=HARD, target="bin/su", mode=0o644, uid=1000))
        files = read(tmp_path, body)
        assert {(path, one.mode_text, one.uid) for path, one in files.items() if path != "bin"} == {
            ("bin/su", "4755", 0),
            ("doc", "4755", 0),
        }

    def test_devices_are_listed_and_made_nowhere(self, tmp_path):
        parts = [entry("dev/sda", type=BLOCK), entry("dev/mem", type=CHARACTER), entry("pipe", type=FIFO)]
        kinds = {path: one.kind for path, one in read(tmp_path, layer(*parts)).items()}
        assert kinds == {"dev": "directory", "dev/sda": "block", "dev/mem": "character", "pipe": "fifo"}

    def test_of_an_entry_that_comes_twice_the_last_counts(self, tmp_path):
        files = read(tmp_path, layer(entry("bin/x", b"first"), entry("./bin/x", b"second", mode=0o4755)))
        assert files["bin/x"].size == 6
        assert files["bin/x"].is_setuid

    def test_names_that_are_no_text_stay_two_names(self, tmp_path):
        files = read(tmp_path, layer(entry(b"a\xff"), entry(b"a\xfe"), entry("a\\xff")))
        assert len(files) == 3
        assert sorted(map(shown, files)) == ["a\\xfe", "a\\xff", "a\\xff"]

    def test_names_that_turn_text_round_are_shown_as_they_are(self, tmp_path):
        (path,) = read(tmp_path, layer(entry("gpj\u202eexe\n\x1b[31m")))
        assert shown(path) == "gpj\\u202eexe\\x0a\\x1b[31m"

    def test_a_size_in_a_pax_header_counts(self, tmp_path):
        """Who reads the other size takes the content for headers, or headers for content."""
        hidden = entry("bin/su", mode=0o4755)
        body = pax({"size": str(len(hidden))}) + header("innocent", size=0) + hidden
        assert sorted(read(tmp_path, layer(body))) == ["innocent"]

    def test_a_directory_has_no_content_whatever_its_size_says(self, tmp_path):
        body = header("d", type=DIRECTORY, size=512) + entry("bin/su", mode=0o4755)
        assert "bin/su" in read(tmp_path, layer(body))

    def test_a_global_header_renames_nothing(self, tmp_path):
        assert sorted(read(tmp_path, layer(pax({"path": "other"}, type=b"g"), entry("own")))) == ["own"]

    def test_long_names_of_both_kinds(self, tmp_path):
        gnu = entry("././@LongLink", b"g/" + b"x" * 200 + b"\0", type=b"L") + entry("cut")
        own = pax({"path": "p/" + "y" * 200}) + entry("cut")
        assert {len(path) for path in read(tmp_path, layer(gnu, own)) if "/" in path} == {202}

    def test_members_behind_one_another_are_one_layer(self, tmp_path):
        body = layer(PASSWD, entry("bin/su", mode=0o4755))
        assert "bin/su" in read(tmp_path, gz(body[:700]) + gz(body[700:]))

    def test_what_stands_behind_the_end_is_no_file(self, tmp_path):
        assert sorted(read(tmp_path, gz(layer(PASSWD) + layer(entry("bin/su"))))) == ["etc", "etc/passwd"]

    def test_zstd_and_no_packing_at_all(self, tmp_path):
        lower, upper = zstandard.ZstdCompressor().compress(layer(PASSWD)), layer(entry("x"))
        assert sorted(read(tmp_path, lower, upper)) == ["etc", "etc/passwd", "x"]

    def test_an_empty_layer_has_no_files(self, tmp_path):
        assert read(tmp_path, gz(END), b"") == {}

    def test_a_sparse_file_has_the_size_that_is_read(self, tmp_path):
        version = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
        sparse = pax({**version, "GNU.sparse.name": "real", "GNU.sparse.realsize": "1048576"})
        files = read(tmp_path, layer(sparse, entry("GNUSparseFile.0/real", b"0\n".ljust(512, b"\0"))))
        assert files["real"].size == 1048576


class TestWhiteouts:
    LOWER = layer(directory("etc"), entry("etc/old"), directory("etc/d"), entry("etc/d/deep"), entry("keep"))

    def test_hide_what_lower_layers_have(self, tmp_path):
        files = read(tmp_path, self.LOWER, layer(entry("etc/.wh.old"), entry("etc/.wh.d")))
        assert sorted(files) == ["etc", "keep"]

    @pytest.mark.parametrize("order", [1, -1])
    def test_never_what_their_own_layer_brings(self, tmp_path, order):
        upper = [entry("etc/old", b"new"), entry("etc/.wh.old")][::order]
        assert read(tmp_path, self.LOWER, layer(*upper))["etc/old"].size == 3

    @pytest.mark.parametrize("order", [1, -1])
    def test_an_opaque_directory_keeps_what_its_layer_brings(self, tmp_path, order):
        upper = [entry("etc/.wh..wh..opq"), directory("etc/d"), entry("etc/d/new")][::order]
        files = read(tmp_path, self.LOWER, layer(directory("etc"), *upper))
        assert sorted(files) == ["etc", "etc/d", "etc/d/new", "keep"]

    def test_of_what_is_not_there_hide_nothing(self, tmp_path):
        files = read(tmp_path, self.LOWER, layer(entry("no/such/.wh.x"), entry(".wh.nothing")))
        assert "etc/d/deep" in files
        assert "no" not in files

    def test_a_file_over_a_directory_takes_all_of_it_away(self, tmp_path):
        assert sorted(read(tmp_path, self.LOWER, layer(entry("etc", b"file")))) == ["etc", "keep"]

    def test_a_directory_over_a_file(self, tmp_path):
        files = read(tmp_path, self.LOWER, layer(directory("keep"), entry("keep/x")))
        assert files["keep"].kind is Kind.DIRECTORY

    def test_a_directory_over_a_directory_keeps_what_is_in_it(self, tmp_path):
        files = read(tmp_path, self.LOWER, layer(directory("etc", mode=0o1777)))
        assert files["etc"].mode_text == "1777"
        assert "etc/d/deep" in files


class TestSecrets:
    KEY = b"-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7\n"
    AWS = b"[default]\naws_access_key_id = AKIAIOSFODNN7REALKEY\n"

    def test_are_seen_in_every_layer_also_where_a_later_one_deletes_them(self, tmp_path):
        lower = layer(entry("root/.aws/credentials", self.AWS), entry("app/key.pem", self.KEY))
        found = look(tmp_path, lower, layer(entry("root/.aws/.wh.credentials")))
        seen = {(one.path, one.kind, one.line, one.layer) for one in found.sights()}
        assert ("root/.aws/credentials", "cloud credentials", None, 0) in seen
        assert ("root/.aws/credentials", "AWS Access Key", 2, 0) in seen
        assert ("app/key.pem", "Private Key", 1, 0) in seen

    def test_the_value_is_written_nowhere(self, tmp_path):
        look(tmp_path, layer(entry("app/settings", self.AWS + b"password = 'hunter2hunter2'\n")))
        written = b"".join(one.read_bytes() for one in (tmp_path / "job").iterdir())
        assert b"AKIAIOSFODNN7REALKEY" not in written
        assert b"hunter2" not in written

    def test_what_a_word_alone_speaks_for_is_not_certain(self, tmp_path):
        (found,) = look(tmp_path, layer(entry("etc/app.conf", b"x\npassword = 'hunter2hunter2'\n"))).sights()
        assert (found.kind, found.line, found.is_certain) == ("Secret Keyword", 2, False)

    def test_a_flood_of_what_is_not_certain_hides_no_key(self, tmp_path):
        noise = b"".join(b"password = 'hunter%05d'\n" % number for number in range(99))
        decoys = [entry(f"etc/{number}.conf", noise) for number in range(11)]
        found = look(tmp_path, layer(*decoys), layer(entry("app/key.pem", self.KEY)))
        assert found.sight_count == 11 * 99 + 1
        assert ("app/key.pem", True) in {(one.path, one.is_certain) for one in found.sights()}

    def test_nor_one_in_the_same_file(self, tmp_path):
        noise = b"".join(b"password = 'hunter%05d'\n" % number for number in range(150))
        found = look(tmp_path, layer(entry("app/settings", noise + self.KEY))).sights()
        assert [(one.kind, one.line) for one in found if one.is_certain] == [("Private Key", 151)]

    def test_what_is_no_text_is_not_looked_into(self, tmp_path):
        assert look(tmp_path, layer(entry("app/data", b"\0" + self.KEY))).sights() == []
