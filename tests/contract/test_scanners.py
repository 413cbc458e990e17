"""The recorded scanner and the real one say the same of the same packages: of the full image, and of its small copy."""

import tarfile
from pathlib import Path

import pytest

from scans.adapters.syft import Scanner, SyftScanner
from scans.domain.inventory import InventoryFacts, read_reports
from tests.factories.scans import DATA
from tests.fakes.recorded_scanner import RECORDED_DIGEST, RecordedScanner

SMALL_DIGEST = "sha256:83c743567b74a41b1b6ff21df1cf815726ee5a1af4d3f8cdcc9f1da87001e547"


def facts(scanner: Scanner, directory: Path, digest: str) -> InventoryFacts:
    layout, work = directory / "layout", directory / "work"
    work.mkdir()
    with tarfile.open(DATA / "images" / "debian-12-old.oci.tar") as archive:
        archive.extractall(layout, filter="data")
    reports = scanner.scan(layout, work, lambda: None)
    return read_reports(syft=reports.syft, cyclonedx=reports.cyclonedx, digest=digest, warnings=reports.warnings)


@pytest.mark.parametrize(
    ("scanner", "digest"),
    [
        pytest.param(RecordedScanner(), RECORDED_DIGEST, id="recorded"),
        pytest.param(SyftScanner(), SMALL_DIGEST, id="real"),
    ],
)
class TestScanner:
    def test_names_the_same_system_and_packages(self, tmp_path, scanner, digest):
        found = facts(scanner, tmp_path, digest)
        assert (found.tool, found.tool_version) == ("syft", scanner.version)
        assert (found.os_id, found.os_version) == ("debian", "12")
        names = {(one.name, one.version, one.source_name, one.source_version) for one in found.components}
        assert len(names) == 99
        assert ("bash", "5.2.15-2+b13", "bash", "5.2.15-2") in names
        assert ("libacl1", "2.3.1-3", "acl", "2.3.1-3") in names
