"""A registry may do anything; what we do stays bounded, and our password stays with its own host."""

import json
import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from oci import media_types
from oci.digest import Digest
from registry.adapters.client import RegistryClient
from registry.adapters.settings import ConnectionSettings
from registry.errors import (
    AddressRefused,
    BodyTooLarge,
    DigestMismatch,
    NotInRegistry,
    RegistryMisbehaved,
    RegistryRefused,
    RegistryUnavailable,
)
from tests.fakes.hostile_registry import Answer, HostileRegistry, Seen

BODY = b"the right bytes"
DIGEST = Digest.of(BODY)
BLOB = f"/v2/a/blobs/{DIGEST}"
MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "config": {"mediaType": media_types.OCI_CONFIG, "digest": str(DIGEST), "size": 1},
        "layers": [],
    }
).encode()
PASSWORD = "open sesame"
OCI = {"Content-Type": media_types.OCI_MANIFEST}


@pytest.fixture
def registry() -> Iterator[HostileRegistry]:
    with HostileRegistry() as one:
        yield one


@pytest.fixture
def other() -> Iterator[HostileRegistry]:
    """Another host: where passwords must not go."""
    with HostileRegistry() as one:
        yield one


def settings_for(registry: HostileRegistry, **more) -> ConnectionSettings:
    given = {
        "host": registry.host,
        "base_url": f"http://{registry.host}",
        "allow_private": True,
        "connect_seconds": 2.0,
        "idle_seconds": 0.5,
        "total_seconds": 2.0,
        "max_tries": 3,
        "first_wait_seconds": 0.01,
    }
    return ConnectionSettings(**{**given, **more})


def client_for(registry: HostileRegistry, **more) -> RegistryClient:
    return RegistryClient(settings_for(registry, **more))


def read_blob(client: RegistryClient, max_bytes: int = 1000) -> bytes:
    return b"".join(client.get_blob("a", DIGEST, max_bytes=max_bytes))


