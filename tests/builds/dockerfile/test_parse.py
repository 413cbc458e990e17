"""Dockerfiles, read as BuildKit reads them."""

import os
import random
import signal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builds.adapters import buildkit_parser
from builds.adapters.buildkit_parser import answers_to, instructions_in
from builds.domain.dockerfile import DockerfileMalformed, parse
from builds.domain.dockerfile.reading import MAX_BYTES, MAX_INSTRUCTIONS, MAX_LINE_LENGTH, read
from builds.domain.hardening import check_dockerfile
from builds.errors import ParserFailed
from scans.adapters.child import Limits
from tests.builds.dockerfile.support import HOSTILE

SEEDS = [path.read_text() for path in sorted(HOSTILE.glob("*/Dockerfile")) if path.stat().st_size < 5000]
PIECES = [
    "<<EOF", "EOF\n", "\\\n", "\\", "\n", "FROM ", "FROM evil:1\n", "ONBUILD ", "RUN ", "COPY --from=", "${X:-", "}",
    "$(", "`", "'", '"', "|", "&", '["a", "b"]', "[", "# escape=`\n", "\t", "\r\n", "\ufeff", "é", "\u281f", "\x1b",
    "<<-'E' ", '<<"A B"', "ARG ", "=", "ENV a", "HEALTHCHECK NONE", "0<<", "\u2028", "#", "# syntax=x\n", "--mount=",
    '{"a":1}', "--", "SHELL", " " * 50, "a" * 300, "\x7f", "\x0b", "\x85", "\xa0",
]  # fmt: skip


def names(text: str) -> list[str]:
    return [one.name for one in parse(text).instructions]


class TestStages:
    def test_have_names_bases_platforms_and_lines(self):
        found = parse(
            "ARG V=12\n# a comment\nFROM --platform=linux/arm64 debian:$V AS Build\nRUN a\n\n"
            "from build\nCOPY --from=0 a b\n"
        ).stages
        assert [(one.index, one.name, one.base, one.platform, one.line) for one in found] == [
            (0, "build", "debian:$V", "linux/arm64", 3),
            (1, "", "build", "", 6),
        ]
        assert [one.name for one in found[1].instructions] == ["COPY"]

    @pytest.mark.parametrize(
        ("target", "index"), [("", 2), ("a", 0), ("A", 0), ("b", 1), ("1", 1), ("9", None), ("c", None), ("²", None)]
    )
    def test_the_target_is_named_or_numbered(self, target, index):
        found = parse("FROM x AS a\nFROM y AS b\nFROM z\n").final_stage(target)
        assert (found.index if found else None) == index

    def test_arguments_before_them_are_global(self):
        found = parse("ARG A\nARG B=1\nFROM x\nARG C\n")
        assert [one.values for one in found.global_arguments] == [("A",), ("B=1",)]
        assert [one.values for one in found.stages[0].instructions] == [("C",)]


class TestHeredocs:
    def test_their_lines_are_no_instructions(self):
        found = parse("FROM debian:12\nRUN <<EOF\nFROM evil\nUSER 0\nEOF\nUSER 5\n")
        assert [one.name for one in found.instructions] == ["FROM", "RUN", "USER"]
        assert found.instructions[1].heredocs[0].content == "FROM evil\nUSER 0\n"
        assert [(one.line, one.end_line) for one in found.instructions] == [(1, 1), (2, 5), (6, 6)]

    def test_of_copy_in_order_and_stripped_by_nobody(self):
        (one,) = parse("FROM a\nCOPY <<A <<-B /d/\nx\nA\n\tFROM y\n\tB\n").stages[0].instructions
        assert [(here.name, here.content) for here in one.heredocs] == [("A", "x\n"), ("B", "\tFROM y\n")]

    @pytest.mark.parametrize(
        "text",
        [
            "FROM a\nENV X=<<EOF\nRUN b\n",  # ENV takes none
            'FROM a\nRUN echo "<<EOF"\nRUN b\n',  # in quotes it is none
            "FROM a\nRUN cat <<<EOF\nRUN b\n",  # a here-string
        ],
    )
    def test_what_is_none_hides_nothing(self, text):
        assert names(text)[-1] == "RUN"

    @settings(max_examples=25, deadline=None)
    @given(
        st.lists(
            st.sampled_from(["FROM evil:1", "from x as y", "\tFROM a", "USER 0", "# c", "\\", "EOFX", "", "`", "}"])
        ),
        st.sampled_from(["RUN", "COPY", "ADD", "run", "ONBUILD RUN"]),
    )
    def test_no_line_of_one_becomes_a_from(self, lines, instruction):
        body = "".join(f"{line}\n" for line in lines)
        target = "/t" if "RUN" not in instruction.upper() else ""
        found = parse(f"FROM debian:12\n{instruction} <<EOF {target}\n{body}EOF\n")
        assert [stage.base for stage in found.stages] == ["debian:12"]
        # The parser consumes those of ONBUILD and does not hand them out.
        assert [here.content for here in found.instructions[1].heredocs] == ([] if "ONB" in instruction else [body])


