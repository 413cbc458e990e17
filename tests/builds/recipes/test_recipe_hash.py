import hashlib

import pytest

from builds.domain import recipe as limits
from builds.domain.recipe import Entry, link_problem, recipe_sha256, tree_problem

GOOD = {
    "dockerfile": b"FROM debian:12\n",
    "files": [["Dockerfile", "100644", 15, "a" * 64], ["motd", "100644", 8, "b" * 64]],
    "arguments": {"MIRROR": "https://mirror.example"},
    "target": "",
    "platforms": ["linux/amd64", "linux/arm64"],
    "bases": [{"asked": "debian:12", "digest": "sha256:" + "c" * 64, "line": 1, "kind": "certified"}],
}


class TestRecipeSha256:
    def test_is_over_canonical_json_that_anybody_can_make(self):
        files = b'[["Dockerfile","100644",15,"' + b"a" * 64 + b'"],["motd","100644",8,"' + b"b" * 64 + b'"]]'
        said = (
            b'{"arguments":{"MIRROR":"https://mirror.example"},"bases":[["debian:12","sha256:' + b"c" * 64 + b'"]],'
            b'"dockerfile":"' + hashlib.sha256(b"FROM debian:12\n").hexdigest().encode() + b'","files":' + files + b","
            b'"format":"goldgate.recipe/v1","platforms":["linux/amd64","linux/arm64"],"target":""}'
        )
        assert recipe_sha256(**GOOD) == hashlib.sha256(said).hexdigest()

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"dockerfile": b"FROM debian:12 \n"}, id="dockerfile"),
            pytest.param({"files": [["Dockerfile", "100644", 15, "a" * 64]]}, id="file-gone"),
            pytest.param({"files": [GOOD["files"][0], ["motd", "100755", 8, "b" * 64]]}, id="mode"),
            pytest.param({"files": [GOOD["files"][0], ["motd", "100644", 8, "d" * 64]]}, id="bytes"),
            pytest.param({"files": [GOOD["files"][0], ["Motd", "100644", 8, "b" * 64]]}, id="name"),
            pytest.param({"arguments": {"MIRROR": "https://mirror.example/"}}, id="argument"),
            pytest.param({"arguments": {}}, id="no-argument"),
            pytest.param({"target": "final"}, id="target"),
            pytest.param({"platforms": ["linux/amd64"]}, id="platform"),
            pytest.param({"bases": [{"asked": "debian:12", "digest": "sha256:" + "d" * 64}]}, id="base"),
            pytest.param({"bases": []}, id="no-base"),
            pytest.param({"bases": [GOOD["bases"][0] | {"kind": "refused"}]}, id="refused-base"),
            pytest.param({"allowed_hosts": ["deb.debian.org"]}, id="network"),
        ],
    )
    def test_everything_that_decides_the_result_counts(self, change):
        assert recipe_sha256(**GOOD | change) != recipe_sha256(**GOOD)

    def test_what_does_not_decide_it_does_not(self):
        base = GOOD["bases"][0] | {"kind": "adopted", "reason": "other words", "line": 9}
        same = {"files": GOOD["files"][::-1], "platforms": GOOD["platforms"][::-1], "bases": [base]}
        assert recipe_sha256(**GOOD | same) == recipe_sha256(**GOOD)


def entry(path, mode="100644", size=1):
    return Entry(path, mode, "a" * 40, size)


class TestTreeProblem:
    """git refuses most of these before; here nothing is taken on trust."""

    @pytest.mark.parametrize(
        ("entries", "words"),
        [
            pytest.param([entry("../x")], "not a path inside", id="dot-dot"),
            pytest.param([entry("a/./x")], "not a path inside", id="dot"),
            pytest.param([entry("/x")], "not a path inside", id="absolute"),
            pytest.param([entry("a/.Git/x")], "not a path inside", id="dot-git"),
            pytest.param([entry("x", "160000")], "submodule", id="submodule"),
            pytest.param([entry("x", "100664")], "mode 100664", id="old-mode"),
            pytest.param([entry("x", "40000")], "mode 40000", id="directory"),
            pytest.param([entry("x"), entry("x")], "twice", id="twice"),
            pytest.param([entry("x", "120000"), entry("x/y")], "a file and a directory", id="through-a-link"),
            pytest.param([entry("x/y"), entry("x", "120000")], "there twice", id="through-a-link-later"),
            pytest.param([entry("a\x1b[2J")], "cannot be shown", id="terminal-codes"),
            pytest.param([entry("/".join("a" * 70))], "too deep", id="deep"),
            pytest.param([entry("a" * 256)], "too long", id="long"),
            pytest.param([entry("x", size=limits.MAX_FILE_BYTES + 1)], "more than", id="large"),
        ],
    )
    def test_what_is_refused(self, entries, words):
        assert words in tree_problem(entries)

    def test_counted_before_anything_is_read(self):
        assert "more than 20000 files" in tree_problem([entry(f"f{number}") for number in range(20_001)])
        large = [entry(f"f{number}", size=200 * 1024 * 1024) for number in range(3)]
        assert "bytes together" in tree_problem(large)

    def test_a_plain_tree(self):
        assert tree_problem([entry("a"), entry("a-b"), entry("d/a", "100755"), entry("d/l", "120000")]) == ""


class TestLinkProblem:
    @pytest.mark.parametrize(
        ("path", "target"),
        [
            ("l", b"a"),
            ("l", b"a/b"),
            ("d/l", b"../a"),
            ("d/e/l", b"../../a/b"),
            ("d/l", b".."),
            ("l", b"./a"),
            ("l", b"l"),
        ],
    )
    def test_inside(self, path, target):
        assert link_problem(path, target) == ""

    @pytest.mark.parametrize(
        ("path", "target"),
        [
            ("l", b"/"),
            ("l", b"/etc"),
            ("l", b".."),
            ("l", b"../x"),
            ("d/l", b"../../x"),
            ("l", b"a/../../x"),
            ("d/l", b"up/../.."),  # up may itself be a link to the root: nobody could tell by the text
            ("d/l", b"./../../x"),
            ("l", b""),
            ("l", b"\xff"),
            ("l", b"a\0b"),
        ],
    )
    def test_outside(self, path, target):
        assert link_problem(path, target)
