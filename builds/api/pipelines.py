"""Pipelines that a source trusts, over REST."""

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.api.caller import actor_of
from builds.models import TrustedPipeline
from builds.selectors.pipelines import pipelines_of
from builds.selectors.sources import source_by_id
from builds.services.pipelines import PipelineFields, end_pipeline, trust_pipeline
from catalog.api.caller import person_of
from portal.paging import PAGE_PARAMETERS, page, paged, refuse_unknown_parameters
from portal.serializers import StrictSerializer


class PipelineInput(StrictSerializer):
    """Whose tokens the source is to believe. Each is compared character by character."""

    kind = serializers.ChoiceField(choices=TrustedPipeline.Kind.choices)
    issuer = serializers.CharField(max_length=500, help_text="As in the token's `iss`; https.")
    audience = serializers.CharField(max_length=500, help_text="As in the token's `aud`; best this Goldgate's address.")
    subject = serializers.CharField(max_length=500, help_text="As in the token's `sub`. No patterns.")
    jwks_url = serializers.CharField(
        max_length=500, required=False, default="", allow_blank=True, help_text="On the issuer's host; left out: usual."
    )
    ca_pem = serializers.CharField(max_length=100_000, required=False, default="", allow_blank=True)
    is_private_allowed = serializers.BooleanField(
        default=False, help_text="An issuer inside the company: private addresses, and http."
    )


class PipelineOutput(serializers.ModelSerializer[TrustedPipeline]):
    """A pipeline that a source trusts, or trusted until ``ended_at``."""

    created_by = serializers.CharField(source="created_by.username")

    class Meta:
        model = TrustedPipeline
        fields = [
            "id", "kind", "issuer", "audience", "subject", "jwks_url", "is_private_allowed", "jwks_fetched_at",
            "created_at", "created_by", "ended_at",
        ]  # fmt: skip


class SourcePipelinesView(APIView):
    @extend_schema(operation_id="pipelines_list", parameters=PAGE_PARAMETERS, responses=paged(PipelineOutput))
    def get(self, request: Request, source_id: UUID) -> Response:
        """The pipelines whose submissions a source believes, and believed, newest first."""
        found = pipelines_of(source_by_id(source_id))
        return page(request, found, order=("-created_at", "-id"), serializer=PipelineOutput)

    @extend_schema(operation_id="pipelines_trust", request=PipelineInput, responses={201: PipelineOutput})
    def post(self, request: Request, source_id: UUID) -> Response:
        """Trust a pipeline."""
        wanted = PipelineInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        pipeline = trust_pipeline(
            source=source_by_id(source_id),
            fields=PipelineFields(**wanted.validated_data),
            by=person_of(request),
            actor=actor_of(request),
            now=timezone.now(),
        )
        return Response(PipelineOutput(pipeline).data, status=status.HTTP_201_CREATED)


class PipelineView(APIView):
    @extend_schema(operation_id="pipelines_end", responses={204: None})
    def delete(self, request: Request, pipeline_id: UUID) -> Response:
        """Trust a pipeline no longer. What it submitted stays."""
        refuse_unknown_parameters(request)
        end_pipeline(pipeline_id=pipeline_id, by=person_of(request), actor=actor_of(request), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)
