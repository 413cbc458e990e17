"""Certificates, and what stops them, over REST."""

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from approvals import selectors, services
from approvals.api import serializers
from catalog.api.caller import person_of
from catalog.api.etag import tagged
from catalog.selectors import subversion_by_id
from portal.paging import PAGE_PARAMETERS, page, paged, refuse_unknown_parameters


def _reason(request: Request) -> str:
    given = serializers.ReasonInput(data=request.data)
    given.is_valid(raise_exception=True)
    return str(given.validated_data["reason"])


class CertificationView(APIView):
    @extend_schema(operation_id="certifications_read", responses=serializers.CertificationOutput)
    def get(self, request: Request, certification_id: UUID) -> Response:
        """One certificate."""
        refuse_unknown_parameters(request)
        found = selectors.certification_by_id(certification_id)
        return tagged(request, Response(serializers.CertificationOutput(found).data))


class CertificationsView(APIView):
    @extend_schema(
        operation_id="certifications_list",
        parameters=PAGE_PARAMETERS,
        responses=paged(serializers.CertificationOutput),
    )
    def get(self, request: Request, subversion_id: UUID) -> Response:
        """Every certificate of a subversion, newest first."""
        found = selectors.certifications_of(subversion_by_id(subversion_id))
        return page(request, found, order=("-begun_at", "-id"), serializer=serializers.CertificationOutput)


class VerdictView(APIView):
    @extend_schema(operation_id="subversions_verdict", responses=serializers.VerdictOutput)
    def get(self, request: Request, subversion_id: UUID) -> Response:
        """Whether it could be certified now, line by line; and what moved since it was."""
        refuse_unknown_parameters(request)
        found = subversion_by_id(subversion_id)
        told = {
            "lines": selectors.subversion_verdict(found, timezone.now()),
            "moved": selectors.moved_since_packet(found),
        }
        return tagged(request, Response(serializers.VerdictOutput(told).data))


class SuspendView(APIView):
    @extend_schema(
        operation_id="subversions_suspend",
        request=serializers.ReasonInput,
        responses={201: serializers.SuspensionOutput},
    )
    def post(self, request: Request, subversion_id: UUID) -> Response:
        """Stop its use at once, for 72 hours at most."""
        made = services.suspend(
            subversion_id=subversion_id, person=person_of(request), reason=_reason(request), now=timezone.now()
        )
        return Response(serializers.SuspensionOutput(made).data, status=201)


class LiftView(APIView):
    @extend_schema(
        operation_id="subversions_lift", request=serializers.ReasonInput, responses=serializers.SuspensionOutput
    )
    def post(self, request: Request, subversion_id: UUID) -> Response:
        """Let it be used again."""
        lifted = services.lift_suspension(
            subversion_id=subversion_id, person=person_of(request), reason=_reason(request), now=timezone.now()
        )
        return Response(serializers.SuspensionOutput(lifted).data)


class RevokeView(APIView):
    @extend_schema(
        operation_id="subversions_revoke",
        request=serializers.ReasonInput,
        responses={201: serializers.RevocationOutput},
    )
    def post(self, request: Request, subversion_id: UUID) -> Response:
        """End it for good, at once."""
        made = services.revoke(
            subversion_id=subversion_id, person=person_of(request), reason=_reason(request), now=timezone.now()
        )
        return Response(serializers.RevocationOutput(made).data, status=201)
