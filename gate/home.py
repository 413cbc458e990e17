"""A gate's home directory: where it was enrolled, what it trusts, what it keeps.

    gate.toml    where the portal is, which cluster this gate answers for, where it listens
    root.json    the TUF root that trust begins with; its SHA-256 is shown by the portal
    token        the gate's bearer token for the portal, 0600
    metadata/    the verified chain, one file
    targets/     the files it vouches for, under their hashes' names
    spool/       decisions not yet shipped
    tls/         the server's certificate, made at first start
    caller-token what the API server shows to be heard, 0600; ``bearer_token_file`` names it
    time-floor   the highest second seen; snapshot-floor: the highest snapshot version

Format and meaning of each key: ``docs/reference/gate.md``.
"""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import urljoin, urlsplit

from core.errors import GoldgateError, Kind
from gate.callers import Callers


class MalformedHome(GoldgateError):
    """The home directory lacks something, or says it wrongly."""

    code: ClassVar[str] = "malformed_home"
    kind: ClassVar[Kind] = Kind.MALFORMED


_KEYS: dict[str, type] = {
    "portal_url": str,
    "cluster": str,
    "gate_id": str,
    "metadata_url": str,
    "targets_url": str,
    "portal_ca_file": str,
    "listen": str,
    "webhook_url": str,
    "workers": int,
    "dns_names": list,
    "tls": bool,
    "client_ca_file": str,
    "bearer_token_file": str,
    "spool_max_bytes": int,
    "poll_seconds": float,
}
DEFAULT_NAMES = ("localhost", "127.0.0.1", "::1")
_NEEDED = ("portal_url", "cluster", "gate_id", "metadata_url")


@dataclass(frozen=True, slots=True)
class Home:
    """The directory and what ``gate.toml`` says."""

    path: Path
    portal_url: str
    cluster: str
    gate_id: str
    metadata_url: str  # ends in a slash
    targets_url: str  # ends in a slash; beside the metadata unless said otherwise
    portal_ca_file: str = ""  # PEM file that vouches for the portal; empty: the system's authorities
    listen: str = "127.0.0.1:9443"
    webhook_url: str = ""  # where the API server reaches this gate; empty: its first name and its port
    workers: int = 0  # 0: one a core
    dns_names: tuple[str, ...] = DEFAULT_NAMES  # names and addresses in the certificate
    tls: bool = True
    client_ca_file: str = ""  # PEM file: only clients with a certificate of it are heard
    bearer_token_file: str = ""  # tokens, one a line; only who shows one is heard. Below the home unless absolute
    spool_max_bytes: int = 256 * 1024 * 1024
    poll_seconds: float = 1.0

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read ``gate.toml`` in ``path``. Raises MalformedHome."""
        try:
            value = tomllib.loads((path / "gate.toml").read_text())
        except FileNotFoundError as error:
            cure = "Enrol this gate first: goldgate gate enrol."
            raise MalformedHome(f"{path} holds no gate.toml.", cure=cure) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise MalformedHome(f"gate.toml cannot be read: {error}.") from error
        for key, item in value.items():
            kind = _KEYS.get(key)
            if kind is None:
                raise MalformedHome(f"gate.toml has an unknown key {key!r}.")
            if not isinstance(item, kind) and not (kind is float and isinstance(item, int)):
                raise MalformedHome(f"gate.toml: {key} must be {kind.__name__}.")
        missing = [key for key in _NEEDED if not value.get(key)]
        if missing:
            raise MalformedHome(f"gate.toml does not say {', '.join(missing)}.")
        return cls(path=path, **_with_urls(value))

    @property
    def listen_address(self) -> tuple[str, int]:
        """Host and port of ``listen``. Raises MalformedHome."""
        host, _, port = self.listen.rpartition(":")
        if not host or not port.isdigit():
            raise MalformedHome(f"listen must be host:port, not {self.listen!r}.")
        return host.strip("[]"), int(port)

    @property
    def reached_at(self) -> str:
        """Where the API server reaches this gate, by its own word. Raises MalformedHome."""
        name = self.dns_names[0]
        host = f"[{name}]" if ":" in name else name
        return self.webhook_url or f"https://{host}:{self.listen_address[1]}"

    @property
    def worker_count(self) -> int:
        """How many serving processes: one a core unless said otherwise."""
        return self.workers or os.cpu_count() or 1

    def trusted_root(self) -> bytes:
        """The root that trust begins with. Raises MalformedHome."""
        try:
            return (self.path / "root.json").read_bytes()
        except FileNotFoundError as error:
            raise MalformedHome(f"{self.path} holds no root.json: there is nothing to trust.") from error

    def token(self) -> str:
        """The gate's token for the portal; empty where the portal asks for none."""
        try:
            return (self.path / "token").read_text().strip()
        except FileNotFoundError:
            return ""

    def callers(self) -> Callers:
        """Who may ask. Raises MalformedTokens, OSError: a file that is named and not there lets in nobody."""
        return Callers.read(self.path / self.bearer_token_file) if self.bearer_token_file else Callers()

    @property
    def asks_callers_for(self) -> str:
        """What a caller must show, in a word or two; "nothing" is how a gate should not stay."""
        asked = ["a certificate"] if self.client_ca_file else []
        asked += ["a token"] if self.bearer_token_file else []
        return " and ".join(asked) or "nothing"

    def make_directories(self) -> None:
        """Make what is missing below the home; ``spool`` and ``tls`` for the owner alone."""
        for name, mode in (("metadata", 0o755), ("targets", 0o755), ("spool", 0o700), ("tls", 0o700)):
            (self.path / name).mkdir(mode=mode, exist_ok=True)

    @property
    def tls_path(self) -> Path:
        """The server's certificate and its authority."""
        return self.path / "tls"

    @property
    def bundle_path(self) -> Path:
        """The verified chain."""
        return self.path / "metadata" / "chain.msgpack"

    @property
    def targets_path(self) -> Path:
        """The files the chain vouches for."""
        return self.path / "targets"

    @property
    def spool_path(self) -> Path:
        """Decisions not yet shipped."""
        return self.path / "spool"

    @property
    def time_floor_path(self) -> Path:
        """The highest second seen."""
        return self.path / "time-floor"

    @property
    def snapshot_floor_path(self) -> Path:
        """The highest snapshot version that was in force."""
        return self.path / "snapshot-floor"


def _with_urls(value: dict[str, Any]) -> dict[str, Any]:
    found = {**value, "dns_names": tuple(value.get("dns_names") or DEFAULT_NAMES)}
    for key in ("portal_url", "metadata_url", "targets_url", "webhook_url"):
        text = found.get(key, "")
        if text and urlsplit(text).scheme not in ("http", "https"):
            raise MalformedHome(f"gate.toml: {key} must begin with http:// or https://.")
    metadata = found["metadata_url"].rstrip("/")
    # The repository's own address will do as well: the two directories have fixed names in it.
    found["metadata_url"] = metadata + ("/" if metadata.endswith("/metadata") else "/metadata/")
    found["targets_url"] = (found.get("targets_url") or urljoin(found["metadata_url"], "../targets")).rstrip("/") + "/"
    found["portal_url"] = found["portal_url"].rstrip("/")
    return found
