"""What an OSV record means, by the schema's own evaluation, and what is refused."""

import json
from datetime import UTC, datetime

import pytest

from scans.domain.osv import AdvisoryMalformed, parse_advisory
from scans.domain.versions import deb_key
from tests.factories.scans import osv


def parsed(*events, ecosystem: str = "Debian:12", **fields):
    return parse_advisory(json.dumps(osv("X-1", "zlib", *events, ecosystem=ecosystem, **fields)).encode())


def affects(record, version: str) -> list[str]:
    """The fixed version (or "-") of each interval that ``version`` lies in."""
    key = deb_key(version)
    return [
        one.fixed or "-"
        for one in record.intervals
        if not one.incomparable
        and one.introduced_key <= key
        and (one.end_key is None or key < one.end_key or (one.is_end_inclusive and key == one.end_key))
    ]


class TestIntervals:
    @pytest.mark.parametrize(
        ("events", "expected"),
        [
            pytest.param([("introduced", "0"), ("fixed", "2")], {"1": ["2"], "2": [], "2~rc1": ["2"]}, id="fixed"),
            pytest.param([("introduced", "0")], {"1": ["-"], "99": ["-"]}, id="unfixed"),
            pytest.param([("introduced", "1"), ("last_affected", "2")], {"0.9": [], "2": ["-"], "2.1": []}, id="last"),
            pytest.param(
                [("introduced", "0"), ("fixed", "2"), ("introduced", "3"), ("fixed", "4")],
                {"1": ["2"], "2.5": [], "3": ["4"], "4": []},
                id="two intervals",
            ),
            pytest.param(
                [("fixed", "4"), ("introduced", "3"), ("fixed", "2"), ("introduced", "0")],
                {"1": ["2"], "2.5": [], "3": ["4"]},
                id="unsorted events",
            ),
            pytest.param(
                [("introduced", "0"), ("fixed", "2"), ("introduced", "2"), ("fixed", "3")],
                {"1": ["2"], "2": ["3"], "3": []},
                id="ends where the next begins",
            ),
            pytest.param([("introduced", "0"), ("fixed", "0")], {"1": []}, id="never affected"),
            pytest.param([("introduced", "1"), ("last_affected", "1")], {"1": ["-"], "1.1": []}, id="one version"),
        ],
    )
    def test_follow_the_events(self, events, expected):
        record = parsed(*events)
        assert {version: affects(record, version) for version in expected} == expected

    def test_a_listed_version_is_affected_by_itself(self):
        body = osv("X-1", "zlib")
        body["affected"][0] = {"package": body["affected"][0]["package"], "versions": ["1.0", "1.2"]}
        record = parse_advisory(json.dumps(body).encode())
        assert [affects(record, version) for version in ("1.0", "1.1", "1.2")] == [["-"], [], ["-"]]

    def test_a_listed_version_inside_a_range_says_nothing_new(self):
        body = osv("X-1", "zlib", ("introduced", "0"), ("fixed", "2"))
        body["affected"][0]["versions"] = ["1.0", "1.2", "2", "3"]
        record = parse_advisory(json.dumps(body).encode())
        assert len(record.intervals) == 3
        assert [affects(record, version) for version in ("1.0", "2", "2.5", "3")] == [["2"], ["-"], [], ["-"]]

    @pytest.mark.parametrize(
        ("ecosystem", "events"),
        [
            pytest.param("PyPI", [("introduced", "0"), ("fixed", "2")], id="no order for the ecosystem"),
            pytest.param("Debian:12", [("introduced", "0"), ("fixed", "1_2")], id="no version"),
        ],
    )
    def test_what_cannot_be_ordered_is_kept_as_incomparable(self, ecosystem, events):
        (interval,) = parsed(*events, ecosystem=ecosystem).intervals
        assert interval.incomparable
        assert interval.package == "zlib"

    def test_a_git_only_range_is_kept_as_incomparable(self):
        body = osv("X-1", "zlib", ("introduced", "0"))
        body["affected"][0]["ranges"][0]["type"] = "GIT"
        (interval,) = parse_advisory(json.dumps(body).encode()).intervals
        assert "no version range" in interval.incomparable

    def test_ubuntu_releases_have_one_name(self):
        (interval,) = parsed(("introduced", "0"), ecosystem="Ubuntu:22.04:LTS").intervals
        assert interval.ecosystem == "Ubuntu:22.04"


