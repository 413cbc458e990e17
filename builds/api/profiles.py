"""What a subversion is made of, beside its neighbours."""

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from builds.api import image_serializers as serializers
from builds.domain.profile import Neighbour
from builds.selectors.profiles import profile_view
from catalog.selectors import subversion_by_id
from portal.paging import refuse_unknown_parameters


class SubversionProfileView(APIView):
    @extend_schema(operation_id="subversions_profile_read", responses=serializers.SubversionProfileOutput)
    def get(self, request: Request, subversion_id: UUID) -> Response:
        """Packages, bytes, shells, package managers; other certified images for the purpose; those that have less."""
        refuse_unknown_parameters(request)
        found = profile_view(subversion_by_id(subversion_id), timezone.now())
        told = {
            "subversion": str(found.subversion),
            "profiles": [one.as_json() for one in found.profiles],
            "unknown": dict(found.unknown),
            "neighbours": [_neighbour(one) for one in found.neighbours],
            "smaller": [_neighbour(one) for one in found.smaller],
        }
        return Response(serializers.SubversionProfileOutput(told).data)


def _neighbour(one: Neighbour) -> dict[str, object]:
    profile = one.profile.as_json() if one.profile else None
    return {"name": one.name, "subversion_id": one.subversion_id, "digest": one.digest, "profile": profile}
