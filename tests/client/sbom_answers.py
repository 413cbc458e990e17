"""What the API says of attested inventories and their signers."""

from tests.client.stand_in import DIGEST, Answer

PATH = f"/api/v1/artifacts/{DIGEST}/sbom-attestations"
ROW = {
    "id": "0199-a", "state": "verified", "refusal": "", "refusal_detail": "", "signer": "base images",
    "format": "CycloneDX 1.6", "component_count": 12, "origin": "upload", "found_in": "", "received_by": "rita",
    "received_at": "2026-11-24T12:00:00Z", "judged_at": "2026-11-24T12:00:00Z", "envelope_digest": "sha256:00",
}  # fmt: skip
SIGNER = {
    "id": "0199-s", "name": "base images", "images": ["debian"], "repositories": ["registry.example/base"],
    "ended_at": None, "end_reason": "", "verified": 3, "key_id": "ab" * 32,
}  # fmt: skip


def answers() -> dict[str, Answer]:
    """By method and path."""
    return {
        f"POST {PATH}": Answer(ROW, 201),
        f"GET {PATH}": Answer({"results": [ROW], "next": None}),
        "GET /api/v1/inventory-signers": Answer({"results": [SIGNER], "next": None}),
    }
