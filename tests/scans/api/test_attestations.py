"""Signers and attestations over REST: what is taken, what is refused, and by whom."""

import pytest
from django.test import Client

from accounts.roles import Role, Scope
from scans import services
from scans.domain import statements
from scans.models import InventoryAttestation, InventorySigner
from tests.factories.accounts import person_with, token_for
from tests.factories.attestations import Key, cyclonedx, seen_in, signer_of
from tests.factories.scans import image_artifact, scan_of

pytestmark = pytest.mark.django_db

BOM = cyclonedx(["pkg:golang/example.com/x@v1.0.0"])
DSSE = "application/vnd.dsse.envelope.v1+json"
SIGNERS = "/api/v1/inventory-signers"


@pytest.fixture
def key() -> Key:
    return Key()


@pytest.fixture
def image(now):
    made = image_artifact(now)
    seen_in(made, "registry.example/base/tool", now)
    scan_of(made, now, [], os_id="", os_version="", has_package_database=None)
    return made


def client_of(*roles: Role) -> Client:
    client = Client()
    client.force_login(person_with(*roles), backend="django.contrib.auth.backends.ModelBackend")
    return client


def path(image) -> str:
    return f"/api/v1/artifacts/{image.digest}/sbom-attestations"


class TestSigners:
    def test_an_administrator_names_and_ends_one(self, key):
        client = client_of(Role.PLATFORM_ADMIN)
        fields = {"name": "base images", "public_pem": key.public_pem, "repositories": ["registry.example/base"]}
        made = client.post(SIGNERS, fields, content_type="application/json")
        assert made.status_code == 201
        address = made["Location"]
        assert client.get(address).json()["algorithm"] == "ecdsa-p256"
        assert [row["name"] for row in client.get(SIGNERS).json()["results"]] == ["base images"]
        ended = client.post(f"{address}/end", {"reason": "the key leaked"}, content_type="application/json")
        assert (ended.status_code, ended.json()["end_reason"]) == (200, "the key leaked")
        again = client.post(f"{address}/end", {"reason": "again"}, content_type="application/json")
        assert (again.status_code, again.json()["code"]) == (409, "inventory_signer_ended")
        assert client.delete(address).status_code == 405

    def test_wrong_fields_are_named_and_a_private_key_is_not_repeated(self, key):
        fields = {"name": "x", "public_pem": key.private_pem, "repositories": ["no place"]}
        answer = client_of(Role.PLATFORM_ADMIN).post(SIGNERS, fields, content_type="application/json")
        assert answer.status_code == 400
        assert {row["pointer"] for row in answer.json()["errors"]} == {"/public_pem", "/repositories/0"}
        assert key.private_pem.splitlines()[1] not in answer.content.decode()
        assert not InventorySigner.objects.exists()

    @pytest.mark.parametrize("role", [role for role in Role if role is not Role.PLATFORM_ADMIN])
    def test_nobody_else_may(self, key, now, role):
        signer = signer_of(key, now)
        client = client_of(role)
        assert client.post(SIGNERS, {}, content_type="application/json").status_code == 403
        end = client.post(f"{SIGNERS}/{signer.pk}/end", {"reason": "x"}, content_type="application/json")
        assert end.status_code == 403
        assert client.get(SIGNERS).status_code == 200

    def test_no_token_may(self, key, now):
        _, text = token_for(person_with(Role.PLATFORM_ADMIN), *Scope)
        answer = Client().post(
            SIGNERS, {}, content_type="application/json", headers={"authorization": f"Bearer {text}"}
        )
        assert answer.status_code == 403


class TestAttestations:
    def test_one_is_taken_listed_and_given_back_byte_for_byte(self, image, key, now):
        signer_of(key, now, name="base images")
        body = key.attest(image.digest, BOM)
        client = client_of(Role.REQUESTER)
        made = client.post(path(image), body, content_type=DSSE)
        assert made.status_code == 201, made.content
        assert (made.json()["state"], made.json()["signer"]) == ("verified", "base images")
        assert [row["id"] for row in client.get(path(image)).json()["results"]] == [made.json()["id"]]
        given = client.get(made["Location"])
        assert (given.content, given["Content-Type"]) == (body, DSSE)

    def test_a_token_of_a_pipeline_may_hand_one_in(self, image, key, now):
        signer_of(key, now)
        _, text = token_for(person_with(Role.REQUESTER), Scope.IMPORT)
        answer = Client().post(
            path(image),
            key.attest(image.digest, BOM),
            content_type=DSSE,
            headers={"authorization": f"Bearer {text}"},
        )
        assert answer.status_code == 201

    def test_a_refusal_names_its_reason_and_is_listed(self, image, key):
        client = client_of(Role.REQUESTER)
        answer = client.post(path(image), key.attest(image.digest, BOM), content_type=DSSE)
        assert (answer.status_code, answer.json()["code"]) == (409, "sbom_attestation_refused")
        assert answer.json()["errors"][0]["code"] == "unknown_key"
        (row,) = client.get(path(image)).json()["results"]
        assert (row["state"], row["refusal"]) == ("refused", "unknown_key")

    @pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b"[" * 10_000])
    def test_what_is_no_envelope_is_refused(self, image, body):
        answer = client_of(Role.REQUESTER).post(path(image), body, content_type=DSSE)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "envelope_malformed")

    def test_no_more_is_read_than_counts(self, image, monkeypatch):
        for module in ("scans.api.attestations", "scans.services.attestations"):
            monkeypatch.setattr(f"{module}.MAX_BYTES", 100)
        answer = client_of(Role.REQUESTER).post(path(image), b"x" * 5000, content_type=DSSE)
        assert answer.json()["errors"][0]["code"] == "too_large"
        assert not InventoryAttestation.objects.exists()
        assert statements.MAX_BYTES == 16 * 1024**2

    def test_another_images_is_not_given(self, image, key, now):
        signer_of(key, now)
        row = services.take_attestation(
            artifact=image, body=key.attest(image.digest, BOM), by=person_with(Role.REQUESTER), now=now
        )
        other = image_artifact(now)
        assert client_of(Role.REQUESTER).get(f"{path(other)}/{row.pk}").status_code == 404

    @pytest.mark.parametrize("role", [Role.VIEWER, Role.REVIEWER, Role.AUDITOR, Role.SECURITY_REVIEWER])
    def test_readers_hand_none_in(self, image, key, role):
        answer = client_of(role).post(path(image), key.attest(image.digest, BOM), content_type=DSSE)
        assert answer.status_code == 403
        assert not InventoryAttestation.objects.exists()
