"""Addresses for tests of the portal's own machinery, and the rows that let them be reached."""

from django.http import HttpResponse
from django.urls import include, path
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Person
from accounts.roles import Role
from core.errors import FieldError, GoldgateError, Kind
from portal.access import ANY_PERSON, GATE, PUBLIC, in_team, only
from portal.paging import boolean, choice, exact, identifier, page, since
from portal.serializers import StrictSerializer


class Echo(APIView):
    def get(self, request):
        return Response({"method": request.method})

    def post(self, request):
        return Response(request.data)


class Boom(APIView):
    def get(self, request):
        raise RuntimeError("the secret is xyzzy")


class NotYet(GoldgateError):
    code = "not_yet"
    kind = Kind.CONFLICT


class Refuses(APIView):
    def get(self, request):
        raise NotYet("It is too early.", cure="Wait.", errors=[FieldError("/when", "early", "Before noon.")])


class Inner(StrictSerializer):
    size = serializers.IntegerField()


class Outer(StrictSerializer):
    name = serializers.CharField()
    parts = Inner(many=True)


class Validates(APIView):
    def post(self, request):
        given = Outer(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(given.validated_data)


class PersonRow(serializers.Serializer):
    username = serializers.CharField()


class People(APIView):
    def get(self, request):
        return page(
            request,
            Person.objects.all(),
            order=("-created_at", "-id"),
            serializer=PersonRow,
            filters={
                "name": exact("username"),
                "active": boolean("is_active"),
                "role": choice("role_grants__role", Role),
                "maker": identifier("created_by"),
                "since": since("created_at"),
            },
        )


class GateCredential:
    is_gate_credential = True


class GateAuthentication(BaseAuthentication):
    def authenticate(self, request):
        return (object(), GateCredential()) if request.META.get("HTTP_AUTHORIZATION") == "Bearer gate" else None

    def authenticate_header(self, request):
        return 'Bearer realm="goldgate"'


class GateOnly(APIView):
    authentication_classes = [GateAuthentication]

    def post(self, request):
        return Response({})


class GateTriesPeople(Echo):
    authentication_classes = [GateAuthentication]


class StepsAround(Echo):
    permission_classes = [AllowAny]


def a_page(request):
    return HttpResponse(f"{request.method} {sorted(map(str, request.roles))}")


def boom_page(request):
    raise RuntimeError("the secret is xyzzy")


api = [
    path("echo", Echo.as_view(), name="echo"),
    path("boom", Boom.as_view(), name="boom"),
    path("refuses", Refuses.as_view(), name="refuses"),
    path("validates", Validates.as_view(), name="validates"),
    path("people", People.as_view(), name="people"),
    path("gate-only", GateOnly.as_view(), name="gate-only"),
    path("gate-tries", GateTriesPeople.as_view(), name="gate-tries"),
    path("steps-around", StepsAround.as_view(), name="steps-around"),
    path("no-row", Echo.as_view(), name="no-row"),
    path("team", Echo.as_view(), name="team"),
    path("not-team", Echo.as_view(), name="not-team"),
    path("function", a_page, name="function"),
]
web = [
    path("signin", a_page, name="signin"),
    path("password", a_page, name="password"),
    path("signout", a_page, name="signout"),
    path("reviewers", a_page, name="reviewers"),
    path("anybody", a_page, name="anybody"),
    path("no-row", a_page, name="no-row"),
    path("boom", boom_page, name="boom"),
]
urlpatterns = [
    path("api/v1/probe/", include((api, "probe"))),
    path("", include((web, "web"))),
]
handler400 = "portal.problem.bad_request"
handler403 = "portal.problem.permission_denied"
handler404 = "portal.problem.not_found"
handler500 = "portal.problem.server_error"

ROWS = {
    "probe:echo": {"GET": only(*Role, scope="read"), "POST": only(Role.REVIEWER, scope="propose")},
    "probe:boom": {"GET": PUBLIC},
    "probe:refuses": {"GET": PUBLIC},
    "probe:validates": {"POST": PUBLIC},
    "probe:people": {"GET": PUBLIC},
    "probe:gate-only": {"POST": GATE},
    "probe:gate-tries": {"GET": only(*Role, scope="read")},
    "probe:steps-around": {"GET": PUBLIC},
    "probe:team": {"GET": in_team(only(Role.REVIEWER, scope="read"))},
    "probe:not-team": {"GET": only(Role.REVIEWER, scope="read")},
    "probe:function": {"GET": ANY_PERSON},
    "web:signin": {"GET": PUBLIC, "POST": PUBLIC},
    "web:password": {"GET": ANY_PERSON, "POST": ANY_PERSON},
    "web:signout": {"POST": ANY_PERSON},
    "web:reviewers": {"GET": only(Role.REVIEWER, Role.SECURITY_REVIEWER), "POST": only(Role.REVIEWER)},
    "web:anybody": {"GET": ANY_PERSON},
    "web:boom": {"GET": PUBLIC},
}
