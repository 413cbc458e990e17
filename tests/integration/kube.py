"""A real Kubernetes API server for tests: etcd and kube-apiserver on free ports, stopped by process id.

No kubelet, no controllers: a Pod that is admitted is stored, one that is denied is not, and that is all a
webhook needs to be judged by.
"""

import contextlib
import json
import os
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.ports import free_port

TOKEN = "goldgate-test-token"
START_SECONDS = 90
TOOLS = Path(os.environ.get("GOLDGATE_TOOLS", "~/.cache/goldgate-tools")).expanduser()


def tool(name: str) -> Path | None:
    """A built tool, or one on the PATH; None where there is none."""
    built = TOOLS / name
    found = str(built) if built.exists() else shutil.which(name)
    return Path(found) if found else None


class KubeApiServer:
    """etcd and kube-apiserver under ``directory``. Use as a context."""

    def __init__(self, directory: Path, *, options: Sequence[str] = ()) -> None:
        self.directory = directory
        self._options = options  # further flags of kube-apiserver
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.audit_log = directory / "audit.log"
        self._etcd_port = free_port()
        self._peer_port = free_port()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._kubectl = tool("kubectl")

    def __enter__(self) -> "KubeApiServer":
        self.directory.mkdir(parents=True, exist_ok=True)
        try:
            self._start_etcd()
            self._start_api_server()
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """The API server first, then its store; each by its own process id."""
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
        self._processes.clear()

    def kubectl(
        self, *arguments: str, stdin: Any = None, as_user: str = "", check: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as cluster administrator; ``stdin`` (a text, or an object sent as JSON) is its input."""
        if self._kubectl is None:
            raise RuntimeError("there is no kubectl")
        text = stdin if stdin is None or isinstance(stdin, str) else json.dumps(stdin)
        impersonated = [f"--as={as_user}", "--as-group=system:masters"] if as_user else []
        return subprocess.run(
            [str(self._kubectl), "--kubeconfig", str(self.kubeconfig), *impersonated, *arguments],
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=check,
            env={"HOME": str(self.directory), "PATH": os.environ["PATH"]},
        )

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig of the cluster's administrator."""
        path = self.directory / "kubeconfig"
        if not path.exists():
            cluster = {"server": self.url, "insecure-skip-tls-verify": True}
            path.write_text(
                json.dumps(
                    {
                        "apiVersion": "v1",
                        "kind": "Config",
                        "current-context": "test",
                        "clusters": [{"name": "test", "cluster": cluster}],
                        "users": [{"name": "admin", "user": {"token": TOKEN}}],
                        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
                    }
                )
            )
            path.chmod(0o600)
        return path

    def request(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json"
    ) -> tuple[int, dict[str, Any]]:
        """One call of the API itself; the status and the object that came back."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": content_type},
        )
        try:
            with urllib.request.urlopen(request, timeout=30, context=_unverified()) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def _start_etcd(self) -> None:
        client, peer = f"http://127.0.0.1:{self._etcd_port}", f"http://127.0.0.1:{self._peer_port}"
        self._start(
            "etcd",
            *("--data-dir", str(self.directory / "etcd"), "--name", "test"),
            *("--listen-client-urls", client, "--advertise-client-urls", client),
            *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
            *("--initial-cluster", f"test={peer}", "--unsafe-no-fsync"),
        )

    def _start_api_server(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        key_path = self.directory / "service-account.pem"
        key_path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )
        (self.directory / "tokens.csv").write_text(f'{TOKEN},admin,admin,"system:masters"\n')
        policy = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}
        (self.directory / "audit.json").write_text(json.dumps(policy))
        self._start(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--cert-dir={self.directory / 'certificates'}",
            "--service-account-issuer=https://test",
            f"--service-account-key-file={key_path}",
            f"--service-account-signing-key-file={key_path}",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--authorization-mode=RBAC",
            f"--token-auth-file={self.directory / 'tokens.csv'}",
            "--allow-privileged=true",
            "--disable-admission-plugins=ServiceAccount",
            f"--audit-policy-file={self.directory / 'audit.json'}",
            f"--audit-log-path={self.audit_log}",
            "--feature-gates=ImageVolume=true",
            *self._options,
        )

    def _start(self, name: str, *arguments: str) -> None:
        program = tool(name)
        if program is None:
            raise RuntimeError(f"there is no {name}")
        with (self.directory / f"{name}.log").open("ab") as log:
            self._processes.append(
                subprocess.Popen([str(program), *arguments], stdout=log, stderr=log, cwd=self.directory)
            )

    def _wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            for process in self._processes:
                if process.poll() is not None:
                    raise AssertionError(f"{process.args[0]} ended at once:\n{self._logs()}")  # type: ignore[index]
            with contextlib.suppress(OSError, ValueError):
                request = urllib.request.Request(f"{self.url}/readyz", headers={"Authorization": f"Bearer {TOKEN}"})
                with urllib.request.urlopen(request, timeout=5, context=_unverified()) as answer:
                    if answer.status == 200 and self.request("GET", "/api/v1/namespaces/default")[0] == 200:
                        return
            time.sleep(0.2)
        raise AssertionError(f"the API server does not come up:\n{self._logs()}")

    def _logs(self) -> str:
        return "\n".join(path.read_text(errors="replace")[-2000:] for path in self.directory.glob("*.log"))


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def missing_tools() -> list[str]:
    """What a machine lacks for a real API server."""
    return [name for name in ("etcd", "kube-apiserver", "kubectl") if tool(name) is None]


@pytest.fixture(scope="module")
def kube(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeApiServer]:
    """One API server for a module of tests."""
    if missing := missing_tools():
        pytest.skip(f"LEFT OUT: no {', '.join(missing)} on this machine (script/tools/build, apt install etcd-server)")
    with KubeApiServer(tmp_path_factory.mktemp("kube")) as server:
        yield server
