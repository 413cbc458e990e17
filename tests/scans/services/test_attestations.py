"""Attested inventories: what is accepted and changes a scan, what is refused and changes nothing."""

import base64
import json
from datetime import timedelta

import pytest
from django.db import ProgrammingError, transaction

from accounts.roles import Role
from approvals.selectors.evidence import evidence_of
from audit.models import Record
from audit.verbs import Verb
from catalog.services import add_subversion
from jobs.models import Job
from scans import services
from scans.errors import SbomAttestationRefused, SignerEnded, SignerExists, SignerInvalid, SignerMissing
from scans.models import ArtifactComponent, Inventory, InventoryAttestation, InventorySigner, Scan
from scans.selectors import findings, inventory_basis, latest_inventory, latest_scan, scan_state_at
from scans.services import attestations
from scans.services.inventory import inventory_artifact
from tests.factories.accounts import PersonFactory, person_with
from tests.factories.attestations import SPDX, V1, Key, bundle, cyclonedx, seen_in, signer_of, spdx, statement
from tests.factories.catalog import SubversionFactory, VersionFactory
from tests.factories.scans import deb, image_artifact, import_real_feeds, index_artifact, inventory_of, scan_of

pytestmark = pytest.mark.django_db

OPENSSL = "pkg:deb/debian/openssl@3.0.11-1~deb12u2?arch=amd64&distro=debian-12"
LIBSSL = "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl"
GO = [f"pkg:golang/example.com/m{at}@v1.0.0" for at in range(12)]
PLACE = "registry.example/base/tool"


@pytest.fixture
def key() -> Key:
    return Key()


@pytest.fixture
def scratch(now):
    """An image without a distribution, looked into: a scan that is not supported."""
    image = image_artifact(now - timedelta(hours=2))
    seen_in(image, PLACE, now)
    bare = {"os_id": "", "os_version": "", "has_package_database": None}
    scan_of(image, now - timedelta(hours=2), [], **bare)
    return image


def take(image, body, now):
    """Hand it in, and do the jobs that follow."""
    row = services.take_attestation(artifact=image, body=body, by=PersonFactory(), now=now)
    follow(now)
    return row


def follow(now):
    """The jobs that the record started, as a worker does them."""
    for job in Job.objects.filter(state="queued", kind__startswith="scans.").order_by("created_at", "pk"):
        match job.kind:
            case "scans.compose":
                services.use_attestations(image=attestations.Artifact.objects.get(pk=job.subject_id), now=now)
            case "scans.judge_signer":
                services.judge_of_signer(signer_id=job.subject_id, now=now)
            case "scans.judge_subversion":
                services.judge_of_subversion(subversion_id=job.subject_id, now=now)
            case "scans.match":
                pass
            case _:
                continue
        Job.objects.filter(pk=job.pk).update(state="succeeded", finished_at=now)
    for job in Job.objects.filter(state="queued", kind="scans.match"):
        services.match_artifact(artifact=attestations.Artifact.objects.get(pk=job.subject_id), now=now)
    Job.objects.filter(state="queued", kind="scans.match").update(state="succeeded", finished_at=now)


def refused(image, body, now) -> str:
    with pytest.raises(SbomAttestationRefused) as caught:
        services.take_attestation(artifact=image, body=body, by=PersonFactory(), now=now)
    return caught.value.errors[0].code


def names(image) -> set[str]:
    return set(ArtifactComponent.objects.filter(artifact=image).values_list("component__name", flat=True))


