"""The whole line on images made of rpm packages: a database of the real rpm, syft itself, findings, judgement."""

import datetime as dt
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import pytest

from accounts.roles import Role
from registry.models import Artifact
from registry.services import import_archive, run_import
from scans.errors import ReportUnreadable
from scans.models import Advisory, Component, Inventory, Match
from scans.selectors import finding_summary, findings, latest_scan, scan_state_at
from scans.services import inventory_artifact, match_artifact, rematch_everything
from tests.factories.accounts import person_with
from tests.factories.images import archive_on
from tests.factories.rpms import DATABASE, NEEDS_RPM, Rpm, rpm_database
from tests.factories.scans import ENDS, import_real_feeds, import_records, osv

pytestmark = [pytest.mark.django_db, NEEDS_RPM]

OPENSSL = "usr/lib64/libssl.so.3"
# As UBI 9 has them, by the names and versions of real errata.
FIXED = (
    Rpm("openssl-libs", "1:3.0.7-27.el9", files=(f"/{OPENSSL}",)),
    Rpm("curl-minimal", "7.76.1-29.el9_4.1"),
    Rpm("glibc", "2.34-100.el9_4.2"),
)
OLD = (Rpm("openssl-libs", "1:3.0.7-24.el9", files=(f"/{OPENSSL}",)), *FIXED[1:])
STREAM = "1:20.11.1-1.module+el9.3.0+21000+1a2b3c4d"
NODEJS = Rpm("nodejs", STREAM, module="nodejs:20:9030020240301000000:rhel9")


def os_release(os_id: str, version: str) -> bytes:
    return f'NAME="Some Linux"\nID="{os_id}"\nVERSION_ID="{version}"\n'.encode()


def records(ecosystem: str, family: str = "RHSA", **fields) -> list[dict]:
    """What two real notices say: about openssl-libs, and about what is not installed."""
    named = fields or {"upstream": ["CVE-2023-3446"]}
    fixed = (("introduced", "0"), ("fixed", "1:3.0.7-27.el9"))
    other = (("introduced", "0"), ("fixed", "0:8.7p1-38.el9_4.1"))
    return [
        osv(f"{family}-2024:2447", "openssl-libs", *fixed, ecosystem=ecosystem, **named),
        osv(f"{family}-2024:4312", "openssh", *other, ecosystem=ecosystem, **named),
    ]


def looked_into(files: dict[str, bytes], directory: Path, now: dt.datetime) -> Artifact:
    body = archive_on(None, directory / "image.oci.tar", files).read_bytes()
    asked = import_archive(chunks=[body], requested_by=person_with(Role.PLATFORM_ADMIN), now=now)
    image = run_import(import_id=asked.pk, now=now)
    inventory_artifact(artifact=image, now=now)
    match_artifact(artifact=image, now=now)
    return image


def image_of(
    packages: Iterable[Rpm], directory: Path, now: dt.datetime, os_id: str = "rhel", version: str = "9.4"
) -> Artifact:
    database = {DATABASE: rpm_database(tuple(packages), has_key=True)}
    return looked_into({"etc/os-release": os_release(os_id, version), **database}, directory, now)


def state_of(image: Artifact, now: dt.datetime) -> tuple[str, str]:
    judged = scan_state_at(latest_scan(image), now, dt.timedelta(hours=48))
    return judged.state.value, judged.cause.value


@pytest.fixture
def ends(now):
    return import_real_feeds(now, files=(ENDS,))


@pytest.fixture
def redhat(now, ends, tmp_path):
    import_records(now, tmp_path, records("Red Hat:enterprise_linux:9::baseos"))


