"""From import to findings: the real 99-package Debian image, from a registry on loopback.

    .venv/bin/python -m bench.line [rounds]

Each round imports the image into a Goldgate that has never seen it, and waits for its findings, as a person would at
the API. The peer is syft alone over the same image, the one part of the way that is not ours: the ratio says what
everything else costs. Needs docker-registry, skopeo, mmdebstrap, umoci and root (script/test installs them).
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scans.adapters.syft import SYFT
from tests.integration.stack import eventually, own_home, running
from tests.integration.world import FEEDS, debian_images, feed_server, push_layout
from tests.registry.servers import docker_registry

EXPECTED_FINDINGS = 79


def one_round(layout: Path, feeds: str, source: str, digest: str) -> float:
    """Seconds from the request to the findings, in a fresh home."""
    with own_home() as home, running(home) as stack:
        admin = stack.administrator()
        admin.post("registries", {"name": "s", "host": source, "base_url": f"http://{source}", "allow_private": True})
        for name, (kind, path) in FEEDS.items():
            feed = admin.post("feeds", {"name": name, "kind": kind, "url": f"{feeds}/{path}", "allow_private": True})
            admin.run(f"feeds/{feed['id']}/sync")
        began = time.monotonic()
        admin.post("imports", {"reference": f"{source}/debian:old"})

        def found() -> bool:
            answer = admin.api.get(
                f"{stack.url}/api/v1/artifacts/{digest}/findings", params={"fixable": "true", "limit": 100}
            )
            return answer.ok and len(answer.json()["results"]) == EXPECTED_FINDINGS

        eventually(found, seconds=120, pause=0.05, what="79 findings with a fix")
        return time.monotonic() - began


def syft_alone(layout: Path) -> float:
    """Seconds that syft itself takes for the same layout."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(
            [str(SYFT), "scan", f"oci-dir:{layout}", "-o", f"cyclonedx-json={directory}/sbom.json", "-q"],
            check=True, env={"SYFT_CHECK_FOR_APP_UPDATE": "false", "HOME": directory, "TMPDIR": directory},
        )  # fmt: skip
    return time.monotonic() - began


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    layout = debian_images()["old"]
    ours, peer = [], []
    with tempfile.TemporaryDirectory() as directory, docker_registry(Path(directory)) as source, feed_server() as feeds:
        digest = push_layout(layout, source, "debian:old")
        for number in range(rounds):
            ours.append(one_round(layout, feeds, source, digest))
            peer.append(syft_alone(layout))
            print(f"round {number + 1}: import to findings {ours[-1]:.2f} s, syft alone {peer[-1]:.2f} s")
    ratios = [a / b for a, b in zip(ours, peer, strict=True)]
    print(f"import to findings: {min(ours):.2f}/{statistics.median(ours):.2f}/{max(ours):.2f} s (bound 15 s, aim 10 s)")
    print(f"ratio to syft alone: {min(ratios):.2f}/{statistics.median(ratios):.2f}/{max(ratios):.2f}")


if __name__ == "__main__":
    main()
