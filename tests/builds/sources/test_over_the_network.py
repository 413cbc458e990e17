"""https and ssh, to real servers on this machine."""

import socket

import pytest

from builds.adapters.git import GitSettings
from builds.adapters.git_addresses import place
from builds.errors import SourceRefused, SourceUnavailable
from builds.services.sources import fetch_source
from tests.builds.git_servers import BACKEND, SSHD, HttpsGit, SshGit
from tests.factories.builds import SourceFactory

pytestmark = pytest.mark.django_db
HOST = "git.test"  # a name that nobody's DNS knows (RFC 6761)


@pytest.fixture
def names(monkeypatch):
    """What this machine's DNS says of a host; git itself is not told."""
    known = {HOST: ["127.0.0.1"]}
    looked_up = []
    usual = socket.getaddrinfo

    def look_up(host, port, *arguments, **more):
        if host not in known:
            return usual(host, port, *arguments, **more)
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    known["looked up"] = looked_up
    return known


@pytest.mark.skipif(not BACKEND.exists(), reason="LEFT OUT: no git http-backend (script/test installs git)")
class TestHttps:
    @pytest.fixture
    def served(self, below, repository, tmp_path, settings, request):
        behaviour = getattr(request, "param", "")
        with HttpsGit(below, tmp_path, host=HOST, behaviour=behaviour) as server:
            settings.GOLDGATE_SOURCE_PRIVATE_HOSTS = f"{HOST}:{server.port}"
            settings.GOLDGATE_SOURCE_CA_FILE = server.ca_file
            yield server

    def source(self, now, server):
        return SourceFactory(now, url=f"https://{HOST}:{server.port}/base.git")

    def test_git_connects_to_the_address_that_was_judged(self, now, served, names, repository):
        recipe = fetch_source(self.source(now, served).pk, now=now)
        assert recipe.commit == repository.git("rev-parse", "main")
        assert names["looked up"] == [HOST]

    def test_an_address_that_is_not_public_needs_its_own_word(self, now, served, names, settings):
        settings.GOLDGATE_SOURCE_HOSTS, settings.GOLDGATE_SOURCE_PRIVATE_HOSTS = f"{HOST}:{served.port}", ""
        with pytest.raises(SourceRefused, match=r"leads to 127\.0\.0\.1") as refused:
            fetch_source(self.source(now, served).pk, now=now)
        assert "GOLDGATE_SOURCE_PRIVATE_HOSTS" in refused.value.cure
        assert served.asked == []

    def test_a_host_that_nobody_listed(self, now, served, names, settings):
        settings.GOLDGATE_SOURCE_PRIVATE_HOSTS = "other.test"
        with pytest.raises(SourceRefused, match="not fetched from"):
            fetch_source(self.source(now, served).pk, now=now)
        assert names["looked up"] == []

    @pytest.mark.parametrize("served", ["redirect"], indirect=True)
    def test_a_redirect_is_not_followed(self, now, served, names):
        with pytest.raises(SourceRefused, match="302"):
            fetch_source(self.source(now, served).pk, now=now)
        assert not any(path.startswith("/else") for path in served.asked)

    @pytest.mark.parametrize("served", ["login"], indirect=True)
    def test_nobody_is_asked_for_a_password(self, now, served, names):
        with pytest.raises(SourceRefused):
            fetch_source(self.source(now, served).pk, now=now)

    @pytest.mark.parametrize("served", ["broken"], indirect=True)
    def test_an_answer_that_another_try_may_better(self, now, served, names):
        with pytest.raises(SourceUnavailable, match="500"):
            fetch_source(self.source(now, served).pk, now=now)

    def test_a_certificate_of_somebody_else(self, now, served, names, settings):
        settings.GOLDGATE_SOURCE_CA_FILE = ""
        with pytest.raises(SourceRefused, match="certificate"):
            fetch_source(self.source(now, served).pk, now=now)


class TestPlace:
    @pytest.mark.parametrize(
        "address", ["169.254.169.254", "0.0.0.0", "224.0.0.1", "::ffff:169.254.169.254", "fe80::1", "ff02::1"]
    )
    def test_addresses_for_nobody(self, names, address):
        names[HOST] = [address]
        allowed = GitSettings(private_hosts=(HOST,))
        with pytest.raises(SourceRefused, match="no public address"):
            place(f"https://{HOST}/base.git", known_hosts="", allowed=allowed)

    def test_the_first_address_that_may_be_reached(self, names):
        names[HOST] = ["169.254.169.254", "10.0.0.1", "93.184.216.34"]
        public = place(f"https://{HOST}/base.git", known_hosts="", allowed=GitSettings(hosts=(HOST,)))
        private = place(f"https://{HOST}/base.git", known_hosts="", allowed=GitSettings(private_hosts=(HOST,)))
        assert (public.address, private.address) == ("93.184.216.34", "10.0.0.1")

    def test_a_host_that_has_none(self):
        with pytest.raises(SourceUnavailable, match="has no address"):
            place("https://nowhere.invalid/x", known_hosts="", allowed=GitSettings(hosts=("nowhere.invalid",)))


@pytest.mark.skipif(SSHD is None, reason="LEFT OUT: sshd is not installed (script/test installs openssh-server)")
class TestSsh:
    @pytest.fixture
    def served(self, tmp_path, settings, names):
        with SshGit(tmp_path) as server:
            settings.GOLDGATE_SOURCE_PRIVATE_HOSTS = f"{HOST}:{server.port}"
            settings.GOLDGATE_SOURCE_SSH_KEY_FILE = server.key_file
            yield server

    def source(self, now, server, repository, *, host_key=None):
        return SourceFactory(
            now,
            url=f"ssh://{server.user}@{HOST}:{server.port}{repository.path}",
            known_hosts=f"[{HOST}]:{server.port} {host_key or server.host_key}\n",
        )

    def test_to_the_host_whose_key_is_written_down(self, now, served, repository):
        recipe = fetch_source(self.source(now, served, repository).pk, now=now)
        assert recipe.commit == repository.git("rev-parse", "main")

    def test_another_host_s_key(self, now, served, repository):
        other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMJ1vp0dVb8GAtc7EgVPpMqA1S1GdfPYD9+vIYJ3xnVJ"
        with pytest.raises(SourceRefused, match=r"(?i)host key"):
            fetch_source(self.source(now, served, repository, host_key=other).pk, now=now)

    def test_no_key_of_ours(self, now, served, repository, settings):
        settings.GOLDGATE_SOURCE_SSH_KEY_FILE = ""
        with pytest.raises(SourceRefused, match=r"(?i)permission denied"):
            fetch_source(self.source(now, served, repository).pk, now=now)

    def test_no_key_of_the_host(self, now, served, repository):
        source = self.source(now, served, repository)
        source.known_hosts = ""
        source.save()
        with pytest.raises(SourceRefused, match="which key"):
            fetch_source(source.pk, now=now)
