"""Order keys of apk versions against what apk-tools itself answered (tests/data/apk/README.md)."""

import functools
import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scans.domain.versions import MAX_KEY_BYTES, CannotCompare, apk_key, has_order, version_key
from tests.factories.scans import DATA

SECDB = DATA / "advisories" / "alpine-secdb-2020.jsonl.gz"


@functools.cache
def answered() -> list[tuple[str, str, str]]:
    lines = gzip.decompress((DATA / "apk" / "order.tsv.gz").read_bytes()).decode().splitlines()
    return [tuple(line.split("\t")) for line in lines]


@functools.cache
def real_versions() -> frozenset[str]:
    found = set()
    with gzip.open(SECDB, "rt") as lines:
        for line in lines:
            for entry in json.loads(line)["affected"]:
                found.update(event.get("fixed", "0") for part in entry["ranges"] for event in part["events"])
    return frozenset(found - {"0"})


def order(left: str, right: str) -> str:
    one, other = apk_key(left), apk_key(right)
    return "<" if one < other else ">" if one > other else "="


class TestApkOrder:
    @pytest.mark.parametrize(
        ("lower", "higher"),
        [
            pytest.param("1.9", "1.10", id="digits are numbers"),
            pytest.param("1.09", "1.1", id="a leading zero makes a fraction"),
            pytest.param("1.0", "1.0.0", id="one more number is after"),
            pytest.param("1.1.1d-r3", "1.1.1g-r0", id="a letter"),
            pytest.param("1.0", "1.0a", id="no letter is before a letter"),
            pytest.param("1.0_rc1", "1.0", id="a preview is before its version"),
            pytest.param("1.0_alpha_pre2", "1.0_alpha", id="a preview of a preview"),
            pytest.param("1.0_alpha", "1.0_alpha1", id="a suffix without a number is before one that has it"),
            pytest.param("1.0_beta9", "1.0_pre1", id="previews have an order"),
            pytest.param("7.9", "7.9_p1-r1", id="a patch is after its version"),
            pytest.param("1.0_git20200101", "1.0_p1", id="updates have an order"),
            pytest.param("2.10.5-r0", "2.10.5-r1", id="a revision"),
            pytest.param("2.10.5", "2.10.5-r0", id="any revision is after none"),
            pytest.param("2.10.5-r9", "2.10.5~abc", id="a commit is after a revision"),
            pytest.param("2.10.5-r99", "2.10.5.1-r0", id="one more number is after any revision"),
        ],
    )
    def test_is_as_apk_tools_orders_them(self, lower, higher):
        assert apk_key(lower) < apk_key(higher)

    @pytest.mark.parametrize(("left", "right"), [("01.2", "1.2"), ("1.2-r01", "1.2-r1"), ("1_p01", "1_p1")])
    def test_equal_versions_have_one_key(self, left, right):
        assert apk_key(left) == apk_key(right)

    def test_agrees_with_apk_tools_on_every_pair(self):
        assert len(answered()) > 24_000
        assert {sign for _, sign, _ in answered()} == {"<", "=", ">"}
        assert [pair for pair in answered() if order(pair[0], pair[2]) != pair[1]] == []

    @given(st.from_regex(r"\A[0-9]{1,3}(\.0?[0-9]{1,3}){0,2}[a-c]?(_(rc|p|git)[0-9]?){0,2}(-r[0-9]{1,2})?\Z"))
    @settings(max_examples=200, deadline=None)
    def test_a_revision_more_is_after_whatever_stands_before_it(self, version):
        head, _, revision = version.partition("-r")
        assert apk_key(version) < apk_key(f"{head}-r{int(revision or 0) + 1}")

    def test_a_key_is_below_the_bound_that_matching_ends_at(self):
        assert all(b"" < apk_key(left) < b"\xff" for left, _, _ in answered())


class TestRefusals:
    def test_what_apk_tools_refuses_is_refused(self):
        refused = gzip.decompress((DATA / "apk" / "refused.txt.gz").read_bytes()).decode().splitlines()
        assert len(refused) > 1_500
        for version in refused:
            with pytest.raises(CannotCompare):
                apk_key(version)

    @pytest.mark.parametrize(
        "version",
        ["", " 1", "1\n", "1.0-é", "٣.1", "1.0_foo", "1.0-1", "1:1.0", "18446744073709551616", "1." * 600 + "1", "1\0"],
    )
    def test_what_is_no_version_is_refused(self, version):
        with pytest.raises(CannotCompare):
            apk_key(version)

    def test_a_key_never_outgrows_an_index_entry(self):
        assert len(apk_key("1" + ".18446744073709551615" * 40)) <= MAX_KEY_BYTES
        with pytest.raises(CannotCompare):
            apk_key("1" + ".1_p1"[:2] * 500)

    def test_of_the_real_feed_eight_are_mistyped_and_the_others_are_encoded(self):
        refused = set()
        for version in real_versions():
            try:
                apk_key(version)
            except CannotCompare:
                refused.add(version)
        assert len(real_versions()) == 889
        mistyped = {"1.11-20-r0", "10.2.22.r0", "10.2.24.r0", "10.2.26.r0", "2.7.16-33", "4.10-1-r1", "4.8.0.-r1"}
        assert refused == mistyped | {"6.6.2p1-r0"}


class TestEcosystems:
    @pytest.mark.parametrize("ecosystem", ["Alpine:v3.19", "Wolfi", "Chainguard"])
    def test_have_apks_order(self, ecosystem):
        assert has_order(ecosystem)
        assert version_key(ecosystem, "1.2_p1-r0") == apk_key("1.2_p1-r0")

    @pytest.mark.parametrize("version", ["1.1.1f-1ubuntu2.fips.22", "3.0.2-0ubuntu1.10+Fips1"])
    def test_a_fips_series_is_numbered_apart(self, version):
        assert version_key("Debian:12", version)
        with pytest.raises(CannotCompare):
            version_key("Ubuntu:22.04", version)
