"""Waves of renewals over REST."""

from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.api.caller import actor_of
from builds.api.build_serializers import WaveInput, WaveOutput, WholeWaveOutput
from builds.models import Cause
from builds.selectors.waves import row_views, wave_by_id, waves
from builds.services.waves import open_wave_by_hand
from catalog.api.caller import person_of
from catalog.selectors import version_by_name
from portal.paging import (
    CSV_PARAMETER,
    PAGE_PARAMETERS,
    AnyAccept,
    boolean,
    choice,
    page_or_csv,
    paged_or_csv,
    refuse_unknown_parameters,
)


class WavesView(APIView):
    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="waves_list",
        parameters=[
            *PAGE_PARAMETERS,
            CSV_PARAMETER,
            OpenApiParameter("open", bool, description="Only open, or only closed, waves."),
            OpenApiParameter("reason", str, enum=Cause.Reason.values),
        ],
        responses=paged_or_csv(WaveOutput),
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Waves, newest first."""
        filters = {"open": boolean("closed_at__isnull"), "reason": choice("reason", Cause.Reason)}
        return page_or_csv(
            request, waves(), order=("-opened_at", "-id"), serializer=WaveOutput, name="waves.csv", filters=filters
        )

    @extend_schema(operation_id="waves_open", request=WaveInput, responses={201: WholeWaveOutput})
    def post(self, request: Request) -> Response:
        """Renew a version now, and then everything that stands on it."""
        given = WaveInput(data=request.data)
        given.is_valid(raise_exception=True)
        person, now = person_of(request), timezone.now()
        version = version_by_name(given.validated_data["version"])
        wave = open_wave_by_hand(root=version, by=person, now=now, actor=actor_of(request))
        headers = {"Location": f"{request.path}/{wave.pk}"}
        return Response(_whole(wave.pk), status=201, headers=headers)


class WaveView(APIView):
    @extend_schema(operation_id="waves_read", responses=WholeWaveOutput)
    def get(self, request: Request, wave_id: UUID) -> Response:
        """A wave: one row an image, with what came of it and who must act."""
        refuse_unknown_parameters(request)
        return Response(_whole(wave_id))


def _whole(wave_id: UUID) -> Any:
    wave = wave_by_id(wave_id)
    wave.views = row_views(wave.pk, timezone.now())  # type: ignore[attr-defined]
    return WholeWaveOutput(wave).data
