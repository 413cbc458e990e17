"""Who may do what: people, teams, their roles and tokens."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import selectors as accounts
from accounts import services
from accounts.models import Person, RoleGrant, ServiceToken, Team
from accounts.roles import Role
from audit import selectors as audit
from core.validity import is_in_force
from web.filters import Choice, read_filters
from web.forms.people import GrantForm, MemberForm, PersonForm, TeamForm, TokenForm, end_of_day
from web.paging import Page, page_of
from web.refusals import attempt, attempt_or_say
from web.timeline import told
from web.viewer import Viewer, viewer_of


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One person and the roles they hold now."""

    person: Person
    grants: list[RoleGrant]


def _person(person_id: UUID) -> Person:
    if (person := accounts.person_of_id(person_id)) is None:
        raise Http404
    return person


def _team(team_id: UUID) -> Team:
    if (team := accounts.team_of_id(team_id)) is None:
        raise Http404
    return team


@require_GET
def people(request: HttpRequest) -> HttpResponse:
    """Everybody, their roles, and who made their account."""
    viewer = viewer_of(request)
    filters = read_filters(request, {"role": Choice(tuple(Role)), "state": Choice(("active", "inactive"))})
    found = accounts.people()
    if filters.get("state"):
        found = found.filter(is_active=filters.get("state") == "active")
    if filters.get("role"):
        found = found.filter(pk__in=accounts.holders_of(Role(filters.get("role")), viewer.now).values("pk"))
    page = page_of(found, request, order=("username_folded", "id"))
    rows = [
        PersonRow(person, [grant for grant in person.role_grants.all() if is_in_force(grant, viewer.now)])
        for person in page.rows
    ]
    context = {
        "viewer": viewer,
        "page": Page(rows, page.next_cursor),
        "filters": filters,
        "unknown_filters": filters.remarks,
        "roles": list(Role),
        "teams": accounts.teams(),
        "is_one_person": accounts.is_one_person(),
    }
    return render(request, "web/people.html", context, status=filters.status)


@require_http_methods(["GET", "POST"])
def person_new(request: HttpRequest) -> HttpResponse:
    """Make an account; its one-time password is shown once, on the answer to the form."""
    viewer = viewer_of(request)
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = attempt(form, lambda: services.create_person(by=viewer.person, now=viewer.now, **form.cleaned_data))
        if made is not None:
            return _shown_once(request, made)
    return render(request, "web/person_new.html", {"form": form}, status=400 if form.errors else 200)


def _shown_once(request: HttpRequest, made: services.NewPerson) -> HttpResponse:
    # No redirect: the password must not be kept anywhere to survive one.
    response = render(request, "web/person_made.html", {"made": made, "person": made.person})
    response["Cache-Control"] = "no-store"
    return response


