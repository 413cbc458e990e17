"""A registry that lies, stalls, loops and begs for passwords: an HTTP server on loopback, one behaviour a test.

    with HostileRegistry() as registry:
        registry.answers["/v2/a/blobs/" + digest] = Answer(200, b"other bytes")
        client_for(registry).get_blob(…)
        assert registry.seen[-1].headers.get("Authorization") is None

It is no stand-in for a registry that works (``tests/contract`` uses real ones): it only does what it is told.
"""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass
class Answer:
    """One answer: status, body (bytes, or pieces sent one by one), headers. ``length`` lies about the size."""

    status: int = 200
    body: bytes | Callable[[], Iterator[bytes]] = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    has_length: bool = True
    pause_seconds: float = 0.0  # before the head, and between pieces


@dataclass
class Seen:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]


class HostileRegistry:
    """Answers ``answers[path]`` (query included, or without it); a list is used up answer by answer."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, Answer | list[Answer] | Callable[[Seen], Answer]] = {}
        self.default = Answer(404, b'{"errors":[{"code":"NOT_FOUND","message":"no such thing"}]}')
        self.seen: list[Seen] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # a client that hangs up is what many tests want
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def answer_to(self, seen: Seen) -> Answer:
        """What the test laid down for this request."""
        found = self.answers.get(seen.path, self.answers.get(seen.path.partition("?")[0], self.default))
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        return found if isinstance(found, Answer) else found(seen)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                seen = Seen(self.command, self.path, dict(self.headers))
                registry.seen.append(seen)
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                try:
                    self._send(registry.answer_to(seen))
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

            def _send(self, answer: Answer) -> None:
                time.sleep(answer.pause_seconds)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if isinstance(answer.body, bytes) and answer.has_length:
                    self.send_header(
                        "Content-Length", str(len(answer.body) if answer.length is None else answer.length)
                    )
                else:
                    self.send_header("Connection", "close")
                    self.close_connection = True
                self.end_headers()
                if self.command == "HEAD":
                    return
                for piece in [answer.body] if isinstance(answer.body, bytes) else answer.body():
                    self.wfile.write(piece)
                    self.wfile.flush()
                    time.sleep(answer.pause_seconds)
                if answer.length is not None and isinstance(answer.body, bytes) and answer.length > len(answer.body):
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                return

        return Handler
