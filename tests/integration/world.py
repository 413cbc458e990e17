"""What stands around Goldgate in the end-to-end tests: advisory feeds over HTTP, the real Debian images."""

import email.utils
import fcntl
import functools
import http.server
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.registry.servers import TOOLS, tool

PROJECT = Path(__file__).resolve().parents[2]
DATA = PROJECT / "demo" / "data"
FEEDS = {
    "debian": ("osv", "advisories/debian-stable-changelogs.jsonl.gz"),
    "debian-unfixed": ("osv", "advisories/debian-12-unfixed-rated.jsonl.gz"),
    "nvd": ("ratings", "ratings/nvd-debian-12-old.json"),
    "kev": ("kev", "kev/known_exploited_vulnerabilities.json.gz"),
    "endoflife": ("endoflife", "endoflife/endoflife.json.gz"),
}


class _Now(http.server.SimpleHTTPRequestHandler):
    """Files that state the current time as their own, as a publisher does who has just looked."""

    def send_header(self, keyword: str, value: str) -> None:
        super().send_header(keyword, email.utils.formatdate(usegmt=True) if keyword == "Last-Modified" else value)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def feed_server(directory: Path = DATA) -> Iterator[str]:
    """Serves the advisory files; gives the base URL."""
    handler = functools.partial(_Now, directory=str(directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def debian_images() -> dict[str, Path]:
    """OCI layouts of the real Debian images (script/tools/images). Skips, saying so, where they cannot be made."""
    for needed in ("mmdebstrap", "umoci"):
        tool(needed)
    TOOLS.mkdir(parents=True, exist_ok=True)
    with (TOOLS / "images.lock").open("w") as lock:  # tests beside this one wait until they are made
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = subprocess.run([PROJECT / "script" / "tools" / "images"], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"LEFT OUT: the real Debian images cannot be made: {made.stderr.strip()[-300:]}")
    return {name: TOOLS / "images" / name for name in ("old", "patched", "nobody")}


def push_layout(layout: Path, host: str, name: str) -> str:
    """Push an OCI layout's image as ``name`` (path:tag); returns its digest."""
    copy = [tool("skopeo"), "copy", "--insecure-policy", "--dest-tls-verify=false", "--preserve-digests"]
    subprocess.run([*copy, f"oci:{layout}:latest", f"docker://{host}/{name}"], check=True, capture_output=True)
    return str(json.loads((layout / "index.json").read_text())["manifests"][0]["digest"])


def cosign_verifies(binary: str, verb: list[str], key: Path, reference: str) -> bool:
    """cosign, offline against a registry without TLS, with nothing but the public key."""
    if shutil.which(binary, path=f"{TOOLS}") is None:
        pytest.skip(f"LEFT OUT: {binary} is not installed (script/tools/cosign)")
    offline = ["--insecure-ignore-tlog=true", "--allow-insecure-registry", "--allow-http-registry"]
    if binary == "cosign-3":
        offline.append("--private-infrastructure=true")
    command = [str(TOOLS / binary), *verb, "--key", str(key), *offline, reference]
    return subprocess.run(command, capture_output=True, timeout=120, check=False).returncode == 0
