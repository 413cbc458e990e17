"""An image FROM scratch becomes scannable by what cosign 2 and 3 attest of it, beside it in real registries."""

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from accounts.roles import Role
from audit.models import Record
from audit.verbs import Verb
from oci.digest import Digest
from registry import selectors as registry_selectors
from registry import services as registry_services
from registry.models import Artifact, Registry
from scans import services
from scans.models import InventoryAttestation
from scans.selectors import findings, inventory_basis, latest_scan
from scans.services.inventory import inventory_artifact
from tests.factories.accounts import PersonFactory, person_with
from tests.factories.attestations import cyclonedx, spdx
from tests.factories.scans import import_real_feeds
from tests.factories.signing import Images
from tests.registry.servers import docker_registry, olareg, tool

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

PURLS = [
    "pkg:deb/debian/openssl@3.0.11-1~deb12u2?arch=amd64&distro=debian-12",
    "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl",
    "pkg:golang/example.com/tool@v1.2.3",
]
FORMS = {"cyclonedx": cyclonedx(PURLS, system=("debian", "12")), "spdxjson": spdx(PURLS, system=("debian", "12"))}
HTTP = ["--allow-insecure-registry", "--allow-http-registry"]
OFFLINE = ["--yes", "--tlog-upload=false", *HTTP]
# cosign 3 writes bundles as referrers unless it is told to write what cosign 2 writes.
WAYS = {
    "cosign-2": ("cosign-2", []),
    "cosign-3": ("cosign-3", ["--use-signing-config=false"]),
    "cosign-3-older-form": ("cosign-3", ["--use-signing-config=false", "--new-bundle-format=false"]),
}


@pytest.fixture(scope="module", params=[docker_registry, olareg], ids=["docker-registry", "olareg"])
def host(request, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One without the referrers API, one with it."""
    with request.param(tmp_path_factory.mktemp("registry")) as address:
        yield address


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The signer's, and a stranger's, as cosign makes them."""
    found = {}
    for name in ("ours", "foreign"):
        found[name] = tmp_path_factory.mktemp(name)
        run(["cosign-2", "generate-key-pair"], found[name])
    return found


@pytest.fixture
def registry(host: str, now) -> Registry:
    values = {"host": host, "base_url": f"http://{host}", "allow_private": True, "created_at": now}
    return Registry.objects.create(name="real", side="source", **values)


@pytest.fixture
def reference(registry, request) -> str:
    """A pushed image FROM scratch: one file, no package database, no os-release."""
    images, path = Images(), f"base/tool{abs(hash(request.node.name))}"
    described = images.image(f"tool{path}")
    side = registry_selectors.side_for(registry)
    for digest, body in images.blobs.items():
        side.put_blob(path, Digest.parse(str(digest)), len(body), [body])
    side.put_manifest(path, "1", images.manifest(Digest.parse(described["digest"])), described["mediaType"])
    return f"{registry.host}/{path}@{described['digest']}"


def run(command: list[str], directory: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory), "COSIGN_PASSWORD": ""}
    done = subprocess.run(
        [tool(command[0]), *command[1:]],
        cwd=directory, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def attest(way: str, form: str, reference: str, key: Path) -> None:
    binary, more = WAYS[way]
    (key / "sbom.json").write_text(json.dumps(FORMS[form]))
    run([binary, "attest", "--key", "cosign.key", "--type", form, "--predicate", "sbom.json", *OFFLINE, *more,
         reference], key)  # fmt: skip


def bring_in(reference: str, now) -> Artifact:
    """Import it, look beside it and into it, and match: what the jobs do, one after another."""
    person = person_with(Role.REQUESTER)
    asked = registry_services.import_reference(reference=reference, requested_by=person, now=now)
    artifact = registry_services.run_import(import_id=asked.pk, now=now)
    assert services.find_attestations(artifact=artifact, now=now) == []
    inventory_artifact(artifact=artifact, now=now)
    services.match_artifact(artifact=artifact, now=now)
    return artifact


def name_signer(keys, reference, now):
    place = reference.partition("@")[0].rpartition("/")[0]
    fields = services.SignerFields(
        name="base images", public_pem=(keys["ours"] / "cosign.pub").read_text(), repositories=[place]
    )
    return services.trust_signer(fields=fields, by=PersonFactory(), now=now)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("form", FORMS)
def test_a_scratch_image_is_complete_by_what_is_attested(form, way, reference, keys, now):
    import_real_feeds(now)
    name_signer(keys, reference, now)
    attest(way, form, reference, keys["ours"])
    artifact = bring_in(reference, now)
    (row,) = InventoryAttestation.objects.all()
    assert (row.state, row.refusal_detail, row.component_count) == ("verified", "", 3)
    scan = latest_scan(artifact)
    assert scan.state == "complete", scan.sentence
    assert "as attested by base images, not seen in the image" in scan.sentence
    assert {one.package for one in findings(artifact)} == {"openssl", "libssl3"}
    assert scan.summary["fixable_pairs"] > 0
    assert scan.coverage["not_covered"] == {"Go": 1}


@pytest.mark.parametrize("way", WAYS)
def test_a_foreign_keys_attestation_is_refused_and_told(way, reference, keys, now):
    import_real_feeds(now)
    signer = name_signer(keys, reference, now)
    attest(way, "cyclonedx", reference, keys["foreign"])
    artifact = bring_in(reference, now)
    (row,) = InventoryAttestation.objects.all()
    assert (row.state, row.refusal, row.signer) == ("refused", "unknown_key", None)
    assert Record.objects.get(verb=Verb.SBOM_ATTESTATION_REFUSED).data["found_in"] == row.found_in
    assert (latest_scan(artifact).state, latest_scan(artifact).cause) == ("unsupported", "unknown_distribution")
    assert inventory_basis(artifact) == ("none", "")
    # Beside it, ours counts: the foreign one neither helps nor harms.
    attest(way, "spdxjson", reference, keys["ours"])
    later = now + timedelta(minutes=1)
    services.find_attestations(artifact=artifact, now=later)
    services.use_attestations(image=artifact, now=later)
    services.match_artifact(artifact=artifact, now=later)
    assert latest_scan(artifact).state == "complete"
    assert inventory_basis(artifact) == ("attested", signer.name)


def test_without_an_attestation_it_stays_as_it_was(reference, keys, now):
    import_real_feeds(now)
    name_signer(keys, reference, now)
    artifact = bring_in(reference, now)
    assert not InventoryAttestation.objects.exists()
    assert latest_scan(artifact).state == "unsupported"
