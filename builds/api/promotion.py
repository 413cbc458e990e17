"""The certified side over REST: moved tags, and whether certified digests can be pulled."""

from uuid import UUID

from django.db.models import Q
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from builds.models import DriftAlarm, PullProbe
from builds.selectors import promotion as promotion_read
from builds.selectors.promotion import drift_alarm_by_id
from builds.services import promotion
from catalog.api.caller import person_of
from jobs.models import Job
from portal.paging import PAGE_PARAMETERS, boolean, exact, page, paged, refuse_unknown_parameters
from portal.serializers import StrictSerializer
from scans.api.jobs import POLL_SECONDS
from scans.api.serializers import JobStarted


class DriftAlarmOutput(serializers.Serializer[DriftAlarm]):
    """A tag of the certified side that names something else than it should."""

    id = serializers.UUIDField()
    repository = serializers.CharField(source="repository.name", help_text="host/path")
    tag = serializers.CharField()
    expected_digest = serializers.CharField(help_text="Empty: no tag should be there.")
    found_digest = serializers.CharField(help_text="Empty: the tag is gone.")
    opened_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)
    closed_by = serializers.CharField(
        source="closed_by.username", default=None, allow_null=True, help_text="Null on a closed one: by itself."
    )
    reason = serializers.CharField()


class PullProbeOutput(serializers.Serializer[PullProbe]):
    """Whether a certified digest could be pulled when it was last tried."""

    subversion = serializers.UUIDField(source="subversion_id")
    name = serializers.CharField(source="subversion.__str__")
    digest = serializers.CharField(source="subversion.artifact.digest")
    repository = serializers.CharField(source="subversion.certified_repository")
    is_pullable = serializers.BooleanField()
    detail = serializers.CharField(help_text="Why it could not be pulled.")
    probed_at = serializers.DateTimeField()
    failing_since = serializers.DateTimeField(allow_null=True)


class DriftCloseInput(StrictSerializer):
    reason = serializers.CharField(max_length=4000)


class DriftAlarmsView(APIView):
    @extend_schema(
        operation_id="drift_alarms_list",
        parameters=[*PAGE_PARAMETERS, OpenApiParameter("open", bool), OpenApiParameter("tag", str)],
        responses=paged(DriftAlarmOutput),
    )
    def get(self, request: Request) -> Response:
        """Tags that moved behind our back, newest first."""
        return page(
            request,
            promotion_read.drift_alarms(),
            order=("-opened_at", "-id"),
            serializer=DriftAlarmOutput,
            filters={"open": _is_open, "tag": exact("tag")},
        )

    @extend_schema(operation_id="drift_alarms_look", request=None, responses={202: JobStarted})
    def post(self, request: Request) -> Response:
        """Look at every tag of the certified side now."""
        return _accepted(promotion.ask_drift_look(now=timezone.now()))


class DriftAlarmCloseView(APIView):
    @extend_schema(operation_id="drift_alarms_close", request=DriftCloseInput, responses=DriftAlarmOutput)
    def post(self, request: Request, alarm_id: UUID) -> Response:
        """Say why an alarm needs no more."""
        refuse_unknown_parameters(request)
        given = DriftCloseInput(data=request.data)
        given.is_valid(raise_exception=True)
        promotion.close_drift(alarm_id=alarm_id, person=person_of(request), now=timezone.now(), **given.validated_data)
        return Response(DriftAlarmOutput(drift_alarm_by_id(alarm_id)).data)


class PullProbesView(APIView):
    @extend_schema(
        operation_id="pull_probes_list",
        parameters=[*PAGE_PARAMETERS, OpenApiParameter("pullable", bool)],
        responses=paged(PullProbeOutput),
    )
    def get(self, request: Request) -> Response:
        """Every certified digest that was tried, those that failed first."""
        return page(
            request,
            promotion_read.pull_probes(),
            order=("is_pullable", "-probed_at", "subversion_id"),
            serializer=PullProbeOutput,
            filters={"pullable": boolean("is_pullable")},
        )

    @extend_schema(operation_id="pull_probes_run", request=None, responses={202: JobStarted})
    def post(self, request: Request) -> Response:
        """Try every certified digest now."""
        return _accepted(promotion.ask_probes(now=timezone.now()))


def _is_open(text: str) -> Q:
    if text not in ("true", "false"):
        raise ValueError("It must be true or false.")
    return Q(closed_at__isnull=text == "true")


def _accepted(job: Job) -> Response:
    headers = {"Location": f"/api/v1/jobs/{job.pk}", "Retry-After": str(POLL_SECONDS)}
    return Response({"job": job.pk}, status=202, headers=headers)
