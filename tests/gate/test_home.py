"""The home directory, the clock, the certificate, the webhook's manifest, the command."""

import base64
import json
import ssl
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from cryptography import x509

from gate.__main__ import main
from gate.certificate import CA_KEY, CA_NAME, LEAF_KEY, LEAF_NAME, ca_bundle, ensure_certificate
from gate.clock import Clock, write_durably
from gate.home import Home, MalformedHome
from gate.webhook_manifest import WebhookNotPossible, render, token_in, webhook_kubeconfig, without_token
from tests.gate.support import Repository, make_home

PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path / "gate", Repository(tmp_path / "published"))


class TestHome:
    @pytest.mark.parametrize(
        ("metadata_url", "metadata", "targets"),
        [
            ("https://g/tuf/metadata", "https://g/tuf/metadata/", "https://g/tuf/targets/"),
            ("https://g/tuf/metadata/", "https://g/tuf/metadata/", "https://g/tuf/targets/"),
            ("https://g/tuf", "https://g/tuf/metadata/", "https://g/tuf/targets/"),
        ],
    )
    def test_targets_lie_beside_the_metadata(self, home, metadata_url, metadata, targets):
        (home.path / "gate.toml").write_text(
            f'portal_url = "https://g/"\ncluster = "c"\ngate_id = "1"\nmetadata_url = "{metadata_url}"\n'
        )
        found = Home.read(home.path)
        assert (found.metadata_url, found.targets_url, found.portal_url) == (metadata, targets, "https://g")

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("", id="empty"),
            pytest.param("= ", id="no-toml"),
            pytest.param('portal_url = "https://g"\ncluster = "c"\ngate_id = "1"\n', id="metadata-url-missing"),
            pytest.param("portal_url = 7\n", id="wrong-type"),
            pytest.param('surprise = "x"\n', id="unknown-key"),
            pytest.param(
                'portal_url = "file:///x"\ncluster = "c"\ngate_id = "1"\nmetadata_url = "https://g"\n', id="scheme"
            ),
        ],
    )
    def test_a_wrong_file_is_refused(self, home, text):
        (home.path / "gate.toml").write_text(text)
        with pytest.raises(MalformedHome):
            Home.read(home.path)

    def test_nothing_enrolled_names_the_cure(self, tmp_path):
        with pytest.raises(MalformedHome, match="goldgate gate enrol"):
            Home.read(tmp_path)

    def test_without_a_root_there_is_nothing_to_trust(self, home):
        (home.path / "root.json").unlink()
        with pytest.raises(MalformedHome, match="nothing to trust"):
            home.trusted_root()

    @pytest.mark.parametrize("listen", ["9443", ":9443", "host:", "host:x"])
    def test_listen_is_host_and_port(self, home, listen):
        with pytest.raises(MalformedHome):
            _ = make_home(home.path, Repository(home.path / "r"), listen=listen).listen_address

    @pytest.mark.parametrize(
        ("keys", "address"),
        [
            ({}, "https://localhost:9443"),
            ({"dns_names": ["gate.east.example"], "listen": "0.0.0.0:8443"}, "https://gate.east.example:8443"),
            ({"dns_names": ["::1"]}, "https://[::1]:9443"),
            ({"webhook_url": "https://balancer.example"}, "https://balancer.example"),
        ],
    )
    def test_it_says_where_it_is_reached(self, home, keys, address):
        assert make_home(home.path, Repository(home.path / "r"), **keys).reached_at == address

    def test_secrets_are_the_owners_alone(self, home):
        assert (home.spool_path.stat().st_mode & 0o777, home.tls_path.stat().st_mode & 0o777) == (0o700, 0o700)


class TestClock:
    def test_time_never_falls_also_across_restarts(self, tmp_path, monkeypatch):
        moments = iter([100.0, 90.0, 110.0, 110.0])
        monkeypatch.setattr("gate.clock.time.time", lambda: next(moments))
        clock = Clock(tmp_path / "floor")
        assert [clock.now(), clock.now()] == [100, 100]
        clock.save()
        monkeypatch.setattr("gate.clock.time.time", lambda: 5.0)
        assert Clock(tmp_path / "floor").now() == 110

    def test_a_floor_that_is_no_number_stops_the_start(self, tmp_path):
        (tmp_path / "floor").write_text("soon")
        with pytest.raises(ValueError, match="soon"):
            Clock(tmp_path / "floor")

    def test_a_durable_write_leaves_no_temporary_file(self, tmp_path):
        write_durably(tmp_path / "a", b"1")
        write_durably(tmp_path / "a", b"2")
        assert [path.name for path in tmp_path.iterdir()] == ["a"]
        assert (tmp_path / "a").read_bytes() == b"2"