class TestRedHat:
    def test_an_image_with_the_fix_is_complete_and_clean(self, redhat, tmp_path, now):
        image = image_of(FIXED, tmp_path, now)
        assert state_of(image, now) == ("complete", "")
        assert findings(image) == []
        assert scan_state_at(latest_scan(image), now, None).support_ends_on == dt.date(2036, 5, 31)

    def test_an_image_without_it_has_the_finding(self, redhat, tmp_path, now):
        image = image_of(OLD, tmp_path, now)
        assert state_of(image, now) == ("complete", "")
        found = [(row.package, row.installed, row.vulnerability_id, row.fixed_version) for row in findings(image)]
        assert found == [("openssl-libs", "3.0.7-24.el9", "CVE-2023-3446", "1:3.0.7-27.el9")]

    def test_the_key_that_rpm_trusts_is_no_component_and_files_are_explained(self, redhat, tmp_path, now):
        files = {
            "etc/os-release": os_release("rhel", "9.4"),
            DATABASE: rpm_database(FIXED, has_key=True),
            OPENSSL: b"\x7fELF",
            "opt/odd": b"\x7fELF",
        }
        inventory = latest_scan(looked_into(files, tmp_path, now)).inventory
        assert (inventory.os_id, inventory.os_version, inventory.ecosystem) == ("rhel", "9.4", "Red Hat:9")
        assert inventory.component_count == 3
        assert inventory.coverage["components_by_type"] == {"rpm": 3}
        assert inventory.coverage["has_package_database"] is True
        assert (inventory.coverage["files_total"], inventory.coverage["files_explained"]) == (4, 1)
        assert not Component.objects.filter(name="gpg-pubkey").exists()

    def test_the_database_of_a_newer_release_lies_elsewhere(self, ends, tmp_path, now):
        import_records(now, tmp_path, records("Red Hat:enterprise_linux:10.0"))
        where = "usr/lib/sysimage/rpm/rpmdb.sqlite"
        image = looked_into({"etc/os-release": os_release("rhel", "10.0"), where: rpm_database(OLD)}, tmp_path, now)
        assert state_of(image, now) == ("complete", "")
        assert [row.package for row in findings(image)] == ["openssl-libs"]

    @pytest.mark.parametrize(
        "ecosystem", ["Red Hat:rhel_eus:9.4::baseos", "Red Hat:enterprise_linux:8::baseos", "AlmaLinux:9"]
    )
    def test_what_is_written_for_others_does_not_cover_it(self, ends, tmp_path, now, ecosystem):
        import_records(now, tmp_path, records(ecosystem))
        image = image_of(OLD, tmp_path, now)
        assert findings(image) == []
        assert state_of(image, now) == ("stale", "no_feed")

    def test_an_old_feed_makes_it_stale(self, redhat, tmp_path, now):
        image = image_of(FIXED, tmp_path, now)
        assert state_of(image, now + dt.timedelta(days=3)) == ("stale", "stale_feed")


class TestModules:
    @pytest.fixture
    def of_module(self, redhat, tmp_path, now):
        """A stream's fix (20.16) that sorts above every older stream, and below every newer one."""
        fixed = (("introduced", "0"), ("fixed", "1:20.16.0-1.module+el9.4.0+22000+5d6e7f80"))
        where = {"ecosystem": "Red Hat:enterprise_linux:9::appstream", "upstream": ["CVE-2024-22020"]}
        (tmp_path / "modules").mkdir()
        import_records(now, tmp_path / "modules", [osv("RHSA-2024:5815", "nodejs", *fixed, **where)], name="modules")

    def test_a_package_of_a_stream_cannot_be_compared(self, of_module, tmp_path, now):
        image = image_of((*FIXED, NODEJS), tmp_path, now)
        assert [(row.package, row.outcome) for row in findings(image)] == [("nodejs", "cannot_compare")]
        assert finding_summary(image)["cannot_compare_pairs"] == 1

    def test_one_of_the_release_itself_is_not_meant(self, of_module, tmp_path, now):
        image = image_of((*FIXED, Rpm("nodejs", "1:16.20.2-8.el9_4")), tmp_path, now)
        assert findings(image) == []
        assert state_of(image, now) == ("complete", "")


class TestAlmaLinux:
    def test_has_findings_by_the_names_of_their_vulnerabilities(self, ends, tmp_path, now):
        related = ["CVE-2023-3446", "CVE-2023-3817"]
        import_records(now, tmp_path, records("AlmaLinux:9", "ALSA", related=related))
        image = image_of(OLD, tmp_path, now, "almalinux", "9.4")
        assert state_of(image, now) == ("complete", "")
        assert {row.vulnerability_id for row in findings(image)} == set(related)
        assert {row.package for row in findings(image)} == {"openssl-libs"}


