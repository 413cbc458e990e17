"""Requests per CPU-second of the server: the gate beside OPA and a plain Go handler, same facts, same reviews.

TLS on every one of them, keep-alive; server on one core, load on another; rounds interleaved, every ratio
taken within its round. The gate's CPU is that of all its processes: serving, fetching, shipping.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import requests
import urllib3

from bench.gate import data
from gate.certificate import LEAF_KEY, LEAF_NAME, ensure_certificate
from tests.gate.process import GateProcess, free_port
from tests.gate.support import PortalServer, Repository, make_home

HERE = Path(__file__).parent
TOOLS = Path(os.environ.get("GOLDGATE_TOOLS", "~/.cache/goldgate-tools")).expanduser()
DIGESTS = 100_000
TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """A server under load: its address, and the CPU that its session has used."""

    def __init__(self, name: str, url: str, process: "subprocess.Popen[bytes]", bodies: Path, connections: int) -> None:
        self.name, self.url, self.process = name, url, process
        self.bodies, self.connections = bodies, connections

    def cpu_seconds(self) -> float:
        """User and system time of every process of its session, so far."""
        total = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[3]) == self.process.pid:
                total += sum(int(fields[index]) for index in (11, 12, 13, 14))
        return total / TICKS


urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # one certificate, made a moment ago, for all


def run(*, rounds: int, seconds: float) -> None:
    """Print the table. Says what is left out where Go or OPA is missing."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        peer = _built_peer(directory)
        if peer is None:
            print("*** LEFT OUT: Go is not installed, so there is neither load nor peer")
            return
        _run(directory, peer, rounds, seconds)


def _run(directory: Path, peer: Path, rounds: int, seconds: float) -> None:
    now = data.now()
    repository = Repository(directory / "published")
    repository.publish(*data.facts(DIGESTS, now=now), trusted_repositories=(data.REGISTRY,))
    kept, dry = directory / "kept.jsonl", directory / "dry.jsonl"
    kept.write_bytes(b"\n".join(data.reviews(1000, DIGESTS, is_dry_run=False)))
    dry.write_bytes(b"\n".join(data.reviews(1000, DIGESTS, is_dry_run=True)))
    with PortalServer(repository.directory) as portal:
        os.sched_setaffinity(0, _cores()[0])  # what is started now inherits it
        home = make_home(
            directory / "home",
            repository,
            portal_url=portal.url,
            metadata_url=f"{portal.url}/tuf",
            listen=f"127.0.0.1:{free_port()}",
            workers=1,
        )
        ensure_certificate(home, now=repository.now)
        certificate = home.tls_path / LEAF_NAME, home.tls_path / LEAF_KEY
        with GateProcess(home, log=directory / "log") as gate:
            state = gate.wait(seconds=60)
            assert state["snapshot"]["version"] == 1
            assert gate.process is not None
            admit = f"{gate.url}/v1/admit"
            servers = [
                Server("gate, recorded before the answer", admit, gate.process, kept, 64),
                Server("gate, not recorded (dry run)", admit, gate.process, dry, 16),
                *_peers(directory, peer, certificate, now, dry),
            ]
            os.sched_setaffinity(0, _cores()[1])
            try:
                _require_one_verdict(servers[1:], dry)
                _print_table(servers, [_round(peer, servers, seconds) for _ in range(rounds)])
            finally:
                for server in servers[2:]:
                    server.process.terminate()
                    server.process.wait(10)


def _cores() -> tuple[set[int], set[int]]:
    cores = sorted(os.sched_getaffinity(0)) if len(os.sched_getaffinity(0)) > 1 else list(range(os.cpu_count() or 1))
    return {cores[0]}, {cores[-1]}


def _built_peer(directory: Path) -> Path | None:
    if shutil.which("go") is None:
        return None
    path = directory / "peer"
    subprocess.run(
        ["go", "build", "-o", str(path), "."], cwd=HERE / "peer", check=True, env={**os.environ, "CGO_ENABLED": "0"}
    )
    return path


