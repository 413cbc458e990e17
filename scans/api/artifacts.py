"""What is known of one artifact: its scan, its findings, its bill of materials."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.api.caller import actor_of
from portal.paging import (
    CSV_PARAMETER,
    PAGE_PARAMETERS,
    AnyAccept,
    csv_response,
    is_csv_asked,
    paged_or_csv,
    refuse_unknown_parameters,
)
from registry.blobs import kept_blobs
from registry.models import Artifact
from registry.selectors import artifact_by_digest
from scans import selectors, services
from scans.api import finding_pages, serializers
from scans.api.jobs import started
from scans.errors import NotInventoried
from scans.selectors.policy_ages import allowed_feed_age

CYCLONEDX = "application/vnd.cyclonedx+json; version=1.6"


class ArtifactScanView(APIView):
    @extend_schema(operation_id="artifacts_scan_read", responses=serializers.ScanOutput)
    def get(self, request: Request, digest: str) -> Response:
        """The newest scan, judged for now and for the policy in force. 404: nobody has looked yet."""
        refuse_unknown_parameters(request)
        artifact = artifact_by_digest(digest)
        return Response(serializers.ScanOutput(_scan(artifact)).data)

    @extend_schema(operation_id="artifacts_scan_again", request=None, responses={202: serializers.JobStarted})
    def post(self, request: Request, digest: str) -> Response:
        """Look into the artifact, if nobody has with this version of the scanner, and match it again."""
        artifact = artifact_by_digest(digest)
        services.ask_scan(artifact=artifact, actor=actor_of(request), now=timezone.now())
        return started("scans.inventory", artifact.pk)


class ArtifactFindingsView(APIView):
    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="artifacts_findings_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("severity", str, enum=serializers.SEVERITY_WORDS),
            OpenApiParameter("fixable", bool, description="Whether a fixed version exists."),
            OpenApiParameter("known_exploited", bool),
            OpenApiParameter("outcome", str, enum=["affected", "cannot_compare"]),
            OpenApiParameter("package", str, description="Of the installed or the source package, exactly."),
            OpenApiParameter("vulnerability", str, description="Its id, or an advisory's, exactly."),
            CSV_PARAMETER,
        ],
        responses=paged_or_csv(serializers.FindingOutput),
    )
    def get(self, request: Request, digest: str) -> HttpResponseBase:
        """Findings, exploited ones first, then the worst. What they are worth is said by the scan's state."""
        artifact = artifact_by_digest(digest)
        _require_scan(artifact)
        rows = finding_pages.chosen(request, selectors.findings(artifact))
        if is_csv_asked(request):
            name = f"findings-{artifact.digest.rpartition(':')[2][:12]}.csv"
            return csv_response(name, finding_pages.COLUMNS, map(finding_pages.cells_of, rows))
        return finding_pages.page(request, rows)


class ArtifactSbomView(APIView):
    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="artifacts_sbom_read",
        responses={(200, "application/vnd.cyclonedx+json"): OpenApiTypes.BINARY, 404: OpenApiResponse()},
    )
    def get(self, request: Request, digest: str) -> StreamingHttpResponse:
        """The bill of materials (CycloneDX 1.6) of an image, byte for byte as the scanner wrote it."""
        refuse_unknown_parameters(request)
        artifact = artifact_by_digest(digest)
        inventory = selectors.latest_inventory(artifact)
        if inventory is None:
            detail = f"{artifact.digest} has no inventory" + ("; its images have." if artifact.is_index else ".")
            raise NotInventoried(detail, cure="Ask for an image that was scanned.")
        name = f"sbom-{artifact.digest.rpartition(':')[2][:12]}.cdx.json"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "ETag": f'"{inventory.sbom_digest}"',
            "X-Content-Type-Options": "nosniff",
        }
        return StreamingHttpResponse(_body(inventory.sbom_digest), content_type=CYCLONEDX, headers=headers)


def _body(digest: str) -> Iterator[bytes]:
    store = kept_blobs()
    store.size(digest)  # raises BlobMissing before the answer has begun
    return store.chunks(digest)


def _require_scan(artifact: Artifact) -> None:
    if selectors.latest_scan(artifact) is None:
        raise NotInventoried(f"{artifact.digest} has not been scanned yet.", cure="Wait for its scan, or ask for one.")


def _scan(artifact: Artifact) -> dict[str, Any]:
    _require_scan(artifact)
    scan = selectors.latest_scan(artifact)
    now = timezone.now()
    judged = selectors.scan_state_at(scan, now, allowed_feed_age(now))
    inventory = scan.inventory if scan else None
    return {
        "digest": artifact.digest,
        "state": judged.state,
        "cause": judged.cause,
        "sentence": judged.sentence,
        "cure": judged.cure,
        "scanned_at": scan.scanned_at if scan else None,
        "feed_snapshot_at": scan.feed_snapshot_at if scan else None,
        "feed_name": scan.feed_name if scan else "",
        "is_feed_frozen": scan.is_feed_frozen if scan else False,
        "support": judged.support,
        "support_ends_on": judged.support_ends_on,
        "os": f"{inventory.os_id} {inventory.os_version}".strip() if inventory else "",
        "tool": f"{inventory.tool} {inventory.tool_version}" if inventory else "",
        "component_count": inventory.component_count if inventory else None,
        "coverage": scan.coverage if scan else {},
        "summary": scan.summary if scan else {},
    }
