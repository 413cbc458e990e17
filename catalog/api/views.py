"""Images, versions, subversions and the approved list over REST."""

from uuid import UUID

from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Team
from audit.api.caller import actor_of
from catalog import selectors, services
from catalog.api import serializers
from catalog.api.caller import person_of
from catalog.api.etag import tagged
from catalog.models import Image
from catalog.selectors import Entry
from portal.paging import (
    PAGE_PARAMETERS,
    choice,
    contains,
    csv_response,
    exact,
    page,
    paged,
    refuse_unknown_parameters,
)
from registry.selectors import artifact_by_digest


class ImagesView(APIView):
    @extend_schema(
        operation_id="images_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("name", str, description="Part of the name."),
            OpenApiParameter("purpose", str, enum=list(Image.Purpose.values)),
        ],
        responses=paged(serializers.ImageOutput),
    )
    def get(self, request: Request) -> Response:
        """Images by name, each with its versions."""
        filters = {"name": contains("name"), "purpose": choice("purpose", Image.Purpose)}
        found = page(request, selectors.images(), order=("name",), serializer=serializers.ImageOutput, filters=filters)
        return tagged(request, found)

    @extend_schema(
        operation_id="images_create", request=serializers.ImageInput, responses={201: serializers.ImageOutput}
    )
    def post(self, request: Request) -> Response:
        """Name a new image."""
        given = serializers.ImageInput(data=request.data)
        given.is_valid(raise_exception=True)
        asked = dict(given.validated_data)
        owner = asked.pop("owner")
        image = services.create_image(
            **asked,
            owner=get_object_or_404(Team, pk=owner) if owner else None,
            created_by=person_of(request),
            actor=actor_of(request),
            now=timezone.now(),
        )
        return Response(
            serializers.ImageOutput(image).data, status=201, headers={"Location": f"{request.path}/{image}"}
        )


class VersionsView(APIView):
    @extend_schema(operation_id="versions_list", parameters=PAGE_PARAMETERS, responses=paged(serializers.VersionOutput))
    def get(self, request: Request, image: str) -> Response:
        """Versions of one image, by name."""
        found = selectors.image_by_name(image).versions.select_related("image")
        return tagged(request, page(request, found, order=("name", "id"), serializer=serializers.VersionOutput))

    @extend_schema(
        operation_id="versions_create", request=serializers.VersionInput, responses={201: serializers.VersionOutput}
    )
    def post(self, request: Request, image: str) -> Response:
        """Name a new version of an image."""
        given = serializers.VersionInput(data=request.data)
        given.is_valid(raise_exception=True)
        version = services.create_version(
            image=selectors.image_by_name(image),
            name=given.validated_data["name"],
            created_by=person_of(request),
            actor=actor_of(request),
            now=timezone.now(),
        )
        place = request.path.removesuffix("/versions") + f"/{version.name}"
        return Response(serializers.VersionOutput(version).data, status=201, headers={"Location": place})


class VersionView(APIView):
    @extend_schema(operation_id="versions_read", responses=serializers.VersionHistoryOutput)
    def get(self, request: Request, image: str, version: str) -> Response:
        """What of this version to use now, and its whole history."""
        refuse_unknown_parameters(request)
        name = f"{image}/{version}"
        selectors.version_by_name(name)
        current, history = selectors.current_and_history(name, timezone.now())
        told = {"image": image, "version": version, "current": current, "history": history}
        return tagged(request, Response(serializers.VersionHistoryOutput(told).data))


class SubversionsView(APIView):
    @extend_schema(
        operation_id="subversions_add",
        request=serializers.SubversionInput,
        responses={201: serializers.SubversionOutput},
    )
    def post(self, request: Request, image: str, version: str) -> Response:
        """Give an imported artifact its place in the catalog, as a candidate."""
        given = serializers.SubversionInput(data=request.data)
        given.is_valid(raise_exception=True)
        now = timezone.now()
        added = services.add_subversion(
            version=selectors.version_by_name(f"{image}/{version}"),
            artifact=artifact_by_digest(given.validated_data["digest"]),
            name=given.validated_data["name"],
            created_by=person_of(request),
            actor=actor_of(request),
            now=now,
        )
        entry = Entry(added, selectors.state_of(added, now))
        return Response(
            serializers.SubversionOutput(entry).data,
            status=201,
            headers={"Location": f"/api/v1/subversions/{added.pk}"},
        )


class SubversionView(APIView):
    @extend_schema(operation_id="subversions_read", responses=serializers.SubversionOutput)
    def get(self, request: Request, subversion_id: UUID) -> Response:
        """One subversion and its state."""
        refuse_unknown_parameters(request)
        found = selectors.subversion_by_id(subversion_id)
        entry = Entry(found, selectors.state_of(found, timezone.now()))
        return tagged(request, Response(serializers.SubversionOutput(entry).data))


class ApprovedView(APIView):
    @extend_schema(
        operation_id="approved_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("image", str),
            OpenApiParameter("purpose", str, enum=list(Image.Purpose.values)),
        ],
        responses=paged(serializers.SubversionOutput),
    )
    def get(self, request: Request) -> Response:
        """The approved list: every subversion that may be used now."""
        found = page(
            request,
            selectors.approved_subversions(timezone.now()),
            order=("version__image__name", "version__name", "-certified_from", "-id"),
            serializer=serializers.SubversionOutput,
            filters={
                "image": exact("version__image__name"),
                "purpose": choice("version__image__purpose", Image.Purpose),
            },
        )
        return tagged(request, found)


class ApprovedCsvView(APIView):
    @extend_schema(operation_id="approved_csv", responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request) -> StreamingHttpResponse:
        """The approved list as CSV (RFC 4180, UTF-8), whole. Cells that a spreadsheet would run are made harmless."""
        refuse_unknown_parameters(request)
        return csv_response("approved.csv", COLUMNS, map(_cells, selectors.approved_list(timezone.now())))


COLUMNS = ("image", "version", "subversion", "state", "until", "digest", "from", "purpose", "sentence")


def _cells(entry: Entry) -> tuple[str, ...]:
    one = entry.subversion
    return (
        one.version.image.name,
        one.version.name,
        one.name,
        str(entry.view.state),
        f"{entry.view.until:%Y-%m-%dT%H:%M:%SZ}" if entry.view.until else "",
        one.artifact.digest,
        f"{one.certified_repository}@{one.certified_digest}",
        one.version.image.purpose,
        entry.view.sentence,
    )