class TestUbuntuPro:
    @staticmethod
    def record(plain: list[tuple[str, str]], pro: list[tuple[str, str]]):
        body = osv("UBUNTU-CVE-2024-24258", "freeglut", ("introduced", "0"), *plain, ecosystem="Ubuntu:24.04:LTS")
        added = osv("X", "freeglut", ("introduced", "0"), *pro, ecosystem="Ubuntu:Pro:24.04:LTS")
        body["affected"] += added["affected"]
        return parse_advisory(json.dumps(body).encode())

    def test_fixes_what_the_archive_leaves_open(self):
        found = self.record([], [("fixed", "3.4.0-1ubuntu0.1~esm1")])
        assert {one.ecosystem for one in found.intervals} == {"Ubuntu:24.04"}
        assert affects(found, "3.4.0-1") == ["3.4.0-1ubuntu0.1~esm1"]
        assert affects(found, "3.4.0-1ubuntu0.1~esm1") == []

    def test_that_has_no_fix_either_leaves_it_open(self):
        found = self.record([], [])
        assert affects(found, "9") == ["-"]

    def test_takes_nothing_from_what_the_archive_fixes(self):
        found = self.record([("fixed", "3.4.0-2")], [])
        assert affects(found, "3.4.0-1") == ["3.4.0-2", "-"]

    def test_another_release_stays_open(self):
        body = osv("X-1", "freeglut", ("introduced", "0"), ecosystem="Ubuntu:22.04:LTS")
        body["affected"] += osv(
            "X", "freeglut", ("introduced", "0"), ("fixed", "3~esm1"), ecosystem="Ubuntu:Pro:24.04:LTS"
        )["affected"]
        record = parse_advisory(json.dumps(body).encode())
        assert [one.fixed for one in record.intervals if one.ecosystem == "Ubuntu:22.04"] == [""]


class TestRedHat:
    """Records as Red Hat and AlmaLinux write them: by installed package, with an epoch and a release."""

    FIX = "1:3.0.7-27.el9"
    OF_MODULE = "1:20.11.1-1.module+el9.3.0+21000+1a2b3c4d"

    def test_repositories_of_one_release_say_one_thing(self):
        record = osv("RHSA-1", "openssl-libs", ("introduced", "0"), ("fixed", self.FIX))
        entries = [
            {
                **record["affected"][0],
                "package": {"ecosystem": f"Red Hat:enterprise_linux:9::{one}", "name": "openssl-libs"},
            }
            for one in ("appstream", "baseos")
        ]
        found = parse_advisory(json.dumps({**record, "affected": entries}).encode())
        assert [(one.ecosystem, one.fixed) for one in found.intervals] == [("Red Hat:9", self.FIX)]

    def test_a_fix_in_a_module_is_about_that_modules_package_alone(self):
        record = parsed(
            ("introduced", "0"), ("fixed", self.OF_MODULE), ecosystem="Red Hat:enterprise_linux:9::appstream"
        )
        assert [(one.package, bool(one.incomparable)) for one in record.intervals] == [("zlib (module)", True)]

    def test_what_names_no_version_is_about_both(self):
        record = parsed(("introduced", "0"), ecosystem="AlmaLinux:9")
        assert [one.package for one in record.intervals] == ["zlib", "zlib (module)"]

    def test_almalinux_names_its_vulnerabilities_as_related(self):
        events = (("introduced", "0"), ("fixed", self.FIX))
        related = ["CVE-2022-4203", "CVE-2022-4304", "RHSA-2023:0946"]
        record = osv("ALSA-2023:0946", "openssl", *events, ecosystem="AlmaLinux:9", related=related)
        found = parse_advisory(json.dumps(record).encode())
        assert found.vulnerability_ids == ("CVE-2022-4203", "CVE-2022-4304")
        assert found.intervals

    def test_a_bug_fix_affects_nothing_unless_it_names_a_vulnerability(self):
        events = (("introduced", "0"), ("fixed", self.FIX))
        plain = osv("ALBA-2023:2581", "openssl", *events, ecosystem="AlmaLinux:9", related=[])
        assert parse_advisory(json.dumps(plain).encode()).intervals == ()
        named = {**plain, "related": ["CVE-2022-4203"]}
        assert parse_advisory(json.dumps(named).encode()).intervals
        # Of anybody else, what is related is related.
        other = osv("X-1", "openssl", *events, related=["CVE-2022-4203"])
        assert parse_advisory(json.dumps(other).encode()).vulnerability_ids == ("X-1",)


