"""Reports are read as they were recorded from the real tool; half, foreign and hostile ones are refused."""

import gzip
import json

import pytest

from scans.domain.inventory import ReportMalformed, ReportOfOtherImage, read_reports
from tests.factories.scans import DATA

DIGEST = "sha256:31872c955884a70433af18a3e78c4b9a66c6f3ad4c003f5a278ad065e076f89d"


@pytest.fixture(scope="module")
def recorded() -> tuple[bytes, bytes]:
    syft = gzip.decompress((DATA / "syft" / "old.syft.json.gz").read_bytes())
    return syft, gzip.decompress((DATA / "syft" / "old.cdx.json.gz").read_bytes())


def altered(body: bytes, **changes) -> bytes:
    return json.dumps(json.loads(body) | changes).encode()


class TestReadReports:
    def test_the_recorded_report_of_a_real_image(self, recorded):
        facts = read_reports(syft=recorded[0], cyclonedx=recorded[1], digest=DIGEST)
        assert (facts.tool, facts.tool_version) == ("syft", "1.18.1")
        assert (facts.os_id, facts.os_version) == ("debian", "12")
        assert len(facts.components) == 99
        assert facts.coverage.components_by_type == {"deb": 99}
        by_name = {component.name: component for component in facts.components}
        # The binary's version is not the source's: bash was rebuilt.
        assert (by_name["bash"].version, by_name["bash"].source_version) == ("5.2.15-2+b13", "5.2.15-2")
        assert (by_name["libacl1"].source_name, by_name["libacl1"].source_version) == ("acl", "2.3.1-3")
        assert {component.ecosystem for component in facts.components} == {"Debian:12"}

    def test_a_report_of_another_image_is_refused(self, recorded):
        with pytest.raises(ReportOfOtherImage):
            read_reports(syft=recorded[0], cyclonedx=recorded[1], digest="sha256:" + "0" * 64)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{}",
            b"null",
            b"[]",
            b"\xff\xfe",
            b'{"artifacts": null}',
            b"[" * 200_000,
            b'{"artifacts":[],"source":{"type":"image","metadata":{}},"descriptor":{"name":"syft","version":"1"}}',
        ],
        ids=["empty", "object", "null", "list", "not UTF-8", "no artifacts", "deep", "no digest"],
    )
    def test_what_is_no_report_is_refused(self, recorded, body):
        with pytest.raises(ReportMalformed):
            read_reports(syft=body, cyclonedx=recorded[1], digest=DIGEST)

    def test_half_a_report_is_refused(self, recorded):
        with pytest.raises(ReportMalformed):
            read_reports(syft=recorded[0][:-500], cyclonedx=recorded[1], digest=DIGEST)

    def test_two_reports_that_disagree_are_refused(self, recorded):
        with pytest.raises(ReportMalformed, match="disagree"):
            read_reports(syft=recorded[0], cyclonedx=altered(recorded[1], components=[]), digest=DIGEST)
        with pytest.raises(ReportMalformed, match="disagree"):
            read_reports(syft=altered(recorded[0], artifacts=[]), cyclonedx=recorded[1], digest=DIGEST)

    def test_a_purl_that_cannot_be_read_is_refused(self, recorded):
        artifact = {"name": "x", "version": "1", "type": "deb", "purl": "not a purl"}
        with pytest.raises(ReportMalformed):
            read_reports(syft=altered(recorded[0], artifacts=[artifact]), cyclonedx=recorded[1], digest=DIGEST)

    def test_says_whether_the_package_database_is_there(self, recorded):
        def seen(*paths: str) -> bool | None:
            files = [{"location": {"path": path}, "metadata": {"type": "RegularFile"}} for path in paths]
            body = altered(recorded[0], files=files)
            return read_reports(syft=body, cyclonedx=recorded[1], digest=DIGEST).coverage.has_package_database

        assert seen("/var/lib/dpkg/status") is True
        assert seen("/var/lib/dpkg/status.d/base") is True
        assert seen("/var/lib/dpkg/status-old") is False
        assert seen() is False

    def test_counts_the_files_that_packages_explain_also_through_a_merged_usr(self, recorded):
        files = [
            {"location": {"path": "/bin"}, "metadata": {"type": "SymbolicLink", "linkDestination": "usr/bin"}},
            {"location": {"path": "/usr/bin/bash"}, "metadata": {"type": "RegularFile"}},
            {"location": {"path": "/usr/sbin/adduser"}, "metadata": {"type": "RegularFile"}},
            {"location": {"path": "/opt/surprise"}, "metadata": {"type": "RegularFile"}},
        ]
        facts = read_reports(syft=altered(recorded[0], files=files), cyclonedx=recorded[1], digest=DIGEST)
        assert (facts.coverage.files_total, facts.coverage.files_explained) == (3, 2)

    def test_a_nul_in_an_image_is_replaced_and_hides_nothing(self, recorded):
        syft = altered(recorded[0], distro={"id": "debian\0", "versionID": "12"})
        facts = read_reports(syft=syft, cyclonedx=recorded[1], digest=DIGEST)
        assert facts.os_id == "debian\ufffd"
        assert len(facts.components) == 99

    def test_a_package_url_that_spells_a_nul_is_refused(self, recorded):
        package = {"name": "a", "version": "1", "type": "deb", "purl": "pkg:deb/debian/a%00@1?distro=debian-12"}
        with pytest.raises(ReportMalformed, match="NUL"):
            read_reports(syft=altered(recorded[0], artifacts=[package]), cyclonedx=recorded[1], digest=DIGEST)


class TestRpm:
    @staticmethod
    def read(recorded, *names: str, files=()):
        purls = [f"pkg:rpm/redhat/{name}@1-1?arch=x86_64&distro=rhel-9.4" for name in names]
        packages = [{"name": "x", "version": "1-1", "type": "rpm", "purl": purl} for purl in purls]
        listed = [
            {"location": {"path": path}, "metadata": {"type": "RegularFile", "size": size}} for path, size in files
        ]
        distro = {"id": "rhel", "versionID": "9.4"}
        return read_reports(
            syft=altered(recorded[0], artifacts=packages, distro=distro, files=listed),
            cyclonedx=altered(recorded[1], components=[{"purl": purl} for purl in purls]),
            digest=DIGEST,
        )

    def test_a_key_in_the_database_is_no_component(self, recorded):
        facts = self.read(recorded, "bash", "gpg-pubkey", files=[("/var/lib/rpm/rpmdb.sqlite", 1)])
        assert [one.source_name for one in facts.components] == ["bash"]
        assert facts.coverage.components_by_type == {"rpm": 1}
        assert facts.coverage.has_package_database is True

    @pytest.mark.parametrize("where", ["/var/lib/rpm", "/usr/lib/sysimage/rpm"])
    @pytest.mark.parametrize("log", ["rpmdb.sqlite-wal", "rpmdb.sqlite-journal"])
    def test_a_database_that_is_not_written_out_is_refused(self, recorded, where, log):
        database = (f"{where}/rpmdb.sqlite", 4096)
        assert self.read(recorded, "bash", files=[database, (f"{where}/{log}", 0)])
        with pytest.raises(ReportMalformed, match=log):
            self.read(recorded, "bash", files=[database, (f"{where}/{log}", 33)])
