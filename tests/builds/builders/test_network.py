import http.server
import threading

import pytest

from tests.builds.builders.support import build_of, log_of, needs_buildah, run_once
from tests.factories.builds import SourceFactory


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.path, self.headers["Host"]))
        self.send_response(200)
        self.send_header("Content-Length", "7")
        self.end_headers()
        self.wfile.write(b"served\n")

    def log_message(self, *_):
        pass


@pytest.fixture
def web():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@needs_buildah
@pytest.mark.django_db
class TestTheNetworkOfABuild:
    def source(self, now, web, settings, **fields):
        host = f"127.0.0.1:{web.server_port}"
        settings.GOLDGATE_BUILDER_PRIVATE_HOSTS = host
        return SourceFactory(now, **{"network": "listed", "allowed_hosts": [host], **fields})

    def test_listed_hosts_answer_through_the_proxy(self, now, base, web, settings):
        source = self.source(now, web, settings)
        text = f"FROM base:1\nRUN wget -q -O /got http://127.0.0.1:{web.server_port}/x && cat /got && env\n"
        build = build_of(now, text, base, source=source)
        run_once(build, now)
        assert build.state == "built", log_of(build)
        assert web.asked == [("/x", f"127.0.0.1:{web.server_port}")]
        assert "served" in log_of(build)
