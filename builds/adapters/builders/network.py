"""The one way out of a build: an HTTP proxy that connects to the source's listed hosts and to nothing else.

It accepts on a socket that was made inside the build's network namespace (whose only other interface does not exist)
and connects from ours. The rules:

1. ``CONNECT host:port``, and ``GET`` or ``HEAD`` of ``http://`` addresses; nothing else.
2. The host must be listed: ``host:port``, or ``host`` for ports 80 and 443. Numbers are a host like others.
3. A name is looked up once a build, and that very address is connected to. Private addresses are for hosts that the
   operator listed as private, link-local ones for nobody (``registry/adapters/addresses.py``).
4. One request a connection: what comes after it is never read as another request.

RFC 9110 sections 7.6 and 9.3.6. What passes through a tunnel cannot be seen: a listed host that serves others too, by
another name in TLS, serves them here as well (docs/limits.md).
"""

import contextlib
import selectors
import socket
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from registry.adapters.addresses import AddressBook
from registry.adapters.settings import ConnectionSettings
from registry.errors import AddressRefused, RegistryUnavailable

PORT = 3128
MAX_HEAD_BYTES = 32 * 1024
MAX_CONNECTIONS = 64
CONNECT_SECONDS = 30.0
HEAD_SECONDS = 30.0
IDLE_SECONDS = 120.0
DRAIN_SECONDS = 2.0
PIECE_BYTES = 64 * 1024
PLAIN_PORT, TLS_PORT = 80, 443
# RFC 9110 section 7.6.1, and what speaks to a proxy alone.
_HOP_BY_HOP = frozenset(
    ("connection", "proxy-connection", "keep-alive", "proxy-authorization", "te", "trailer", "upgrade", "host",
     "transfer-encoding", "content-length", "expect")
)  # fmt: skip


class _Refused(Exception):
    """A request that is answered with a status and a sentence."""

    def __init__(self, status: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """Which hosts a build may reach."""

    listed: frozenset[str]  # "host" or "host:port", in lower case
    private: tuple[str, ...] = ()  # "host:port" that may lie at private addresses

    @classmethod
    def of(cls, listed: Sequence[str], private: Sequence[str] = ()) -> "AllowedHosts":
        """From what people wrote."""
        return cls(frozenset(one.strip().lower().rstrip(".") for one in listed), tuple(private))

    def allows(self, host: str, port: int) -> bool:
        """Whether somebody listed it."""
        host = host.lower().rstrip(".")
        return f"{host}:{port}" in self.listed or (host in self.listed and port in (PLAIN_PORT, TLS_PORT))


@dataclass(slots=True)
class Proxy:
    """Serves one build. ``serve`` may be called once; ``close`` ends every connection."""

    allowed: AllowedHosts
    said: deque[str] = field(default_factory=lambda: deque(maxlen=200))  # refusals, for the build's log
    _book: AddressBook = field(init=False)
    _listener: socket.socket | None = None
    _open: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _slots: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(MAX_CONNECTIONS))
    _is_closed: bool = False

    def __post_init__(self) -> None:
        """Addresses are kept for one build: the next one asks again."""
        hosts = ConnectionSettings(
            host="", base_url="http://builder.invalid", allow_private=True, listed_hosts=self.allowed.private
        )
        self._book = AddressBook(hosts)

    def serve(self, descriptor: int) -> None:
        """Accept on the listening socket of that descriptor, in threads of its own."""
        self._listener = listener = socket.socket(fileno=descriptor)
        threading.Thread(target=self._accept, args=(listener,), name="build-proxy", daemon=True).start()

    def close(self) -> None:
        """End the listener and everything that is open."""
        with self._lock:
            self._is_closed = True
            for one in [*self._open, *([self._listener] if self._listener else [])]:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
        if self._listener:
            self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            self._slots.acquire()
            try:
                client, _ = listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._attend, args=(client,), name="build-proxy", daemon=True).start()

    def _attend(self, client: socket.socket) -> None:
        try:
            with self._kept(client):
                client.settimeout(HEAD_SECONDS)
                try:
                    self._answer(client)
                except _Refused as refused:
                    self.said.append(f"network: {refused.sentence}\n")
                    body = f"{refused.sentence}\n".encode()
                    head = f"HTTP/1.1 {refused.status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                    client.sendall(head.encode() + body)
                _drain(client)
        except OSError:
            pass  # either side went away: the build sees it
        finally:
            self._slots.release()

    @contextlib.contextmanager
    def _kept(self, connection: socket.socket) -> Iterator[socket.socket]:
        """Among what ``close`` ends, for as long as it is used."""
        with self._lock:
            if self._is_closed:
                connection.close()
                raise OSError("closed")
            self._open.add(connection)
        try:
            yield connection
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _answer(self, client: socket.socket) -> None:
        head, rest = _read_head(client)
        method, target, headers = _parse_head(head)
        if method == "CONNECT":
            host, port = _authority(target)
            with self._kept(self._connect(host, port)) as upstream:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                upstream.sendall(rest)
                _pass_both(client, upstream)
            return
        if method not in ("GET", "HEAD"):
            raise _Refused("405 Method Not Allowed", f"{method[:20]} is not passed on; only GET, HEAD and CONNECT are.")
        host, port, path = _plain_url(target)
        with self._kept(self._connect(host, port)) as upstream:
            name = f"[{host}]" if ":" in host else host
            lines = [f"{method} {path} HTTP/1.1", f"Host: {name}" if port == PLAIN_PORT else f"Host: {name}:{port}"]
            lines += [*headers, "Connection: close", "", ""]
            upstream.sendall("\r\n".join(lines).encode("latin-1"))
            while piece := upstream.recv(PIECE_BYTES):
                client.sendall(piece)

    def _connect(self, host: str, port: int) -> socket.socket:
        if not self.allowed.allows(host, port):
            raise _Refused("403 Forbidden", f"{host[:200]}:{port} is not among the hosts that this source may reach.")
        try:
            address = self._book.address_of(host, port)
            upstream = socket.create_connection((address, port), timeout=CONNECT_SECONDS)
        except AddressRefused as error:
            raise _Refused("403 Forbidden", error.detail) from error
        except (RegistryUnavailable, OSError) as error:
            raise _Refused("502 Bad Gateway", f"{host[:200]}:{port} does not answer: {error}") from error
        upstream.settimeout(IDLE_SECONDS)
        return upstream