class TestBodies:
    def test_other_bytes_than_the_digest_are_refused(self, registry):
        registry.answers[BLOB] = Answer(200, b"some other bytes")
        with pytest.raises(DigestMismatch, match=str(DIGEST)):
            read_blob(client_for(registry))

    def test_an_endless_body_is_cut_at_the_cap(self, registry):
        def endless() -> Iterator[bytes]:
            while True:
                yield b"x" * 65536

        registry.answers[BLOB] = Answer(200, endless)
        with pytest.raises(BodyTooLarge, match="1000"):
            read_blob(client_for(registry))

    def test_an_endless_manifest_is_cut_at_the_cap(self, registry):
        registry.answers["/v2/a/manifests/1"] = Answer(200, lambda: iter([b"{" * 65536] * 100), OCI)
        with pytest.raises(BodyTooLarge):
            client_for(registry).get_manifest("a", "1")

    def test_a_body_shorter_than_its_length_is_no_body(self, registry):
        registry.answers[BLOB] = Answer(200, BODY[:5], length=len(BODY))
        with pytest.raises(RegistryUnavailable):
            read_blob(client_for(registry))

    def test_a_body_longer_than_its_length_is_cut_and_does_not_match(self, registry):
        registry.answers[BLOB] = Answer(200, BODY + b"and more", length=len(BODY) - 1)
        with pytest.raises(DigestMismatch):
            read_blob(client_for(registry))

    def test_one_byte_now_and_then_ends_at_the_total_time(self, registry):
        def trickle() -> Iterator[bytes]:
            for _ in range(100):
                yield b"x"

        registry.answers[BLOB] = Answer(200, trickle, pause_seconds=0.1)
        began = time.monotonic()
        with pytest.raises(RegistryUnavailable, match="not done after"):
            read_blob(client_for(registry, total_seconds=1.0, max_tries=1))
        assert time.monotonic() - began < 4.5

    def test_silence_ends_at_the_idle_time(self, registry):
        registry.answers[BLOB] = Answer(200, BODY, pause_seconds=5)
        began = time.monotonic()
        with pytest.raises(RegistryUnavailable):
            read_blob(client_for(registry, max_tries=1))
        assert time.monotonic() - began < 4.5

    def test_a_packed_answer_is_not_unpacked(self, registry):
        registry.answers[BLOB] = Answer(200, b"\x1f\x8b" + b"0" * 20, {"Content-Encoding": "gzip"})
        with pytest.raises(RegistryMisbehaved, match="encodes"):
            read_blob(client_for(registry))

    def test_the_right_header_does_not_vouch_for_a_wrong_body(self, registry):
        registry.answers["/v2/a/manifests/1"] = Answer(200, MANIFEST, {**OCI, "Docker-Content-Digest": str(DIGEST)})
        with pytest.raises(DigestMismatch):
            client_for(registry).get_manifest("a", "1")

    def test_a_manifest_asked_by_digest_must_be_that_manifest(self, registry):
        registry.answers[f"/v2/a/manifests/{DIGEST}"] = Answer(200, MANIFEST, OCI)
        with pytest.raises(DigestMismatch):
            client_for(registry).get_manifest("a", str(DIGEST))

    def test_a_page_of_tags_that_never_ends_is_left(self, registry):
        link = {"Link": '</v2/a/tags/list?n=1000&last=x>; rel="next"'}
        registry.answers["/v2/a/tags/list"] = Answer(200, b'{"tags":["x"]}', link)
        with pytest.raises(RegistryMisbehaved, match="100 pages"):
            client_for(registry).tags("a")
        assert len(registry.seen) == 100

    def test_a_tag_that_could_be_no_tag_is_refused(self, registry):
        registry.answers["/v2/a/tags/list"] = Answer(200, b'{"tags":["../../_catalog?x="]}')
        with pytest.raises(RegistryMisbehaved, match="no tags"):
            client_for(registry).tags("a")

    @pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"tags":[1]}', b'{"tags":"x"}', b"[" * 100_000])
    def test_nonsense_where_json_should_be_is_refused(self, registry, body):
        registry.answers["/v2/a/tags/list"] = Answer(200, body)
        with pytest.raises(RegistryMisbehaved):
            client_for(registry).tags("a")