@require_GET
def person(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """One person: what they may do now, since when, by whom."""
    return _person_page(request, viewer_of(request), _person(person_id))


def _person_page(request: HttpRequest, viewer: Viewer, shown: Person, form: GrantForm | None = None) -> HttpResponse:
    grants = list(accounts.grants_of(shown))
    context = {
        "viewer": viewer,
        "person": shown,
        "live": [grant for grant in grants if is_in_force(grant, viewer.now)],
        "past": [grant for grant in grants if not is_in_force(grant, viewer.now)],
        "teams": accounts.teams_of(shown),
        "form": form or GrantForm(teams=accounts.teams()),
        "records": told(audit.records_of("person", str(shown.pk))),
        "is_self": shown.pk == viewer.person.pk,
    }
    return render(request, "web/person.html", context, status=400 if form is not None and form.errors else 200)


@require_POST
def person_grant(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Give a role."""
    viewer, shown = viewer_of(request), _person(person_id)
    form = GrantForm(request.POST, teams=accounts.teams())
    if form.is_valid():
        held = form.cleaned_data
        grant = attempt(
            form,
            lambda: services.grant_role(
                person=shown,
                role=Role(held["role"]),
                team=held["team"],
                ends_at=end_of_day(held["ends_on"]),
                by=viewer.person,
                now=viewer.now,
            ),
        )
        if grant is not None:
            messages.success(request, f"{shown} is {grant.role.replace('_', ' ')} now.")
            return redirect("web:person", person_id=shown.pk)
    return _person_page(request, viewer, shown, form)


@require_POST
def grant_end(request: HttpRequest, grant_id: UUID) -> HttpResponse:
    """End a role at once; the person's sessions end with it."""
    viewer = viewer_of(request)
    grant = accounts.grant_of_id(grant_id)
    if grant is None:
        raise Http404
    attempt_or_say(
        request,
        lambda: services.end_role(grant=grant, by=viewer.person, now=viewer.now),
        f"{grant.person} is no longer {grant.role.replace('_', ' ')}; their sessions have ended.",
    )
    return redirect("web:person", person_id=grant.person_id)


@require_POST
def person_deactivate(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Close an account: roles, sessions and tokens end."""
    viewer, shown = viewer_of(request), _person(person_id)
    attempt_or_say(
        request,
        lambda: services.deactivate_person(person=shown, by=viewer.person, now=viewer.now),
        f"The account of {shown} is closed; roles, sessions and tokens have ended.",
    )
    return redirect("web:person", person_id=shown.pk)


@require_POST
def person_password(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """A new one-time password, or the account opened again with one; shown once."""
    viewer, shown = viewer_of(request), _person(person_id)
    made: list[services.NewPerson] = []

    def renew() -> None:
        if shown.is_active:
            password = services.reset_password(person=shown, by=viewer.person, now=viewer.now)
            made.append(services.NewPerson(person=shown, one_time_password=password))
        else:
            made.append(services.reactivate_person(person=shown, by=viewer.person, now=viewer.now))

    if attempt_or_say(request, renew, f"{shown} has a new one-time password."):
        return _shown_once(request, made[0])
    return redirect("web:person", person_id=shown.pk)


@require_http_methods(["GET", "POST"])
def team_new(request: HttpRequest) -> HttpResponse:
    """Make a team."""
    viewer = viewer_of(request)
    form = TeamForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        team = attempt(form, lambda: services.create_team(by=viewer.person, now=viewer.now, **form.cleaned_data))
        if team is not None:
            return redirect("web:team", team_id=team.pk)
    return render(request, "web/team_new.html", {"form": form}, status=400 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def team(request: HttpRequest, team_id: UUID) -> HttpResponse:
    """One team and who is in it; posting adds somebody."""
    viewer, shown = viewer_of(request), _team(team_id)
    form = MemberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        newcomer = accounts.person_by_name(form.cleaned_data["username"])
        if newcomer is None:
            form.add_error("username", "There is nobody of this name.")
        elif attempt(form, lambda: services.add_member(team=shown, person=newcomer, by=viewer.person, now=viewer.now)):
            return redirect("web:team", team_id=shown.pk)
    context = {
        "viewer": viewer,
        "team": shown,
        "form": form,
        "records": told(audit.records_of("team", str(shown.pk))),
    }
    return render(request, "web/team.html", context, status=400 if form.errors else 200)


@require_POST
def member_remove(request: HttpRequest, team_id: UUID, person_id: UUID) -> HttpResponse:
    """Take somebody out of a team."""
    viewer, shown, leaver = viewer_of(request), _team(team_id), _person(person_id)
    attempt_or_say(
        request,
        lambda: services.remove_member(team=shown, person=leaver, by=viewer.person, now=viewer.now),
        f"{leaver} is no longer in {shown}.",
    )
    return redirect("web:team", team_id=shown.pk)


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One token and whether it works now."""

    token: ServiceToken
    is_live: bool


@require_GET
def tokens(request: HttpRequest) -> HttpResponse:
    """One's own tokens; everybody's for an administrator."""
    viewer = viewer_of(request)
    filters = read_filters(request, {"whose": Choice(("mine", "all"))})
    is_all = filters.get("whose") == "all" and viewer.is_admin
    found = accounts.tokens() if is_all else accounts.tokens_of(viewer.person).select_related("owner")
    page = page_of(found, request, order=("-created_at", "-id"))
    rows = [TokenRow(token, is_in_force(token, viewer.now)) for token in page.rows]
    context = {
        "viewer": viewer,
        "page": Page(rows, page.next_cursor),
        "filters": filters,
        "unknown_filters": filters.remarks,
        "is_all": is_all,
    }
    return render(request, "web/tokens.html", context, status=filters.status)


@require_http_methods(["GET", "POST"])
def token_new(request: HttpRequest) -> HttpResponse:
    """Make a token of one's own; its secret is shown once, on the answer to the form."""
    viewer = viewer_of(request)
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        held = form.cleaned_data
        expires_at = end_of_day(held["expires_on"]) or viewer.now
        made = attempt(
            form,
            lambda: services.create_token(
                owner=viewer.person, name=held["name"], scopes=held["scopes"], expires_at=expires_at, now=viewer.now
            ),
        )
        if made is not None:
            response = render(request, "web/token_made.html", {"made": made})
            response["Cache-Control"] = "no-store"
            return response
    return render(request, "web/token_new.html", {"form": form}, status=400 if form.errors else 200)


@require_POST
def token_end(request: HttpRequest, token_id: UUID) -> HttpResponse:
    """End a token at once."""
    viewer = viewer_of(request)
    token = accounts.tokens().filter(pk=token_id).first()
    if token is None:
        raise Http404
    attempt_or_say(
        request,
        lambda: services.end_token(token=token, by=viewer.person, now=viewer.now),
        f"The token {token.name} has ended.",
    )
    return redirect("web:tokens")