class TestNeverClean:
    @pytest.mark.parametrize(
        ("os_id", "version", "expected"),
        [
            pytest.param("rocky", "9.4", ("unsupported", "unsupported_distribution"), id="Rocky Linux"),
            pytest.param("centos", "9", ("unsupported", "unsupported_distribution"), id="CentOS Stream"),
            pytest.param("fedora", "43", ("unsupported", "unsupported_distribution"), id="Fedora"),
            pytest.param("almalinux", "10", ("unsupported", "unsupported_distribution"), id="no minor release"),
            pytest.param("rhel", "99.0", ("unsupported", "support_unknown"), id="unheard of"),
            pytest.param("rhel", "6.10", ("unsupported", "past_end_of_support"), id="ended"),
        ],
    )
    def test_is_another_system(self, redhat, tmp_path, now, os_id, version, expected):
        assert state_of(image_of(FIXED, tmp_path, now, os_id, version), now) == expected

    @pytest.mark.parametrize(
        ("database", "expected"),
        [
            pytest.param({}, "package_database_removed", id="removed"),
            pytest.param({DATABASE: b""}, "no_components", id="empty"),
            pytest.param({DATABASE: b"SQLite format 3\0" + bytes(8000)}, "no_components", id="garbled"),
            pytest.param({"var/lib/rpm/Packages": bytes(8192)}, "no_components", id="another format"),
            pytest.param({"var/lib/rpm/Packages.db": b"RpmP" + bytes(8188)}, "no_components", id="a third"),
        ],
    )
    def test_is_a_database_that_cannot_be_read(self, redhat, tmp_path, now, database, expected):
        """A component of another kind beside it must not make it look read."""
        metadata = b"Metadata-Version: 2.1\nName: requests\nVersion: 2.32.0\n"
        beside = {"usr/lib/python3/site-packages/requests-2.32.0.dist-info/METADATA": metadata}
        image = looked_into({"etc/os-release": os_release("rhel", "9.4"), **beside, **database}, tmp_path, now)
        assert latest_scan(image).inventory.component_count == 1
        assert state_of(image, now) == ("failed", expected)

    def test_of_another_system_nobody_says_what_packages_explain(self, redhat, tmp_path, now):
        """What looks at files asks for a database that is known: where there is none, it says that it cannot tell."""
        coverage = latest_scan(image_of(FIXED, tmp_path, now, "rocky", "9.4")).inventory.coverage
        assert coverage["has_package_database"] is None
        assert coverage["package_databases"] == ["rpm"]

    def test_is_a_database_that_holds_a_key_and_no_package(self, redhat, tmp_path, now):
        assert state_of(image_of((), tmp_path, now), now) == ("failed", "no_components")

    def test_is_one_whose_last_changes_were_not_written(self, redhat, tmp_path, now):
        """The scanner reads the database alone: what stands in its log, a package more say, would be missed."""
        files = {"etc/os-release": os_release("rhel", "9.4"), **with_log(rpm_database(OLD), tmp_path)}
        with pytest.raises(ReportUnreadable, match="rpmdb"):
            looked_into(files, tmp_path, now)
        image = Artifact.objects.get()
        match_artifact(artifact=image, now=now)
        assert state_of(image, now) == ("failed", "report_malformed")


class TestRematch:
    def test_an_image_from_before_rpm_had_an_order_is_read_again(self, redhat, tmp_path, now):
        image = image_of(OLD, tmp_path, now)
        as_it_was()
        assert match_artifact(artifact=image, now=now).cause == "unsupported_distribution"
        assert rematch_everything(now=now) == 1
        assert state_of(image, now) == ("complete", "")
        assert [row.package for row in findings(image)] == ["openssl-libs"]
        assert latest_scan(image).inventory.coverage["components_by_type"] == {"rpm": 3}

    def test_one_whose_reports_are_gone_stays_unsupported(self, redhat, tmp_path, now):
        image = image_of(OLD, tmp_path, now)
        as_it_was(report_digest=f"sha256:{'0' * 64}")
        rematch_everything(now=now)
        assert state_of(image, now) == ("unsupported", "unsupported_distribution")

    def test_notices_of_almalinux_get_the_names_of_their_vulnerabilities(self, ends, tmp_path, now):
        import_records(now, tmp_path, records("AlmaLinux:9", "ALSA", related=["CVE-2023-3446"]))
        image = image_of(OLD, tmp_path, now, "almalinux", "9.4")
        advisory = Advisory.objects.get(osv_id="ALSA-2024:2447")
        advisory.vulnerability_links.all().delete()
        advisory.ranges.update(key_version=2)
        rematch_everything(now=now)
        assert [row.vulnerability_id for row in findings(image)] == ["CVE-2023-3446"]


def as_it_was(**fields) -> None:
    """What an earlier encoder left: no name for the release, keys counted, nobody had looked for the database."""
    inventory = Inventory.objects.get()
    coverage = {**inventory.coverage, "has_package_database": None, "components_by_type": {"rpm": 4}}
    Inventory.objects.update(ecosystem="", coverage=coverage, **fields)
    Component.objects.update(ecosystem="", source_name="openssl", version_key=None, key_version=2)
    Match.objects.all().delete()


def with_log(database: bytes, directory: Path) -> dict[str, bytes]:
    """The database with one more change in its write-ahead log, as a process that is killed leaves it."""
    path = directory / "rpmdb.sqlite"
    path.write_bytes(database)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("DELETE FROM Packages")
    connection.commit()
    files = {DATABASE: path.read_bytes(), f"{DATABASE}-wal": path.with_name("rpmdb.sqlite-wal").read_bytes()}
    connection.close()
    return files
