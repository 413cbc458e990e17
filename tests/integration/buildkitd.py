"""A real buildkitd on loopback that asks for a client certificate."""

import ipaddress
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.ports import free_port
from tests.registry.servers import tool

START_SECONDS = 90


@dataclass(frozen=True)
class Daemon:
    """Where it answers, and with which files."""

    settings: dict[str, object]
    foreign_certificate: Path  # of an authority that it does not know
    foreign_key: Path


@contextmanager
def buildkitd(directory: Path) -> Iterator[Daemon]:
    """Started, and stopped by pid. Skips, saying so, where it cannot run."""
    program, buildctl = tool("buildkitd"), tool("buildctl")
    tool("runc")
    if os.geteuid() != 0:
        pytest.skip("LEFT OUT: buildkitd runs as root here")
    port = free_port()
    authority = _Authority(directory, "authority")
    server = authority.issue("server", address="127.0.0.1")
    client = authority.issue("client")
    foreign = _Authority(directory, "foreign").issue("stranger")
    config = directory / "buildkitd.toml"
    config.write_text(
        f'root = "{directory / "root"}"\n'
        "[worker.oci]\nenabled = true\n[worker.containerd]\nenabled = false\n"
        '[frontend."gateway.v0"]\nenabled = false\n'  # no frontends from images
        f'[grpc]\naddress = ["tcp://127.0.0.1:{port}"]\n'
        f'[grpc.tls]\ncert = "{server}.pem"\nkey = "{server}.key"\nca = "{authority.path}.pem"\n'
    )
    with (directory / "buildkitd.log").open("wb") as log:
        process = subprocess.Popen([program, "--config", str(config)], stdout=log, stderr=log, start_new_session=True)
    try:
        _wait(port, process, directory / "buildkitd.log")
        yield Daemon(
            {
                "GOLDGATE_BUILDKIT_BUILDCTL": buildctl,
                "GOLDGATE_BUILDKIT_ADDRESS": f"tcp://127.0.0.1:{port}",
                "GOLDGATE_BUILDKIT_CA_FILE": f"{authority.path}.pem",
                "GOLDGATE_BUILDKIT_CERTIFICATE_FILE": f"{client}.pem",
                "GOLDGATE_BUILDKIT_KEY_FILE": f"{client}.key",
            },
            Path(f"{foreign}.pem"),
            Path(f"{foreign}.key"),
        )
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.skip(f"LEFT OUT: buildkitd cannot run here: {log.read_text(errors='replace')[-500:]}")
        time.sleep(0.1)


class _Authority:
    """A certificate authority of two days."""

    def __init__(self, directory: Path, name: str) -> None:
        self.directory, self.name, self.path = directory, name, directory / name
        self.key = ec.generate_private_key(ec.SECP256R1())
        self._write(self.path, self.key, self._certificate(name, self.key, is_authority=True))

    def issue(self, name: str, *, address: str = "") -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        self._write(self.directory / name, key, self._certificate(name, key, address=address))
        return self.directory / name

    def _certificate(
        self, name: str, key: ec.EllipticCurvePrivateKey, *, is_authority: bool = False, address: str = ""
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=2))
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        )
        if address:
            names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def _write(self, path: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        Path(f"{path}.key").write_bytes(private)
        Path(f"{path}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
