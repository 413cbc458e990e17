"""Jobs: a list, one to follow, and the two things that a person can do about it."""

import hashlib
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs import selectors, services
from jobs.api import serializers
from jobs.api.asking import asker_of
from jobs.domain.state import State
from jobs.errors import JobMissing
from jobs.models import Job
from portal.paging import PAGE_PARAMETERS, choice, exact, page, paged, refuse_unknown_parameters

POLL_SECONDS = 1


class JobsView(APIView):
    @extend_schema(
        operation_id="jobs_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("state", str, enum=list(State), description="Only jobs in this state."),
            OpenApiParameter("kind", str, description="Only this kind, such as `scans.match`."),
            OpenApiParameter("subject", str, description="Only jobs about the thing with this id."),
        ],
        responses=paged(serializers.JobOutput),
    )
    def get(self, request: Request) -> Response:
        """Jobs, newest first."""
        return page(
            request,
            selectors.jobs(),
            order=("-created_at", "-id"),
            serializer=serializers.JobOutput,
            filters={"state": choice("state", State), "kind": exact("kind"), "subject": exact("subject_id")},
        )


class JobView(APIView):
    @extend_schema(
        operation_id="jobs_read",
        parameters=[OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER, description="The last `ETag`.")],
        responses={200: serializers.JobOutput, 304: OpenApiResponse(description="Nothing has changed.")},
    )
    def get(self, request: Request, job_id: UUID) -> Response:
        """One job. Poll it with its ETag, as often as Retry-After says; without that header it has ended."""
        refuse_unknown_parameters(request)
        job = selectors.job_of_id(job_id)
        if job is None:
            raise JobMissing(f"There is no job {job_id}.")
        return _followed(request, job)


class JobCancelView(APIView):
    @extend_schema(operation_id="jobs_cancel", request=None, responses=serializers.JobOutput)
    def post(self, request: Request, job_id: UUID) -> Response:
        """End a queued job; ask a running one to stop at its next step. One's own, or as a platform administrator."""
        now = timezone.now()
        job = services.cancel_job(job_id=job_id, asker=asker_of(request, now), now=now)
        return Response(serializers.JobOutput(job).data)


class JobRetryView(APIView):
    @extend_schema(operation_id="jobs_retry", request=None, responses={202: serializers.JobOutput})
    def post(self, request: Request, job_id: UUID) -> Response:
        """Queue a failed or cancelled job again, from its beginning. One's own, or as a platform administrator."""
        now = timezone.now()
        job = services.retry_job(job_id=job_id, asker=asker_of(request, now), now=now)
        headers = {"Location": request.path.removesuffix("/retry"), "Retry-After": str(POLL_SECONDS)}
        return Response(serializers.JobOutput(job).data, status=202, headers=headers)


def _followed(request: Request, job: Job) -> Response:
    data = serializers.JobOutput(job).data
    tag = f'"{hashlib.sha256(JSONRenderer().render(data)).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if job.is_open:
        headers["Retry-After"] = str(POLL_SECONDS)
    seen = [each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(",")]
    if tag in seen or seen == ["*"]:
        return Response(status=304, headers=headers)
    return Response(data, headers=headers)
