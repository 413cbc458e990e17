"""Arguments: which hold where, and what a word comes to. Expected values are BuildKit's (``shell/lex.go``)."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builds.domain.arguments import filled_stages
from builds.domain.dockerfile import DockerfileMalformed, parse
from builds.domain.expansion import NotExpandable, expand

VALUES = {"A": "a", "EMPTY": "", "PATH_": "/one/two/three.tar.gz", "V": "12"}


class TestExpand:
    @pytest.mark.parametrize(
        ("word", "expected"),
        [
            ("plain", "plain"),
            ("$A", "a"),
            ("${A}", "a"),
            ("x$A-y", "xa-y"),
            ("$UNSET.", "."),
            ("${UNSET:-d}", "d"),
            ("${EMPTY:-d}", "d"),
            ("${EMPTY-d}", ""),
            ("${UNSET-d}", "d"),
            ("${A:+y}", "y"),
            ("${EMPTY:+y}", ""),
            ("${EMPTY+y}", "y"),
            ("${UNSET+y}", ""),
            ("${A:?no}", "a"),
            ("${UNSET:-${A:-x}}", "a"),
            ("${UNSET:-'$A'}", "$A"),
            ("'$A'", "$A"),
            ('"$A"', "a"),
            ('"a\\$A"', "a$A"),
            ("\\$A", "$A"),
            ('"it\'s"', "it's"),
            ("debian:${V:-11}", "debian:12"),
            ("$", "$"),
            ("$$", ""),
            ("$1x", "x"),
            ("${PATH_#*/}", "one/two/three.tar.gz"),
            ("${PATH_##*/}", "three.tar.gz"),
            ("${PATH_%.*}", "/one/two/three.tar"),
            ("${PATH_%%.*}", "/one/two/three"),
            ("${PATH_/o/0}", "/0ne/two/three.tar.gz"),
            ("${PATH_//o/0}", "/0ne/tw0/three.tar.gz"),
            ("${PATH_//\\//_}", "_one_two_three.tar.gz"),
            ("${V#?}", "2"),
        ],
    )
    def test_comes_to(self, word, expected):
        assert expand(word, VALUES) == expected

    @pytest.mark.parametrize(
        "word", ["${", "${}", "${:x}", "${{A}}", "${A", "'open", '"open', "${UNSET:?x}", "${A:#x}", "${A~x}", "${A/x}"]
    )
    def test_refuses(self, word):
        with pytest.raises(NotExpandable):
            expand(word, VALUES)

    def test_the_escape_character_is_the_files_own(self):
        assert expand("`$A\\", VALUES, escape="`") == "$A\\"

    @pytest.mark.parametrize("word", ["${X#" + "*a" * 200 + "b}", "${X//" + "*" * 100 + "/}", "$X" * 10])
    def test_nothing_grows_or_takes_long(self, word):
        with pytest.raises(NotExpandable):
            expand(word, {"X": "a" * 60_000})

    @given(st.text(alphabet="$${}{}'\"\\ab:-+?#%/* \n", max_size=60))
    def test_any_word_ends_in_a_text_or_a_refusal(self, word):
        with contextlib.suppress(NotExpandable):
            assert isinstance(expand(word, {"a": "b", "b": ""}), str)


def stage(text: str, index: int = -1, **arguments: str):
    return filled_stages(parse(text), arguments)[index]


class TestScope:
    @pytest.mark.parametrize(
        ("text", "given", "base"),
        [
            pytest.param("ARG V=12\nFROM d:$V\n", {}, "d:12", id="default"),
            pytest.param("ARG V=12\nFROM d:$V\n", {"V": "13"}, "d:13", id="given-wins"),
            pytest.param("ARG V\nFROM d:${V:-11}\n", {}, "d:11", id="declared-without-default"),
            pytest.param("FROM d:${V:-11}\n", {"V": "13"}, "d:11", id="given-and-not-declared"),
            pytest.param("ARG A=1\nARG B=$A.2\nFROM d:$B\n", {}, "d:1.2", id="one-from-the-other"),
            pytest.param("ARG A=1 B=${A}x\nFROM d:$B\n", {}, "d:1x", id="in-one-line"),
            pytest.param("FROM d AS a\nARG V=1\nFROM x:${V:-none}\n", {}, "x:none", id="of-a-stage-is-not-global"),
            pytest.param("FROM d AS a\nENV V=1\nFROM x:${V:-none}\n", {}, "x:none", id="env-is-not-global"),
            pytest.param("FROM d:$TARGETARCH\n", {}, "d:amd64", id="platform"),
            pytest.param("FROM d:$TARGETARCH\n", {"TARGETARCH": "s390x"}, "d:s390x", id="platform-given"),
            pytest.param('ARG B="debian:12"\nFROM $B\n', {}, "debian:12", id="quotes"),
            pytest.param("# escape=`\nARG B=a`$b\nFROM $B\n", {}, "a$b", id="escape"),
        ],
    )
    def test_from_sees_global_arguments_alone(self, text, given, base):
        assert stage(text, **given).base == base

    @pytest.mark.parametrize(
        ("text", "given", "user"),
        [
            pytest.param("ARG U=5\nFROM d\nUSER ${U:-7}\n", {}, "7", id="global-not-named-again"),
            pytest.param("ARG U=5\nFROM d\nARG U\nUSER $U\n", {}, "5", id="global-named-again"),
            pytest.param("ARG U=5\nFROM d\nARG U=6\nUSER $U\n", {}, "6", id="own-default"),
            pytest.param("FROM d\nARG U=6\nUSER $U\n", {"U": "8"}, "8", id="given"),
            pytest.param("FROM d\nARG U=6\nENV U=9\nUSER $U\n", {"U": "8"}, "9", id="env-wins"),
            pytest.param("FROM d\nENV U=9\nARG U=6\nUSER $U\n", {"U": "8"}, "9", id="env-wins-before"),
            pytest.param("FROM d\nENV A=1\nENV A=2 B=$A\nUSER $B\n", {}, "1", id="one-env-sees-what-was-before"),
            pytest.param("FROM d AS a\nENV U=4\nFROM a\nUSER $U\n", {}, "4", id="env-of-the-stage-below"),
            pytest.param("FROM d AS a\nARG U=4\nFROM A\nUSER $U\n", {}, "4", id="arg-of-the-stage-below"),
            pytest.param("FROM d\nUSER 1\nUSER 2:3\n", {}, "2:3", id="last-one"),
            pytest.param("FROM d\nONBUILD USER 0\n", {}, "", id="onbuild-is-not-here"),
        ],
    )
    def test_a_stage_sees_its_own(self, text, given, user):
        assert stage(text, **given).user == user

    def test_a_stage_of_the_same_name_is_an_earlier_one(self):
        found = filled_stages(parse("FROM a AS a\nFROM a\nFROM b AS a\nFROM A\n"), {})
        assert [one.parent.index if one.parent else None for one in found] == [None, 0, None, 2]

    def test_a_word_that_cannot_be_filled_in_names_its_line(self):
        with pytest.raises(DockerfileMalformed) as refused:
            stage("ARG X=1\nFROM a\nUSER ${X:\n")
        assert refused.value.line == 3
