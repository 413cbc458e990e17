"""Who built an image, over REST."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from builds.api.provenance_serializers import ProvenanceOutput
from builds.selectors.provenance import provenance_of
from catalog.api.etag import tagged
from portal.paging import refuse_unknown_parameters
from registry.selectors import artifact_by_digest


class ArtifactProvenanceView(APIView):
    @extend_schema(operation_id="artifacts_provenance", responses=ProvenanceOutput)
    def get(self, request: Request, digest: str) -> Response:
        """Who built an image: from which commit, by which recipe approved by whom, and where that stands signed."""
        refuse_unknown_parameters(request)
        return tagged(request, Response(ProvenanceOutput(provenance_of(artifact_by_digest(digest))).data))
