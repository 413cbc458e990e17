"""More bytes than were signed for, slowly or for ever: cut off before they are stored."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gate.clock import Clock
from gate.fetcher import Fetcher, HttpSource, PublisherUnavailable
from gate.tuf import MAX_TIMESTAMP_BYTES, UntrustedSnapshot
from tests.gate.support import PortalServer, make_home


@pytest.fixture
def endless(scene):
    """A host whose answers do not end."""
    served: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            try:
                for _ in range(200):
                    self.wfile.write(b"x" * 65536)
                    served.append(65536)
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", served
    server.shutdown()
    server.server_close()
    thread.join()


class TestEndlessData:
    def test_metadata_that_does_not_end_is_refused(self, scene, endless):
        url, served = endless
        home = make_home(scene.home.path, scene.repository, metadata_url=f"{url}/metadata")
        with pytest.raises(UntrustedSnapshot):
            HttpSource(home).metadata("timestamp.json", MAX_TIMESTAMP_BYTES)
        assert sum(served) < 200 * 65536
        assert scene.in_force() == 2

    def test_a_target_longer_than_signed_for_is_not_kept(self, scene):
        scene.repository.publish()
        overlay = next((scene.repository.directory / "targets").glob("*overlay-3.json"))
        overlay.write_bytes(overlay.read_bytes() + b" " * 1000)
        with PortalServer(scene.repository.directory) as portal:
            home = make_home(scene.home.path, scene.repository, metadata_url=f"{portal.url}/tuf/metadata")
            fetcher = Fetcher(home, HttpSource(home), Clock(home.time_floor_path))
            with pytest.raises(UntrustedSnapshot):
                fetcher.fetch()
        assert not list(home.targets_path.glob("*overlay-3*"))
        assert not list(home.targets_path.glob(".*"))
        assert scene.in_force() == 2

    def test_a_redirect_is_not_followed(self, scene):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(302)
                self.send_header("Location", "http://127.0.0.1:9/")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        home = make_home(scene.home.path, scene.repository, metadata_url=f"{url}/metadata")
        with pytest.raises(PublisherUnavailable):
            HttpSource(home).metadata("timestamp.json", MAX_TIMESTAMP_BYTES)
        thread.join()
        server.server_close()
