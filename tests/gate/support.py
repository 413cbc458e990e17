"""A TUF repository that publishes snapshots for a gate under test, signed for real, and a portal that listens.

``Repository`` keeps its files in a directory and can be made to do what an attacker would: sign with other
keys, name old versions, serve other bytes. ``PortalServer`` serves such a directory over HTTP and takes
decisions and heartbeats, each decision once.
"""

import copy
import hashlib
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from gate.facts import DigestFacts
from gate.fetcher import PublisherUnavailable
from gate.home import Home
from gate.snapshot import write_base, write_overlay
from gate.tuf import TrustedFile, UntrustedSnapshot
from gate.tuf_names import stored_name, target_names
from tests.factories.gate import application, certified_base, moved, overlay_of

ROLES = ("root", "timestamp", "snapshot", "targets")


class Repository:
    """One publisher's directory: ``metadata/`` and ``targets/``."""

    def __init__(self, directory: Path, *, now: datetime | None = None) -> None:
        self.directory = directory
        self.now = now or datetime.now(UTC).replace(microsecond=0)
        for name in ("metadata", "targets"):
            (directory / name).mkdir(parents=True)
        self.signers = {role: CryptoSigner.generate_ed25519() for role in ROLES}
        self.root = Root(version=1, expires=self.now + timedelta(days=365), consistent_snapshot=True)
        self.timestamp_life = timedelta(minutes=15)
        self.version = 0
        self.timestamp_version = 0
        self._files: dict[str, TargetFile] = {}
        for role in ROLES:
            self.root.add_key(self.signers[role].public_key, role)
        self.root_bytes = self._write_root(self.root, [self.signers["root"]])

    def publish(self, *facts: DigestFacts, version: int | None = None, **overlay: Any) -> int:
        """Put out a snapshot with a base of ``facts`` of its own, moved to this publisher's moment; its version."""
        self.version = version if version is not None else self.version + 1
        names = target_names(base_version=self.version, version=self.version)
        paths = [self.directory / name for name in names]
        write_base(
            [moved(one, to=int(self.now.timestamp())) for one in facts or (certified_base(), application())],
            version=self.version,
            issued_at=int(self.now.timestamp()),
            base_path=paths[0],
            reasons_path=paths[1],
        )
        fields = {"version": self.version, "base_version": self.version, "issued_at": int(self.now.timestamp())}
        write_overlay(overlay_of(**{**fields, **overlay}), paths[2])
        self._files = {}
        for path in paths:
            target = TargetFile.from_file(path.name, str(path), ["sha256"])
            path.rename(self.directory / "targets" / stored_name(path.name, target.hashes["sha256"]))
            self._files[path.name] = target
        self.sign()
        return self.version

    def sign(
        self,
        *,
        signers: dict[str, CryptoSigner] | None = None,
        expires: timedelta = timedelta(days=7),
        targets: dict[str, TargetFile] | None = None,
    ) -> None:
        """Sign targets, snapshot and timestamp of the present version, as asked."""
        keys = {**self.signers, **(signers or {})}
        content = Targets(version=self.version, expires=self.now + expires, targets=targets or self._files)
        content_body = self._write("targets", f"{self.version}.targets.json", content, keys)
        meta = {"targets.json": meta_file(self.version, content_body)}
        snapshot = Snapshot(version=self.version, expires=self.now + expires, meta=meta)
        snapshot_body = self._write("snapshot", f"{self.version}.snapshot.json", snapshot, keys)
        self.sign_timestamp(meta_file(self.version, snapshot_body), signers=keys)

    def sign_timestamp(
        self,
        meta: MetaFile | None = None,
        *,
        version: int | None = None,
        signers: dict[str, CryptoSigner] | None = None,
    ) -> None:
        """Sign a timestamp that names ``meta``: by default the snapshot that is there."""
        self.timestamp_version = version if version is not None else self.timestamp_version + 1
        if meta is None:
            body = (self.directory / "metadata" / f"{self.version}.snapshot.json").read_bytes()
            meta = meta_file(self.version, body)
        stamp = Timestamp(version=self.timestamp_version, expires=self.now + self.timestamp_life, snapshot_meta=meta)
        self._write("timestamp", "timestamp.json", stamp, {**self.signers, **(signers or {})})

    def rotate_root(self, *roles: str, signers: list[CryptoSigner] | None = None, version: int | None = None) -> None:
        """Put out the next root with new keys for ``roles``; signed by the old and the new root key."""
        old_key = self.signers["root"]
        new = copy.deepcopy(self.root)
        new.version = version or self.root.version + 1
        for role in roles:
            new.revoke_key(self.signers[role].public_key.keyid, role)
            self.signers[role] = CryptoSigner.generate_ed25519()
            new.add_key(self.signers[role].public_key, role)
        self.root = new
        self._write_root(new, signers or [old_key, self.signers["root"]])

    def metadata(self, name: str) -> Path:
        """The path of a metadata file."""
        return self.directory / "metadata" / name

    def _write_root(self, root: Root, signers: list[CryptoSigner]) -> bytes:
        found = Metadata(root)
        for signer in signers:
            found.sign(signer, append=True)
        body = found.to_bytes()
        (self.directory / "metadata" / f"{root.version}.root.json").write_bytes(body)
        return body

    def _write(self, role: str, name: str, signed: Any, keys: dict[str, CryptoSigner]) -> bytes:
        found = Metadata(signed)
        found.sign(keys[role])
        body = found.to_bytes()
        (self.directory / "metadata" / name).write_bytes(body)
        return body