class TestAccepted:
    @pytest.mark.parametrize("form", [cyclonedx, spdx])
    def test_a_scratch_image_is_judged_like_any_other(self, scratch, key, now, form):
        import_real_feeds(now)
        signer = signer_of(key, now, name="base images")
        assert latest_scan(scratch).cause == "unknown_distribution"
        kind = {} if form is cyclonedx else {"predicate_type": SPDX, "statement_type": V1}
        row = take(scratch, key.attest(scratch.digest, form([OPENSSL, LIBSSL]), **kind), now)
        assert (row.state, row.signer, row.component_count) == ("verified", signer, 2)
        scan = latest_scan(scratch)
        assert scan.state == Scan.State.COMPLETE
        assert scan.sentence.startswith(
            "2 components of debian 12, as attested by base images, not seen in the image, compared with advisories"
        )
        found = findings(scratch)
        assert {one.package for one in found} == {"openssl", "libssl3"}
        assert any(one.fixed_version for one in found)
        assert inventory_basis(scratch) == ("attested", "base images")
        assert (scan.coverage["basis"], scan.coverage["attested_by"]) == ("attested", "base images")
        assert scan.coverage["attested"]["envelope_digest"] == row.envelope_digest

    def test_the_record_says_who_attested_what(self, scratch, key, now):
        signer_of(key, now, name="base images")
        row = take(scratch, key.attest(scratch.digest, cyclonedx([OPENSSL])), now)
        found = Record.objects.get(verb=Verb.SBOM_ATTESTED)
        assert found.subject_id == str(scratch.pk)
        assert found.data["attestation"] == str(row.pk)
        assert found.data["signer"] == "base images"

    def test_cosign_3s_bundle_is_taken(self, scratch, key, now):
        signer_of(key, now)
        assert take(scratch, bundle(key.attest(scratch.digest, cyclonedx([OPENSSL]))), now).state == "verified"

    def test_an_ed25519_key_will_do(self, scratch, now):
        key = Key("ed25519")
        signer_of(key, now)
        assert take(scratch, key.attest(scratch.digest, cyclonedx([OPENSSL])), now).state == "verified"

    def test_handed_in_twice_it_is_one(self, scratch, key, now):
        signer_of(key, now)
        body = key.attest(scratch.digest, cyclonedx([OPENSSL]))
        assert take(scratch, body, now) == take(scratch, body, now + timedelta(minutes=1))
        assert Inventory.objects.filter(artifact=scratch, basis="attested").count() == 1
        assert Record.objects.filter(verb=Verb.SBOM_ATTESTED).count() == 1

    def test_the_newest_counts(self, scratch, key, now):
        signer_of(key, now)
        take(scratch, key.attest(scratch.digest, cyclonedx([OPENSSL])), now)
        take(scratch, key.attest(scratch.digest, cyclonedx([LIBSSL])), now + timedelta(minutes=1))
        assert names(scratch) == {"libssl3"}

    def test_one_that_came_before_the_scanner_counts_after_it(self, key, now, monkeypatch):
        signer_of(key, now)
        image = image_artifact(now)
        seen_in(image, PLACE, now)
        take(image, key.attest(image.digest, cyclonedx([OPENSSL])), now)
        assert latest_inventory(image) is None
        inventory_of(image, now, [], os_id="", os_version="", has_package_database=None)
        Inventory.objects.update(tool_version="9")
        inventory_artifact(artifact=image, now=now, scanner=_Scanner())
        assert latest_inventory(image).basis == "attested"

    def test_the_index_follows_its_image(self, scratch, key, now):
        import_real_feeds(now)
        index = index_artifact(now, scratch)
        services.match_artifact(artifact=index, now=now)
        assert latest_scan(index).state == "unsupported"
        signer_of(key, now)
        take(scratch, key.attest(scratch.digest, cyclonedx([OPENSSL])), now)
        assert latest_scan(index).state == "complete"
        assert findings(index)

    def test_the_packet_shows_whose_word_it_is(self, key, now):
        """From the stored inventory to what a reviewer signs off."""
        import_real_feeds(now)
        subversion = SubversionFactory(now)
        image = subversion.artifact
        seen_in(image, PLACE, now)
        scan_of(image, now, [], os_id="", os_version="", has_package_database=None)
        signer_of(key, now, name="base images")
        take(image, key.attest(image.digest, cyclonedx([OPENSSL])), now)
        (found,) = evidence_of(subversion, now).artifacts
        assert (found.basis, found.attested_by, found.release) == ("attested", "base images", "debian 12")
        assert "as attested by base images, not seen in the image" in found.scan_sentence


class _Scanner:
    version = "9"

    def scan(self, layout, work, check):
        raise AssertionError("the inventory is there")


