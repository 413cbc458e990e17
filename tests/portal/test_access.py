"""The real table: walked against the URL resolver, the OpenAPI document, and every kind of caller (invariant 13)."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from accounts.models import Person, RoleGrant
from accounts.roles import Role, Scope
from admission.models import Cluster
from portal.access import ANY_PERSON, GATE, PUBLIC, ROUTES, Access, Caller, any_person, in_team, is_allowed, only
from portal.openapi import make_document
from portal.permission import TablePermission
from portal.routes import Route, routes
from tests.factories.accounts import PersonFactory, TeamFactory, person_with, token_for
from tests.factories.admission import enrolled_gate

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]
OVERRIDES = ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"]
ALL = list(routes())
API = [route for route in ALL if route.api_view]
# What a token may never do, whatever it carries: be more than it was, or stand in for a person's judgement.
NO_TOKEN = re.compile(r"/people|/v1/tokens|/roles|/teams|review|suspend|revoke|reject|certif")
UUID = "0190a1b0-0000-7000-8000-000000000000"


class TestTheRowItself:
    """``is_allowed`` is pure: each cell of its own small table is written out."""

    person = Caller(is_person=True)
    reviewer = Caller(is_person=True, roles=frozenset({Role.REVIEWER}), roles_in_teams=frozenset({Role.REVIEWER}))
    in_one_team = Caller(is_person=True, roles_in_teams=frozenset({Role.REVIEWER}))
    robot = Caller(
        is_person=True,
        scopes=frozenset({"read"}),
        roles=frozenset({Role.REVIEWER}),
        roles_in_teams=frozenset({Role.REVIEWER}),
    )
    gate = Caller(is_gate=True)
    nobody = Caller()

    @pytest.mark.parametrize(
        ("access", "allowed"),
        [
            pytest.param(Access(), [], id="the-empty-row-lets-nobody-in"),
            pytest.param(PUBLIC, ["nobody", "person", "reviewer", "in_one_team", "robot", "gate"], id="public"),
            pytest.param(ANY_PERSON, ["person", "reviewer", "in_one_team"], id="any-person"),
            pytest.param(any_person("read"), ["person", "reviewer", "in_one_team", "robot"], id="any-person-or-token"),
            pytest.param(only(Role.REVIEWER), ["reviewer"], id="role"),
            pytest.param(only(Role.REVIEWER, scope="read"), ["reviewer", "robot"], id="role-or-token"),
            pytest.param(only(Role.REVIEWER, scope="import"), ["reviewer"], id="another-scope"),
            pytest.param(only(Role.AUDITOR, scope="read"), [], id="another-role"),
            pytest.param(in_team(only(Role.REVIEWER)), ["reviewer", "in_one_team"], id="role-in-a-team"),
            pytest.param(GATE, ["gate"], id="gate"),
        ],
    )
    def test_who_gets_in(self, access, allowed):
        callers = ["nobody", "person", "reviewer", "in_one_team", "robot", "gate"]
        assert [name for name in callers if is_allowed(access, getattr(self, name))] == [
            name for name in callers if name in allowed
        ]


class TestTheTable:
    def test_every_address_has_a_row(self):
        assert sorted({route.name for route in ALL} - set(ROUTES)) == []

    def test_every_row_has_an_address(self):
        assert sorted(set(ROUTES) - {route.name for route in ALL}) == []

    def test_no_two_addresses_share_a_name(self):
        templates: dict[str, set[str]] = {}
        for route in ALL:
            templates.setdefault(route.name, set()).add(route.template)
        assert {name: found for name, found in templates.items() if len(found) > 1} == {}

    @pytest.mark.parametrize("route", API, ids=lambda route: route.name)
    def test_an_api_view_answers_the_methods_of_its_row_and_no_others(self, route):
        answered = {m.upper() for m in ("get", "post", "put", "patch", "delete") if hasattr(route.api_view, m)}
        assert answered == set(ROUTES[route.name])

    @pytest.mark.parametrize("route", API, ids=lambda route: route.name)
    def test_no_api_view_brings_its_own_permission(self, route):
        assert list(route.api_view.permission_classes) == [TablePermission]

    def test_rows_name_methods_that_exist(self):
        assert {method for row in ROUTES.values() for method in row} <= {"GET", "POST", "PUT", "PATCH", "DELETE"}

    def test_scopes_are_known(self):
        assert {access.scope for row in ROUTES.values() for access in row.values()} <= {"", *Scope}

    def test_reading_scopes_read(self):
        written = [
            (name, method)
            for name, row in ROUTES.items()
            for method, access in row.items()
            if access.scope == Scope.READ and method != "GET"
        ]
        assert written == []

    @pytest.mark.parametrize("route", [r for r in API if NO_TOKEN.search(r.template)], ids=lambda route: route.name)
    def test_no_token_grants_reviews_or_makes_tokens(self, route):
        writes = {method: access for method, access in ROUTES[route.name].items() if method != "GET"}
        assert {method: access.scope for method, access in writes.items() if access.scope} == {}

    def test_pages_carry_no_scopes(self):
        pages = {route.name for route in ALL if not route.api_view}
        assert [(name, method) for name in pages for method, access in ROUTES[name].items() if access.scope] == []

    def test_only_these_are_open_to_everybody(self):
        """A new public address is looked at here by whoever adds it."""
        public = {f"{m} {name}" for name, row in ROUTES.items() for m, access in row.items() if access.is_public}
        assert public <= REVIEWED_AS_PUBLIC


REVIEWED_AS_PUBLIC = {
    "GET health:livez",
    "GET health:readyz",
    "GET api:openapi",
    "GET problems",
    "GET web:signin",
    "POST web:signin",
    "POST web:theme",
    # the public halves of keys: whoever verifies must be able to fetch them
    "GET api:signing-keys",
    "GET api:signing-key-pem",
    "GET api:record-keys",
    # signed metadata and targets, verified by each gate; any static host may serve them
    "GET tuf:metadata",
    "GET tuf:target",
    # with a one-time enrolment token
    "POST api:gates",
    # with a short-lived token of a pipeline that the source trusts; verified before anything else is read
    "POST api:source-submissions",
}


@pytest.fixture(scope="module")
def document():
    return make_document()[0]


class TestTheDocument:
    """The URL resolver and the OpenAPI document say the same."""

    def test_same_addresses_and_methods(self, document):
        said = {(t, m.upper()) for t, operations in document["paths"].items() for m in operations}
        answered = {
            (route.template, method) for route in API if route.name != "api:openapi" for method in ROUTES[route.name]
        }
        assert said == answered

    def test_it_says_who_may(self, document):
        names = {route.template: route.name for route in API}
        for template, operations in document["paths"].items():
            for method, operation in operations.items():
                access = ROUTES[names[template]][method.upper()]
                assert operation["x-roles"] == sorted(access.roles), (method, template)
                assert ({"token": []} in operation.get("security", [])) == bool(access.scope), (method, template)


@dataclass
class Principal:
    """One kind of caller, made anew for a test."""

    id: str
    roles: tuple[Role, ...] = ()
    credential: str = "session"  # session | token | gate | nothing | foreign-bearer
    scopes: tuple[Scope, ...] = ()
    fault: str = ""  # closed | role-over | expired | ended | owner-closed | one-time | team-only

    @cached_property
    def is_alive(self):
        return self.credential in ("session", "token", "gate") and self.fault not in (
            "closed",
            "expired",
            "ended",
            "owner-closed",
        )

    def client(self):
        if self.credential == "nothing":
            return Client(raise_request_exception=False)
        if self.credential == "foreign-bearer":
            return Client(raise_request_exception=False, headers={"Authorization": "Bearer ggg_unknown"})
        if self.credential == "gate":
            _, secret = enrolled_gate(now=timezone.now(), cluster=f"east-{Cluster.objects.count()}")
            return Client(raise_request_exception=False, headers={"Authorization": f"Bearer {secret}"})
        team = TeamFactory() if self.fault == "team-only" else None
        person = person_with(*self.roles, team=team, must_change_password=self.fault == "one-time")
        client = Client(raise_request_exception=False)
        if self.credential == "session":
            client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
            # The session gets its end at its first request, which is no part of what is tested here.
            session = client.session
            session.set_expiry(timezone.now() + timedelta(hours=1))
            session.save()
        else:
            fields = {
                "expired": {"expires_at": datetime(2021, 1, 1, tzinfo=UTC)},
                "ended": {"ended_at": datetime(2021, 1, 1, tzinfo=UTC)},
            }.get(self.fault, {})
            _, secret = token_for(person, *self.scopes, last_used_at=timezone.now(), **fields)
            client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {secret}"})
        if self.fault in ("closed", "owner-closed"):
            Person.objects.filter(pk=person.pk).update(is_active=False, deactivated_at=timezone.now())
        if self.fault == "role-over":
            RoleGrant.objects.filter(person=person).update(ends_at=timezone.now())
        return client

    def may(self, access: Access | None, route: Route) -> bool:
        """What the table says, read without the code that holds requests to it."""
        if access is None:
            return False
        if access.is_public:
            return True
        if self.credential == "gate" or access.is_gate:
            return self.credential == "gate" and access.is_gate
        if not self.is_alive or (self.credential == "token" and not route.api_view):
            return False
        if self.fault == "one-time" and self.credential == "session":
            return route.name in ("web:password", "web:signout")
        if self.credential == "token" and access.scope not in self.scopes:
            return False
        is_empty = self.fault == "role-over" or (self.fault == "team-only" and not access.is_in_team)
        held = set() if is_empty else set(self.roles)
        return access.is_any_person or bool(held & access.roles)


EVERY = tuple(Role)
EVERY_SCOPE = tuple(Scope)
PRINCIPALS = [
    Principal("anonymous", credential="nothing"),
    Principal("foreign-bearer", credential="foreign-bearer"),
    Principal("gate", credential="gate"),
    Principal("no-role"),
    *(Principal(f"{role}-session", (role,)) for role in Role),
    *(Principal(f"{role}-token", (role,), "token", EVERY_SCOPE) for role in Role),
    Principal("every-role", EVERY),
    Principal("every-role-token", EVERY, "token", EVERY_SCOPE),
    Principal("every-role-token-that-reads", EVERY, "token", (Scope.READ,)),
    Principal("no-role-token", (), "token", EVERY_SCOPE),
    Principal("closed-account-with-living-session", EVERY, fault="closed"),
    Principal("token-of-closed-account", EVERY, "token", EVERY_SCOPE, fault="owner-closed"),
    Principal("role-over-session", EVERY, fault="role-over"),
    Principal("role-over-token", EVERY, "token", EVERY_SCOPE, fault="role-over"),
    Principal("expired-token", EVERY, "token", EVERY_SCOPE, fault="expired"),
    Principal("ended-token", EVERY, "token", EVERY_SCOPE, fault="ended"),
    Principal("one-time-password", EVERY, fault="one-time"),
    Principal("roles-in-one-team", EVERY, fault="team-only"),
]
STAND_FOR_ALL = {"anonymous", "every-role", "every-role-token"}


FILLERS = (UUID, "1", "a" * 64, "sha256:" + "a" * 64, "timestamp.json", f"{'a' * 64}.overlay-1.json")


def address_of(route: Route) -> str:
    """The route's address with identifiers of nothing."""
    parameters = re.findall(r"\{(\w+)\}", route.template)
    for filler in FILLERS:
        try:
            return reverse(route.name, kwargs=dict.fromkeys(parameters, filler))
        except NoReverseMatch:
            continue
    raise LookupError(f"no identifier fits {route.template}: add one to FILLERS")


