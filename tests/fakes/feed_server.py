"""A feed publisher on a loopback port: a real HTTP server that says what a test tells it to say.

with FeedServer() as server:
    server.files["/all.zip"] = Answer(body, last_modified=moment)
    url = server.url("/all.zip")
"""

import threading
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass
class Answer:
    """What one path answers."""

    body: bytes = b""
    last_modified: datetime | str | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None  # bytes, after which the connection ends


class FeedServer:
    """Serves ``files`` until it is left; keeps the paths that were asked for."""

    def __init__(self) -> None:
        self.files: dict[str, Answer] = {}
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                outer._answer(self)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """The address of ``path``."""
        return f"http://{host}:{self._server.server_port}{path}"

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        answer = self.files.get(handler.path, Answer(b"nothing here", status=404))
        handler.send_response(answer.status)
        if answer.last_modified is not None:
            stated = answer.last_modified
            text = stated if isinstance(stated, str) else format_datetime(stated, usegmt=True)
            handler.send_header("Last-Modified", text)
        handler.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(answer.body[: answer.cut_after])
        handler.close_connection = True