class TestNothingIsHidden:
    def test_a_package_database_decides_and_what_is_attested_comes_on_top(self, key, now):
        """The static program that somebody copied onto a base with packages."""
        import_real_feeds(now)
        image = image_artifact(now)
        seen_in(image, PLACE, now)
        scan_of(image, now, [deb("dash", "0.5.12-2")])
        signer_of(key, now, name="base images")
        take(image, key.attest(image.digest, cyclonedx([OPENSSL, GO[0]])), now)
        scan = latest_scan(image)
        assert names(image) == {"dash", "openssl", "example.com/m0"}
        assert (scan.state, scan.inventory.basis, scan.inventory.attested_by) == (
            "complete", "package_database", "base images",
        )  # fmt: skip
        assert "3 components of debian 12, some attested by base images, compared" in scan.sentence
        assert any(one.package == "openssl" for one in findings(image))

    def test_it_cannot_say_another_release(self, key, now):
        image = image_artifact(now)
        seen_in(image, PLACE, now)
        scan_of(image, now, [deb("dash", "0.5.12-2")])
        signer_of(key, now)
        take(image, key.attest(image.digest, cyclonedx([OPENSSL.replace("debian-12", "debian-13")])), now)
        inventory = latest_inventory(image)
        assert (inventory.os_version, inventory.ecosystem) == ("12", "Debian:12")

    def test_what_was_seen_without_a_distribution_stays(self, scratch, key, now):
        """Packages without an os-release: what is in the image is not talked over."""
        seen = deb("openssl", "3.0.11-1~deb12u2", distro="")
        image = image_artifact(now)
        seen_in(image, PLACE, now)
        bare = inventory_of(image, now, [seen], os_id="", os_version="")
        Inventory.objects.filter(pk=bare.pk).update(
            coverage=bare.coverage | {"has_package_database": None}, basis="package_database"
        )
        services.match_artifact(artifact=image, now=now)
        signer_of(key, now)
        take(image, key.attest(image.digest, cyclonedx(["pkg:deb/debian/dash@1?distro=debian-12"])), now)
        assert names(image) == {"openssl", "dash"}
        assert latest_scan(image).cause == "unknown_distribution"

    def test_a_removed_package_database_is_proven(self, key, now):
        import_real_feeds(now)
        image = image_artifact(now)
        seen_in(image, PLACE, now)
        assert scan_of(image, now, [], has_package_database=False).cause == "package_database_removed"
        signer_of(key, now)
        take(image, key.attest(image.digest, cyclonedx([OPENSSL])), now)
        assert latest_scan(image).state == "complete"

    def test_but_not_by_packages_of_another_release(self, key, now):
        import_real_feeds(now)
        image = image_artifact(now)
        seen_in(image, PLACE, now)
        scan_of(image, now, [], has_package_database=False)
        signer_of(key, now, name="base images")
        take(image, key.attest(image.digest, cyclonedx([OPENSSL.replace("debian-12", "debian-13")])), now)
        scan = latest_scan(image)
        assert (scan.state, scan.cause) == ("failed", "package_database_removed")
        assert "it names debian 13, and the image calls itself debian 12" in scan.sentence


class TestWhatIsMissing:
    def test_without_a_distribution_it_says_what_cannot_be_compared(self, scratch, key, now):
        signer_of(key, now, name="base images")
        take(scratch, key.attest(scratch.digest, cyclonedx(GO)), now)
        scan = latest_scan(scratch)
        assert (scan.state, scan.cause) == ("unsupported", "unknown_distribution")
        assert "Attested by base images: 12 components, none of which can be compared" in scan.sentence
        assert "it names no distribution" in scan.sentence
        assert "GG3001" in scan_state_at(scan, now, None).cure
        assert scan.coverage["not_covered"] == {"Go": 12}

    def test_two_releases_are_none(self, scratch, key, now):
        import_real_feeds(now)
        signer_of(key, now)
        other = OPENSSL.replace("debian-12", "debian-13")
        take(scratch, key.attest(scratch.digest, cyclonedx([OPENSSL, other])), now)
        assert latest_scan(scratch).state == "unsupported"
        assert "it names several releases (debian 12, debian 13)" in latest_scan(scratch).sentence


