"""hadolint, as a limited child: no network, no configuration but ours, nothing that a comment could switch off.

Its results weigh at most as warnings: whether a candidate may be certified follows from rules with ids of ours, not
from the next release of a linter. Rules that ask for pinned packages of the system are left out: an image that is
rebuilt to take fixes must not pin what is to be fixed.
"""

import json
import sys
from pathlib import Path
from typing import Any

from builds.domain.hardening import CheckResult, Severity
from builds.domain.hardening.results import result
from scans.adapters.child import Limits, run_child
from scans.adapters.scratch import scratch

# The binary comes with the Python environment.
BINARY = Path(sys.executable).with_name("hadolint")
# GHC's runtime reserves a terabyte of addresses; what it writes is little.
LIMITS = Limits(wall_seconds=30, cpu_seconds=20, data_bytes=2 * 1024**3, file_bytes=16 * 1024**2)
MAX_RESULTS = 1000
MAX_MESSAGE = 500  # characters
# apt, apk, yum, zypper, dnf: pinned versions keep fixes out.
LEFT_OUT = ("DL3008", "DL3018", "DL3033", "DL3037", "DL3041")
_CONFIGURATION = f"ignored: [{', '.join(LEFT_OUT)}]\ndisable-ignore-pragma: true\nno-fail: true\n"
_SEVERITY = {"error": Severity.WARNING, "warning": Severity.WARNING, "info": Severity.NOTE, "style": Severity.NOTE}


def lint(content: bytes, *, binary: Path = BINARY) -> list[CheckResult]:
    """What hadolint says of a Dockerfile, by line; GG1017 where it says nothing that can be read."""
    with scratch("hadolint-") as directory:
        home = str(directory)
        (directory / "Dockerfile").write_bytes(content)
        (directory / "hadolint.yaml").write_text(_CONFIGURATION)
        answer = directory / "answer.json"
        try:
            ended = run_child(
                [str(binary), "--config", "hadolint.yaml", "--disable-ignore-pragma", "--no-fail", "--no-color",
                 "--format", "json", "Dockerfile"],
                directory=directory,
                environment={"PATH": "/usr/bin:/bin", "HOME": home, "XDG_CONFIG_HOME": home, "LANG": "C.UTF-8"},
                limits=LIMITS,
                stdout=answer,
            )  # fmt: skip
        except OSError as error:
            return [result("GG1017", f"hadolint could not be started: {error.strerror or 'not found'}.")]
        if ended.is_timed_out or ended.return_code != 0:
            return [result("GG1017", f"hadolint ended with {ended.return_code}.")]
        return read_answer(answer.read_bytes())


def read_answer(body: bytes) -> list[CheckResult]:
    """hadolint's JSON report as results; GG1017 for what is none."""
    try:
        rows = json.loads(body)
        found = [_result(row) for row in rows[:MAX_RESULTS]]
    except (ValueError, TypeError, KeyError, AttributeError):
        return [result("GG1017", "hadolint's answer is no report.")]
    return sorted(found, key=lambda one: (one.line or 0, one.rule))


def _result(row: dict[str, Any]) -> CheckResult:
    code, line = str(row["code"])[:40], int(row["line"])
    message = " ".join(str(row["message"]).split())[:MAX_MESSAGE]
    if code == "DL1000":
        # Its own reading of Dockerfiles: BuildKit read this one.
        return result("GG1017", f"hadolint could not read it: {message}.", line=line)
    return CheckResult(code, _SEVERITY.get(str(row["level"]), Severity.WARNING), message, f"See {code}.", line)
