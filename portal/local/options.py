"""What ``script/server`` reads from its environment and command line."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from portal.local.errors import CannotStart
from portal.local.home import Home

PROJECT = Path(__file__).resolve().parents[2]
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104


@dataclass(frozen=True, slots=True)
class Options:
    """One local server. Ports are TCP ports of ``bind``; URLs have no trailing slash."""

    home: Home
    bind: str
    port: int
    gate_port: int
    url: str
    database_url: str  # "" = start our own
    redis_url: str  # "" = start our own
    is_demo: bool

    @property
    def gate_url(self) -> str:
        return f"https://{reachable(self.bind)}:{self.gate_port}"


def reachable(bind: str) -> str:
    """An address to connect to for one that is listened on."""
    return "127.0.0.1" if bind in EVERY_ADDRESS else bind


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, str(default))
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise CannotStart(f"{name} is {text!r}; it must be a port number from 1 to 65535.")
    return int(text)


def read_options(arguments: list[str], environ: Mapping[str, str] = os.environ) -> Options:
    """Raises CannotStart with the one line to print."""
    is_demo = "--demo" in arguments
    for unknown in sorted(set(arguments) - {"--demo"}):
        raise CannotStart(f"{unknown} is not an option. script/server takes --demo or nothing.")
    if is_demo and environ.get("DATABASE_URL"):
        raise CannotStart("--demo never touches a database of yours: unset DATABASE_URL, the demo brings its own.")
    default_home = PROJECT / "var" / "demo" if is_demo else PROJECT / "var"
    root = Path(environ.get("GOLDGATE_HOME") or default_home).expanduser().resolve()
    if is_demo and environ.get("GOLDGATE_HOME") and (root / "postgres").exists() and not (root / "DEMO").exists():
        raise CannotStart(
            f"{root} is the home of a real Goldgate; the demo will not use it. Name another GOLDGATE_HOME."
        )
    if not is_demo and (root / "DEMO").exists():
        raise CannotStart(
            f"{root} is the home of a demo; start it with script/server --demo, or name another GOLDGATE_HOME."
        )
    bind = environ.get("GOLDGATE_BIND", "127.0.0.1")
    port = _port(environ, "GOLDGATE_PORT", 8000)
    return Options(
        home=Home(root),
        bind=bind,
        port=port,
        gate_port=_port(environ, "GOLDGATE_GATE_PORT", 8443),
        url=(environ.get("GOLDGATE_URL") or f"http://{reachable(bind)}:{port}").rstrip("/"),
        database_url=environ.get("DATABASE_URL", ""),
        redis_url=environ.get("REDIS_URL", ""),
        is_demo=is_demo,
    )


def require_free_ports(options: Options) -> None:
    """Raises CannotStart naming the taken port and the variable that moves it."""
    for port, variable in ((options.port, "GOLDGATE_PORT"), (options.gate_port, "GOLDGATE_GATE_PORT")):
        family = socket.AF_INET6 if ":" in options.bind else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((options.bind, port))
            except OSError as error:
                raise CannotStart(
                    f"Port {port} on {options.bind} cannot be had ({error.strerror}). Set {variable} to a free one."
                ) from error
