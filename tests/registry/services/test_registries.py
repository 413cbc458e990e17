"""Registries: listed with care, passwords sealed, faults named."""

import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.db import IntegrityError, transaction

from audit.actor import Actor
from audit.models import Record
from audit.verbs import Verb
from jobs.selectors import schedules
from registry import credentials, services
from registry.errors import CredentialsUnreadable, RegistryInvalid, RegistryTaken, RegistryUnknown
from registry.models import Registry
from registry.services import RegistryFields
from tests.factories.registry import EARLY, LayoutFactory, RegistryFactory, RepositoryFactory
from tests.fakes.hostile_registry import Answer, HostileRegistry

pytestmark = pytest.mark.django_db
ADMIN = Actor("person", "1", "ada")


def add(**fields) -> Registry:
    given = {"name": "Ours", "host": "registry.example", **fields}
    return services.add_registry(wanted=RegistryFields(**given), actor=ADMIN, now=EARLY)


class TestAddRegistry:
    def test_it_is_listed_and_recorded(self):
        registry = add()
        assert (registry.base_url, registry.side, registry.is_trusted) == ("https://registry.example", "source", False)
        record = Record.objects.get()
        assert (record.verb, record.subject_id) == (Verb.REGISTRY_ADDED, str(registry.pk))

    def test_docker_hub_answers_under_another_name(self):
        registry = add(host="docker.io")
        assert (registry.base_url, registry.listed_hosts) == ("https://registry-1.docker.io", ["auth.docker.io"])

    def test_a_layout_has_the_name_that_clusters_will_use(self, settings):
        registry = add(host="", kind="layout", side="certified", public_name="registry.example/golden")
        assert (registry.host, registry.path_prefix) == ("registry.example", "golden")
        assert registry.layout_path == str(Path(settings.GOLDGATE_HOME) / "certified")
        repository = services.certified_repository(image_name="debian", now=EARLY)
        assert repository.name == "registry.example/golden/debian"
        assert services.certified_repository(image_name="debian", now=EARLY) == repository

    @pytest.mark.parametrize(
        ("fields", "pointer"),
        [
            ({"name": " "}, "/name"),
            ({"host": "Registry.example"}, "/host"),
            ({"host": "registry.example/path"}, "/host"),
            ({"host": ""}, "/host"),
            ({"base_url": "ftp://registry.example"}, "/base_url"),
            ({"base_url": "https://user:pw@registry.example"}, "/base_url"),
            ({"base_url": "https://registry.example/v2/"}, "/base_url"),
            ({"base_url": "https://registry.example:99999"}, "/base_url"),
            ({"base_url": "http://registry.example"}, "/base_url"),
            ({"proxy_url": "socks5://proxy:1080"}, "/proxy_url"),
            ({"proxy_url": "http://me:pw@proxy:1080"}, "/proxy_url"),
            ({"ca_pem": "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----"}, "/ca_pem"),
            ({"ca_pem": "hello"}, "/ca_pem"),
            ({"listed_hosts": ["ok.example", "https://bad.example"]}, "/listed_hosts/1"),
            ({"path_prefix": "../up"}, "/path_prefix"),
            ({"side": "both"}, "/side"),
            ({"kind": "git"}, "/kind"),
            ({"kind": "layout"}, "/public_name"),
            ({"kind": "layout", "public_name": "a.b/c", "layout_path": "/etc"}, "/layout_path"),
            ({"kind": "layout", "public_name": "a.b/c", "layout_path": "../elsewhere"}, "/layout_path"),
        ],
    )
    def test_each_wrong_field_is_named_and_nothing_is_written(self, fields, pointer):
        with pytest.raises(RegistryInvalid) as caught:
            add(**fields)
        assert [one.pointer for one in caught.value.errors] == [pointer]
        assert not Registry.objects.exists()
        assert not Record.objects.exists()

    @pytest.mark.parametrize("fields", [{"host": "other.example"}, {"name": "Other"}])
    def test_a_name_or_place_that_is_taken_is_refused(self, fields):
        add()
        with pytest.raises(RegistryTaken):
            add(**fields)

    def test_the_database_holds_what_the_service_holds(self):
        with pytest.raises(IntegrityError, match="registry_plain_http_only_private"), transaction.atomic():
            RegistryFactory("a.example", base_url="http://a.example")
        with pytest.raises(IntegrityError, match="registry_kind_has_its_place"), transaction.atomic():
            LayoutFactory(layout_path="")


