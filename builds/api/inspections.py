"""What was seen in the files of an artifact's images."""

from typing import Any

from django.db.models import Count
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.api.caller import actor_of
from builds.api import image_serializers as serializers
from builds.domain.image_rules import RULES
from builds.models import Check, Inspection
from builds.selectors.inspections import inspections_of
from builds.services.inspections import ask_inspection
from portal.paging import PAGE_PARAMETERS, choice, exact, page, paged, refuse_unknown_parameters
from registry.models import Artifact
from registry.selectors import artifact_by_digest, runnable_images
from scans.api.jobs import started
from scans.api.serializers import JobStarted


class ArtifactInspectionView(APIView):
    @extend_schema(operation_id="artifacts_inspection_read", responses=serializers.InspectionOutput)
    def get(self, request: Request, digest: str) -> Response:
        """What is known of its files, image by image. An image that nobody has looked into is `unknown`."""
        refuse_unknown_parameters(request)
        artifact = artifact_by_digest(digest)
        return Response(serializers.InspectionOutput(_inspection(artifact)).data)

    @extend_schema(operation_id="artifacts_inspect", request=None, responses={202: JobStarted})
    def post(self, request: Request, digest: str) -> Response:
        """Look into the files, if nobody has by these rules or they could not be read."""
        artifact = artifact_by_digest(digest)
        ask_inspection(artifact=artifact, actor=actor_of(request), now=timezone.now())
        return started("builds.inspect", artifact.pk)


class ArtifactChecksView(APIView):
    @extend_schema(
        operation_id="artifacts_checks_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("rule", str, description="Its id, exactly: `GG2001`."),
            OpenApiParameter("severity", str, enum=list(Check.Severity.values)),
        ],
        responses=paged(serializers.ImageCheckOutput),
    )
    def get(self, request: Request, digest: str) -> Response:
        """What the rules found in its images. No result is worth something only where the inspection is `complete`."""
        images = runnable_images(artifact_by_digest(digest))
        rows = Check.objects.filter(inspection__artifact__in=images).select_related("inspection__artifact")
        filters = {"rule": exact("rule"), "severity": choice("severity", Check.Severity)}
        return page(request, rows, order=("id",), serializer=serializers.ImageCheckOutput, filters=filters)


class ImageRulesView(APIView):
    @extend_schema(operation_id="image_rules_list", responses=serializers.ImageRuleOutput(many=True))
    def get(self, request: Request) -> Response:
        """The rules that images are held against: what each is about, why it matters, what to do."""
        refuse_unknown_parameters(request)
        return Response(serializers.ImageRuleOutput(list(RULES.values()), many=True).data)


def _inspection(artifact: Artifact) -> dict[str, Any]:
    images = runnable_images(artifact)
    found = inspections_of([image.pk for image in images])
    counts: dict[Any, dict[str, int]] = {}
    rows = Check.objects.filter(inspection__in=found.values()).order_by().values("inspection__artifact_id", "severity")
    for row in rows.annotate(total=Count("pk")):
        counts.setdefault(row["inspection__artifact_id"], {})[row["severity"]] = row["total"]
    told = [_image(image, found.get(image.pk), counts.get(image.pk, {})) for image in images]
    return {"digest": artifact.digest, "images": told}


def _image(image: Artifact, inspection: Inspection | None, counts: dict[str, int]) -> dict[str, Any]:
    is_complete = inspection is not None and inspection.state == Inspection.State.COMPLETE
    told = inspection if is_complete else None
    return {
        "digest": image.digest,
        "platform": image.platform,
        "state": inspection.state if inspection else "unknown",
        "failure": inspection.failure if inspection else "",
        "rules_version": inspection.rules_version if inspection else None,
        "inspected_at": inspection.inspected_at if inspection else None,
        "file_count": told.file_count if told else None,
        "unpacked_bytes": told.unpacked_bytes if told else None,
        "checks": {word: counts.get(word, 0) for word in Check.Severity.values} if told else None,
        "profile": told.profile if told else None,
    }
