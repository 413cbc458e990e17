"""Git over TLS and over ssh on this machine: the real ``git http-backend`` and the real ``sshd``.

with HttpsGit(directory, work, host="git.test") as server: server.port, server.ca_file
with SshGit(work) as server: server.port, server.host_key, server.key_file
"""

import getpass
import http.server
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.ports import free_port

BACKEND = Path("/usr/lib/git-core/git-http-backend")
SSHD = shutil.which("sshd", path="/usr/sbin:/usr/bin")


class HttpsGit:
    """Serves every repository below ``directory``; ``behaviour`` makes it misbehave."""

    def __init__(self, directory: Path, work: Path, *, host: str, behaviour: str = "") -> None:
        self.directory = directory
        self.behaviour = behaviour
        self.asked: list[str] = []
        self.ca_file, certificate = _certificate(work, host)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.answer(self)

            do_POST = do_GET  # noqa: N815 — as http.server looks for it

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        """One request."""
        self.asked.append(request.path)
        if self.behaviour == "redirect" and not request.path.startswith("/else"):
            send(request, 302, {"Location": f"/else{request.path}"})
        elif self.behaviour == "login":
            send(request, 401, {"WWW-Authenticate": 'Basic realm="git"'})
        elif self.behaviour == "broken":
            send(request, 500, {})
        else:
            self._backend(request)

    def _backend(self, request: http.server.BaseHTTPRequestHandler) -> None:
        path, _, query = request.path.removeprefix("/else").partition("?")
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.directory),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": request.command,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        }
        said = subprocess.run([str(BACKEND)], input=body, env=environment, capture_output=True, check=False).stdout
        head, _, content = said.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        send(request, int(headers.pop("Status", "200").split()[0]), headers, content)


def send(
    request: http.server.BaseHTTPRequestHandler, status: int, headers: dict[str, str], content: bytes = b""
) -> None:
    """Answer a request."""
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)


class SshGit:
    """An sshd that lets one key in, as whoever runs the tests."""

    user = getpass.getuser()

    def __init__(self, work: Path) -> None:
        self.key_file, public = _ssh_key(work, "client")
        host_file, self.host_key = _ssh_key(work, "host")
        (work / "authorized").write_text(public + "\n")
        self.port = free_port()
        lines = [
            f"Port {self.port}", "ListenAddress 127.0.0.1", f"HostKey {host_file}", "UsePAM no", "StrictModes no",
            f"AuthorizedKeysFile {work / 'authorized'}", "PasswordAuthentication no", "PermitRootLogin yes",
            f"PidFile {work / 'pid'}",
        ]  # fmt: skip
        (work / "sshd_config").write_text("\n".join(lines) + "\n")
        self.command = [str(SSHD), "-D", "-e", "-f", str(work / "sshd_config")]

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.05)
        raise RuntimeError("sshd does not answer")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(10)


def _ssh_key(work: Path, name: str) -> tuple[str, str]:
    path = work / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return str(path), " ".join(path.with_suffix(".pub").read_text().split()[:2])


def _certificate(work: Path, host: str) -> tuple[str, str]:
    """A certificate that is its own authority: the file to trust, and the file with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (work / "ca.pem").write_bytes(public)
    (work / "server.pem").write_bytes(public + private)
    return str(work / "ca.pem"), str(work / "server.pem")
