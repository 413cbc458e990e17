"""Sources over REST."""

from dataclasses import fields
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Person
from accounts.selectors import person_by_name
from audit.api.caller import actor_of
from builds.api.source_serializers import SourceChange, SourceInput, SourceOutput
from builds.models import Source
from builds.selectors.sources import source_by_id, sources
from builds.services.repositories import candidate_repository
from builds.services.sources import SourceFields, add_source, ask_fetch, change_source
from catalog.api.caller import person_of
from catalog.selectors import version_by_name
from jobs import selectors as jobs_selectors
from portal.paging import (
    CSV_PARAMETER,
    PAGE_PARAMETERS,
    AnyAccept,
    boolean,
    choice,
    exact,
    page_or_csv,
    paged_or_csv,
    refuse_unknown_parameters,
)

FETCH_JOB = "builds.fetch"
POLL_SECONDS = 1


class SourcesView(APIView):
    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="sources_list",
        parameters=[
            *PAGE_PARAMETERS,
            CSV_PARAMETER,
            OpenApiParameter("name", str, description="Only the one of this name."),
            OpenApiParameter("builder", str, enum=Source.Builder.values, description="Only those of this builder."),
            OpenApiParameter("paused", bool, description="Only paused, or only other, sources."),
        ],
        responses=paged_or_csv(SourceOutput),
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Sources by name."""
        return page_or_csv(
            request,
            sources(),
            order=("name", "id"),
            serializer=SourceOutput,
            name="sources.csv",
            filters={
                "name": exact("name"),
                "builder": choice("builder", Source.Builder),
                "paused": boolean("is_paused"),
            },
        )

    @extend_schema(operation_id="sources_create", request=SourceInput, responses={201: SourceOutput})
    def post(self, request: Request) -> Response:
        """Add a source of a version. Its first fetch is another call."""
        given = SourceInput(data=request.data)
        given.is_valid(raise_exception=True)
        person = person_of(request)
        said = _resolved(given.validated_data)
        said["version"] = version_by_name(said["version"])
        wanted = SourceFields(**{"owner": person, **said})
        made = add_source(wanted=wanted, created_by=person, actor=actor_of(request), now=timezone.now())
        shown = SourceOutput(source_by_id(made.pk)).data
        return Response(shown, status=201, headers={"Location": f"{request.path}/{made.pk}"})


class SourceView(APIView):
    @extend_schema(operation_id="sources_read", responses=SourceOutput)
    def get(self, request: Request, source_id: UUID) -> Response:
        """One source."""
        refuse_unknown_parameters(request)
        return Response(SourceOutput(source_by_id(source_id)).data)

    @extend_schema(operation_id="sources_change", request=SourceChange, responses=SourceOutput)
    def patch(self, request: Request, source_id: UUID) -> Response:
        """Change a source. What was approved stays approved; the next fetch finds another recipe if need be."""
        source = source_by_id(source_id)
        given = SourceChange(data=request.data)
        given.is_valid(raise_exception=True)
        said = _resolved(given.validated_data)
        reason = said.pop("reason", "")
        stored = {one.name: getattr(source, one.name) for one in fields(SourceFields)}
        wanted = SourceFields(**{**stored, **said})
        changed = change_source(
            source=source, wanted=wanted, reason=reason, actor=actor_of(request), now=timezone.now()
        )
        return Response(SourceOutput(changed).data)


class SourceFetchView(APIView):
    @extend_schema(operation_id="sources_fetch", request=None, responses={202: SourceOutput})
    def post(self, request: Request, source_id: UUID) -> Response:
        """Have a job fetch the source; read its recipes, or ``last_failure``, when it ended."""
        source = source_by_id(source_id)
        ask_fetch(source=source, actor=actor_of(request), now=timezone.now())
        job = jobs_selectors.jobs(kind=FETCH_JOB, subject_id=str(source.pk)).first()
        headers = {"Location": f"/api/v1/jobs/{job.pk}", "Retry-After": str(POLL_SECONDS)} if job else None
        return Response(SourceOutput(source).data, status=202, headers=headers)


def _resolved(said: dict[str, Any]) -> dict[str, Any]:
    """The person and the repository that were named, instead of their names. Raises ValidationError."""
    found = dict(said)
    if "owner" in found:
        found["owner"] = _person(found["owner"])
    if "candidate_repository" in found:
        found["candidate_repository"] = candidate_repository(name=found["candidate_repository"], now=timezone.now())
    return found


def _person(name: str) -> Person:
    found = person_by_name(name)
    if found is None:
        raise ValidationError({"owner": ["There is nobody of that name."]}, code="unknown_person")
    return found
