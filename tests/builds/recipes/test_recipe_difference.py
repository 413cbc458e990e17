import time

from builds.domain.recipe_difference import MAX_LINES, Change, DiffLine, difference, unified

OLDER = {
    "dockerfile": "FROM debian:12\nRUN true\nUSER 65532\n",
    "files": [["Dockerfile", "100644", 10, "a" * 64], ["gone", "100644", 1, "b" * 64], ["run", "100644", 1, "c" * 64]],
    "arguments": {"A": "1", "B": "2"},
    "target": "",
    "platforms": ["linux/amd64"],
    "bases": [{"asked": "debian:12", "digest": "sha256:" + "d" * 64, "kind": "certified"}],
}


class TestDifference:
    def test_equal_recipes(self):
        assert difference(OLDER, OLDER).is_empty

    def test_names_every_part(self):
        newer = OLDER | {
            "dockerfile": "FROM debian:12\nRUN false\nUSER 65532\n",
            "files": [
                ["Dockerfile", "100644", 10, "e" * 64],
                ["new", "100644", 1, "b" * 64],
                ["run", "100755", 1, "c" * 64],
            ],
            "arguments": {"A": "1", "B": "3", "C": ""},
            "target": "final",
            "platforms": ["linux/arm64", "linux/amd64"],
            "bases": [{"asked": "debian:12", "digest": "sha256:" + "f" * 64, "kind": "certified"}],
        }
        found = difference(OLDER, newer)
        assert found.lines == (
            DiffLine("@", "@@ -1,3 +1,3 @@", 1, 1),
            DiffLine(" ", "FROM debian:12", 1, 1),
            DiffLine("-", "RUN true", 2, 0),
            DiffLine("+", "RUN false", 0, 2),
            DiffLine(" ", "USER 65532", 3, 3),
        )
        assert (found.files_added, found.files_removed, found.files_changed) == (
            ("new",),
            ("gone",),
            ("Dockerfile", "run"),
        )
        assert found.arguments == (Change("B", "2", "3"), Change("C", "", ""))
        assert found.bases == (Change("debian:12", "sha256:" + "d" * 64, "sha256:" + "f" * 64),)
        assert found.settings == (
            Change("platforms", "linux/amd64", "linux/amd64, linux/arm64"),
            Change("target", "", "final"),
        )

    def test_a_line_that_looks_like_a_heading_stays_a_line(self):
        lines = unified("a\n", "a\n@@ -1,9 +1,9 @@\n--- x\n+++ y\n")
        assert [(line.sign, line.text) for line in lines[1:]] == [
            (" ", "a"),
            ("+", "@@ -1,9 +1,9 @@"),
            ("+", "--- x"),
            ("+", "+++ y"),
        ]

    def test_ends_of_lines_are_seen(self):
        assert [(line.sign, line.text) for line in unified("a\n", "a\r\n")[1:]] == [("-", "a"), ("+", "a ␍")]
        assert [(line.sign, line.text) for line in unified("a\n", "a")[1:]] == [("-", "a"), ("+", "a ∅")]

    def test_signs_that_only_look_like_ends_do_not_hide_a_line(self):
        """A form feed or U+2028 is no end of a line for BuildKit, so the numbers must not count it as one."""
        lines = unified("a\nb\n", "a\x0cx\u2028y\nb\n")
        assert lines[-1] == DiffLine(" ", "b", 2, 2)

    def test_is_cut_and_says_so(self):
        newer = OLDER | {"dockerfile": "RUN true\n" * (MAX_LINES + 10)}
        found = difference(OLDER | {"dockerfile": ""}, newer)
        assert len(found.lines) == MAX_LINES
        assert found.is_cut

    def test_of_very_long_texts_takes_no_time(self):
        older = "".join(f"RUN {number}\n" for number in range(30_000))
        newer = "".join(f"RUN {number}\n" for number in [0, 1, 2, 3, *reversed(range(4, 30_000))])
        begun = time.perf_counter()
        lines = unified(older, newer)
        assert time.perf_counter() - begun < 20  # difflib: hours
        assert lines[0] == DiffLine("@", "@@ -2,29999 +2,29999 @@", 2, 2)
        assert [line.sign for line in lines[1:5]] == [" ", " ", " ", "-"]
        assert lines[4] == DiffLine("-", "RUN 4", 5, 0)
        assert lines[-1] == DiffLine("+", "RUN 4", 0, 30_000)
        assert unified(older, older) == []
