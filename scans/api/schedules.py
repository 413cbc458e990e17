"""What is started by itself: listed, and given another timer."""

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.api.caller import actor_of
from jobs import selectors
from jobs.errors import ScheduleMissing
from jobs.services import change_schedule
from portal.paging import PAGE_PARAMETERS, page, paged, refuse_unknown_parameters
from scans.api import serializers


class SchedulesView(APIView):
    @extend_schema(
        operation_id="schedules_list", parameters=PAGE_PARAMETERS, responses=paged(serializers.ScheduleOutput)
    )
    def get(self, request: Request) -> Response:
        """Schedules by name."""
        return page(request, selectors.schedules(), order=("name", "id"), serializer=serializers.ScheduleOutput)


class ScheduleView(APIView):
    @extend_schema(operation_id="schedules_read", responses=serializers.ScheduleOutput)
    def get(self, request: Request, schedule_id: UUID) -> Response:
        """One schedule."""
        refuse_unknown_parameters(request)
        schedule = selectors.schedule_of_id(schedule_id)
        if schedule is None:
            raise ScheduleMissing(f"There is no schedule {schedule_id}.")
        return Response(serializers.ScheduleOutput(schedule).data)

    @extend_schema(
        operation_id="schedules_change", request=serializers.ScheduleChange, responses=serializers.ScheduleOutput
    )
    def put(self, request: Request, schedule_id: UUID) -> Response:
        """Give it another timer."""
        given = serializers.ScheduleChange(data=request.data)
        given.is_valid(raise_exception=True)
        schedule = change_schedule(
            schedule_id=schedule_id, actor=actor_of(request), now=timezone.now(), **given.validated_data
        )
        return Response(serializers.ScheduleOutput(schedule).data)
