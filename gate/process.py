"""One gate on one host: the parent fetches and ships, its children answer.

The parent holds no request and the children make no call: a portal that hangs cannot slow an answer.
"""

import logging
import multiprocessing
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces

from core.errors import GoldgateError
from gate.certificate import LEAF_KEY, LEAF_NAME, ca_bundle, ensure_certificate
from gate.clock import Clock, read_floor
from gate.fetcher import Fetcher, HttpSource
from gate.home import Home
from gate.server import HOME_VARIABLE
from gate.shipper import Shipper
from gate.spool import bytes_in
from gate.store import held_chain, require_files
from gate.webhook_manifest import admit_url

LOG = logging.getLogger("goldgate.gate")
BACKLOG = 1024
RESPAWN_SECONDS = 1.0
GRACE_SECONDS = 5


def serve(home: Home) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises MalformedHome, MalformedTokens, UntrustedSnapshot, OSError; at the start only.
    """
    home.make_directories()
    if home.tls:
        ensure_certificate(home, now=datetime.now(UTC))
    home.callers()  # a file that cannot be read must stop the start, not each serving process
    if home.asks_callers_for == "nothing":
        LOG.warning("ANYONE who reaches %s is answered: gate.toml names no bearer_token_file", home.listen)
    _start_from_disk(home)
    clock = Clock(home.time_floor_path)
    fetcher = Fetcher(home, HttpSource(home), clock)
    shipper = Shipper(home, lambda: heartbeat(home))
    stop = threading.Event()
    threads = [
        threading.Thread(target=_kept_running, args=(fetcher.run, stop), name="fetcher", daemon=True),
        threading.Thread(target=_kept_running, args=(shipper.run, stop), name="shipper", daemon=True),
    ]
    # A fork would copy the locks of these threads in whatever state they are.
    multiprocessing.set_start_method("spawn", force=True)
    os.environ[HOME_VARIABLE] = str(home.path)
    for thread in threads:
        thread.start()
    try:
        _granian(home).serve()
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=GRACE_SECONDS)


def heartbeat(home: Home) -> dict[str, Any]:
    """What this gate tells the portal about itself."""
    return {
        "snapshot_version": read_floor(home.snapshot_floor_path) or None,
        "spool_bytes": bytes_in(home.spool_path),
        "spool_depth": _count_lines(home),
        "software_version": software_version(),
        "ca_bundle_pem": ca_bundle(home) if home.tls else "",
        "webhook_url": _webhook_url(home),
        "asks_callers_for": home.asks_callers_for,
    }


def _webhook_url(home: Home) -> str:
    """Where the API server asks, with what it must show: the portal renders the webhook from it."""
    if not home.tls and not home.webhook_url:
        return ""
    try:
        token = home.callers().for_address
    except (GoldgateError, OSError) as error:
        # It was there at the start: what was read then is in force. A heartbeat must not end what ships.
        LOG.warning("the callers' tokens cannot be read: %s", error)
        return ""
    return admit_url(home.reached_at, token=token) if token else home.reached_at


def software_version() -> str:
    """Goldgate's version, as installed."""
    try:
        return version("goldgate")
    except PackageNotFoundError:
        return "0.1.0"


def _start_from_disk(home: Home) -> None:
    """Hash what the last run left, so that a damaged file is fetched again instead of answered from."""
    chain = held_chain(home)
    if chain.targets is None:
        return
    try:
        require_files(home, chain.files)
    except (GoldgateError, OSError) as error:
        LOG.warning("the snapshot on disk is damaged and is fetched again: %s", error)
        for file in chain.files:
            (home.targets_path / file.stored_name).unlink(missing_ok=True)


def _kept_running(run: Callable[[threading.Event], None], stop: threading.Event) -> None:
    """Begin ``run`` again when it fails: a gate that no longer fetches would go on answering until it expires."""
    while not stop.is_set():
        try:
            run(stop)
        except Exception:
            # The edge of a thread: whatever it was, it is said and begun again.
            LOG.exception("a thread of the gate failed and is begun again")
            stop.wait(1.0)


def _count_lines(home: Home) -> int:
    total = 0
    for path in home.spool_path.glob("*-*.*"):
        try:
            with path.open("rb") as file:
                total += sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
        except FileNotFoundError:
            continue  # shipped while we counted
    return total


def _granian(home: Home) -> Any:
    host, port = home.listen_address
    tls: dict[str, Any] = {}
    if home.tls:
        tls = {"ssl_cert": home.tls_path / LEAF_NAME, "ssl_key": home.tls_path / LEAF_KEY}
        if home.client_ca_file:
            tls |= {"ssl_ca": home.client_ca_file, "ssl_client_verify": True}
    return Granian(
        "gate.server:app",
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        workers=home.worker_count,
        http=HTTPModes.auto,
        websockets=False,
        backlog=BACKLOG,
        respawn_failed_workers=True,
        respawn_interval=RESPAWN_SECONDS,
        workers_kill_timeout=GRACE_SECONDS,
        log_access=False,
        **tls,
    )
