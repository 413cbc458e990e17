"""SBOM attestations for tests, made as ``cosign attest`` makes them, with keys of the test's own.

key = Key(); signer = signer_of(key, now, repositories=["registry.example/base"])
body = key.attest(image.digest, cyclonedx([purl, …], system=("debian", "12")))
"""

import base64
import itertools
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from registry.models import Artifact, Registry, Repository, RepositoryArtifact
from scans import services
from scans.models import InventorySigner
from signing.domain.dsse import PAYLOAD_TYPE, pre_authentication_encoding
from tests.factories.accounts import PersonFactory

CYCLONEDX = "https://cyclonedx.org/bom"
SPDX = "https://spdx.dev/Document"
V01 = "https://in-toto.io/Statement/v0.1"
V1 = "https://in-toto.io/Statement/v1"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_number = itertools.count(1)


class Key:
    """A key pair of a signer."""

    def __init__(self, algorithm: str = "ecdsa-p256") -> None:
        self.private: Any = (
            ed25519.Ed25519PrivateKey.generate() if algorithm == "ed25519" else ec.generate_private_key(ec.SECP256R1())
        )

    @property
    def public_pem(self) -> str:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.private.public_key().public_bytes(serialization.Encoding.PEM, form).decode()

    @property
    def private_pem(self) -> str:
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    def sign(self, message: bytes) -> bytes:
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(message)
        return self.private.sign(message, ec.ECDSA(hashes.SHA256()))

    def envelope(self, payload: bytes, *, payload_type: str = PAYLOAD_TYPE) -> bytes:
        """A DSSE envelope around any payload."""
        signature = self.sign(pre_authentication_encoding(payload, payload_type))
        return json.dumps(
            {
                "payloadType": payload_type,
                "payload": base64.b64encode(payload).decode(),
                "signatures": [{"keyid": "", "sig": base64.b64encode(signature).decode()}],
            }
        ).encode()

    def attest(
        self, digest: str, predicate: Any, *, predicate_type: str = CYCLONEDX, statement_type: str = V01
    ) -> bytes:
        """The envelope that says ``predicate`` about ``digest``."""
        return self.envelope(statement(digest, predicate, predicate_type=predicate_type, statement_type=statement_type))


def statement(*digests: Any, predicate_type: str = CYCLONEDX, statement_type: str = V01) -> bytes:
    """An in-toto Statement; the last argument is the predicate."""
    *subjects, predicate = digests
    return json.dumps(
        {
            "_type": statement_type,
            "predicateType": predicate_type,
            "subject": [{"name": "registry.example/x", "digest": dict([str(one).split(":", 1)])} for one in subjects],
            "predicate": predicate,
        }
    ).encode()


def bundle(envelope: bytes) -> bytes:
    """The bundle of cosign 3 around an envelope."""
    material = {"publicKey": {"hint": "x"}}
    return json.dumps(
        {"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": json.loads(envelope)}
    ).encode()


def cyclonedx(purls: Sequence[str], *, system: tuple[str, str] | None = None, version: str = "1.6") -> dict[str, Any]:
    """A CycloneDX document."""
    components: list[dict[str, Any]] = [
        {"type": "library", "name": f"n{at}", "version": "1", "purl": purl} for at, purl in enumerate(purls)
    ]
    if system:
        components.append({"type": "operating-system", "name": system[0], "version": system[1]})
    return {"bomFormat": "CycloneDX", "specVersion": version, "components": components}


def spdx(purls: Sequence[str], *, system: tuple[str, str] | None = None, version: str = "SPDX-2.3") -> dict[str, Any]:
    """An SPDX document."""
    packages: list[dict[str, Any]] = [
        {
            "name": f"n{at}",
            "versionInfo": "1",
            "externalRefs": [
                {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}
            ],
        }
        for at, purl in enumerate(purls)
    ]
    if system:
        packages.append({"name": system[0], "versionInfo": system[1], "primaryPackagePurpose": "OPERATING-SYSTEM"})
    return {"spdxVersion": version, "packages": packages}


def signer_of(key: Key, now: datetime, **fields: Any) -> InventorySigner:
    """A signer in force, for everything in ``registry.example/base`` unless said otherwise."""
    chosen = {"name": f"builders {next(_number)}", "repositories": ["registry.example/base"], **fields}
    wanted = services.SignerFields(public_pem=key.public_pem, **chosen)
    return services.trust_signer(fields=wanted, by=PersonFactory(), now=now)


def seen_in(image: Artifact, name: str, now: datetime) -> Repository:
    """Say that ``image`` was seen in ``host/path``."""
    host, _, path = name.partition("/")
    registry, _ = Registry.objects.get_or_create(
        host=host, side="source", path_prefix="",
        defaults={"name": host, "base_url": f"https://{host}", "created_at": now},
    )  # fmt: skip
    repository, _ = Repository.objects.get_or_create(registry=registry, path=path, defaults={"created_at": now})
    RepositoryArtifact.objects.get_or_create(repository=repository, artifact=image, defaults={"first_seen_at": now})
    return repository
