"""Upstream tags that are followed, over REST."""

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.api.caller import actor_of
from builds.api.build_serializers import WatchChange, WatchInput, WatchOutput
from builds.selectors.watches import watch_by_id, watches
from builds.services.watches import WatchFields, add_watch, ask_look, change_watch, remove_watch, resume_watch
from catalog.api.caller import person_of
from catalog.selectors import version_by_name
from portal.paging import PAGE_PARAMETERS, boolean, page, paged, refuse_unknown_parameters
from scans.api.jobs import started


class WatchesView(APIView):
    @extend_schema(
        operation_id="watches_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("stopped", bool, description="Only those that the breaker stopped, or only others."),
            OpenApiParameter("paused", bool),
        ],
        responses=paged(WatchOutput),
    )
    def get(self, request: Request) -> Response:
        """Watched tags, oldest first."""
        running = boolean("stopped_at__isnull")
        filters = {
            "stopped": lambda text: ~running(text) if text in ("true", "false") else running(text),
            "paused": boolean("is_paused"),
        }
        return page(request, watches(), order=("created_at", "id"), serializer=WatchOutput, filters=filters)

    @extend_schema(operation_id="watches_create", request=WatchInput, responses={201: WatchOutput})
    def post(self, request: Request) -> Response:
        """Follow an upstream tag; it is looked at at once."""
        given = WatchInput(data=request.data)
        given.is_valid(raise_exception=True)
        said = dict(given.validated_data)
        version = version_by_name(said.pop("version"))
        watch = add_watch(
            version=version,
            fields=WatchFields(**said),
            owner=person_of(request),
            actor=actor_of(request),
            now=timezone.now(),
        )
        headers = {"Location": f"{request.path}/{watch.pk}"}
        return Response(WatchOutput(watch_by_id(watch.pk)).data, status=201, headers=headers)


class WatchView(APIView):
    @extend_schema(operation_id="watches_read", responses=WatchOutput)
    def get(self, request: Request, watch_id: UUID) -> Response:
        """One watched tag."""
        refuse_unknown_parameters(request)
        return Response(WatchOutput(watch_by_id(watch_id)).data)

    @extend_schema(operation_id="watches_change", request=WatchChange, responses=WatchOutput)
    def patch(self, request: Request, watch_id: UUID) -> Response:
        """Change how a tag is followed, or pause it."""
        given = WatchChange(data=request.data)
        given.is_valid(raise_exception=True)
        watch = change_watch(
            watch_id=watch_by_id(watch_id).pk, actor=actor_of(request), now=timezone.now(), **given.validated_data
        )
        return Response(WatchOutput(watch).data)

    @extend_schema(operation_id="watches_remove", request=None, responses={204: None})
    def delete(self, request: Request, watch_id: UUID) -> Response:
        """Follow a tag no longer. What it brought stays."""
        remove_watch(watch_id=watch_id, actor=actor_of(request), now=timezone.now())
        return Response(status=204)


class WatchLookView(APIView):
    @extend_schema(operation_id="watches_look", request=None, responses={202: WatchOutput})
    def post(self, request: Request, watch_id: UUID) -> Response:
        """Look at the tag now."""
        watch = ask_look(watch_id=watch_id, now=timezone.now())
        answer = started("builds.look", watch.pk)
        answer.data = WatchOutput(watch).data
        return answer


class WatchResumeView(APIView):
    @extend_schema(operation_id="watches_resume", request=None, responses={202: WatchOutput})
    def post(self, request: Request, watch_id: UUID) -> Response:
        """Let a watch go on that the breaker stopped."""
        watch = resume_watch(watch_id=watch_id, actor=actor_of(request), now=timezone.now())
        answer = started("builds.look", watch.pk)
        answer.data = WatchOutput(watch).data
        return answer
