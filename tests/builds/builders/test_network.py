import http.server
import socket
import threading

import pytest

from builds.adapters.builders.network import AllowedHosts, Proxy
from tests.builds.builders.support import build_of, log_of, needs_buildah, run_once
from tests.builds.builders.test_buildah import built
from tests.factories.builds import SourceFactory


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.path, self.headers["Host"], dict(self.headers)))
        self.send_response(200)
        self.send_header("Content-Length", "7")
        self.end_headers()
        self.wfile.write(b"served\n")

    def log_message(self, *_):
        pass


@pytest.fixture
def web():
    """A web server of this machine: at a private address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


class TestAllowedHosts:
    @pytest.mark.parametrize(
        ("host", "port", "expected"),
        [
            ("deb.example", 80, True),
            ("deb.example", 443, True),
            ("DEB.example.", 443, True),
            ("deb.example", 8080, False),
            ("other.example", 8443, True),
            ("other.example", 443, False),
            ("evil-deb.example", 80, False),
            ("deb.example.evil", 80, False),
            ("x.deb.example", 80, False),
            ("169.254.169.254", 80, False),
            ("", 80, False),
        ],
    )
    def test_are_those_that_are_listed(self, host, port, expected):
        assert AllowedHosts.of(["deb.example", "other.example:8443"]).allows(host, port) is expected


def asked_of(web, request: bytes, *, listed=None, private=None) -> bytes:
    """The proxy's whole answer to the bytes of one connection."""
    place = f"127.0.0.1:{web.server_port}"
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    proxy = Proxy(AllowedHosts.of([place] if listed is None else listed, [place] if private is None else private))
    proxy.serve(listener.detach())
    try:
        with socket.create_connection(address, timeout=10) as client:
            client.sendall(request.replace(b"PLACE", place.encode()))
            client.shutdown(socket.SHUT_WR)
            answer = b""
            while piece := client.recv(65536):
                answer += piece
        return answer + "".join(proxy.said).encode()
    finally:
        proxy.close()


