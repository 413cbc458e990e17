"""A server that stands in for the API: it says what a test laid down for a method and path, and remembers who asked."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

TOKEN = "ggt_standin_0123456789abcdefghijklmnopqrstuvwxyz"
DIGEST = "sha256:" + "ab" * 32
REFERENCE = f"registry.example/base/debian@{DIGEST}"


@dataclass
class Answer:
    """One answer; ``body`` is JSON unless it is bytes."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class StandIn:
    """``answers`` by "METHOD /path": one, or several to be given one after the other. ``everything`` goes first."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer | list[Answer]] = {}
        self.everything: Answer | None = None
        self.asked: list[Asked] = []
        self.url = ""

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if self.everything:
            return self.everything
        found = self.answers.get(f"{asked.method} {asked.path}")
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        return found or Answer(problem(404, f"The stand-in knows no {asked.method} {asked.path}."), 404)


def problem(status: int, detail: str, **more: Any) -> dict[str, Any]:
    """RFC 9457."""
    return {"type": "about:blank", "title": "No.", "status": status, "code": "no", "detail": detail, **more}


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """Serve on loopback until the block ends."""
    known = StandIn()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = _chunked(self.rfile) if self.headers.get("Transfer-Encoding") else self.rfile.read(size)
            parts = urlsplit(self.path)
            answer = known.answer(Asked(self.command, parts.path, parts.query, dict(self.headers.items()), body))
            raw = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            headers = {
                "Content-Type": "application/json",
                "Content-Length": str(len(raw)),
                "Connection": "close",
            } | answer.headers
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)
            self.close_connection = True

        do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a command that hung up

    with Server(("127.0.0.1", 0), Handler) as server:
        known.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield known
        server.shutdown()
        thread.join()


def _chunked(file: Any) -> bytes:
    body = b""
    while size := int(file.readline(), 16):
        body += file.read(size)
        file.readline()
    file.readline()
    return body