class TestCertificate:
    NOW = datetime(2026, 11, 24, tzinfo=UTC)

    def test_it_names_what_the_api_server_calls(self, home):
        ensure_certificate(home, now=self.NOW)
        leaf = x509.load_pem_x509_certificate((home.tls_path / LEAF_NAME).read_bytes())
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == ["localhost"]
        assert [str(item) for item in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
        context = ssl.create_default_context(cadata=ca_bundle(home))
        assert context.cert_store_stats()["x509_ca"] == 1
        leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(ca_bundle(home).encode()))

    def test_keys_are_the_owners_alone(self, home):
        ensure_certificate(home, now=self.NOW)
        for name in (CA_KEY, LEAF_KEY):
            assert (home.tls_path / name).stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize(
        ("days", "names", "is_renewed"),
        [
            (0, ("localhost", "127.0.0.1", "::1"), False),
            (336, ("localhost", "127.0.0.1", "::1"), False),
            (338, ("localhost", "127.0.0.1", "::1"), True),
            (0, ("gate.goldgate.svc",), True),
        ],
    )
    def test_the_leaf_is_renewed_when_due_and_the_authority_stays(self, home, days, names, is_renewed):
        ensure_certificate(home, now=self.NOW)
        before = {name: (home.tls_path / name).read_bytes() for name in (CA_NAME, LEAF_NAME)}
        later = make_home(home.path, Repository(home.path / "r"), dns_names=list(names))
        ensure_certificate(later, now=self.NOW + timedelta(days=days))
        assert (home.tls_path / CA_NAME).read_bytes() == before[CA_NAME]
        assert ((home.tls_path / LEAF_NAME).read_bytes() != before[LEAF_NAME]) is is_renewed


class TestWebhookManifest:
    def webhook(self, **fields):
        found = yaml.safe_load(render(**{"url": "https://10.0.0.7:8443", "ca_bundle": PEM, **fields}))
        assert found["kind"] == "ValidatingWebhookConfiguration"
        (webhook,) = found["webhooks"]
        return webhook

    def test_it_fails_closed(self):
        webhook = self.webhook()
        assert webhook["failurePolicy"] == "Fail"
        assert webhook["timeoutSeconds"] == 5
        assert webhook["matchPolicy"] == "Equivalent"
        assert webhook["sideEffects"] == "NoneOnDryRun"
        assert webhook["admissionReviewVersions"] == ["v1"]
        assert "objectSelector" not in webhook
        assert "matchConditions" not in webhook

    def test_it_asks_for_every_kind_that_makes_pods(self):
        asked = {name for rule in self.webhook()["rules"] for name in rule["resources"]}
        assert asked == {
            "pods",
            "pods/ephemeralcontainers",
            "podtemplates",
            "replicationcontrollers",
            "deployments",
            "replicasets",
            "statefulsets",
            "daemonsets",
            "jobs",
            "cronjobs",
        }
        for rule in self.webhook()["rules"]:
            assert rule["operations"] == ["CREATE", "UPDATE"]
            assert rule["scope"] == "Namespaced"

    def test_namespaces_are_exempt_only_by_the_name_the_api_server_sets(self):
        assert self.webhook()["namespaceSelector"] == {
            "matchExpressions": [
                {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system", "goldgate"]}
            ]
        }

    def test_address_and_authority(self):
        client = self.webhook()["clientConfig"]
        assert client["url"] == "https://10.0.0.7:8443/v1/admit"
        assert base64.b64decode(client["caBundle"]).decode() == PEM
        assert self.webhook(url="https://g/x/v1/admit")["clientConfig"]["url"] == "https://g/x/v1/admit"

    def test_the_address_ends_in_the_token_that_is_asked_for(self):
        url = self.webhook(token="t" * 43)["clientConfig"]["url"]
        assert url == f"https://10.0.0.7:8443/v1/admit/{'t' * 43}"
        assert (token_in(url), without_token(url)) == ("t" * 43, "https://10.0.0.7:8443/v1/admit")
        assert (token_in("https://g/v1/admit"), without_token("https://g/v1/admit")) == ("", "https://g/v1/admit")

    @pytest.mark.parametrize(
        ("url", "name"),
        [
            ("https://gate.example:8443", "gate.example:8443"),
            ("https://gate.example", "gate.example"),
            ("https://gate.example:443/v1/admit", "gate.example"),
            ("https://[::1]:8443", "[::1]:8443"),
        ],
    )
    def test_the_api_server_finds_its_token_under_the_gate_s_host(self, url, name):
        (user,) = json.loads(webhook_kubeconfig(url=url, token="t"))["users"]
        assert user == {"name": name, "user": {"token": "t"}}

    @pytest.mark.parametrize(
        "url", ["http://g", "g:8443", "https://", "https://u:p@g", "https://g?x=1", "https://g#x", "https://["]
    )
    def test_an_address_the_api_server_would_not_take_is_refused(self, url):
        with pytest.raises(WebhookNotPossible):
            self.webhook(url=url)

    def test_without_an_authority_it_is_refused(self):
        with pytest.raises(WebhookNotPossible):
            self.webhook(ca_bundle="")


class TestCommand:
    def test_it_prints_the_bundle_and_the_manifest(self, home, capsys):
        assert main(["ca-bundle", "--home", str(home.path)]) == 0
        bundle = capsys.readouterr().out
        assert bundle == ca_bundle(home)
        command = ["webhook-manifest", "--home", str(home.path), "--url", "https://g:1", "--exempt", "only"]
        assert main(command) == 0
        (webhook,) = yaml.safe_load(capsys.readouterr().out)["webhooks"]
        assert base64.b64decode(webhook["clientConfig"]["caBundle"]).decode() == bundle
        assert webhook["namespaceSelector"]["matchExpressions"][0]["values"] == ["only"]

    def test_a_home_that_is_none_is_one_line_and_exit_1(self, tmp_path, capsys):
        assert main(["serve", "--home", str(tmp_path)]) == 1
        assert capsys.readouterr().err.count("\n") == 1