class TestPasswords:
    def test_it_is_sealed_in_the_row_and_bound_to_it(self):
        registry = add(username="robot", secret="open sesame")
        stored = bytes(Registry.objects.get().secret_encrypted)
        assert b"sesame" not in stored
        assert credentials.decrypt(stored, registry_id=registry.pk) == "open sesame"
        with pytest.raises(CredentialsUnreadable):
            credentials.decrypt(stored, registry_id=RegistryFactory().pk)

    def test_it_is_in_no_record(self):
        add(username="robot", secret="open sesame")
        assert all("sesame" not in str(record.data) for record in Record.objects.all())

    @pytest.mark.parametrize("key", ["", "c2hvcnQ=", "not base64!"])
    def test_without_a_key_nothing_is_stored_in_the_clear(self, settings, key):
        settings.GOLDGATE_CREDENTIALS_KEY = key
        with pytest.raises(CredentialsUnreadable) as caught:
            add(username="robot", secret="open sesame")
        assert "GOLDGATE_CREDENTIALS_KEY_FILE" in caught.value.cure
        assert not Registry.objects.exists()

    def test_a_change_of_address_drops_it(self):
        """Else whoever may change an address could have it sent to theirs."""
        registry = add(username="robot", secret="open sesame")
        stored = {name: getattr(registry, name) for name in RegistryFields(name="").columns()}
        moved = RegistryFields(**{**stored, "base_url": "https://evil.example"})
        changed = services.change_registry(registry=registry, wanted=moved, actor=ADMIN, now=EARLY)
        assert not changed.has_secret

    def test_another_change_keeps_it(self):
        registry = add(username="robot", secret="open sesame")
        stored = {name: getattr(registry, name) for name in RegistryFields(name="").columns()}
        trusted = RegistryFields(**{**stored, "is_trusted": True})
        changed = services.change_registry(registry=registry, wanted=trusted, actor=ADMIN, now=EARLY)
        assert credentials.decrypt(bytes(changed.secret_encrypted), registry_id=changed.pk) == "open sesame"
        assert Record.objects.filter(verb=Verb.REGISTRY_CHANGED).get().data["changed"] == ["is_trusted"]


