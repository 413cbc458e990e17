"""The whole line on images made of apk packages: syft itself, the real advisories of the time, findings, judgement."""

import datetime as dt
import gzip
from collections.abc import Iterable
from pathlib import Path

import pytest

from accounts.roles import Role
from registry.models import Artifact
from registry.services import import_archive, run_import
from scans.selectors import finding_summary, findings, latest_scan, scan_state_at
from scans.services import inventory_artifact, match_artifact
from tests.factories.accounts import person_with
from tests.factories.images import archive_on
from tests.factories.scans import DATA, ENDS, import_real_feeds, import_records, osv

pytestmark = pytest.mark.django_db

APK = DATA / "apk"
SECDB = DATA / "advisories" / "alpine-secdb-2020.jsonl.gz"
# A day after the secdb's snapshot: Alpine 3.8 had ended in May, 3.11 was the newest but one.
THEN = dt.datetime(2020, 6, 9, 12, tzinfo=dt.UTC)
DATABASE = "lib/apk/db/installed"


def real(name: str) -> bytes:
    return gzip.decompress((APK / f"{name}.installed.gz").read_bytes())


def database(*packages: tuple[str, str, str]) -> bytes:
    """apk's database of ``(package, version, origin)``."""
    fields = "P:{}\nV:{}\nA:x86_64\nS:1\nI:1\nT:made\nL:MIT\no:{}\n\n"
    return "".join(fields.format(*package) for package in packages).encode()


def os_release(os_id: str, version: str) -> bytes:
    return f'NAME="Some Linux"\nID={os_id}\nVERSION_ID="{version}"\n'.encode()


# As the image alpine:3.11 was of that week, and as it had been in January.
FRESH = (
    ("musl", "1.1.24-r2", "musl"),
    ("busybox", "1.31.1-r9", "busybox"),
    ("libcrypto1.1", "1.1.1g-r0", "openssl"),
    ("libssl1.1", "1.1.1g-r0", "openssl"),
    ("zlib", "1.2.11-r3", "zlib"),
    ("apk-tools", "2.10.5-r0", "apk-tools"),
    ("libc-utils", "0.7.2-r0", "libc-dev"),
)
OLD = (*FRESH[:2], ("libcrypto1.1", "1.1.1d-r2", "openssl"), ("libssl1.1", "1.1.1d-r2", "openssl"), *FRESH[4:])


def scanned(files: dict[str, bytes], directory: Path, now: dt.datetime, base: Path | None = None) -> Artifact:
    """An image of one layer of ``files``, looked into by syft and matched."""
    body = archive_on(base, directory / "image.oci.tar", files).read_bytes()
    asked = import_archive(chunks=[body], requested_by=person_with(Role.PLATFORM_ADMIN), now=now)
    image = run_import(import_id=asked.pk, now=now)
    inventory_artifact(artifact=image, now=now)
    match_artifact(artifact=image, now=now)
    return image


def state_of(image: Artifact, now: dt.datetime) -> tuple[str, str]:
    judged = scan_state_at(latest_scan(image), now, dt.timedelta(hours=48))
    return judged.state.value, judged.cause.value


def rows(image: Artifact, packages: Iterable[str]) -> set[tuple[str, str, str]]:
    wanted = set(packages)
    return {(row.package, row.vulnerability_id, row.fixed_version) for row in findings(image) if row.package in wanted}


@pytest.fixture
def secdb():
    return import_real_feeds(THEN, files=(SECDB, ENDS))


class TestRealAlpine:
    def test_a_real_system_has_the_findings_that_apk_tools_orders_so(self, secdb, tmp_path):
        """apk-tools, asked about each of the 569 pairs of these packages and the secdb, said "<" for 48 of them."""
        release = os_release("alpine", "3.8.0")
        image = scanned({"etc/os-release": release, DATABASE: real("alpine-3.8.0-205")}, tmp_path, THEN)
        summary = finding_summary(image)
        assert (summary["fixable_pairs"], summary["fixable_vulnerabilities"]) == (48, 31)
        assert summary["cannot_compare_pairs"] == 0
        # By hand: expat 2.2.6 against 2.2.7, a package made from sqlite, and curl, which is newer than its fixes.
        assert rows(image, ["expat", "sqlite-libs", "curl"]) == {
            ("expat", "CVE-2018-20843", "2.2.7-r0"),
            ("expat", "CVE-2019-15903", "2.2.7-r1"),
            ("sqlite-libs", "CVE-2018-20346", "3.25.3-r0"),
            ("sqlite-libs", "CVE-2019-8457", "3.25.3-r1"),
        }
        assert latest_scan(image).inventory.component_count == 205
        assert state_of(image, THEN) == ("unsupported", "past_end_of_support")  # Alpine 3.8 ended on 2020-05-01

    def test_a_real_minimal_one_is_inventoried_with_its_files(self, secdb, tmp_path):
        files = {
            "etc/os-release": os_release("alpine", "3.8.2"),
            DATABASE: real("alpine-3.8.2"),
            "bin/busybox": b"\x7fELF",
            "lib/ld-musl-x86_64.so.1": b"\x7fELF",
        }
        image = scanned(files, tmp_path, THEN)
        inventory = latest_scan(image).inventory
        assert (inventory.os_id, inventory.os_version, inventory.ecosystem) == ("alpine", "3.8.2", "Alpine:v3.8")
        assert inventory.coverage["components_by_type"] == {"apk": 13}
        assert inventory.coverage["has_package_database"] is True
        assert inventory.coverage["files_explained"] == 2
        # One of the two is named by its source alone.
        assert rows(image, ["musl", "musl-utils", "zlib"]) == {
            ("musl", "CVE-2019-14697", "1.1.19-r11"),
            ("musl-utils", "CVE-2019-14697", "1.1.19-r11"),
        }


