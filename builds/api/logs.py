"""A build's log, while it is written and afterwards."""

from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from builds.selectors.logs import log_part
from portal.paging import refuse_unknown_parameters

MAX_DIGITS = 9


class BuildLogOutput(serializers.Serializer[object]):
    """A part of a log. Ask again with ``after`` = ``next`` until ``is_end``."""

    state = serializers.CharField(source="build.state")
    text = serializers.CharField()
    next = serializers.IntegerField()
    is_end = serializers.BooleanField()


class BuildLogView(APIView):
    @extend_schema(
        operation_id="builds_log_read",
        parameters=[OpenApiParameter("after", int, description="The `next` of the part before. 0: from the start.")],
        responses=BuildLogOutput,
    )
    def get(self, request: Request, build_id: UUID) -> Response:
        """What the build said, secrets masked, 1 MiB at most at once."""
        refuse_unknown_parameters(request, ["after"])
        text = request.query_params.get("after", "0")
        if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
            raise ValidationError({"after": ["It must be the `next` of an earlier part."]}, code="invalid")
        return Response(BuildLogOutput(log_part(build_id, after=int(text))).data)