def certificate(directory: Path, host: str, *, days: int = 1, issuer=None) -> tuple[str, ssl.SSLContext]:
    """A CA's PEM and a server's TLS context with a certificate for ``host`` by that CA."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
    now = datetime.datetime.now(datetime.UTC)
    start, end = now - datetime.timedelta(days=30), now + datetime.timedelta(days=days)

    def build(subject, public, *, is_ca):
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(ca_name).public_key(public)
        made = made.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)
        made = made.add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
        return made.add_extension(authority, critical=False)

    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    ca = (
        build(ca_name, ca_key.public_key(), is_ca=True)
        .add_extension(usage, critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    names = x509.SubjectAlternativeName([x509.DNSName(host)])
    leaf = (
        build(subject, key.public_key(), is_ca=False).add_extension(names, critical=False).sign(ca_key, hashes.SHA256())
    )
    pem = directory / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + leaf.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return ca.public_bytes(serialization.Encoding.PEM).decode(), context


class TestTestRegistry:
    def outcomes(self, registry: Registry) -> dict[str, tuple[str, str]]:
        steps = services.test_registry(registry=registry, now=EARLY)
        return {step.name: (step.outcome, step.text) for step in steps}

    def test_one_that_works_says_so_step_by_step(self, source):
        RepositoryFactory(source, "debian/base")
        found = self.outcomes(source)
        assert {name: outcome for name, (outcome, _) in found.items()} == dict.fromkeys(
            ("dns", "tls", "login", "pull", "referrers"), "ok"
        )
        assert "No referrers API" in found["referrers"][1]
        source.refresh_from_db()
        assert (source.reachable_since, source.last_failure) == (EARLY, "")
        assert Record.objects.get(verb=Verb.REGISTRY_TESTED).data == {"failure": ""}

    def test_a_name_without_an_address_fails_at_dns(self):
        found = self.outcomes(RegistryFactory("registry.invalid"))
        assert found["dns"][0] == "failed"
        assert "registry.invalid" in found["dns"][1]
        assert found["pull"][0] == "skipped"

    def test_a_private_address_fails_at_dns_with_the_cure(self):
        found = self.outcomes(RegistryFactory("127.0.0.1:1"))
        assert found["dns"][0] == "failed"
        assert "allow private" in found["dns"][1]

    def test_nobody_listening_fails_at_tls(self):
        registry = RegistryFactory("127.0.0.1:1", base_url="http://127.0.0.1:1", allow_private=True)
        found = self.outcomes(registry)
        assert (found["dns"][0], found["tls"][0]) == ("ok", "failed")
        registry.refresh_from_db()
        assert registry.reachable_since is None
        assert registry.last_failure

    @pytest.mark.parametrize(
        ("host", "days", "with_ca", "said"),
        [
            pytest.param("localhost", 1, False, "CA of its own", id="unknown-ca"),
            pytest.param("localhost", -1, True, "expired", id="expired"),
            pytest.param("other.example", 1, True, "localhost", id="other-name"),
        ],
    )
    def test_a_bad_certificate_fails_at_tls_in_words(self, tmp_path, host, days, with_ca, said):
        ca, context = certificate(tmp_path, host, days=days)
        with HostileRegistry(tls=context) as fake:
            name = f"localhost:{fake.port}"
            registry = RegistryFactory(
                name, base_url=f"https://{name}", allow_private=True, ca_pem=ca if with_ca else ""
            )
            found = self.outcomes(registry)
        assert found["tls"][0] == "failed"
        assert said in found["tls"][1]
        assert fake.seen == []

    def test_its_own_ca_makes_it_trusted(self, tmp_path):
        ca, context = certificate(tmp_path, "localhost")
        with HostileRegistry(tls=context) as fake:
            fake.answers["/v2/"] = Answer(200, b"{}")
            name = f"localhost:{fake.port}"
            found = self.outcomes(RegistryFactory(name, base_url=f"https://{name}", allow_private=True, ca_pem=ca))
        assert (found["tls"][0], found["login"][0], found["pull"][0]) == ("ok", "ok", "skipped")

    def test_a_refused_password_fails_at_login(self):
        with HostileRegistry() as fake:
            fake.answers["/v2/"] = Answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
            registry = RegistryFactory(fake.host, base_url=f"http://{fake.host}", allow_private=True, username="robot")
            found = self.outcomes(registry)
        assert (found["tls"][0], found["login"][0]) == ("ok", "failed")
        assert "password" in found["login"][1]

    def test_a_web_server_that_is_no_registry_fails_at_tls(self):
        with HostileRegistry() as fake:
            registry = RegistryFactory(fake.host, base_url=f"http://{fake.host}", allow_private=True)
            assert "no registry" in self.outcomes(registry)["tls"][1]

    def test_an_empty_repository_fails_at_pull(self, source):
        RepositoryFactory(source, "nothing/here")
        assert self.outcomes(source)["pull"][0] == "failed"

    def test_a_directory_is_tried_by_writing(self, tmp_path):
        (tmp_path / "file").write_text("")
        assert self.outcomes(LayoutFactory())["directory"][0] == "ok"
        assert self.outcomes(LayoutFactory(layout_path=str(tmp_path / "file" / "below")))["directory"][0] == "failed"


def test_without_a_certified_side_nothing_can_be_certified():
    with pytest.raises(RegistryUnknown) as caught:
        services.certified_repository(image_name="debian", now=EARLY)
    assert "OCI layout" in caught.value.cure


def test_the_first_registry_brings_a_schedule_that_prunes():
    add()
    add(name="Another", host="another.example")
    assert [row.kind for row in schedules()] == ["registry.prune"]
