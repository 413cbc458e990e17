"""Waivers over REST: asked by people and their tokens, answered by people alone."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from approvals import services
from approvals.api.serializers import ReasonInput
from audit.api.caller import actor_of
from catalog.api.caller import person_of
from policies.api.serializers import GrantOutput
from policies.domain.grants import MAX_DAYS
from policies.models import Grant
from policies.selectors import grant_by_id
from portal.serializers import StrictSerializer


class WaiverInput(StrictSerializer):
    """Which check may fail, where, why and until when."""

    rule = serializers.CharField(max_length=40, help_text="The check's stable id, such as GG1003 or DL3008.")
    scope_kind = serializers.ChoiceField(choices=Grant.ScopeKind.choices)
    scope = serializers.CharField(max_length=300, help_text="A version (debian/12), a source's name, or a digest.")
    reason = serializers.CharField(max_length=4000)
    ticket = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    ends_at = serializers.DateTimeField(help_text=f"At most {MAX_DAYS} days from now.")


def _shown(grant_id: UUID, *, status: int = 200) -> Response:
    headers = {"Location": f"/api/v1/grants/{grant_id}"} if status == 201 else None
    return Response(GrantOutput(grant_by_id(grant_id)).data, status=status, headers=headers)


def _reason(request: Request) -> Any:
    given = ReasonInput(data=request.data)
    given.is_valid(raise_exception=True)
    return given.validated_data["reason"]


class WaiversView(APIView):
    @extend_schema(operation_id="waivers_ask", request=WaiverInput, responses={201: GrantOutput})
    def post(self, request: Request) -> Response:
        """Ask to let a check fail for a while. It does not pass before another person gave it."""
        given = WaiverInput(data=request.data)
        given.is_valid(raise_exception=True)
        asked = services.ask_waiver(
            **given.validated_data, asked_by=person_of(request), actor=actor_of(request), now=timezone.now()
        )
        return _shown(asked.pk, status=201)


class WaiverGiveView(APIView):
    @extend_schema(operation_id="waivers_give", request=None, responses=GrantOutput)
    def post(self, request: Request, grant_id: UUID) -> Response:
        """Let the check fail from now until the end that was asked for."""
        services.give_waiver(grant_id=grant_id, given_by=person_of(request), now=timezone.now())
        return _shown(grant_id)


class WaiverRefuseView(APIView):
    @extend_schema(operation_id="waivers_refuse", request=ReasonInput, responses=GrantOutput)
    def post(self, request: Request, grant_id: UUID) -> Response:
        """Answer no; or take back what one asked for."""
        services.refuse_waiver(
            grant_id=grant_id, person=person_of(request), reason=_reason(request), now=timezone.now()
        )
        return _shown(grant_id)


class WaiverEndView(APIView):
    @extend_schema(operation_id="waivers_end", request=ReasonInput, responses=GrantOutput)
    def post(self, request: Request, grant_id: UUID) -> Response:
        """Let it hold no longer, before its time."""
        services.end_waiver(grant_id=grant_id, person=person_of(request), reason=_reason(request), now=timezone.now())
        return _shown(grant_id)
