"""Requests over REST."""

from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request as HttpRequest
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Team
from approvals import selectors, services
from approvals.api import serializers
from approvals.models import Request
from audit.api.caller import actor_of
from catalog.api.caller import person_of
from catalog.selectors import subversion_by_id
from portal.paging import PAGE_PARAMETERS, choice, exact, page, paged, refuse_unknown_parameters


def _team(team_id: UUID | None) -> Team | None:
    return get_object_or_404(Team, pk=team_id) if team_id else None


def _shown(request_id: int, status: int = 200) -> Response:
    shown = serializers.RequestOutput(selectors.request_by_id(request_id)).data
    headers = {"Location": f"/api/v1/requests/{request_id}"} if status == 201 else None
    return Response(shown, status=status, headers=headers)


class RequestsView(APIView):
    @extend_schema(
        operation_id="requests_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("state", str, enum=list(Request.State.values)),
            OpenApiParameter("image", str),
        ],
        responses=paged(serializers.RequestOutput),
    )
    def get(self, request: HttpRequest) -> Response:
        """What teams asked for, newest first."""
        return page(
            request,
            selectors.requests(),
            order=("-id",),
            serializer=serializers.RequestOutput,
            filters={"state": choice("state", Request.State), "image": exact("image_name")},
        )

    @extend_schema(
        operation_id="requests_ask",
        request=serializers.RequestInput,
        responses={201: serializers.RequestOutput},
    )
    def post(self, request: HttpRequest) -> Response:
        """Ask for a version; joins the request that is open for it already."""
        given = serializers.RequestInput(data=request.data)
        given.is_valid(raise_exception=True)
        asked = services.ask_request(
            image_name=given.validated_data["image"],
            version_name=given.validated_data["version"],
            reason=given.validated_data["reason"],
            team=_team(given.validated_data["team"]),
            asked_by=person_of(request),
            actor=actor_of(request),
            now=timezone.now(),
        )
        return _shown(asked.pk, 201)


class RequestView(APIView):
    @extend_schema(operation_id="requests_read", responses=serializers.RequestOutput)
    def get(self, request: HttpRequest, request_id: int) -> Response:
        """One request."""
        refuse_unknown_parameters(request)
        return _shown(request_id)


class RequestJoinView(APIView):
    @extend_schema(operation_id="requests_join", request=serializers.JoinInput, responses=serializers.RequestOutput)
    def post(self, request: HttpRequest, request_id: int) -> Response:
        """Say that one needs it too."""
        given = serializers.JoinInput(data=request.data)
        given.is_valid(raise_exception=True)
        services.join_request(
            request_id=request_id,
            person=person_of(request),
            reason=given.validated_data["reason"],
            team=_team(given.validated_data["team"]),
            actor=actor_of(request),
            now=timezone.now(),
        )
        return _shown(request_id)


class RequestAnswerView(APIView):
    @extend_schema(operation_id="requests_answer", request=serializers.AnswerInput, responses=serializers.RequestOutput)
    def post(self, request: HttpRequest, request_id: int) -> Response:
        """Answer, in words, with what to use where there is something."""
        given = serializers.AnswerInput(data=request.data)
        given.is_valid(raise_exception=True)
        subversion_id = given.validated_data["subversion"]
        services.answer_request(
            request_id=request_id,
            answered_by=person_of(request),
            answer=given.validated_data["answer"],
            subversion=subversion_by_id(subversion_id) if subversion_id else None,
            now=timezone.now(),
        )
        return _shown(request_id)


class RequestWithdrawView(APIView):
    @extend_schema(operation_id="requests_withdraw", request=None, responses=serializers.RequestOutput)
    def post(self, request: HttpRequest, request_id: int) -> Response:
        """Take one's request back; where others joined, it goes on as theirs."""
        services.withdraw_request(request_id=request_id, person=person_of(request), now=timezone.now())
        return _shown(request_id)
