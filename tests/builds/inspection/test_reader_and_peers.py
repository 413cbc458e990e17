"""What other programs write, read as other programs read it: Python's tarfile on sound archives, and GNU tar."""

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builds.domain.layer_files import LIMITS, Kind
from builds.domain.layer_files.tar import Counted, TarStream
from tests.builds.inspection.layer_bytes import read

NAMES = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=60), min_size=1)
ENTRIES = st.lists(
    st.tuples(NAMES, st.binary(max_size=1500), st.integers(0, 0o7777), st.integers(0, 2**31)), min_size=1, max_size=8
)
KINDS = {tarfile.REGTYPE: "0", tarfile.DIRTYPE: "5", tarfile.SYMTYPE: "2"}


def written(entries, format_: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format_) as archive:
        for number, (parts, body, mode, uid) in enumerate(entries):
            one = tarfile.TarInfo(f"{number}/" + "/".join(parts)[:300])
            one.mode, one.uid, one.size = mode, uid, len(body)
            if number % 3 == 1:
                one.type, one.linkname, one.size = tarfile.SYMTYPE, "../" + "t" * 150, 0
            archive.addfile(one, io.BytesIO(body))
    return buffer.getvalue()


def ours(body: bytes) -> list[tuple[str, str, int, int, int, str, bytes]]:
    stream = TarStream(io.BytesIO(body), Counted(LIMITS), packed_bytes=len(body))
    return [
        (one.name, chr(one.type), one.mode, one.uid, one.size, one.target, b"".join(map(bytes, stream.content())))
        for one in stream.headers()
    ]


def theirs(body: bytes) -> list[tuple[str, str, int, int, int, str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        return [
            (
                one.name,
                KINDS[one.type],
                one.mode,
                one.uid,
                one.size,
                one.linkname,
                archive.extractfile(one).read() if one.isreg() else b"",
            )
            for one in archive
        ]


class TestSoundArchives:
    @given(entries=ENTRIES, format_=st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
    @settings(max_examples=60, deadline=None)
    def test_are_read_as_python_reads_them(self, entries, format_):
        body = written(entries, format_)
        assert ours(body) == theirs(body)


def gnu_tar(directory: Path, *options: str) -> bytes:
    command = [
        "tar",
        "--sort=name",
        "--owner=7",
        "--group=8",
        "--numeric-owner",
        *options,
        "-c",
        "-C",
        str(directory),
        ".",
    ]
    return subprocess.run(command, check=True, capture_output=True).stdout


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Long names, links of both kinds, a file with a hole, set-uid, a name that is no text."""
    root = tmp_path / "tree"
    deep = root / ("d" * 100) / ("e" * 120)
    deep.mkdir(parents=True)
    (deep / ("f" * 200)).write_text("deep")
    (root / "su").write_text("x")
    (root / "su").chmod(0o4755)
    os.link(root / "su", root / "su-too")
    os.symlink("../" + "t" * 180, root / "link")
    with (root / "hole").open("wb") as file:
        file.seek(1024 * 1024)
        file.write(b"end")
    Path(os.fsdecode(os.fsencode(root) + b"/\xff")).write_text("odd")
    return root


class TestGnuTar:
    @pytest.mark.parametrize("options", [["-H", "gnu"], ["-H", "posix"], ["-H", "gnu", "-S"], ["-H", "posix", "-S"],
                                         ["-H", "posix", "-S", "--sparse-version=0.1"],
                                         ["-H", "posix", "-S", "--sparse-version=0.0"]], ids=" ".join)  # fmt: skip
    def test_every_form_gives_the_same_files(self, tmp_path, tree, options):
        files = read(tmp_path, gnu_tar(tree, *options))
        found = {str(path.relative_to(tree)) for path in tree.rglob("*")}
        assert set(files) == found
        assert files["su"].is_setuid
        assert files["su-too"].sha256 == files["su"].sha256
        assert files["hole"].size == 1024 * 1024 + 3
        assert (files["link"].kind, files["link"].target) == (Kind.LINK, "../" + "t" * 180)
        assert (files["su"].uid, files["su"].gid) == (7, 8)
        assert files["\udcff"].size == 3