def is_refusal(answer) -> bool:
    """Whether the table, not a service, said no."""
    if answer.status_code in (401, 405):
        return True
    if answer.status_code == 403:
        if answer["Content-Type"] == "application/problem+json" and answer.content:
            return answer.json()["code"] in ("permission_denied", "password_change_needed")
        return True
    if answer.status_code in (302, 303):
        return answer["Location"].partition("?")[0] in (reverse("web:signin"), reverse("web:password"))
    return False


def rows_written() -> int:
    """How many rows this transaction has inserted, changed or deleted so far, in any table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_xact_user_tables")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db
class TestTheMatrix:
    @pytest.mark.parametrize("principal", PRINCIPALS, ids=lambda principal: principal.id)
    def test_no_cell_lets_in_who_may_not_and_a_refusal_writes_nothing(self, principal):
        client = principal.client()
        let_in, wrote = [], []
        for route in ALL:
            address = address_of(route)
            before = rows_written()
            for method in METHODS:
                access = ROUTES[route.name].get("GET" if method == "HEAD" else method)
                # A method without a row is refused before anybody looks at who asks: three callers stand for all.
                if principal.may(access, route) or (access is None and principal.id not in STAND_FOR_ALL):
                    continue
                answer = client.generic(method, address, b"{}", content_type="application/json")
                if not is_refusal(answer):
                    let_in.append((method, address, answer.status_code))
            if rows_written() != before:
                wrote.append(address)
        assert (let_in, wrote) == ([], [])

    @pytest.mark.parametrize("principal", [p for p in PRINCIPALS if p.is_alive], ids=lambda principal: principal.id)
    def test_no_cell_refuses_who_may(self, principal):
        refused, broken = [], []
        for route in ALL:
            if route.name in ("web:signout", "web:signin"):
                continue  # would end the session that the other cells need
            client = None
            for method in METHODS:
                access = ROUTES[route.name].get("GET" if method == "HEAD" else method)
                if not principal.may(access, route) or (access.is_public and principal.credential in ("token", "gate")):
                    continue
                client = client or principal.client()
                answer = client.generic(method, address_of(route), b"{}", content_type="application/json")
                if is_refusal(answer) and not is_own_redirect(route, answer):
                    refused.append((method, route.name, answer.status_code))
                if answer.status_code >= 500:
                    broken.append((method, route.name, answer.status_code))
        assert (refused, broken) == ([], [])

    def test_no_header_or_parameter_makes_one_method_another(self):
        """What the table refuses as POST is refused as POST, whatever the request says that it would rather be."""
        client = Principal("viewer-session", (Role.VIEWER,)).client()
        let_in, wrote = [], []
        for route in ALL:
            row, address = ROUTES[route.name], address_of(route)
            before = rows_written()
            for refused in {"POST", "PUT", "PATCH", "DELETE"} - {
                method for method, access in row.items() if is_open_to_viewers(access)
            }:
                answer = client.generic(
                    refused, f"{address}?_method=GET", b"{}", headers=dict.fromkeys(OVERRIDES, "GET")
                )
                if not is_refusal(answer):
                    let_in.append((refused, address, answer.status_code))
                client.get(f"{address}?_method={refused}", headers=dict.fromkeys(OVERRIDES, refused))
            if rows_written() != before:
                wrote.append(address)
        assert (let_in, wrote) == ([], [])

    @pytest.mark.parametrize(
        "member", ["is_superuser", "is_active", "state", "certified_by", "certified_from", "proposed_by", "roles", "id"]
    )
    def test_no_body_sets_what_it_may_not(self, member, document):
        """Each operation refuses a member that it does not take, instead of passing over it."""
        client = Principal("every-role", EVERY).client()
        names = {route.template: route for route in API}
        took = []
        for template, operations in document["paths"].items():
            for method, operation in operations.items():
                route = names[template]
                taken = members_of(operation, document)
                if taken is None or member in taken or ROUTES[route.name][method.upper()].is_gate:
                    continue
                body = json.dumps({member: True})
                answer = client.generic(method.upper(), address_of(route), body, content_type="application/json")
                if answer.status_code not in (400, 404):
                    took.append((method, template, answer.status_code))
        assert took == []

    def test_no_list_orders_or_filters_by_what_it_does_not_name(self):
        client = Principal("every-role", EVERY).client()
        lists = [route for route in API if "{" not in route.template and "GET" in ROUTES[route.name]]
        asked = [f"{route.template}?{query}" for route in lists for query in ("ordering=password", "owner__password=x")]
        took = [address for address in asked if client.get(address).status_code != 400]
        assert {address.partition("?")[0] for address in took} <= TAKE_NO_PARAMETERS


# The public halves of keys and the document itself: one answer, whatever is asked.
TAKE_NO_PARAMETERS = {"/api/v1/openapi.json"}


def is_open_to_viewers(access: Access) -> bool:
    return access.is_public or access.is_any_person or Role.VIEWER in access.roles


def members_of(operation, document) -> set[str] | None:
    """What the operation's JSON body may hold; None when it takes no such body."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None
    name = content["schema"].get("$ref", "").rpartition("/")[2]
    return set(document["components"]["schemas"][name]["properties"]) if name else set()