class TestNames:
    @pytest.mark.parametrize(
        ("identifier", "fields", "expected"),
        [
            pytest.param(
                "DSA-1-1",
                {"aliases": ["CVE-2014-6271", "CVE-2014-7169"]},
                ("CVE-2014-6271", "CVE-2014-7169"),
                id="aliases",
            ),
            pytest.param("DEBIAN-CVE-2024-1", {"upstream": ["CVE-2024-10000"]}, ("CVE-2024-10000",), id="upstream"),
            pytest.param("CVE-2024-10000", {}, ("CVE-2024-10000",), id="its own id"),
            pytest.param("ALPINE-CVE-2012-2738", {}, ("CVE-2012-2738",), id="a distribution's own record of one"),
            pytest.param("USN-1-1", {"upstream": ["UBUNTU-CVE-2024-10000"]}, ("CVE-2024-10000",), id="a notice of one"),
            pytest.param("GHSA-xxxx", {"aliases": ["PYSEC-2024-1"]}, ("GHSA-xxxx",), id="no CVE"),
        ],
    )
    def test_a_vulnerability_is_its_cve_else_the_advisory(self, identifier, fields, expected):
        body = osv(identifier, "bash", ("introduced", "0")) | fields
        assert parse_advisory(json.dumps(body).encode()).vulnerability_ids == expected


class TestRefusals:
    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b"{", id="cut"),
            pytest.param(b"[]", id="a list"),
            pytest.param(b'{"id": "X-1"}', id="no modified"),
            pytest.param(b'{"id": "X-1", "modified": "yesterday"}', id="no time"),
            pytest.param(b'{"id": "X-1", "modified": "2026-01-01T00:00:00"}', id="no time zone"),
            pytest.param(b'{"id": "<script>", "modified": "2026-01-01T00:00:00Z"}', id="no id"),
            pytest.param(b'{"id": 7, "modified": "2026-01-01T00:00:00Z"}', id="a number as id"),
            pytest.param(json.dumps(osv("X-1", "zlib", ("fixed", "2"))).encode(), id="no introduction"),
            pytest.param(b"[" * 100_000, id="deep"),
        ],
    )
    def test_what_is_no_record_is_refused(self, body):
        with pytest.raises(AdvisoryMalformed):
            parse_advisory(body)

    def test_unknown_fields_change_nothing(self):
        body = osv("X-1", "zlib", ("introduced", "0"), ("fixed", "2")) | {"new_in_2030": {"a": [1]}}
        assert affects(parse_advisory(json.dumps(body).encode()), "1") == ["2"]

    def test_times_are_utc(self):
        record = parsed(("introduced", "0"), published="2026-11-01T02:00:00+02:00")
        assert record.published == datetime(2026, 11, 1, tzinfo=UTC)
