"""Teams and who is in them."""

from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import selectors, services
from accounts.api import serializers
from accounts.api.caller import person_of
from accounts.models import Person, Team
from portal.paging import PAGE_PARAMETERS, contains, page, paged, refuse_unknown_parameters


class TeamsView(APIView):
    @extend_schema(
        operation_id="teams_list",
        parameters=[*PAGE_PARAMETERS, OpenApiParameter("name", str, description="Part of the name.")],
        responses=paged(serializers.TeamOutput),
    )
    def get(self, request: Request) -> Response:
        """Teams by name."""
        return page(
            request,
            Team.objects.all(),
            order=("name_folded", "id"),
            serializer=serializers.TeamOutput,
            filters={"name": contains("name")},
        )

    @extend_schema(operation_id="teams_create", request=serializers.TeamInput, responses={201: serializers.TeamOutput})
    def post(self, request: Request) -> Response:
        """Make a team."""
        given = serializers.TeamInput(data=request.data)
        given.is_valid(raise_exception=True)
        team = services.create_team(**given.validated_data, by=person_of(request), now=timezone.now())
        return Response(
            serializers.TeamOutput(team).data, status=201, headers={"Location": f"{request.path}/{team.pk}"}
        )


class TeamView(APIView):
    @extend_schema(operation_id="teams_read", responses=serializers.TeamOutput)
    def get(self, request: Request, team_id: UUID) -> Response:
        """One team."""
        refuse_unknown_parameters(request)
        return Response(serializers.TeamOutput(get_object_or_404(Team, pk=team_id)).data)


class TeamMembersView(APIView):
    @extend_schema(
        operation_id="teams_members_list", parameters=PAGE_PARAMETERS, responses=paged(serializers.MembershipOutput)
    )
    def get(self, request: Request, team_id: UUID) -> Response:
        """Who is in the team, by name."""
        team = get_object_or_404(Team, pk=team_id)
        return page(
            request,
            selectors.memberships_of(team),
            order=("person__username_folded", "id"),
            serializer=serializers.MembershipOutput,
        )

    @extend_schema(
        operation_id="teams_members_add",
        request=serializers.MembershipInput,
        responses={201: serializers.MembershipOutput},
    )
    def post(self, request: Request, team_id: UUID) -> Response:
        """Put a person into the team."""
        given = serializers.MembershipInput(data=request.data)
        given.is_valid(raise_exception=True)
        membership = services.add_member(
            team=get_object_or_404(Team, pk=team_id),
            person=get_object_or_404(Person, pk=given.validated_data["person"]),
            by=person_of(request),
            now=timezone.now(),
        )
        return Response(serializers.MembershipOutput(membership).data, status=201)


class TeamMemberView(APIView):
    @extend_schema(operation_id="teams_members_remove", responses={204: None})
    def delete(self, request: Request, team_id: UUID, person_id: UUID) -> Response:
        """Take a person out of the team."""
        services.remove_member(
            team=get_object_or_404(Team, pk=team_id),
            person=get_object_or_404(Person, pk=person_id),
            by=person_of(request),
            now=timezone.now(),
        )
        return Response(status=204)
