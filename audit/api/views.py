"""The record: its rows, its export, its checkpoints."""

from django.db.models import Q
from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit import selectors, services
from audit.api import serializers
from audit.api.caller import actor_of
from audit.verbs import Verb
from portal.paging import PAGE_PARAMETERS, before, choice, exact, page, paged, refuse_unknown_parameters, since

LARGEST_SEAL = 2**53 - 1


def _named(kind: str) -> Q:
    return Q(actor_id=kind) | Q(actor_name=kind)


def _about(text: str) -> Q:
    """``artifact`` or ``artifact:ID``."""
    kind, _, subject_id = text.partition(":")
    return Q(subject_kind=kind, subject_id=subject_id) if subject_id else Q(subject_kind=kind)


class RecordsView(APIView):
    @extend_schema(
        operation_id="record_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("verb", str, enum=list(Verb), description="Only deeds of this verb."),
            OpenApiParameter("actor", str, description="The id or the name of who did it."),
            OpenApiParameter("subject", str, description="`KIND` or `KIND:ID` of what it was done to."),
            OpenApiParameter("request", str, description="The id of the request that did it."),
            OpenApiParameter("since", OpenApiTypes.DATETIME, description="At or after this moment."),
            OpenApiParameter("before", OpenApiTypes.DATETIME, description="Before this moment."),
        ],
        responses=paged(serializers.RecordOutput),
    )
    def get(self, request: Request) -> Response:
        """What was done, newest first."""
        return page(
            request,
            selectors.records().select_related("leaf"),
            order=("-id",),
            serializer=serializers.RecordOutput,
            filters={
                "verb": choice("verb", Verb),
                "actor": _named,
                "subject": _about,
                "request": exact("request_id"),
                "since": since("at"),
                "before": before("at"),
            },
        )


class _AnyContent(BaseContentNegotiation):
    """The export has one form, whatever the caller accepts."""

    def select_parser(self, request: Request, parsers: list[object]) -> object:  # type: ignore[override]
        return parsers[0]

    def select_renderer(  # type: ignore[override]
        self, request: Request, renderers: list[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type or ""


class RecordExportView(APIView):
    content_negotiation_class = _AnyContent

    @extend_schema(
        operation_id="record_export",
        parameters=[OpenApiParameter("after", int, description="Only what stands after this seal. 0: everything.")],
        responses={(200, "application/x-ndjson"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """The record with its seals and checkpoints, as lines of JSON (docs/reference/record.md)."""
        refuse_unknown_parameters(request, ["after"])
        text = request.query_params.get("after", "0")
        if not (text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= LARGEST_SEAL):
            raise ValidationError({"after": ["It must be the number of a seal."]}, code="invalid")
        now = timezone.now()
        lines = services.export(actor=actor_of(request), now=now, after=int(text))
        name = f"goldgate-record-{now:%Y%m%dT%H%M%SZ}.jsonl"
        return StreamingHttpResponse(
            lines,
            content_type="application/x-ndjson",
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )


class CheckpointsView(APIView):
    @extend_schema(
        operation_id="record_checkpoints", parameters=PAGE_PARAMETERS, responses=paged(serializers.CheckpointOutput)
    )
    def get(self, request: Request) -> Response:
        """Signed checkpoints, newest first, and where they were taken."""
        return page(request, selectors.checkpoints(), order=("-seal_id",), serializer=serializers.CheckpointOutput)


class CheckpointKeysView(APIView):
    @extend_schema(operation_id="record_keys", responses=serializers.CheckpointKeyOutput(many=True))
    def get(self, request: Request) -> Response:
        """The public halves of the keys that signed checkpoints. Compare them with what you were told elsewhere."""
        refuse_unknown_parameters(request)
        return Response(serializers.CheckpointKeyOutput(selectors.checkpoint_keys(), many=True).data)