def _read_head(client: socket.socket) -> tuple[bytes, bytes]:
    """Up to the empty line, and what came after it already."""
    received = b""
    while b"\r\n\r\n" not in received:
        if len(received) > MAX_HEAD_BYTES:
            raise _Refused("431 Request Header Fields Too Large", "A request's head is larger than is read.")
        piece = client.recv(PIECE_BYTES)
        if not piece:
            raise OSError("it went away")
        received += piece
    head, _, rest = received.partition(b"\r\n\r\n")
    return head, rest


def _parse_head(head: bytes) -> tuple[str, str, list[str]]:
    """Method, target, and the header lines that travel on."""
    first, *lines = head.decode("latin-1").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1.") or not parts[0].isalpha():
        raise _Refused("400 Bad Request", "A request could not be read.")
    kept = []
    for line in lines:
        name, found, _ = line.partition(":")
        # No folded line, no bare CR or LF, no name with a space: what could be read in two ways is not passed on.
        if not found or name != name.strip() or not name or any(character in line for character in "\r\n\0"):
            raise _Refused("400 Bad Request", "A request could not be read.")
        if name.lower() not in _HOP_BY_HOP:
            kept.append(line)
    return parts[0], parts[1], kept


def _authority(target: str) -> tuple[str, int]:
    host, found, port = target.rpartition(":")
    if not found or not port.isascii() or not port.isdigit() or not host or "@" in host or "/" in host:
        raise _Refused("400 Bad Request", "CONNECT needs host:port.")
    return host.strip("[]"), int(port)


def _plain_url(target: str) -> tuple[str, int, str]:
    try:
        url = urlsplit(target)
        host, port = url.hostname or "", url.port or PLAIN_PORT
    except ValueError:
        raise _Refused("400 Bad Request", "An address could not be read.") from None
    if url.scheme != "http" or not host or url.username is not None or any(ord(one) <= 0x20 for one in target):
        raise _Refused("400 Bad Request", "Only plain http:// addresses are passed on; for https:// use CONNECT.")
    path = url.path or "/"
    return host, port, f"{path}?{url.query}" if url.query else path


def _pass_both(client: socket.socket, upstream: socket.socket) -> None:
    """Both ways until both sides have ended, or nothing came for a while. One that ends may still be answered."""
    with selectors.DefaultSelector() as selector:
        for pair in ((client, upstream), (upstream, client)):
            selector.register(pair[0], selectors.EVENT_READ, data=pair)
        while selector.get_map() and (ready := selector.select(IDLE_SECONDS)):
            for key, _ in ready:
                source, target = key.data
                if piece := source.recv(PIECE_BYTES):
                    target.sendall(piece)
                else:
                    selector.unregister(source)
                    target.shutdown(socket.SHUT_WR)


def _drain(client: socket.socket) -> None:
    """Let it read the answer: closing while it still sends would throw away what it has not read."""
    client.settimeout(DRAIN_SECONDS)
    with contextlib.suppress(OSError):  # also when it was shut down already, at the end of a tunnel
        client.shutdown(socket.SHUT_WR)
        while client.recv(PIECE_BYTES):
            pass
