"""Order keys of rpm versions against what rpm itself answered (tests/data/rpm/README.md)."""

import functools
import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scans.domain.versions import MAX_KEY_BYTES, CannotCompare, has_order, is_of_module, rpm_key, version_key
from tests.factories.scans import DATA


@functools.cache
def answered() -> list[tuple[str, str, str]]:
    lines = gzip.decompress((DATA / "rpm" / "order.tsv.gz").read_bytes()).decode().split("\n")
    return [tuple(line.split("\t")) for line in lines if line]


def order(left: str, right: str) -> str:
    one, other = rpm_key(left), rpm_key(right)
    return "<" if one < other else ">" if one > other else "="


def is_version(text: str) -> bool:
    try:
        rpm_key(text)
    except CannotCompare:
        return False
    return True


class TestRpmOrder:
    @pytest.mark.parametrize(
        ("lower", "higher"),
        [
            pytest.param("1.9-1", "1.10-1", id="digits are numbers"),
            pytest.param("9.9-9", "1:1.0-1", id="an epoch is before everything"),
            pytest.param("3.0.7-18.el9_2", "3.0.7-18.el9_2.1", id="one part more"),
            pytest.param("3.0.7-18.el9_2", "3.0.7-27.el9", id="a release"),
            pytest.param("1.0~rc1-1", "1.0-1", id="a tilde is before the version without it"),
            pytest.param("1.0~rc1^git1-1", "1.0-1", id="whatever follows the tilde"),
            pytest.param("1.0-1", "1.0^git1-1", id="a caret is after the version without it"),
            pytest.param("1.0^git1-1", "1.0.1-1", id="and before the next one"),
            pytest.param("1.0a-1", "1.0.1-1", id="a letter is before a number"),
            pytest.param("1.0Z-1", "1.0a-1", id="letters as their codes"),
            pytest.param("1.0ab-1", "1.0abc-1", id="a word before a longer one"),
            pytest.param("1.0", "1.0-0", id="no release is before any"),
        ],
    )
    def test_is_as_rpm_orders_them(self, lower, higher):
        assert rpm_key(lower) < rpm_key(higher)

    @pytest.mark.parametrize(
        ("left", "right"),
        [("1.0-1", "0:1.0-1"), ("1.0-1", "1_0-1"), ("1.00-01", "1.0-1"), ("1.0.-1", "1.0-1"), ("1.0+-1", "1..0-1")],
    )
    def test_equal_versions_have_one_key(self, left, right):
        assert rpm_key(left) == rpm_key(right)

    def test_agrees_with_rpm_on_every_pair(self):
        compared = [pair for pair in answered() if is_version(pair[0]) and is_version(pair[2])]
        assert len(compared) > 24_000
        assert {sign for _, sign, _ in compared} == {"<", "=", ">"}
        assert [pair for pair in compared if order(pair[0], pair[2]) != pair[1]] == []

    @given(st.lists(st.from_regex(r"\A([0-9a-bA]|[~^._]){1,5}(-[0-9a~^.]{1,3})?\Z"), min_size=2, max_size=2))
    @settings(max_examples=200, deadline=None)
    def test_what_follows_a_tilde_is_before_and_what_follows_a_caret_is_after(self, versions):
        head, tail = versions[0].partition("-")[0], versions[1].partition("-")[0]
        assert rpm_key(f"{head}~{tail}") < rpm_key(head) < rpm_key(f"{head}^{tail}")

    def test_a_key_is_below_the_bound_that_matching_ends_at(self):
        assert all(b"" < rpm_key(left) < b"\xff" for left, _, _ in answered() if is_version(left))


class TestRefusals:
    @pytest.mark.parametrize(
        "version",
        ["", "-1", "1-", "1-2-3", ":1-1", "a:1-1", "1:1:1-1", " 1-1", "1-1\n", "1.0é-1", "٣-1", "1/2-1", "1%-1", "1\0"],
    )
    def test_what_rpm_builds_no_package_of_is_refused(self, version):
        """rpm compares some of these, as if what it does not know were not there; no package has such a version."""
        with pytest.raises(CannotCompare):
            rpm_key(version)

    def test_an_epoch_that_rpm_would_wrap_around_is_refused(self):
        assert rpm_key("4294967294:1-1") < rpm_key("4294967295:1-1")
        with pytest.raises(CannotCompare):
            rpm_key("4294967296:1-1")

    def test_a_key_never_outgrows_an_index_entry(self):
        assert len(rpm_key("1" + ".18446744073709551615" * 40)) <= MAX_KEY_BYTES
        for version in ("1" + ".1" * 500, "9" * 900, "9" * 5000):
            with pytest.raises(CannotCompare):
                rpm_key(version)


class TestEcosystems:
    @pytest.mark.parametrize("ecosystem", ["Red Hat:9", "AlmaLinux:9"])
    def test_have_rpms_order(self, ecosystem):
        assert has_order(ecosystem)
        assert version_key(ecosystem, "1:3.0.7-18.el9_2") == rpm_key("1:3.0.7-18.el9_2")

    @pytest.mark.parametrize(
        "version", ["1:20.11.1-1.module+el9.3.0+21000+1a2b3c4d", "1:20.11.1-1.module_el8.5.0+119+9a9ec082"]
    )
    def test_a_stream_of_a_module_is_numbered_apart(self, version):
        assert is_of_module(version)
        assert rpm_key(version)
        with pytest.raises(CannotCompare, match="of a module"):
            version_key("Red Hat:9", version)

    def test_a_package_about_modules_is_of_none(self):
        assert not is_of_module("0:2.13.0-2.el9")
        assert not is_of_module("1.0.modules-1.el9")
