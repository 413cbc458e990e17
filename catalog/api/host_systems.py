"""Host systems over REST: releases of operating systems that machines boot, by checksum."""

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.api.caller import actor_of
from catalog import selectors, services
from catalog.api.caller import person_of
from catalog.definitions import definition
from catalog.models import HostSystem
from portal.paging import PAGE_PARAMETERS, exact, page, paged, refuse_unknown_parameters
from portal.serializers import StrictSerializer


class HostSystemOutput(serializers.Serializer[HostSystem]):
    """A release that somebody verified. It is never changed."""

    id = serializers.UUIDField()
    definition = serializers.CharField(source="name")
    version = serializers.CharField(help_text="The definition's line of releases.")
    release = serializers.CharField()
    architecture = serializers.CharField()
    artifact = serializers.CharField(help_text="The file that the checksum is over.")
    checksum = serializers.SerializerMethodField(help_text="sha256:… or sha512:…")
    signature = serializers.CharField(help_text="How its signature was verified, and with which key.")
    reason = serializers.CharField()
    recorded_by = serializers.CharField(source="recorded_by.username")
    recorded_at = serializers.DateTimeField()

    def get_checksum(self, found: HostSystem) -> str:
        return f"{found.algorithm}:{found.checksum}"


class HostSystemInput(StrictSerializer):
    """What a person says of a release that they verified."""

    definition = serializers.CharField(max_length=100, help_text="Of the starter set: flatcar.")
    version = serializers.CharField(max_length=128, help_text="The definition's line of releases: stable.")
    release = serializers.CharField(max_length=128)
    architecture = serializers.CharField(max_length=32)
    artifact = serializers.CharField(max_length=300)
    checksum = serializers.CharField(max_length=140)
    signature = serializers.CharField(max_length=2000)
    reason = serializers.CharField(max_length=4000)


class HostSystemsView(APIView):
    @extend_schema(
        operation_id="host_systems_list",
        parameters=[*PAGE_PARAMETERS, OpenApiParameter("definition", str), OpenApiParameter("release", str)],
        responses=paged(HostSystemOutput),
    )
    def get(self, request: Request) -> Response:
        """Every recorded release, newest first."""
        return page(
            request,
            selectors.host_systems(),
            order=("-recorded_at", "-id"),
            serializer=HostSystemOutput,
            filters={"definition": exact("name"), "release": exact("release")},
        )

    @extend_schema(operation_id="host_systems_add", request=HostSystemInput, responses={201: HostSystemOutput})
    def post(self, request: Request) -> Response:
        """Record a release with the checksum that was verified."""
        given = HostSystemInput(data=request.data)
        given.is_valid(raise_exception=True)
        values = dict(given.validated_data)
        added = services.add_host_system(
            definition=definition(values.pop("definition")),
            fields=services.HostSystemFields(**values),
            recorded_by=person_of(request),
            actor=actor_of(request),
            now=timezone.now(),
        )
        headers = {"Location": f"/api/v1/host-systems/{added.pk}"}
        return Response(HostSystemOutput(added).data, status=201, headers=headers)


class HostSystemView(APIView):
    @extend_schema(operation_id="host_systems_read", responses=HostSystemOutput)
    def get(self, request: Request, host_system_id: UUID) -> Response:
        """One recorded release."""
        refuse_unknown_parameters(request)
        return Response(HostSystemOutput(selectors.host_system_by_id(host_system_id)).data)