class TestTheProxy:
    def test_passes_a_plain_request_on_without_what_was_for_it(self, web):
        request = b"GET http://PLACE/a?b=c HTTP/1.1\r\nHost: evil.example\r\nProxy-Authorization: x\r\nX-Own: 1\r\n\r\n"
        assert asked_of(web, request).endswith(b"served\n")
        path, host, headers = web.asked[0]
        assert (path, host) == ("/a?b=c", f"127.0.0.1:{web.server_port}")
        assert headers["X-Own"] == "1"
        assert "Proxy-Authorization" not in headers
        assert headers["Connection"] == "close"

    def test_carries_a_tunnel(self, web):
        request = b"CONNECT PLACE HTTP/1.1\r\n\r\nGET /through HTTP/1.0\r\n\r\n"
        answer = asked_of(web, request)
        assert answer.startswith(b"HTTP/1.1 200 Connection established\r\n\r\n")
        assert web.asked[0][0] == "/through"

    def test_reads_one_request_of_a_connection(self, web):
        one = b"GET http://PLACE/one HTTP/1.1\r\n\r\n"
        asked_of(web, one + b"GET http://PLACE/two HTTP/1.1\r\n\r\n")
        assert [path for path, _, _ in web.asked] == ["/one"]

    @pytest.mark.parametrize(
        ("request_", "status"),
        [
            pytest.param(b"GET http://evil.example/ HTTP/1.1\r\n\r\n", b"403", id="not-listed"),
            pytest.param(b"CONNECT 169.254.169.254:80 HTTP/1.1\r\n\r\n", b"403", id="metadata"),
            pytest.param(b"CONNECT localhost:5432 HTTP/1.1\r\n\r\n", b"403", id="database"),
            pytest.param(b"POST http://PLACE/ HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", b"405", id="post"),
            pytest.param(b"GET https://PLACE/ HTTP/1.1\r\n\r\n", b"400", id="tls-without-tunnel"),
            pytest.param(b"GET ftp://PLACE/ HTTP/1.1\r\n\r\n", b"400", id="scheme"),
            pytest.param(b"GET http://user:pw@PLACE/ HTTP/1.1\r\n\r\n", b"400", id="user"),
            pytest.param(b"GET / HTTP/1.1\r\nHost: PLACE\r\n\r\n", b"400", id="no-address"),
            pytest.param(b"GET http://PLACE/ HTTP/1.1\r\nX: a\r\n b\r\n\r\n", b"400", id="folded"),
            pytest.param(b"GET http://PLACE/ HTTP/1.1\r\nX : a\r\n\r\n", b"400", id="space-in-name"),
            pytest.param(b"GET http://PLACE/\x0b HTTP/1.1\r\n\r\n", b"400", id="control"),
            pytest.param(b"GET  http://PLACE/ HTTP/1.1\r\n\r\n", b"400", id="two-spaces"),
            pytest.param(b"GET http://PLACE:99999/ HTTP/1.1\r\n\r\n", b"400", id="port"),
            pytest.param(b"CONNECT PLACE/ HTTP/1.1\r\n\r\n", b"400", id="path-in-connect"),
            pytest.param(b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"400", id="tls"),
            pytest.param(b"X" * 70_000 + b"\r\n\r\n", b"431", id="long"),
        ],
    )
    def test_refuses_and_says_so(self, web, request_, status):
        answer = asked_of(web, request_)
        assert answer.split(b" ")[1] == status
        assert b"network: " in answer
        assert web.asked == []

    def test_a_listed_host_at_a_private_address_is_refused_unless_the_operator_says_so(self, web):
        answer = asked_of(web, b"GET http://PLACE/ HTTP/1.1\r\n\r\n", private=[])
        assert b"which is no public address" in answer
        assert web.asked == []


@needs_buildah
@pytest.mark.django_db
class TestTheNetworkOfABuild:
    @pytest.fixture
    def source(self, now, web, settings):
        host = f"127.0.0.1:{web.server_port}"
        settings.GOLDGATE_BUILDER_PRIVATE_HOSTS = host
        return SourceFactory(now, network="listed", allowed_hosts=[host])

    def test_listed_hosts_answer_through_the_proxy(self, now, base, web, source):
        text = f"FROM base:1\nRUN wget -q -O /got http://127.0.0.1:{web.server_port}/x && cat /got\n"
        build = build_of(now, text, base, source=source)
        _, config = built(build, now)
        assert [path for path, _, _ in web.asked] == ["/x"]
        assert "served" in log_of(build)
        # How it got there is no part of the image.
        assert "3128" not in str(config)
        assert f"network: 127.0.0.1:{web.server_port}" in build.isolation

    def test_others_do_not_and_the_log_says_so(self, now, base, web, source):
        build = build_of(now, "FROM base:1\nRUN wget -q -O- http://evil.example/\n", base, source=source)
        run_once(build, now)
        assert build.state == "failed"
        assert "network: evil.example:80 is not among the hosts that this source may reach." in log_of(build)

    def test_without_the_proxy_there_is_nothing(self, now, base, web, source):
        text = f"FROM base:1\nRUN env -u http_proxy wget -T 3 -q -O- http://127.0.0.1:{web.server_port}/x\n"
        build = build_of(now, text, base, source=source)
        run_once(build, now)
        assert build.state == "failed"
        assert web.asked == []

    def test_the_policy_none_is_no_network_at_all(self, now, base, web):
        text = f"FROM base:1\nRUN wget -T 3 -q -O- http://127.0.0.1:{web.server_port}/x || ! ip route | grep .\n"
        build = build_of(now, text, base)
        run_once(build, now)
        assert build.state == "built", log_of(build)
        assert web.asked == []
        assert "no network" in build.isolation