class TestRefused:
    @pytest.fixture(autouse=True)
    def signer(self, key, now) -> InventorySigner:
        return signer_of(key, now, name="base images")

    @pytest.fixture
    def body(self, key, scratch) -> bytes:
        return key.attest(scratch.digest, cyclonedx([OPENSSL]))

    def test_each_reason_has_its_code_is_recorded_and_changes_nothing(self, scratch, key, body, now, signer):
        before = latest_scan(scratch), latest_inventory(scratch)
        tampered = json.loads(body)
        payload = base64.b64decode(tampered["payload"]).replace(b"deb12u2", b"deb12u9")
        tampered["payload"] = base64.b64encode(payload).decode()
        other = image_artifact(now)
        cases = {
            "other_subject": key.attest(other.digest, cyclonedx([OPENSSL])),
            "unknown_key": Key().attest(scratch.digest, cyclonedx([OPENSSL])),
            "payload_type": key.envelope(statement(scratch.digest, {}), payload_type="text/plain"),
            "predicate_type": key.attest(scratch.digest, {}, predicate_type="https://slsa.dev/provenance/v1"),
            "envelope_malformed": b"{}",
            "statement_malformed": key.envelope(b"{}"),
            "sbom_malformed": key.attest(scratch.digest, {"bomFormat": 1}),
            "sbom_version": key.attest(scratch.digest, cyclonedx([OPENSSL], version="1.2")),
            "purl_malformed": key.attest(scratch.digest, cyclonedx(["no purl"])),
            "no_components": key.attest(scratch.digest, cyclonedx([])),
        }
        for code, one in cases.items():
            assert refused(scratch, one, now) == code
        assert refused(scratch, json.dumps(tampered).encode(), now) == "unknown_key"
        told = [row.data["code"] for row in Record.objects.filter(verb=Verb.SBOM_ATTESTATION_REFUSED)]
        assert sorted(told) == sorted([*cases, "unknown_key"])
        follow(now)
        assert (latest_scan(scratch), latest_inventory(scratch)) == before
        assert not Job.objects.filter(kind="scans.compose").exists()

    def test_another_images_own_attestation_says_nothing_about_it(self, scratch, key, now):
        other = image_artifact(now)
        seen_in(other, PLACE, now)
        assert refused(scratch, key.attest(other.digest, cyclonedx([OPENSSL])), now) == "other_subject"

    def test_one_that_is_too_large_is_not_kept(self, scratch, body, now, monkeypatch):
        monkeypatch.setattr(attestations, "MAX_BYTES", len(body) - 1)
        assert refused(scratch, body, now) == "too_large"
        assert not InventoryAttestation.objects.exists()

    def test_an_index_is_not_attested(self, scratch, key, now):
        index = index_artifact(now, scratch)
        assert refused(index, key.attest(index.digest, cyclonedx([OPENSSL])), now) == "not_an_image"

    def test_an_image_out_of_scope(self, key, now):
        image = image_artifact(now)
        seen_in(image, "registry.example/base-old/tool", now)
        assert refused(image, key.attest(image.digest, cyclonedx([OPENSSL])), now) == "out_of_scope"

    def test_an_ended_signer(self, scratch, body, signer, now):
        services.end_signer(signer_id=signer.pk, reason="the key leaked", by=PersonFactory(), now=now)
        assert refused(scratch, body, now) == "signer_ended"
        assert "the key leaked" in InventoryAttestation.objects.get().refusal_detail

    def test_only_so_many_refused_ones_are_kept(self, scratch, now, monkeypatch):
        monkeypatch.setattr(attestations, "MAX_REFUSED", 2)
        for _ in range(4):
            refused(scratch, Key().attest(scratch.digest, cyclonedx([OPENSSL])), now)
        assert InventoryAttestation.objects.count() == 2
        assert Record.objects.filter(verb=Verb.SBOM_ATTESTATION_REFUSED).count() == 4