class DirectorySource:
    """Reads a repository's directory as ``HttpSource`` reads a web server."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.is_away = False
        self.asked: list[str] = []

    def metadata(self, name: str, max_bytes: int) -> bytes | None:
        self._ask(name)
        try:
            body = (self.directory / "metadata" / name).read_bytes()
        except FileNotFoundError:
            return None
        if len(body) > max_bytes:
            raise UntrustedSnapshot(f"{name} is longer than {max_bytes} bytes.")
        return body

    def target(self, file: TrustedFile, into: BinaryIO) -> None:
        self._ask(file.name)
        body = (self.directory / "targets" / file.stored_name).read_bytes()
        file.require(len(body), hashlib.sha256(body).hexdigest())
        into.write(body)

    def _ask(self, name: str) -> None:
        self.asked.append(name)
        if self.is_away:
            raise PublisherUnavailable("nobody answers")


def meta_file(version: int, body: bytes) -> MetaFile:
    return MetaFile(version=version, length=len(body), hashes={"sha256": hashlib.sha256(body).hexdigest()})


def make_home(directory: Path, repository: Repository, **keys: Any) -> Home:
    """An enrolled gate home that trusts ``repository``."""
    directory.mkdir(parents=True, exist_ok=True)
    fields = {
        "portal_url": "http://127.0.0.1:9",
        "cluster": "prod",
        "gate_id": "gate-1",
        "metadata_url": "http://127.0.0.1:9/tuf/metadata",
        **keys,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in fields.items()]
    (directory / "gate.toml").write_text("\n".join(lines) + "\n")
    (directory / "root.json").write_bytes(repository.root_bytes)
    (directory / "token").write_text("ggg_secret\n")
    home = Home.read(directory)
    home.make_directories()
    return home


class PortalServer:
    """A portal for a gate under test: static TUF files, decisions (each once), heartbeats. Use as a context."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.decisions: dict[str, dict[str, Any]] = {}
        self.posts = 0
        self.heartbeats: list[dict[str, Any]] = []
        self.answer_decisions: Callable[[list[dict[str, Any]]], tuple[int, Any]] | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "PortalServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, decisions: list[dict[str, Any]]) -> tuple[int, Any]:
        """Count each once and accept all."""
        self.posts += 1
        if self.answer_decisions:
            return self.answer_decisions(decisions)
        self.decisions.update((item["id"], item) for item in decisions)
        return 200, {"accepted": [item["id"] for item in decisions]}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        portal = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = portal.directory / self.path.removeprefix("/tuf/")
                is_there = self.path.startswith("/tuf/") and path.is_file()
                self._send(200 if is_there else 404, path.read_bytes() if is_there else b"")

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.headers.get("Authorization") != "Bearer ggg_secret":
                    self._send(401, b"{}")
                elif self.path == "/api/v1/gates/decisions":
                    status, answer = portal.take(body["decisions"])
                    self._send(status, json.dumps(answer).encode())
                else:
                    portal.heartbeats.append(body)
                    self._send(200, b"{}")

            def _send(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
