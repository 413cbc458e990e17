"""The whole line on an Ubuntu image: syft itself, OSV records in Canonical's form, judgement by Ubuntu's own dates."""

import datetime as dt

import pytest

from scans.selectors import findings, latest_scan, scan_state_at
from tests.factories.scans import ENDS, import_real_feeds, import_records, osv
from tests.scans.test_alpine_images import scanned, state_of

pytestmark = pytest.mark.django_db

STATUS = "var/lib/dpkg/status"


def os_release(version: str) -> bytes:
    """The lines of Ubuntu's own that count: syft names its packages by ``ID_LIKE``."""
    return f'NAME="Ubuntu"\nVERSION_ID="{version}"\nID=ubuntu\nID_LIKE=debian\n'.encode()


def status(*packages: tuple[str, str, str]) -> bytes:
    """dpkg's database of ``(package, version, source)``; a source as dpkg writes it, its version in brackets."""
    fields = (
        "Package: {}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {}\nSource: {}\nDescription: x\n\n"
    )
    return "".join(fields.format(*package) for package in packages).encode()


# Of ubuntu:22.04 as it was in early 2023.
JAMMY = status(
    ("libssl3", "3.0.2-0ubuntu1.7", "openssl"),
    ("libc6", "2.35-0ubuntu3.1", "glibc"),
    ("perl-base", "5.34.0-3ubuntu1.1", "perl"),
    ("libpam-runtime", "1.4.0-11ubuntu2.3", "pam"),
    ("libgcc-s1", "12.1.0-2ubuntu1~22.04", "gcc-12 (12.1.0-2ubuntu1~22.04)"),
)


def record(identifier: str, package: str, *events: tuple[str, str], ecosystem: str, **fields) -> dict:
    """As Canonical writes them: always from 0, with the list of versions that are affected."""
    made = osv(identifier, package, ("introduced", "0"), *events, ecosystem=ecosystem, **fields)
    made["affected"][0]["versions"] = ["0.1-1", "0.2-1ubuntu1"]
    return made


@pytest.fixture
def feeds(now, tmp_path):
    import_real_feeds(now, files=(ENDS,))
    cve, notice = "UBUNTU-CVE-2023-0286", "USN-5844-1"
    fix = ("fixed", "3.0.2-0ubuntu1.8")
    records = [
        record(cve, "openssl", fix, ecosystem="Ubuntu:22.04:LTS", upstream=["CVE-2023-0286"]),
        record(notice, "openssl", fix, ecosystem="Ubuntu:22.04:LTS", upstream=[cve]),
        record("UBUNTU-CVE-2016-2781", "perl", ecosystem="Ubuntu:22.04:LTS", upstream=["CVE-2016-2781"]),
        record("UBUNTU-CVE-2022-10001", "pam", ("fixed", "1.4.0-11ubuntu2.3"), ecosystem="Ubuntu:22.04:LTS"),
        record("UBUNTU-CVE-2022-10002", "glibc", ("fixed", "2.36-0ubuntu1"), ecosystem="Ubuntu:22.10"),
        record(
            "UBUNTU-CVE-2024-10003", "openssl", ("fixed", "1.1.1f-1ubuntu2.24+esm1"), ecosystem="Ubuntu:Pro:20.04:LTS"
        ),
        record(
            "UBUNTU-CVE-2024-10004",
            "openssl",
            ("fixed", "1.1.1f-1ubuntu2.fips.24"),
            ecosystem="Ubuntu:Pro:FIPS-updates:20.04:LTS",
        ),
    ]
    return import_records(now, tmp_path, records)


class TestUbuntu:
    def test_is_judged_by_its_release(self, now, feeds, tmp_path):
        image = scanned({"etc/os-release": os_release("22.04"), STATUS: JAMMY}, tmp_path, now)
        assert latest_scan(image).inventory.ecosystem == "Ubuntu:22.04"
        assert state_of(image, now) == ("complete", "")
        found = {(row.package, row.vulnerability_id, row.fixed_version) for row in findings(image)}
        # The record and the notice are about one vulnerability; pam has its fix, glibc's is another release's.
        assert found == {
            ("libssl3", "CVE-2023-0286", "3.0.2-0ubuntu1.8"),
            ("perl-base", "CVE-2016-2781", ""),
        }

    def test_with_updates_has_none_of_the_fixed_ones(self, now, feeds, tmp_path):
        patched = JAMMY.replace(b"3.0.2-0ubuntu1.7", b"3.0.2-0ubuntu1.10")
        image = scanned({"etc/os-release": os_release("22.04"), STATUS: patched}, tmp_path, now)
        assert {row.package for row in findings(image) if row.has_fix} == set()

    def test_a_feed_may_declare_its_release_in_osvs_words(self, now, feeds, tmp_path):
        declared = ["Ubuntu:24.04:LTS"]
        records = [record("UBUNTU-CVE-2026-10001", "zlib", ecosystem="Ubuntu:22.04:LTS")]
        import_records(now, tmp_path, records, name="noble", declared_ecosystems=declared)
        image = scanned({"etc/os-release": os_release("24.04"), STATUS: JAMMY}, tmp_path, now)
        assert state_of(image, now) == ("complete", "")

    def test_past_its_standard_support_is_held_against_what_pro_fixes(self, now, feeds, tmp_path):
        """Canonical writes of such a release under ``Ubuntu:Pro:…`` alone: without those, it would look clean."""
        packages = status(("libssl1.1", "1.1.1f-1ubuntu2.24", "openssl"), ("libc6", "2.31-0ubuntu9.17", "glibc"))
        image = scanned({"etc/os-release": os_release("20.04"), STATUS: packages}, tmp_path, now)
        judged = scan_state_at(latest_scan(image), now, dt.timedelta(hours=48))
        assert judged.is_complete
        assert (judged.support, judged.support_ends_on) == ("extended", dt.date(2030, 4, 2))
        assert [(row.vulnerability_id, row.fixed_version) for row in findings(image)] == [
            ("CVE-2024-10003", "1.1.1f-1ubuntu2.24+esm1")
        ]

    def test_a_package_of_a_fips_series_cannot_be_compared(self, now, feeds, tmp_path):
        packages = status(("libssl1.1", "1.1.1f-1ubuntu2.fips.22", "openssl"))
        image = scanned({"etc/os-release": os_release("20.04"), STATUS: packages}, tmp_path, now)
        assert {row.outcome for row in findings(image)} == {"cannot_compare"}

    @pytest.mark.parametrize(
        ("version", "files", "expected"),
        [
            pytest.param("25.04", {STATUS: JAMMY}, ("unsupported", "past_end_of_support"), id="past its end"),
            pytest.param("24.04", {STATUS: JAMMY}, ("stale", "no_feed"), id="no advisories of it"),
            pytest.param("27.10", {STATUS: JAMMY}, ("unsupported", "support_unknown"), id="unheard of"),
            pytest.param("22.04", {"bin/sh": b"x"}, ("failed", "package_database_removed"), id="no database"),
        ],
    )
    def test_is_never_clean_of_anything_less(self, now, feeds, tmp_path, version, files, expected):
        image = scanned({"etc/os-release": os_release(version), **files}, tmp_path, now)
        assert state_of(image, now) == expected