def _peers(directory: Path, peer: Path, certificate: tuple[Path, Path], now: int, bodies: Path) -> list[Server]:
    facts = directory / "facts.json"
    facts.write_text(json.dumps(data.as_json(data.facts(DIGESTS, now=now))))
    found = []
    port = free_port()
    command = [str(peer), "serve", "-listen", f"127.0.0.1:{port}", "-facts", str(facts)]
    command += ["-cert", str(certificate[0]), "-key", str(certificate[1])]
    found.append(_started("plain Go handler", command, f"https://127.0.0.1:{port}/", bodies, GOMAXPROCS="1"))
    opa = TOOLS / "opa"
    if not opa.exists():
        print("*** LEFT OUT: no OPA in the tools' directory (go install github.com/open-policy-agent/opa@v1.22.2)")
        return found
    port = free_port()
    command = [str(opa), "run", "--server", "--addr", f"127.0.0.1:{port}", "--log-level", "error"]
    command += ["--tls-cert-file", str(certificate[0]), "--tls-private-key-file", str(certificate[1])]
    command += ["--skip-version-check", str(HERE / "policy.rego"), str(facts)]
    found.append(_started("OPA, no decision log", command, f"https://127.0.0.1:{port}/", bodies, GOMAXPROCS="1"))
    return found


def _started(name: str, command: list[str], url: str, bodies: Path, **environment: str) -> Server:
    process = subprocess.Popen(
        command, start_new_session=True, stdout=sys.stderr, stderr=sys.stderr, env={**os.environ, **environment}
    )
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            requests.get(url + ("health" if "OPA" in name else ""), verify=False, timeout=2)
            return Server(name, url, process, bodies, 16)
        except requests.RequestException:
            time.sleep(0.2)
    raise RuntimeError(f"{name} does not answer")


def _require_one_verdict(servers: list[Server], bodies: Path) -> None:
    """Every server answers every review alike; a faster wrong answer is no figure."""
    verdicts = {server.name: _verdicts(server, bodies) for server in servers}
    first = next(iter(verdicts.values()))
    for name, found in verdicts.items():
        differing = [index for index, allowed in enumerate(found) if allowed is not first[index]]
        if differing:
            raise AssertionError(f"{name} answers review {differing[0]} and {len(differing) - 1} others differently")
    refused = first.count(False) / len(first)
    print(f"\nAll {len(verdicts)} servers give the same verdict on {len(first)} reviews; {refused:.0%} are refused.")


def _verdicts(server: Server, bodies: Path) -> list[bool]:
    headers = {"Content-Type": "application/json"}
    with requests.Session() as session:
        session.trust_env, session.verify = False, False
        return [
            session.post(server.url, data=body, headers=headers).json()["response"]["allowed"]
            for body in bodies.read_bytes().splitlines()
        ]


def _round(peer: Path, servers: list[Server], seconds: float) -> dict[str, dict[str, float]]:
    found = {}
    for server in servers:
        before = server.cpu_seconds()
        command = [str(peer), "load", "-url", server.url, "-bodies", str(server.bodies), "-seconds", str(seconds)]
        command += ["-connections", str(server.connections)]
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        result: dict[str, Any] = json.loads(done.stdout)
        if result["errors"]:
            raise AssertionError(f"{server.name}: {result['errors']} errors")
        used = server.cpu_seconds() - before
        found[server.name] = {"per_cpu": result["requests"] / used, "us": used / result["requests"] * 1e6, **result}
    return found


def _print_table(servers: list[Server], rounds: list[dict[str, dict[str, float]]]) -> None:
    names = [server.name for server in servers]
    print(f"Requests per CPU-second of the server, TLS, {len(rounds)} rounds, min/median/max; ratios within each round")
    for name in names:
        row = [each[name] for each in rounds]
        print(
            f"  {name:35} {_spread([item['per_cpu'] for item in row], '{:,.0f}'):>24}"
            f"  {statistics.median(item['us'] for item in row):6.0f} µs"
            f"  p99 {statistics.median(item['p99_ms'] for item in row):6.1f} ms"
        )
    for name in names[:2]:
        for other in names[2:]:
            ratios = [each[name]["per_cpu"] / each[other]["per_cpu"] for each in rounds]
            print(f"  {name} / {other}: {_spread(ratios, '{:.2f}')}")


def _spread(values: list[float], form: str) -> str:
    return "/".join(form.format(value) for value in (min(values), statistics.median(values), max(values)))