class TestSignersMove:
    def test_what_rests_on_an_ended_one_is_judged_again_and_says_why(self, scratch, key, now):
        import_real_feeds(now)
        signer = signer_of(key, now, name="base images")
        take(scratch, key.attest(scratch.digest, cyclonedx([OPENSSL])), now)
        held = latest_scan(scratch)
        assert held.state == "complete"
        later = now + timedelta(hours=1)
        services.end_signer(signer_id=signer.pk, reason="the key leaked", by=PersonFactory(), now=later)
        follow(later)
        scan = latest_scan(scratch)
        assert (scan.state, scan.cause) == ("unsupported", "unknown_distribution")
        assert scan.sentence.endswith(
            "What base images attested counts no longer: The signer base images was ended on 2026-11-24: the key leaked"
        )
        assert not findings(scratch)
        assert inventory_basis(scratch) == ("none", "")
        held.refresh_from_db()
        assert held.inventory.basis == "attested", "what was judged then stays as it was judged"

    def test_with_another_signers_attestation_it_goes_on(self, scratch, key, now):
        import_real_feeds(now)
        second = Key()
        signer = signer_of(key, now)
        signer_of(second, now, name="others")
        take(scratch, second.attest(scratch.digest, cyclonedx([LIBSSL])), now)
        take(scratch, key.attest(scratch.digest, cyclonedx([OPENSSL])), now + timedelta(minutes=1))
        services.end_signer(signer_id=signer.pk, reason="moved", by=PersonFactory(), now=now + timedelta(hours=1))
        follow(now + timedelta(hours=1))
        assert inventory_basis(scratch) == ("attested", "others")
        assert latest_scan(scratch).state == "complete"

    def test_a_key_that_is_named_later_turns_what_was_refused(self, scratch, key, now):
        import_real_feeds(now)
        assert refused(scratch, key.attest(scratch.digest, cyclonedx([OPENSSL])), now) == "unknown_key"
        signer_of(key, now + timedelta(minutes=1), name="base images")
        follow(now + timedelta(minutes=1))
        assert latest_scan(scratch).state == "complete"

    def test_an_images_place_in_the_catalog_turns_it_too(self, scratch, key, now):
        import_real_feeds(now)
        version = VersionFactory(now, "tool/1")
        signer_of(key, now, repositories=[], images=["tool"])
        assert refused(scratch, key.attest(scratch.digest, cyclonedx([OPENSSL])), now) == "out_of_scope"
        person = person_with(Role.PLATFORM_ADMIN)
        add_subversion(version=version, artifact=scratch, created_by=person, now=now)
        follow(now)
        assert latest_scan(scratch).state == "complete"

    def test_it_is_ended_once_and_with_a_reason(self, key, now):
        signer, person = signer_of(key, now), PersonFactory()
        with pytest.raises(SignerInvalid):
            services.end_signer(signer_id=signer.pk, reason=" ", by=person, now=now)
        services.end_signer(signer_id=signer.pk, reason="moved", by=person, now=now)
        with pytest.raises(SignerEnded):
            services.end_signer(signer_id=signer.pk, reason="again", by=person, now=now)
        with pytest.raises(SignerMissing):
            services.end_signer(signer_id=image_artifact(now).pk, reason="x", by=person, now=now)

    def test_name_and_key_stand_once(self, key, now):
        signer = signer_of(key, now, name="base images")
        with pytest.raises(SignerExists, match="key"):
            signer_of(key, now, name="others")
        with pytest.raises(SignerExists, match="base images"):
            signer_of(Key(), now, name="base images")
        services.end_signer(signer_id=signer.pk, reason="renamed", by=PersonFactory(), now=now)
        signer_of(key, now, name="others")
        with pytest.raises(SignerExists):
            signer_of(Key(), now, name="base images")

    def test_the_database_keeps_a_signer_as_it_was_named(self, key, now):
        signer = signer_of(key, now)
        for change in ({"name": "x"}, {"public_pem": "x"}, {"images": ["debian"]}, {"repositories": ["a.example"]}):
            with pytest.raises(ProgrammingError, match="pgtrigger"), transaction.atomic():
                InventorySigner.objects.filter(pk=signer.pk).update(**change)
        with pytest.raises(ProgrammingError, match="pgtrigger"), transaction.atomic():
            signer.delete()
        services.end_signer(signer_id=signer.pk, reason="moved", by=PersonFactory(), now=now)
        with pytest.raises(ProgrammingError, match="pgtrigger"), transaction.atomic():
            InventorySigner.objects.filter(pk=signer.pk).update(ended_at=None, ended_by=None, end_reason="")

    def test_wrong_fields_write_nothing(self, now):
        with pytest.raises(SignerInvalid) as refused:
            signer_of(Key(), now, name="", repositories=["x"])
        assert [one.pointer for one in refused.value.errors] == ["/name", "/repositories/0"]
        assert not InventorySigner.objects.exists()