def is_own_redirect(route: Route, answer) -> bool:
    """A page that leads to itself after a deed (the password page shows its form again)."""
    return (
        answer.status_code in (302, 303) and answer["Location"] == reverse(route.name)
        if "{" not in route.template
        else False
    )


@pytest.mark.django_db
class TestAbsentAndForbidden:
    def test_what_one_may_not_see_reads_like_what_is_not_there(self, as_person):
        mine = as_person(PersonFactory())
        theirs, _ = token_for(PersonFactory())
        answers = [mine.delete(f"/api/v1/tokens/{pk}") for pk in (theirs.pk, UUID)]
        first, second = ({**answer.json(), "instance": ""} for answer in answers)
        assert first == second

    def test_an_anonymous_caller_learns_nothing_of_what_exists(self, anonymous):
        somebody = PersonFactory()
        answers = [anonymous.get(f"/api/v1/people/{pk}") for pk in (somebody.pk, UUID)]
        assert [a.status_code for a in answers] == [401, 401]
        first, second = ({**answer.json(), "instance": ""} for answer in answers)
        assert first == second


class TestTheWrittenTable:
    def test_it_is_what_the_code_says(self):
        """After a change: ``script/manage access_table``, and look at the difference."""
        call_command("access_table", "--check")

    def test_another_row_is_noticed(self, monkeypatch):
        monkeypatch.setitem(ROUTES, "api:tokens", {"GET": PUBLIC})
        with pytest.raises(CommandError, match="out of date"):
            call_command("access_table", "--check")