class TestTryingAgain:
    def test_three_errors_and_then_an_answer_is_an_answer(self, registry):
        registry.answers[BLOB] = [Answer(500), Answer(503), Answer(200, BODY)]
        assert read_blob(client_for(registry)) == BODY
        assert len(registry.seen) == 3

    def test_errors_without_end_are_given_up(self, registry):
        registry.answers[BLOB] = Answer(500)
        with pytest.raises(RegistryUnavailable, match="500"):
            read_blob(client_for(registry))
        assert len(registry.seen) == 3

    def test_a_wait_that_is_asked_for_is_waited(self, registry):
        registry.answers[BLOB] = [Answer(429, headers={"Retry-After": "1"}), Answer(200, BODY)]
        began = time.monotonic()
        assert read_blob(client_for(registry)) == BODY
        assert time.monotonic() - began >= 1

    def test_a_long_wait_is_left_to_the_job(self, registry):
        registry.answers[BLOB] = Answer(429, headers={"Retry-After": "7200"})
        began = time.monotonic()
        with pytest.raises(RegistryUnavailable, match="7200") as caught:
            read_blob(client_for(registry))
        assert caught.value.retry_after_seconds == 7200
        assert time.monotonic() - began < 1

    @pytest.mark.parametrize("text", ["-5", "soon", "1e9", "٣", ""])
    def test_a_senseless_wait_is_ours_to_choose(self, registry, text):
        registry.answers[BLOB] = [
            Answer(429, headers={"Retry-After": text.encode().decode("latin-1")}),
            Answer(200, BODY),
        ]
        assert read_blob(client_for(registry)) == BODY

    def test_what_changes_something_is_not_sent_twice(self, registry):
        registry.answers["/v2/a/manifests/1"] = Answer(503)
        with pytest.raises(RegistryUnavailable):
            client_for(registry).put_manifest("a", "1", MANIFEST, media_types.OCI_MANIFEST)
        assert [one.method for one in registry.seen] == ["PUT"]

    def test_nobody_listening_is_said_so(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            host = f"127.0.0.1:{probe.getsockname()[1]}"
        settings = ConnectionSettings(host, f"http://{host}", allow_private=True, max_tries=2, first_wait_seconds=0.01)
        with pytest.raises(RegistryUnavailable, match="refused"):
            RegistryClient(settings).tags("a")


class TestPasswords:
    def basic(self, registry: HostileRegistry) -> RegistryClient:
        registry.answers["/v2/"] = lambda seen: (
            Answer(200) if "Authorization" in seen.headers else Answer(401, headers={"WWW-Authenticate": "Basic"})
        )
        client = client_for(registry, username="goldgate", secret=PASSWORD, max_tries=1)
        client.ping()
        assert "Authorization" in registry.seen[-1].headers
        return client

    def test_a_blob_redirect_to_another_host_goes_without_them(self, registry, other):
        client = self.basic(registry)
        registry.answers[BLOB] = Answer(307, headers={"Location": f"http://{other.host}/blob?signed=1"})
        other.answers["/blob"] = Answer(200, BODY)
        listed = RegistryClient(replace(client.settings, listed_hosts=(other.host,)))
        listed._auth = client._auth
        assert read_blob(listed) == BODY
        assert "Authorization" in registry.seen[-1].headers
        assert "Authorization" not in other.seen[-1].headers

    def test_a_blob_redirect_to_a_private_host_that_nobody_listed_is_refused(self, registry, other):
        client = self.basic(registry)
        registry.answers[BLOB] = Answer(307, headers={"Location": f"http://{other.host}/blob"})
        with pytest.raises(AddressRefused):
            read_blob(client)
        assert other.seen == []

    @pytest.mark.parametrize(
        "target",
        [
            "http://169.254.169.254/latest/meta-data/",
            "https://169.254.169.254/latest/meta-data/",
            "https://[::ffff:169.254.169.254]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://[fe80::1]/",
            "https://[::1]/",
            "https://[::]/",
            "https://0.0.0.0/",
            "https://0x7f.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://017700000001/",
            "https://10.0.0.1/",
            "https://192.168.0.1/",
            "https://172.16.0.1/",
            "https://100.64.0.1/",
            "https://224.0.0.1/",
            "https://localhost/",
            "https://user:password@example.com/",
            "gopher://127.0.0.1/",
            "file:///etc/passwd",
            "https://[/",
            "https://127.0.0.1:99999999/",
            "//169.254.169.254/",
        ],
    )
    def test_no_redirect_leads_inside(self, registry, target):
        registry.answers[BLOB] = Answer(302, headers={"Location": target})
        with pytest.raises(AddressRefused):
            read_blob(client_for(registry))

    def test_a_redirect_to_itself_without_end_is_left(self, registry):
        registry.answers[BLOB] = Answer(302, headers={"Location": BLOB})
        with pytest.raises(RegistryMisbehaved, match="redirects"):
            read_blob(client_for(registry))
        assert len(registry.seen) == 6

    def test_an_upload_is_not_redirected(self, registry, other):
        registry.answers["/v2/a/manifests/1"] = Answer(307, headers={"Location": f"http://{other.host}/x"})
        with pytest.raises(RegistryMisbehaved):
            client_for(registry).put_manifest("a", "1", MANIFEST, media_types.OCI_MANIFEST)
        assert other.seen == []

    def test_an_upload_location_elsewhere_gets_neither_password_nor_bytes(self, registry, other):
        client = self.basic(registry)
        registry.answers["/v2/a/blobs/uploads/"] = Answer(202, headers={"Location": f"http://{other.host}/up"})
        with pytest.raises(AddressRefused):
            client.put_blob("a", DIGEST, len(BODY), [BODY])
        assert other.seen == []

    def test_a_token_service_elsewhere_does_not_get_the_password(self, registry, other):
        bearer = {"WWW-Authenticate": f'Bearer realm="http://{other.host}/token",service="x"'}
        registry.answers["/v2/"] = Answer(401, headers=bearer)
        with pytest.raises(AddressRefused):
            client_for(registry, username="goldgate", secret=PASSWORD).ping()
        assert other.seen == []

    def test_a_public_token_service_that_nobody_listed_does_not_get_the_password(self, registry):
        registry.answers["/v2/"] = Answer(401, headers={"WWW-Authenticate": 'Bearer realm="https://evil.example/t"'})
        with pytest.raises(AddressRefused, match=r"evil\.example") as caught:
            client_for(registry, username="goldgate", secret=PASSWORD).ping()
        assert "list evil.example" in caught.value.cure

    def test_a_listed_token_service_gets_it_and_its_token_is_used(self, registry, other):
        bearer = {"WWW-Authenticate": f'Bearer realm="http://{other.host}/token",service="reg"'}
        registry.answers[BLOB] = lambda seen: (
            Answer(200, BODY) if seen.headers.get("Authorization") == "Bearer t0" else Answer(401, headers=bearer)
        )
        other.answers["/token"] = Answer(200, b'{"token":"t0"}')
        client = client_for(registry, username="goldgate", secret=PASSWORD, listed_hosts=(other.host,))
        assert read_blob(client) == BODY
        assert other.seen[-1].headers["Authorization"].startswith("Basic ")
        assert "scope=repository%3Aa%3Apull" in other.seen[-1].path
        assert "service=reg" in other.seen[-1].path
        assert read_blob(client) == BODY
        assert len(other.seen) == 1  # kept for the next request

    def test_a_token_that_never_works_is_asked_for_once(self, registry):
        bearer = {"WWW-Authenticate": f'Bearer realm="http://{registry.host}/token"'}
        registry.answers["/v2/"] = Answer(401, headers=bearer)
        registry.answers["/token"] = Answer(200, b'{"token":"t"}')
        with pytest.raises(RegistryRefused):
            client_for(registry).ping()
        assert [one.path.partition("?")[0] for one in registry.seen] == ["/v2/", "/token", "/v2/"]

    @pytest.mark.parametrize(
        "token", ['"a\\r\\nX-Evil: 1"', '""', "null", "7", '"' + "x" * 100_000 + '"', '"a b"', '"\\u00e9"']
    )
    def test_a_token_that_is_no_token_is_refused(self, registry, token):
        bearer = {"WWW-Authenticate": f'Bearer realm="http://{registry.host}/token"'}
        registry.answers["/v2/"] = Answer(401, headers=bearer)
        registry.answers["/token"] = Answer(200, f'{{"token":{token}}}'.encode())
        with pytest.raises(RegistryMisbehaved):
            client_for(registry).ping()

    @pytest.mark.parametrize("header", ["", "Negotiate", "Bearer", 'Bearer realm=""', "Digest realm=x", ",,,", '"'])
    def test_no_way_to_sign_in_is_said_so(self, registry, header):
        registry.answers["/v2/"] = Answer(401, headers={"WWW-Authenticate": header})
        with pytest.raises((RegistryRefused, RegistryMisbehaved)):
            client_for(registry).ping()
        assert len(registry.seen) == 1

    def test_wrong_password_says_what_to_check(self, registry):
        registry.answers["/v2/"] = Answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        with pytest.raises(RegistryRefused) as caught:
            client_for(registry, username="goldgate", secret=PASSWORD).ping()
        assert "password" in caught.value.cure
        assert PASSWORD not in str(caught.value)

    def test_cookies_are_not_kept(self, registry):
        registry.answers["/v2/"] = Answer(200, headers={"Set-Cookie": "a=b"})
        client = client_for(registry)
        client.ping()
        client.ping()
        assert "Cookie" not in registry.seen[-1].headers

    def test_settings_do_not_show_the_password(self, registry):
        assert PASSWORD not in repr(settings_for(registry, secret=PASSWORD))


class TestAddresses:
    def test_a_private_address_is_refused_unless_allowed(self, registry):
        with pytest.raises(AddressRefused, match=r"no public address") as caught:
            client_for(registry, allow_private=False).tags("a")
        assert "allow private" in caught.value.cure
        assert registry.seen == []

    def test_a_host_is_looked_up_once_whatever_it_answers_later(self, registry, monkeypatch):
        """DNS rebinding: the second answer would lead to the metadata service."""
        asked: list[str] = []
        real = socket.getaddrinfo

        def rebinding(host, port, *args, **kwargs):
            if host != "registry.test":
                return real(host, port, *args, **kwargs)
            asked.append(host)
            address = "127.0.0.1" if len(asked) == 1 else "169.254.169.254"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

        registry.answers["/v2/"] = Answer(200, headers={"Connection": "close"})
        named = f"registry.test:{registry.port}"
        client = RegistryClient(settings_for(registry, host=named, base_url=f"http://{named}"))
        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        client.ping()
        client.ping()
        assert asked.count("registry.test") == 1
        assert [one.headers["Host"] for one in registry.seen] == [named, named]

    def test_a_name_that_leads_inside_is_refused(self, registry, monkeypatch):
        inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.1.2.3", 443))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: inside)
        settings = ConnectionSettings("public.example", "https://public.example")
        with pytest.raises(AddressRefused, match=r"10\.1\.2\.3"):
            RegistryClient(settings).ping()

    def test_link_local_is_refused_even_where_private_is_allowed(self):
        settings = ConnectionSettings("169.254.169.254", "http://169.254.169.254", allow_private=True)
        with pytest.raises(AddressRefused):
            RegistryClient(settings).ping()

    def test_the_environment_chooses_no_proxy(self, registry, monkeypatch):
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        registry.answers["/v2/"] = Answer(200)
        client_for(registry).ping()
        assert len(registry.seen) == 1

    def test_the_proxy_that_was_entered_is_used(self, registry, other):
        other.default = Answer(200)
        client_for(registry, proxy_url=f"http://{other.host}").ping()
        assert registry.seen == []
        assert other.seen[0].path == f"http://{registry.host}/v2/"


class TestAnswers:
    def test_the_registry_s_own_words_are_passed_on_cut_short(self, registry):
        said = {"errors": [{"code": "DENIED", "message": "no \x1b[31mred " + "x" * 1000}]}
        registry.answers["/v2/a/manifests/1"] = Answer(403, json.dumps(said).encode())
        with pytest.raises(RegistryRefused) as caught:
            client_for(registry).get_manifest("a", "1")
        assert "no " in caught.value.detail
        assert "\x1b" not in caught.value.detail
        assert len(caught.value.detail) < 500

    def test_missing_is_missing(self, registry):
        with pytest.raises(NotInRegistry, match="no such thing"):
            client_for(registry).get_manifest("a", "1")

    def test_a_tag_that_names_something_else_each_time_is_told_by_its_bytes(self, registry):
        def flipping(seen: Seen) -> Answer:
            return Answer(200, MANIFEST + b" " * len(registry.seen), OCI)

        registry.answers["/v2/a/manifests/1"] = flipping
        client = client_for(registry)
        first, second = client.get_manifest("a", "1"), client.get_manifest("a", "1")
        assert first.digest != second.digest
        assert first.digest.names(first.body)
