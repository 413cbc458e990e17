"""What BuildKit's own matcher says of the same patterns: moby/patternmatcher's documented cases and the reference's."""

import time

import pytest

from builds.domain.dockerignore import MAX_PATTERNS, IgnoreMalformed, is_ignored, parse_dockerignore


def ignored(text, path):
    return is_ignored(path, parse_dockerignore(text.encode()))


class TestIsIgnored:
    @pytest.mark.parametrize(
        ("text", "path", "is_out"),
        [
            ("*.md", "README.md", True),
            ("*.md", "docs/README.md", False),
            ("**/*.md", "README.md", True),
            ("**/*.md", "docs/a/README.md", True),
            ("docs", "docs/a/README.md", True),
            ("docs/", "docs/a", True),
            ("/docs", "docs/a", True),
            ("docs/*", "docs/a/b", True),
            ("*/temp*", "some/temporary.txt", True),
            ("*/temp*", "temporary.txt", False),
            ("*/*/temp*", "a/b/temp/x", True),
            ("temp?", "tempa", True),
            ("temp?", "temp", False),
            ("a/**", "a", False),
            ("a/**", "a/b", True),
            ("a/**/b", "a/b", True),
            ("a/**/b", "a/x/y/b/z", True),
            ("**", "anything/at/all", True),
            ("*\n!README.md", "README.md", False),
            ("*\n!README.md", "other", True),
            ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", True),
            ("*.md\nREADME-secret.md\n!README*.md", "README-secret.md", False),
            ("docs\n!docs/keep", "docs/keep/x", False),
            ("# docs", "docs", False),
            (" docs ", "docs", True),
            ("!docs", "docs", False),
            ("./docs/../other", "other", True),
            ("../docs", "docs", False),
            ("[a-c]x", "bx", True),
            ("[^a-c]x", "bx", False),
            ("[^a-c]x", "dx", True),
            ("\\*x", "*x", True),
            ("\\*x", "ax", False),
            ("a.b", "axb", False),
            ("a+b(c)", "a+b(c)", True),
            ("", "anything", False),
            (".", "anything", False),
            ("\ufeffdocs", "docs", True),
            ("docs\r\nother\r\n", "other", True),
            ("*.MD", "readme.md", False),
        ],
    )
    def test_cases(self, text, path, is_out):
        assert ignored(text, path) is is_out

    def test_no_pattern_takes_long(self):
        begun = time.perf_counter()
        text = "*a" * 200 + "b\n" + "/".join(["**", "*a*a*a"] * 30) + "/b" + "\n"
        assert not ignored(text, "/".join(["a" * 250] * 60))
        assert time.perf_counter() - begun < 20  # backtracking: never


class TestParse:
    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (b"docs\n!\n", "Line 2 takes back nothing"),
            (b"[a", "never closes"),
            (b"a**b", r"\*\* must be a whole part"),
            (b"\xff", "not UTF-8"),
            (b"x" * (256 * 1024 + 1), "more than"),
            (b"x\n" * (MAX_PATTERNS + 1), "more than"),
        ],
    )
    def test_what_cannot_be_read(self, body, words):
        with pytest.raises(IgnoreMalformed, match=words):
            parse_dockerignore(body)
