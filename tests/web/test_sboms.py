"""The pages of attested inventories."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.roles import Role
from scans.models import InventoryAttestation, InventorySigner
from tests.factories.accounts import person_with
from tests.factories.attestations import Key, cyclonedx, seen_in, signer_of
from tests.factories.scans import image_artifact, scan_of

pytestmark = pytest.mark.django_db

BOM = cyclonedx(["pkg:golang/example.com/x@v1.0.0"])


@pytest.fixture
def image(now):
    made = image_artifact(now)
    seen_in(made, "registry.example/base/tool", now)
    scan_of(made, now, [], os_id="", os_version="", has_package_database=None)
    return made


def upload(body: bytes) -> dict:
    return {"attestation": SimpleUploadedFile("x.json", body)}


class TestSigners:
    def test_one_is_named_shown_and_ended_with_its_reason(self, signed_in):
        client = signed_in(person_with(Role.PLATFORM_ADMIN))
        fields = {"name": "base images", "public_pem": Key().public_pem, "repositories": "registry.example/base\n"}
        assert client.post("/inventory-signers/new", fields).status_code == 302
        signer = InventorySigner.objects.get()
        page = client.get("/inventory-signers").content.decode()
        assert "base images" in page
        assert "registry.example/base" in page
        assert (
            "Nothing that this key signed counts" in client.get(f"/inventory-signers/{signer.pk}/end").content.decode()
        )
        assert client.post(f"/inventory-signers/{signer.pk}/end", {"reason": ""}).status_code == 400
        assert client.post(f"/inventory-signers/{signer.pk}/end", {"reason": "it leaked"}).status_code == 302
        assert "it leaked" in client.get("/inventory-signers").content.decode()

    def test_a_wrong_field_says_so_beside_it(self, signed_in):
        client = signed_in(person_with(Role.PLATFORM_ADMIN))
        answer = client.post("/inventory-signers/new", {"name": "x", "public_pem": "x", "images": "debian"})
        assert answer.status_code == 400
        assert "public key cannot be read" in answer.content.decode()
        assert not InventorySigner.objects.exists()

    def test_readers_see_them_and_change_none(self, signed_in, now):
        signer = signer_of(Key(), now, name="base images")
        client = signed_in(person_with(Role.VIEWER))
        page = client.get("/inventory-signers")
        assert (page.status_code, "Name a signer" in page.content.decode()) == (200, False)
        assert client.get("/inventory-signers/new").status_code == 403
        assert client.post(f"/inventory-signers/{signer.pk}/end", {"reason": "x"}).status_code == 403


class TestOneImage:
    def test_one_is_handed_in(self, signed_in, image, now):
        key = Key()
        signer_of(key, now, name="base images")
        client = signed_in(person_with(Role.REQUESTER))
        assert "Nothing is attested of it" in client.get(f"/a/{image.digest}/attested").content.decode()
        answer = client.post(f"/a/{image.digest}/attested", upload(key.attest(image.digest, BOM)))
        assert answer.status_code == 302
        page = client.get(f"/a/{image.digest}/attested").content.decode()
        assert "1 component, CycloneDX 1.6" in page
        assert InventoryAttestation.objects.get().state == "verified"

    def test_readers_see_no_form(self, signed_in, image):
        page = signed_in(person_with(Role.REVIEWER)).get(f"/a/{image.digest}/attested")
        assert (page.status_code, b"Hand it in" in page.content) == (200, False)

    def test_a_refused_one_says_why_there_and_in_the_list(self, signed_in, image):
        client = signed_in(person_with(Role.REQUESTER))
        answer = client.post(f"/a/{image.digest}/attested", upload(Key().attest(image.digest, BOM)))
        assert answer.status_code == 400
        assert answer.content.decode().count("No signer that is named here") >= 2
        assert "No signer that is named here" in client.get("/inventory-signers").content.decode()

    def test_what_strangers_wrote_is_escaped(self, signed_in, image):
        key = Key()
        hostile = key.envelope(b"x", payload_type="<script>alert(1)</script>")
        client = signed_in(person_with(Role.REQUESTER))
        client.post(f"/a/{image.digest}/attested", upload(hostile))
        page = client.get(f"/a/{image.digest}/attested").content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
