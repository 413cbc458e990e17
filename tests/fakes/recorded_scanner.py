"""A scanner that says what syft said about one real image, recorded; tests/contract holds it to the real one."""

import gzip
from collections.abc import Callable
from pathlib import Path

from scans.adapters.syft import Reports
from tests.factories.scans import DATA

RECORDED_DIGEST = "sha256:31872c955884a70433af18a3e78c4b9a66c6f3ad4c003f5a278ad065e076f89d"


class RecordedScanner:
    """Says what syft said about one real image; or raises what a test gives it."""

    version = "1.18.1"

    def __init__(self, error: Exception | None = None, syft: bytes | None = None) -> None:
        self.error = error
        self.calls = 0
        self.syft = syft

    def scan(self, layout: Path, work: Path, check: Callable[[], None]) -> Reports:
        self.calls += 1
        if self.error:
            raise self.error
        syft = gzip.decompress((DATA / "syft" / "old.syft.json.gz").read_bytes())
        bom = gzip.decompress((DATA / "syft" / "old.cdx.json.gz").read_bytes())
        return Reports(syft=self.syft or syft, cyclonedx=bom, warnings=())
