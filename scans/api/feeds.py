"""Feeds: what is known of vulnerabilities, and from when."""

from io import BytesIO
from typing import cast
from uuid import UUID

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.api.caller import actor_of
from portal.paging import PAGE_PARAMETERS, boolean, choice, moment, page, paged, refuse_unknown_parameters
from scans import services
from scans.api import serializers
from scans.api.jobs import started
from scans.models import Feed
from scans.selectors.feeds import feed_of_id
from scans.services.uploads import Readable, keep_upload


class OctetStream(BaseParser):
    """Any bytes, read by the view in a stream."""

    media_type = "*/*"

    def parse(self, stream, media_type=None, parser_context=None):  # type: ignore[no-untyped-def]
        return stream


class FeedsView(APIView):
    @extend_schema(
        operation_id="feeds_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("kind", str, enum=Feed.Kind.values),
            OpenApiParameter("state", str, enum=Feed.State.values),
            OpenApiParameter("enabled", bool),
        ],
        responses=paged(serializers.FeedOutput),
    )
    def get(self, request: Request) -> Response:
        """Feeds by name."""
        return page(
            request,
            Feed.objects.all(),
            order=("name", "id"),
            serializer=serializers.FeedOutput,
            filters={
                "kind": choice("kind", Feed.Kind),
                "state": choice("state", Feed.State),
                "enabled": boolean("is_enabled"),
            },
        )

    @extend_schema(operation_id="feeds_add", request=serializers.FeedInput, responses={201: serializers.FeedOutput})
    def post(self, request: Request) -> Response:
        """Name a feed. It is synced by its schedule, or at once by asking for it."""
        given = serializers.FeedInput(data=request.data)
        given.is_valid(raise_exception=True)
        feed = services.add_feed(**given.validated_data, actor=actor_of(request), now=timezone.now())
        headers = {"Location": f"{request.path}/{feed.pk}"}
        return Response(serializers.FeedOutput(feed).data, status=201, headers=headers)


class FeedView(APIView):
    @extend_schema(operation_id="feeds_read", responses=serializers.FeedOutput)
    def get(self, request: Request, feed_id: UUID) -> Response:
        """One feed."""
        refuse_unknown_parameters(request)
        return Response(serializers.FeedOutput(feed_of_id(feed_id)).data)

    @extend_schema(operation_id="feeds_change", request=serializers.FeedChange, responses=serializers.FeedOutput)
    def patch(self, request: Request, feed_id: UUID) -> Response:
        """Change where it comes from, or whether it counts."""
        given = serializers.FeedChange(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        feed = services.change_feed(
            feed_id=feed_id, actor=actor_of(request), now=timezone.now(), **given.validated_data
        )
        return Response(serializers.FeedOutput(feed).data)


class FeedSyncView(APIView):
    @extend_schema(operation_id="feeds_sync", request=None, responses={202: serializers.JobStarted})
    def post(self, request: Request, feed_id: UUID) -> Response:
        """Fetch the feed from its publisher now."""
        services.ask_sync(feed_id=feed_id, actor=actor_of(request), now=timezone.now())
        return started("scans.sync_feed", feed_id)


class FeedContentsView(APIView):
    parser_classes = (OctetStream,)

    @extend_schema(
        operation_id="feeds_upload",
        parameters=[
            OpenApiParameter("snapshot_at", OpenApiTypes.DATETIME, required=True, description="From when it is."),
            OpenApiParameter("source", str, description="Who states that."),
            OpenApiParameter("name", str, description="The file's name; `.json` means one document, else lines."),
        ],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={202: serializers.JobStarted},
    )
    def post(self, request: Request, feed_id: UUID) -> Response:
        """Take over a file: `.jsonl`, `.json`, either gzipped, or a zip of `.json` files."""
        refuse_unknown_parameters(request, ["snapshot_at", "source", "name"])
        try:
            stated = moment(request.query_params.get("snapshot_at", ""))
        except ValueError as error:
            detail = f"{error} Nobody else can say from when the file is."
            raise ValidationError({"snapshot_at": [detail]}, code="invalid") from error
        keep_upload(
            feed=feed_of_id(feed_id),
            # An empty body never reaches a parser.
            stream=cast(Readable, request.data) if hasattr(request.data, "read") else BytesIO(),
            file_name=request.query_params.get("name", ""),
            snapshot_at=stated,
            source=request.query_params.get("source", ""),
            actor=actor_of(request),
            now=timezone.now(),
        )
        return started("scans.import_upload", feed_id)