class TestDirectives:
    def test_stand_first_once_each(self):
        found = parse("# syntax=docker/dockerfile:1\n# escape=`\n#Check=skip=all\nFROM a\nRUN b `\n  c\n")
        assert {one.name: (one.value, one.line) for one in found.directives} == {
            "syntax": ("docker/dockerfile:1", 1), "escape": ("`", 2), "check": ("skip=all", 3),
        }  # fmt: skip
        assert (found.escape, found.instructions[1].end_line) == ("`", 6)

    @pytest.mark.parametrize(
        "text", ["# a comment\n# syntax=x\nFROM a\n", "\n# syntax=x\nFROM a\n", "FROM a\n# syntax=x\n",
                 "# syntaxx=x\nFROM a\n"]
    )  # fmt: skip
    def test_elsewhere_are_comments(self, text):
        assert parse(text).syntax is None

    @pytest.mark.parametrize(
        "text", ["# syntax=a\n# syntax=b\nFROM a\n", "# escape=x\nFROM a\n", "// syntax=evil/x\nFROM a\n",
                 '{"syntax": "evil/x"}']
    )  # fmt: skip
    def test_that_some_frontends_take_are_refused(self, text):
        with pytest.raises(DockerfileMalformed):
            parse(text)

    def test_an_escape_that_only_newer_builders_find_is_refused(self):
        with pytest.raises(DockerfileMalformed) as refused:
            parse("# check=skip=all\n# escape=`\nFROM a\nRUN b `\n  c\n")
        assert refused.value.line == 2

    def test_behind_a_shebang_as_the_frontend_is_chosen(self):
        assert parse("#!/usr/bin/env docker\n# syntax=evil/x\nFROM a\n").syntax.value == "evil/x"


class TestComments:
    def test_are_kept_with_their_lines_and_not_from_heredocs(self):
        text = "# one\nFROM a\nRUN b \\\n  # two\n  c\nRUN <<E\n# none\nE\n  # three\n"
        assert parse(text).comments == ((1, "# one"), (4, "# two"), (9, "# three"))


class TestMounts:
    def test_are_read_field_by_field(self):
        (one,) = (
            parse(
                'FROM a\nRUN --mount=type=cache,ID=x,dst=/c --mount=from=b,source=/s,target=/t,rw "--mount=from=no" c\n'
            )
            .stages[0]
            .instructions
        )
        assert [(m.type, m.origin, m.source, m.target, m.id, m.is_writable) for m in one.mounts] == [
            ("cache", "", "", "/c", "x", False),
            ("bind", "b", "/s", "/t", "", True),
        ]

    def test_quoted_fields_are_csv(self):
        (one,) = parse('FROM a\nRUN --mount="type=bind","from=x",target=/y z\n').stages[0].instructions
        assert one.mounts[0].origin == "x"


class TestRefused:
    @pytest.mark.parametrize(
        ("text", "word"),
        [
            pytest.param("", "no instructions", id="empty"),
            pytest.param("# only this\n", "no instructions", id="comments"),
            pytest.param("ARG X\n", "no FROM", id="no-from"),
            pytest.param("RUN x\nFROM a\n", "before the first FROM", id="run-first"),
            pytest.param("FROM a\nFROBNICATE b\n", "no instruction", id="unknown"),
            pytest.param("FROM a\n\\\n\n", "no instruction", id="continued-into-nothing"),
            pytest.param("FROM a b\n", "FROM takes", id="from-two"),
            pytest.param("FROM a AS 1x\n", "no name of a stage", id="stage-name"),
            pytest.param("FROM a AS b c\n", "FROM takes", id="from-four"),
            pytest.param("FROM\n", "says nothing", id="from-nothing"),
            pytest.param("FROM a\nRUN\n", "says nothing", id="run-nothing"),
            pytest.param("FROM a\nONBUILD FROM b\n", "ONBUILD cannot hold", id="onbuild-from"),
            pytest.param("FROM a\nONBUILD ONBUILD RUN b\n", "ONBUILD cannot hold", id="onbuild-onbuild"),
            pytest.param("FROM a\nRUN <<EOF\nx\n", "unterminated heredoc", id="heredoc"),
            pytest.param("FROM a\0b\nRUN y\n", "NUL", id="nul"),
            pytest.param(b"FROM a\nRUN \xff\n", "UTF-8", id="not-utf-8"),
            pytest.param("FROM a\nRUN \ud800\n", "UTF-8", id="surrogate"),
            pytest.param("FROM a\nRUN --x=\u281f a\n", "taken apart", id="half-a-character"),
            pytest.param("FROM a\n" + "# x\n" * 20_001, "lines", id="lines"),
            pytest.param("FROM a\n#" + "x" * MAX_BYTES, "larger than", id="bytes"),
            pytest.param("FROM a\nRUN " + "x y" * MAX_LINE_LENGTH, "longer than", id="line"),
            pytest.param("FROM a\n" + "RUN x\n" * MAX_INSTRUCTIONS, "instructions", id="instructions"),
            pytest.param("FROM a\n" * 201, "stages", id="stages"),
            pytest.param("FROM a\nEXPOSE " + "1 " * 20_001, "words", id="words"),
            pytest.param("FROM a\n" + ("RUN " + "x" * 50_000 + "\n") * 3, "too long", id="long-words"),
        ],
    )
    def test_says_why(self, text, word):
        with pytest.raises(DockerfileMalformed) as refused:
            parse(text)
        assert word in str(refused.value)

    def test_says_where(self):
        with pytest.raises(DockerfileMalformed) as refused:
            parse("FROM a\nRUN b\n\nFRM c\n")
        assert (refused.value.line, refused.value.detail) == (4, "Line 4: 'FRM' is no instruction.")


