"""A scanner that misbehaves in every way gives no report that counts, and leaves nothing running."""

import os
import stat
import time
from pathlib import Path

import pytest

from scans.adapters.child import Limits
from scans.adapters.syft import SyftScanner
from scans.errors import ReportMissing, ReportTooLarge, ScannerFailed, ScannerTimedOut, ScannerUnavailable

QUICK = Limits(wall_seconds=1.5, cpu_seconds=5, data_bytes=512 * 1024**2, file_bytes=2 * 1024**2)
# argv: syft scan oci-dir:… -q -o syft-json=… -o cyclonedx-json=…
PREFIX = "#!/bin/sh\n" + 'A="${5#*=}"; B="${7#*=}"\n'


def scanner(tmp_path: Path, body: str, limits: Limits = QUICK, max_report_bytes: int = 1024**2) -> SyftScanner:
    script = tmp_path / "fake-syft"
    script.write_text(PREFIX + body)
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return SyftScanner(script, limits, max_report_bytes)


def scan(tmp_path: Path, body: str, **fields):
    work = tmp_path / "work"
    work.mkdir()
    return scanner(tmp_path, body, **fields).scan(tmp_path / "layout", work, lambda: None)


class TestSyftScanner:
    def test_reads_what_a_good_run_wrote_and_keeps_its_warnings(self, tmp_path):
        reports = scan(tmp_path, 'echo "{1}" > "$A"; echo "{2}" > "$B"; echo "could not read X" >&2')
        assert reports.syft == b"{1}\n"
        assert reports.cyclonedx == b"{2}\n"
        assert reports.warnings == ("could not read X",)

    @pytest.mark.parametrize(
        ("body", "error"),
        [
            pytest.param("sleep 60", ScannerTimedOut, id="hangs"),
            pytest.param("trap '' TERM INT; sleep 60", ScannerTimedOut, id="ignores the polite signal"),
            pytest.param("exit 0", ReportMissing, id="ends well with nothing"),
            pytest.param(': > "$A"; : > "$B"', ReportMissing, id="ends well with empty files"),
            pytest.param('echo {} > "$A"', ReportMissing, id="leaves one of the two"),
            pytest.param('ln -s /etc/passwd "$A"; echo {} > "$B"', ReportMissing, id="leaves a link"),
            pytest.param('echo {} > "$A"; echo {} > "$B"; exit 1', ScannerFailed, id="reports and fails"),
            pytest.param("kill -SEGV $$", ScannerFailed, id="crashes"),
            pytest.param('head -c 1500000 /dev/zero > "$A"; echo {} > "$B"', ReportTooLarge, id="writes too much"),
            pytest.param(
                'head -c 9000000 /dev/zero > "$A"; echo {} > "$B"', ReportTooLarge, id="writes past its limit"
            ),
            pytest.param("while :; do :; done", ScannerTimedOut, id="burns the processor"),
        ],
    )
    def test_what_misbehaves_is_refused_with_its_cause(self, tmp_path, body, error):
        with pytest.raises(error):
            scan(tmp_path, body)

    def test_is_unavailable_where_the_program_is_missing(self, tmp_path):
        with pytest.raises(ScannerUnavailable):
            SyftScanner(tmp_path / "nothing").scan(tmp_path, tmp_path, lambda: None)

    def test_what_it_started_does_not_outlive_it(self, tmp_path):
        scan(tmp_path, 'sleep 300 & echo $! > "$HOME/pid"; echo {} > "$A"; echo {} > "$B"')
        pid = int((tmp_path / "work" / "pid").read_text())
        for _ in range(50):
            if not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2]:
                return
            time.sleep(0.1)
        raise AssertionError("a grandchild of the scanner still runs")

    def test_sees_nothing_of_ours_and_no_network(self, tmp_path, monkeypatch):
        monkeypatch.setenv("GOLDGATE_SIGNING_KEY_FILE", "/secret")
        monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
        body = 'env > "$HOME/env"; cat /proc/net/dev > "$HOME/net"; echo {} > "$A"; echo {} > "$B"'
        scan(tmp_path, body)
        seen = (tmp_path / "work" / "env").read_text()
        assert "SECRET" not in seen.upper()
        assert "PROXY" not in seen.upper()
        assert "DATABASE_URL" not in seen
        if os.geteuid() == 0:
            names = [line.split(":")[0].strip() for line in (tmp_path / "work" / "net").read_text().splitlines()[2:]]
            assert names == ["lo"]

    def test_a_cancelled_job_stops_it(self, tmp_path):
        class Cancelled(Exception):
            pass

        def check() -> None:
            raise Cancelled

        work = tmp_path / "work"
        work.mkdir()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            scanner(tmp_path, "sleep 60").scan(tmp_path, work, check)
        assert time.monotonic() - began < 30
