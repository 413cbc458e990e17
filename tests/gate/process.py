"""``python -m gate serve`` as a test starts and stops it: by its own process id."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests

from gate.certificate import CA_NAME
from gate.home import Home

READY_SECONDS = 90


class GateProcess:
    """A gate of its own on ``home``. Use as a context; leaves no process behind."""

    def __init__(self, home: Home, *, log: Path) -> None:
        self.home = home
        self.url = f"{'https' if home.tls else 'http'}://{home.listen}"
        self._log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(home.tls_path / CA_NAME)

    def __enter__(self) -> "GateProcess":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.session.close()

    def start(self) -> None:
        """Start it; do not wait."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gate", "serve", "--home", str(self.home.path)],
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])},
            )

    def stop(self) -> None:
        """SIGTERM, and its whole session away if that does not do."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(15)
        self.kill()

    def kill(self) -> None:
        """kill -9 of the gate and every process it made, as a power cut would."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        self.process = None

    def wait(self, *, ready: bool = True, seconds: float = READY_SECONDS) -> dict[str, Any]:
        """The answer of /readyz once it is (or is no longer) ready."""
        end = time.monotonic() + seconds
        last = "no answer"
        while time.monotonic() < end:
            with contextlib.suppress(requests.RequestException, OSError):
                response = self.session.get(f"{self.url}/readyz", timeout=10)
                last = response.text
                if response.ok is ready:
                    return response.json()  # type: ignore[no-any-return]
            if self.process is not None and self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"not {'ready' if ready else 'unready'}: {last}\n{self._log.read_text()[-3000:]}")

    def admit(self, review: dict[str, Any]) -> dict[str, Any]:
        """The response of one AdmissionReview."""
        answer = self.session.post(f"{self.url}/v1/admit", json=review, timeout=30)
        assert answer.status_code == 200
        return answer.json()["response"]  # type: ignore[no-any-return]
