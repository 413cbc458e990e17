"""Signing keys over HTTP."""

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.paging import refuse_unknown_parameters
from signing import selectors
from signing.api.serializers import SigningKeysOutput


class SigningKeysView(APIView):
    """The public keys."""

    @extend_schema(operation_id="signing_keys_list", responses=SigningKeysOutput)
    def get(self, request: Request) -> Response:
        """Every public key, newest first; a retired one still verifies what it signed in its time."""
        refuse_unknown_parameters(request)
        return Response(SigningKeysOutput({"results": selectors.signing_keys()}).data)


class SigningKeyPemView(APIView):
    """One public key as a file."""

    @extend_schema(operation_id="signing_key_pem", responses={(200, "application/x-pem-file"): OpenApiTypes.STR})
    def get(self, request: Request, key_id: str) -> HttpResponse:
        """The PEM file that ``cosign verify --key`` reads."""
        refuse_unknown_parameters(request)
        key = selectors.signing_key(key_id)
        return HttpResponse(
            key.public_pem,
            content_type="application/x-pem-file",
            headers={"Content-Disposition": f'attachment; filename="goldgate-{key.key_id[:12]}.pub"'},
        )
