"""Builds over REST: started, followed, compared; and whether each version is renewed as it should be."""

from uuid import UUID

from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.api.caller import actor_of
from builds.api.build_serializers import BuildOutput, CauseOutput, RenewalOutput
from builds.models import Build, Cause
from builds.selectors.builds import build_by_id, builds
from builds.selectors.sources import source_by_id
from builds.services.asking import ask_build, ask_reproduction
from catalog.api.caller import person_of
from catalog.models import Version
from portal.paging import (
    CSV_PARAMETER,
    PAGE_PARAMETERS,
    AnyAccept,
    choice,
    exact,
    identifier,
    page,
    page_or_csv,
    paged,
    paged_or_csv,
    refuse_unknown_parameters,
)
from scans.api.jobs import started


class BuildsView(APIView):
    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="builds_list",
        parameters=[
            *PAGE_PARAMETERS,
            CSV_PARAMETER,
            OpenApiParameter("source", UUID, description="Only those of this source."),
            OpenApiParameter("state", str, enum=Build.State.values),
            OpenApiParameter("purpose", str, enum=Build.Purpose.values),
        ],
        responses=paged_or_csv(BuildOutput),
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Builds, newest first."""
        return page_or_csv(
            request,
            builds(),
            order=("-asked_at", "-id"),
            serializer=BuildOutput,
            name="builds.csv",
            filters={
                "source": identifier("source_id"),
                "state": choice("state", Build.State),
                "purpose": choice("purpose", Build.Purpose),
            },
        )


class BuildView(APIView):
    @extend_schema(operation_id="builds_read", responses=BuildOutput)
    def get(self, request: Request, build_id: UUID) -> Response:
        """One build."""
        refuse_unknown_parameters(request)
        return Response(BuildOutput(build_by_id(build_id)).data)


class SourceBuildsView(APIView):
    @extend_schema(operation_id="sources_build", request=None, responses={202: BuildOutput})
    def post(self, request: Request, source_id: UUID) -> Response:
        """Build a source now. Where a build of it waits already, that one is the answer."""
        source = source_by_id(source_id)
        build = ask_build(source=source, by=person_of(request), actor=actor_of(request), now=timezone.now())
        return _accepted(build)


class SourceCausesView(APIView):
    @extend_schema(
        operation_id="sources_causes",
        parameters=[*PAGE_PARAMETERS, OpenApiParameter("reason", str, enum=Cause.Reason.values)],
        responses=paged(CauseOutput),
    )
    def get(self, request: Request, source_id: UUID) -> Response:
        """Why a source was built, and what is held back, newest first."""
        found = Cause.objects.filter(source=source_by_id(source_id))
        filters = {"reason": choice("reason", Cause.Reason)}
        return page(request, found, order=("-at", "-id"), serializer=CauseOutput, filters=filters)


class ReproductionsView(APIView):
    @extend_schema(operation_id="builds_reproduce", request=None, responses={202: BuildOutput})
    def post(self, request: Request, build_id: UUID) -> Response:
        """Build the same recipe a second time, to compare the layers."""
        build = build_by_id(build_id)
        second = ask_reproduction(build=build, by=person_of(request), actor=actor_of(request), now=timezone.now())
        return _accepted(second)


class RenewalsView(APIView):
    @extend_schema(
        operation_id="renewals_list",
        parameters=[*PAGE_PARAMETERS, OpenApiParameter("image", str, description="Only versions of this image.")],
        responses=paged(RenewalOutput),
    )
    def get(self, request: Request) -> Response:
        """Whether each version is renewed as often as it should be, by name."""
        versions = Version.objects.select_related("image")
        order = ("image__name", "name", "id")
        filters = {"image": exact("image__name")}
        return page(request, versions, order=order, serializer=RenewalOutput, filters=filters)


def _accepted(build: Build) -> Response:
    answer = started("builds.begin", build.pk)
    answer.data = BuildOutput(build_by_id(build.pk)).data
    return answer
