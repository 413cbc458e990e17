"""Who may attest an inventory, and what is attested of an image."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.api.caller import actor_of
from catalog.api.caller import person_of
from oci import media_types
from portal.paging import PAGE_PARAMETERS, page, paged, refuse_unknown_parameters
from portal.serializers import StrictSerializer
from registry.blobs import kept_blobs
from registry.selectors import artifact_by_digest
from scans import services
from scans.api.feeds import OctetStream
from scans.domain.signers import MAX_PEM, MAX_PLACES
from scans.domain.statements import MAX_BYTES
from scans.models import InventoryAttestation, InventorySigner
from scans.selectors import attestations as selectors
from scans.services.signers import MAX_REASON


class SignerInput(StrictSerializer):
    """A public key, and for which images its inventories are believed."""

    name = serializers.CharField(max_length=100, help_text="Stands in sentences: “as attested by NAME”.")
    public_pem = serializers.CharField(max_length=MAX_PEM, help_text="ECDSA P-256 (`cosign.pub`) or Ed25519.")
    images = serializers.ListField(
        child=serializers.CharField(max_length=100), max_length=MAX_PLACES, required=False, default=list,
        help_text="Names in the catalog.",
    )  # fmt: skip
    repositories = serializers.ListField(
        child=serializers.CharField(max_length=512), max_length=MAX_PLACES, required=False, default=list,
        help_text="`host` or `host/path`: what lies there or below, by whole path components.",
    )  # fmt: skip


class SignerEnd(StrictSerializer):
    """Why it ends; kept for good, and told by the scans that rested on it."""

    reason = serializers.CharField(max_length=MAX_REASON)


class SignerOutput(serializers.ModelSerializer[InventorySigner]):
    """Who may attest, or might until ``ended_at``."""

    created_by = serializers.CharField(source="created_by.username")
    ended_by = serializers.CharField(source="ended_by.username", default="")
    verified = serializers.IntegerField(default=0, help_text="Attestations that count by it now.")

    class Meta:
        model = InventorySigner
        fields = [
            "id", "name", "algorithm", "key_id", "public_pem", "images", "repositories", "created_at", "created_by",
            "ended_at", "ended_by", "end_reason", "verified",
        ]  # fmt: skip


class SbomAttestationOutput(serializers.ModelSerializer[InventoryAttestation]):
    """What somebody attested of an image, and whether it counts now."""

    signer = serializers.CharField(source="signer.name", default="")
    received_by = serializers.CharField(source="received_by.username", default="")

    class Meta:
        model = InventoryAttestation
        fields = [
            "id", "state", "refusal", "refusal_detail", "signer", "format", "component_count", "origin", "found_in",
            "received_at", "received_by", "judged_at", "envelope_digest",
        ]  # fmt: skip


class SignersView(APIView):
    @extend_schema(operation_id="inventory_signers_list", parameters=PAGE_PARAMETERS, responses=paged(SignerOutput))
    def get(self, request: Request) -> Response:
        """Who may attest inventories, and who might, newest first."""
        found = selectors.inventory_signers()
        return page(request, found, order=("-created_at", "-id"), serializer=SignerOutput)

    @extend_schema(operation_id="inventory_signers_trust", request=SignerInput, responses={201: SignerOutput})
    def post(self, request: Request) -> Response:
        """Name a signer. Attestations that were refused for want of one are judged again."""
        wanted = SignerInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        signer = services.trust_signer(
            fields=services.SignerFields(**wanted.validated_data),
            by=person_of(request),
            actor=actor_of(request),
            now=timezone.now(),
        )
        return Response(
            SignerOutput(signer).data,
            status=status.HTTP_201_CREATED,
            headers={"Location": f"{request.path}/{signer.pk}"},
        )


class SignerView(APIView):
    @extend_schema(operation_id="inventory_signers_read", responses=SignerOutput)
    def get(self, request: Request, signer_id: UUID) -> Response:
        """One signer."""
        refuse_unknown_parameters(request)
        return Response(SignerOutput(selectors.inventory_signer(signer_id)).data)


class SignerEndView(APIView):
    @extend_schema(operation_id="inventory_signers_end", request=SignerEnd, responses=SignerOutput)
    def post(self, request: Request, signer_id: UUID) -> Response:
        """End a signer. What rests on its attestations is judged again by a job; nothing is deleted."""
        wanted = SignerEnd(data=request.data)
        wanted.is_valid(raise_exception=True)
        services.end_signer(
            signer_id=signer_id,
            reason=wanted.validated_data["reason"],
            by=person_of(request),
            actor=actor_of(request),
            now=timezone.now(),
        )
        return Response(SignerOutput(selectors.inventory_signer(signer_id)).data)


class SbomAttestationsView(APIView):
    def get_parsers(self) -> list[Any]:
        return [OctetStream()]

    @extend_schema(
        operation_id="sbom_attestations_list", parameters=PAGE_PARAMETERS, responses=paged(SbomAttestationOutput)
    )
    def get(self, request: Request, digest: str) -> Response:
        """What is attested of an image, newest first. The newest that is verified counts."""
        found = selectors.attestations_of(artifact_by_digest(digest))
        return page(request, found, order=("-received_at", "-id"), serializer=SbomAttestationOutput)

    @extend_schema(
        operation_id="sbom_attestations_take",
        request={media_types.DSSE: OpenApiTypes.BINARY},
        responses={201: SbomAttestationOutput},
    )
    def post(self, request: Request, digest: str) -> Response:
        """Hand in a DSSE envelope as `cosign attest --type cyclonedx` or `spdxjson` makes it, or cosign 3's bundle.

        409 with the reason's code where it does not count; that is recorded, and changes nothing.
        """
        artifact = artifact_by_digest(digest)
        # One byte more than is read tells that there is more; the rest stays unread.
        body = request.data.read(MAX_BYTES + 1) if hasattr(request.data, "read") else b""
        row = services.take_attestation(
            artifact=artifact, body=body, by=person_of(request), actor=actor_of(request), now=timezone.now()
        )
        headers = {"Location": f"{request.path}/{row.pk}"}
        return Response(SbomAttestationOutput(row).data, status=status.HTTP_201_CREATED, headers=headers)


class SbomAttestationView(APIView):
    @extend_schema(operation_id="sbom_attestations_read", responses={(200, media_types.DSSE): OpenApiTypes.BINARY})
    def get(self, request: Request, digest: str, attestation_id: UUID) -> HttpResponse:
        """The attestation, byte for byte as it was received."""
        refuse_unknown_parameters(request)
        row = selectors.attestation_of(artifact_by_digest(digest), attestation_id)
        body = kept_blobs().read(row.envelope_digest, MAX_BYTES)
        headers = {
            "Content-Disposition": f'attachment; filename="sbom-attestation-{str(row.pk)[:8]}.json"',
            "ETag": f'"{row.envelope_digest}"',
            "X-Content-Type-Options": "nosniff",
        }
        return HttpResponse(body, content_type=media_types.DSSE, headers=headers)