class TestText:
    def test_a_byte_order_mark_is_dropped(self):
        found = parse(b"\xef\xbb\xbf# escape=`\nFROM a\n")
        assert (found.escape, found.stages[0].base, found.text[0]) == ("`", "a", "#")

    def test_line_ends_of_windows(self):
        found = parse("FROM a AS b\r\nRUN c \\\r\n  d\r\nUSER 5\r\n")
        assert [(one.name, one.line, one.values[-1]) for one in found.instructions[1:]] == [
            ("RUN", 2, "c   d"),
            ("USER", 4, "5"),
        ]
        assert found.stages[0].name == "b"


class TestTheParsersProcess:
    def test_ours_never_loads_it(self):
        parse("FROM a\n")
        assert b"dockerfile.abi3" not in Path("/proc/self/maps").read_bytes()

    def test_a_forked_worker_can_parse(self):
        # In one process with the parser, a fork after its first use would stand still here.
        parse("FROM first\n")
        child = os.fork()
        if child == 0:
            signal.alarm(30)
            os._exit(0 if parse("FROM forked\n").stages[0].base == "forked" else 1)
        assert os.waitpid(child, 0)[1] == 0

    def test_one_that_takes_too_long_is_stopped(self, monkeypatch):
        monkeypatch.setattr(buildkit_parser, "LIMITS", Limits(0, 10, 1024**3, 1024**2))
        with pytest.raises(ParserFailed):
            answers_to(["FROM slow\n"])

    def test_one_that_ends_badly_is_told(self, monkeypatch):
        monkeypatch.setattr(buildkit_parser, "LIMITS", Limits(20, 10, 32 * 1024**2, 1024**2))
        with pytest.raises(ParserFailed):
            answers_to(["FROM no-memory\n"])


class TestMutations:
    @pytest.mark.parametrize("seed", range(4))
    def test_two_thousand_texts_end_in_a_dockerfile_or_a_refusal(self, seed):
        rnd = random.Random(seed)
        texts = [_mutated(rnd, rnd.choice(SEEDS)) for _ in range(500)]
        ends = {"read": 0, "refused": 0}
        # One process reads them all: none of them ended it.
        for text, answer in zip(texts, answers_to(texts), strict=True):
            try:
                found = read(text, parser=lambda _, answer=answer: _instructions(answer))
                check_dockerfile(found, bases=[])
                ends["read"] += 1
            except DockerfileMalformed:
                ends["refused"] += 1
            else:
                starts = [number for number, one in enumerate(found.instructions) if one.name == "FROM"]
                assert len(starts) == len(found.stages)
        assert min(ends.values()) > 50


def _instructions(answer):
    if "error" in answer:
        raise DockerfileMalformed(answer["error"])
    return instructions_in(answer)


def _mutated(rnd: random.Random, text: str) -> str:
    for _ in range(rnd.randint(1, 6)):
        at, kind = rnd.randint(0, len(text)), rnd.random()
        if kind < 0.5:
            text = text[:at] + rnd.choice(PIECES) + text[at:]
        elif kind < 0.7:
            text = text[:at] + text[min(len(text), at + rnd.randint(1, 20)) :]
        elif kind < 0.85:
            text = text[:at] + rnd.choice(SEEDS)[rnd.randint(0, 60) :][: rnd.randint(1, 200)] + text[at:]
        else:
            text = text[:at] + chr(rnd.choice([rnd.randint(1, 127), rnd.randint(128, 0x2FFF)])) + text[at:]
    return text
