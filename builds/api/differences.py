"""What is different between any two digests."""

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers as drf
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from builds.api import image_serializers as serializers
from builds.selectors.differences import difference
from builds.selectors.named_artifacts import artifact_named
from portal.paging import refuse_unknown_parameters

_MAX_NAME = 600


class DifferencesView(APIView):
    @extend_schema(
        operation_id="differences_read",
        parameters=[
            OpenApiParameter("from", str, required=True, description="A digest, `debian/12@NAME`, or `debian/12`."),
            OpenApiParameter("to", str, required=True, description="The same, of the newer one."),
        ],
        responses=serializers.DifferenceOutput,
    )
    def get(self, request: Request) -> Response:
        """Packages, findings, files, configuration and layers: what `to` has that `from` has not, and the reverse.

        `debian/12` is what is certified of it now.
        """
        refuse_unknown_parameters(request, frozenset({"from", "to"}))
        names = [request.query_params.get(name, "") for name in ("from", "to")]
        for name, text in zip(("from", "to"), names, strict=True):
            if not 0 < len(text) <= _MAX_NAME:
                raise drf.ValidationError({name: ["Name one image: a digest, or a name of the catalog."]})
        now = timezone.now()
        older, newer = (artifact_named(text, now) for text in names)
        return Response(difference(older, newer).as_json())
