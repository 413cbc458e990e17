"""Order keys against two oracles: dpkg itself, and univers."""

import functools
import gzip
import random
import re
import shutil
import subprocess

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from univers.versions import DebianVersion

from scans.domain.versions import MAX_KEY_BYTES, CannotCompare, deb_key, has_order, version_key
from tests.factories.scans import DSA_2023, FIXES


@functools.cache
def real_versions() -> tuple[str, ...]:
    found = set()
    for path in (FIXES, DSA_2023):
        with gzip.open(path, "rt") as lines:
            for line in lines:
                found.update(re.findall(r'"fixed": "([^"]+)"', line))
    return tuple(sorted(found))


def mutated(version: str, dice: random.Random) -> str:
    """A neighbour: what versions really differ by."""
    end = dice.choice(["~", "+b1", "-0", "-1", ".0", "~rc1", "+deb12u2", "a", "0", "00", ".1~", "+really1"])
    later = version if ":" in version else f"1:{version}"
    return dice.choice([version + end, version.replace(".", dice.choice([".0", "..", "~", "+"]), 1), later])


def pairs(count: int) -> list[tuple[str, str]]:
    dice = random.Random(20261124)
    versions = real_versions()
    found = [(dice.choice(versions), dice.choice(versions)) for _ in range(count // 2)]
    for _ in range(count // 4):
        position = dice.randrange(len(versions) - 1)
        found.append((versions[position], versions[position + 1]))
    while len(found) < count:
        version = dice.choice(versions)
        found.append((version, mutated(version, dice)))
    return found


def order(left: str, right: str) -> int:
    one, other = deb_key(left), deb_key(right)
    return (one > other) - (one < other)


class TestDebOrder:
    @pytest.mark.parametrize(
        ("lower", "higher"),
        [
            pytest.param("1.0~rc1", "1.0", id="a tilde is before the end"),
            pytest.param("1.0~~", "1.0~", id="two tildes are before one"),
            pytest.param("1.0", "1.0a", id="the end is before a letter"),
            pytest.param("1.0a", "1.0+", id="letters are before everything else"),
            pytest.param("1.9", "1.10", id="digits are numbers"),
            pytest.param("9.99", "1:0.1", id="the epoch is first"),
            pytest.param("2.38.1-5+deb12u3", "2.38.1-5+deb12u4", id="a security update"),
            pytest.param("3.0.17-1~deb12u2", "3.0.17-1", id="a backport is before its origin"),
            pytest.param("1.0-1", "1.0-1+b1", id="a binary rebuild is after"),
            pytest.param("1-2-3", "1.1-2", id="the last hyphen parts the revision"),
        ],
    )
    def test_is_as_the_manual_says(self, lower, higher):
        assert deb_key(lower) < deb_key(higher)

    @pytest.mark.parametrize(
        ("left", "right"),
        [("1.0", "1.0-0"), ("0:1.0", "1.0"), ("1.00", "1.0"), ("1.0a", "1.0a0"), ("1.", "1.0")],
    )
    def test_equal_versions_have_one_key(self, left, right):
        assert deb_key(left) == deb_key(right)

    def test_agrees_with_dpkg(self):
        assert shutil.which("dpkg"), "dpkg is the oracle: without it this proves nothing"
        # One shell for all: starting a process from Python for each pair would be most of the time.
        script = 'while read -r a b; do if dpkg --compare-versions "$a" lt "$b"; then echo -1; else'
        script += ' if dpkg --compare-versions "$a" eq "$b"; then echo 0; else echo 1; fi; fi; done'
        asked = pairs(2000)
        answered = subprocess.run(
            ["sh", "-c", script],
            input="".join(f"{left} {right}\n" for left, right in asked),
            capture_output=True,
            text=True,
            check=True,
        )
        told = [int(line) for line in answered.stdout.split()]
        assert len(told) == 2000
        wrong = [pair for pair, answer in zip(asked, told, strict=True) if order(*pair) != answer]
        assert wrong == []

    def test_agrees_with_univers(self):
        wrong = []
        for left, right in pairs(20000):
            one, other = DebianVersion(left), DebianVersion(right)
            if order(left, right) != (one > other) - (one < other):
                wrong.append((left, right))
        assert wrong == []

    @given(st.text(alphabet="019azAZ.+~-:", min_size=1, max_size=12), st.text(alphabet="019a.+~-", max_size=8))
    @settings(max_examples=300, deadline=None)
    def test_anything_encodes_or_is_refused_and_orders_totally(self, left, right):
        try:
            one, other = deb_key(left), deb_key(right)
        except CannotCompare:
            return
        # The oracle refuses some that dpkg only warns about: those that begin with no digit.
        assume(DebianVersion.is_valid(left) and DebianVersion.is_valid(right))
        assert (one < other) == (DebianVersion(left) < DebianVersion(right))


class TestRefusals:
    @pytest.mark.parametrize(
        "version",
        [
            "",
            " 1",
            "1 ",
            "1\n",
            "1.0_1",
            "a:1",
            "1:",
            "-1",
            "1-",
            "1.0-é",
            "٣.1",
            "9999999999:1",
            "1" * 5000,
            "1:2\x00",
        ],
    )
    def test_what_is_no_version_is_refused(self, version):
        with pytest.raises(CannotCompare):
            deb_key(version)

    def test_a_key_never_outgrows_an_index_entry(self):
        longest = "1." * 250 + "1"
        assert len(deb_key(longest)) <= MAX_KEY_BYTES
        with pytest.raises(CannotCompare):
            deb_key("a1" * 400)

    @pytest.mark.parametrize("ecosystem", ["PyPI", "Rocky Linux:9", "", "debian:12"])
    def test_an_ecosystem_without_an_order_is_refused(self, ecosystem):
        assert not has_order(ecosystem)
        with pytest.raises(CannotCompare):
            version_key(ecosystem, "1.0")

    def test_every_version_of_the_real_feeds_can_be_encoded(self):
        assert len(real_versions()) > 4000
        assert [version for version in real_versions() if not deb_key(version)] == []