class TestJudgement:
    def test_of_a_supported_release_is_complete(self, secdb, tmp_path):
        files = {"etc/os-release": os_release("alpine", "3.11.6"), DATABASE: database(*FRESH)}
        image = scanned(files, tmp_path, THEN)
        assert state_of(image, THEN) == ("complete", "")
        assert findings(image) == []
        assert scan_state_at(latest_scan(image), THEN, None).support_ends_on == dt.date(2021, 11, 1)

    def test_of_an_older_build_finds_what_was_fixed_since(self, secdb, tmp_path):
        files = {"etc/os-release": os_release("alpine", "3.11.2"), DATABASE: database(*OLD)}
        image = scanned(files, tmp_path, THEN)
        assert state_of(image, THEN) == ("complete", "")
        assert {row.vulnerability_id for row in findings(image)} == {"CVE-2019-1551"}
        assert {row.package for row in findings(image)} == {"libcrypto1.1", "libssl1.1"}

    @pytest.mark.parametrize(
        ("os_id", "version", "files", "expected"),
        [
            pytest.param("alpine", "3.11.6", {DATABASE: b""}, ("failed", "no_components"), id="an empty database"),
            pytest.param(
                "alpine", "3.11.6", {"bin/sh": b"x"}, ("failed", "package_database_removed"), id="no database"
            ),
            pytest.param(
                "alpine",
                "3.12.0_alpha20200428",
                {DATABASE: database(*FRESH)},
                ("unsupported", "unknown_release"),
                id="edge",
            ),
            pytest.param(
                "alpine", "3.99.0", {DATABASE: database(*FRESH)}, ("unsupported", "support_unknown"), id="unheard of"
            ),
            pytest.param("wolfi", "20230201", {DATABASE: database(*FRESH)}, ("stale", "no_feed"), id="no advisories"),
            pytest.param(
                "wolfi", "20230201", {"bin/sh": b"x"}, ("failed", "package_database_removed"), id="Wolfi without one"
            ),
        ],
    )
    def test_is_never_clean_of_anything_less(self, secdb, tmp_path, os_id, version, files, expected):
        image = scanned({"etc/os-release": os_release(os_id, version), **files}, tmp_path, THEN)
        assert state_of(image, THEN) == expected

    def test_a_version_that_is_none_is_listed_as_not_comparable(self, secdb, tmp_path):
        """The secdb has a fix ``10.2.22.r0``: whether a package has it cannot be told."""
        packages = (*FRESH, ("mariadb-client", "10.2.21-r0", "mariadb"))
        files = {"etc/os-release": os_release("alpine", "3.8.5"), DATABASE: database(*packages)}
        image = scanned(files, tmp_path, THEN)
        odd = [row for row in findings(image) if row.outcome == "cannot_compare"]
        assert odd
        assert {row.package for row in odd} == {"mariadb-client"}


class TestWolfi:
    def test_is_judged_by_its_advisories_and_has_no_end(self, now, tmp_path):
        """``CGA-…`` records name every installed package; which source it is made from does not count."""
        import_real_feeds(now, files=(ENDS,))
        fixed = (("introduced", "0"), ("fixed", "3.6.0-r5"))
        records = [
            osv("CGA-aaaa-bbbb-cccc", "libcrypto3", *fixed, ecosystem="Wolfi", upstream=["CVE-2026-0001"]),
            osv("CGA-dddd-eeee-ffff", "openssl", *fixed, ecosystem="Wolfi", upstream=["CVE-2026-0002"]),
            osv("CGA-gggg-hhhh-iiii", "libcrypto3", *fixed, ecosystem="Chainguard", upstream=["CVE-2026-0003"]),
        ]
        import_records(now, tmp_path, records)
        release = {"etc/os-release": os_release("wolfi", "20230201")}
        packages = database(("libcrypto3", "3.6.0-r4", "openssl"), ("glibc", "2.42-r3", "glibc"))
        image = scanned({**release, "usr/lib/apk/db/installed": packages}, tmp_path, now)
        assert state_of(image, now) == ("complete", "")
        assert [(row.package, row.vulnerability_id) for row in findings(image)] == [("libcrypto3", "CVE-2026-0001")]
        later = now + dt.timedelta(days=3)
        assert state_of(image, later) == ("stale", "stale_feed")
