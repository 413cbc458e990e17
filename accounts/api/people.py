"""People and the roles they hold."""

from typing import Any
from uuid import UUID

from django.db.models import Q
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import selectors, services
from accounts.api import serializers
from accounts.api.caller import person_of
from accounts.models import Person, RoleGrant, Team
from accounts.roles import Role
from portal.paging import PAGE_PARAMETERS, boolean, contains, page, paged, refuse_unknown_parameters


def _holds(text: str) -> Q:
    if text not in set(Role):
        raise ValueError(f"It must be one of {', '.join(Role)}.")
    return Q(pk__in=selectors.holders_of(Role(text), timezone.now()).values("pk"))


class MeView(APIView):
    @extend_schema(operation_id="me", responses=serializers.MeOutput)
    def get(self, request: Request) -> Response:
        """Who I am to Goldgate, and what I may do."""
        refuse_unknown_parameters(request)
        person = selectors.people().get(pk=person_of(request).pk)
        return Response(serializers.MeOutput(person, context={"request": request}).data)


class PeopleView(APIView):
    @extend_schema(
        operation_id="people_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("name", str, description="Part of the user name or of the shown name."),
            OpenApiParameter("active", bool, description="Only open, or only closed, accounts."),
            OpenApiParameter("role", str, enum=list(Role), description="Who holds this role everywhere, now."),
        ],
        responses=paged(serializers.PersonOutput),
    )
    def get(self, request: Request) -> Response:
        """Accounts by name."""
        return page(
            request,
            selectors.people(),
            order=("username_folded", "id"),
            serializer=serializers.PersonOutput,
            filters={
                "name": lambda text: contains("username")(text) | contains("display_name")(text),
                "active": boolean("is_active"),
                "role": _holds,
            },
        )

    @extend_schema(
        operation_id="people_create",
        request=serializers.PersonInput,
        responses={201: serializers.NewPersonOutput},
    )
    def post(self, request: Request) -> Response:
        """Make an account. Its one-time password is in this answer alone."""
        given = serializers.PersonInput(data=request.data)
        given.is_valid(raise_exception=True)
        made = services.create_person(**given.validated_data, by=person_of(request), now=timezone.now())
        return Response(
            serializers.NewPersonOutput(made).data,
            status=201,
            headers={"Location": f"{request.path}/{made.person.pk}"},
        )


class PersonView(APIView):
    @extend_schema(operation_id="people_read", responses=serializers.PersonOutput)
    def get(self, request: Request, person_id: UUID) -> Response:
        """One account."""
        refuse_unknown_parameters(request)
        person = get_object_or_404(selectors.people(), pk=person_id)
        return Response(serializers.PersonOutput(person).data)


class PersonDeactivateView(APIView):
    @extend_schema(operation_id="people_deactivate", request=None, responses=serializers.PersonOutput)
    def post(self, request: Request, person_id: UUID) -> Response:
        """Close the account: its sessions, tokens and roles end at once."""
        person = get_object_or_404(Person, pk=person_id)
        services.deactivate_person(person=person, by=person_of(request), now=timezone.now())
        return Response(serializers.PersonOutput(selectors.people().get(pk=person_id)).data)


class PersonReactivateView(APIView):
    @extend_schema(operation_id="people_reactivate", request=None, responses=serializers.NewPersonOutput)
    def post(self, request: Request, person_id: UUID) -> Response:
        """Open a closed account again, with a new one-time password and no role."""
        person = get_object_or_404(Person, pk=person_id)
        made = services.reactivate_person(person=person, by=person_of(request), now=timezone.now())
        return Response(serializers.NewPersonOutput(made).data)


class PersonResetPasswordView(APIView):
    @extend_schema(operation_id="people_reset_password", request=None, responses=serializers.OneTimePasswordOutput)
    def post(self, request: Request, person_id: UUID) -> Response:
        """Give the person a one-time password; their sessions and tokens end."""
        person = get_object_or_404(Person, pk=person_id)
        one_time = services.reset_password(person=person, by=person_of(request), now=timezone.now())
        return Response({"one_time_password": one_time})


class PersonLinkView(APIView):
    @extend_schema(operation_id="people_link", request=serializers.LinkInput, responses=serializers.PersonOutput)
    def post(self, request: Request, person_id: UUID) -> Response:
        """Say that two accounts belong to one person, so that they count as one reviewer."""
        given = serializers.LinkInput(data=request.data)
        given.is_valid(raise_exception=True)
        person = get_object_or_404(Person, pk=person_id)
        other = get_object_or_404(Person, pk=given.validated_data["same_person_as"])
        services.link_accounts(person=person, same_person_as=other, by=person_of(request), now=timezone.now())
        return Response(serializers.PersonOutput(selectors.people().get(pk=person_id)).data)


class PersonRolesView(APIView):
    @extend_schema(
        operation_id="people_roles_list", parameters=PAGE_PARAMETERS, responses=paged(serializers.RoleGrantOutput)
    )
    def get(self, request: Request, person_id: UUID) -> Response:
        """Every role the person holds, held, or will hold; newest first."""
        person = get_object_or_404(Person, pk=person_id)
        return page(
            request,
            selectors.grants_of(person),
            order=("-starts_at", "-id"),
            serializer=serializers.RoleGrantOutput,
        )

    @extend_schema(
        operation_id="people_roles_grant",
        request=serializers.RoleGrantInput,
        responses={201: serializers.RoleGrantOutput},
    )
    def post(self, request: Request, person_id: UUID) -> Response:
        """Give the person a role, everywhere or for one team's things, for a time or until further notice."""
        given = serializers.RoleGrantInput(data=request.data)
        given.is_valid(raise_exception=True)
        asked: dict[str, Any] = dict(given.validated_data)
        team_id = asked.pop("team")
        grant = services.grant_role(
            person=get_object_or_404(Person, pk=person_id),
            team=get_object_or_404(Team, pk=team_id) if team_id else None,
            by=person_of(request),
            now=timezone.now(),
            **asked,
        )
        return Response(serializers.RoleGrantOutput(grant).data, status=201)


class PersonRoleView(APIView):
    @extend_schema(operation_id="people_roles_end", responses={204: None})
    def delete(self, request: Request, person_id: UUID, grant_id: UUID) -> Response:
        """End the role at once. The grant stays on view, with its end."""
        grant = get_object_or_404(RoleGrant, pk=grant_id, person_id=person_id)
        services.end_role(grant=grant, by=person_of(request), now=timezone.now())
        return Response(status=204)
