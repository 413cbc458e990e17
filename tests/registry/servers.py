"""Real registries on loopback, each in a process of its own that ends with the test."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ports import free_port

TOOLS = Path(os.environ.get("GOLDGATE_TOOLS", Path.home() / ".cache" / "goldgate-tools"))
START_SECONDS = 60


def tool(name: str) -> str:
    """A program's path. Skips the test, saying what is left out, where it is not installed."""
    found = shutil.which(name, path=f"{TOOLS}:{os.environ.get('PATH', '')}")
    if found is None:
        pytest.skip(f"LEFT OUT: {name} is not installed (script/test builds or installs it)")
    return found


@contextmanager
def running(command: list[str], url: str, log: Path) -> Iterator[None]:
    """A server, from when it answers until the block ends."""
    with log.open("wb") as out:
        # Should the tests be killed, the server must not outlive them (prctl(2), PR_SET_PDEATHSIG; Linux alone).
        dies_too = (lambda: ctypes.CDLL(None).prctl(1, signal.SIGKILL)) if sys.platform == "linux" else None
        process = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True, preexec_fn=dies_too)
    try:
        _wait(process, url, log)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


@contextmanager
def docker_registry(directory: Path, *, deletes: bool = True, more: str = "") -> Iterator[str]:
    """Debian's docker-registry (distribution 2.8): no referrers API. Its host:port."""
    port = free_port()
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "config.yml"
    config.write_text(
        "version: 0.1\nlog: {level: warn}\n"
        f"storage:\n  filesystem: {{rootdirectory: {directory / 'data'}}}\n"
        f"  delete: {{enabled: {str(deletes).lower()}}}\n"
        f"http:\n  addr: 127.0.0.1:{port}\n{more}"
    )
    command = [tool("docker-registry"), "serve", str(config)]
    with running(command, f"http://127.0.0.1:{port}/v2/", directory / "log"):
        yield f"127.0.0.1:{port}"


@contextmanager
def olareg(directory: Path) -> Iterator[str]:
    """olareg: a registry with the referrers API. Its host:port."""
    port = free_port()
    directory.mkdir(parents=True, exist_ok=True)
    command = [tool("olareg"), "serve", "--addr", "127.0.0.1", "--port", str(port), "--dir", str(directory / "data")]
    command += ["--api-delete", "--api-blob-delete", "--gc-frequency", "-1s"]
    with running(command, f"http://127.0.0.1:{port}/v2/", directory / "log"):
        yield f"127.0.0.1:{port}"


def push(archive: Path, host: str, name: str) -> None:
    """Push an OCI archive as ``name`` (path:tag) with skopeo."""
    command = [tool("skopeo"), "copy", "--insecure-policy", "--dest-tls-verify=false", "--preserve-digests"]
    subprocess.run([*command, f"oci-archive:{archive}", f"docker://{host}/{name}"], check=True, capture_output=True)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended at once: {log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"the server does not answer: {log.read_text()[-2000:]}")
