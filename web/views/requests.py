"""When do I get it? What teams ask for, who joined, and the answer."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import selectors as accounts
from approvals import selectors as approvals
from approvals import services
from approvals.models import Request
from audit import selectors as audit
from catalog import selectors as catalog
from web.csv_rows import csv_of
from web.filters import CSV, Choice, read_filters
from web.forms.approvals import AnswerForm, JoinForm, RequestForm
from web.paging import page_of
from web.refusals import attempt, attempt_or_say
from web.timeline import told
from web.viewer import Viewer, viewer_of
from web.views.catalog import from_line

STATES = tuple(Request.State.values)
COLUMNS = {
    "number": lambda row: row.pk,
    "image": lambda row: row.image_name,
    "version": lambda row: row.version_name,
    "state": lambda row: row.state,
    "asked_by": lambda row: row.asked_by,
    "team": lambda row: row.team,
    "joined": lambda row: row.join_count,
    "asked_at": lambda row: row.asked_at,
    "reason": lambda row: row.reason,
}


@require_GET
def requests(request: HttpRequest) -> HttpResponseBase:
    """Everything that was asked for, newest first."""
    viewer = viewer_of(request)
    filters = read_filters(request, {"state": Choice(STATES), "whose": Choice(("mine",)), "format": CSV})
    found = approvals.requests_of(viewer.person) if filters.get("whose") else approvals.requests()
    if filters.get("state"):
        found = found.filter(state=filters.get("state"))
    if filters.is_csv:
        return csv_of("requests.csv", COLUMNS, found)
    context = {
        "viewer": viewer,
        "page": page_of(found, request, order=("-id",)),
        "filters": filters,
        "unknown_filters": filters.remarks,
        "states": STATES,
    }
    return render(request, "web/requests.html", context, status=filters.status)


@require_http_methods(["GET", "POST"])
def request_new(request: HttpRequest) -> HttpResponse:
    """Ask for a version; whoever asked before is joined."""
    viewer = viewer_of(request)
    image, _, version = request.GET.get("what", "").partition("/")
    initial = {"image_name": image[:100], "version_name": version[:128]}
    form = RequestForm(request.POST or None, teams=accounts.teams_of(viewer.person), initial=initial)
    if request.method == "POST" and form.is_valid():
        made = attempt(form, lambda: services.ask_request(asked_by=viewer.person, now=viewer.now, **form.cleaned_data))
        if made is not None:
            joined = made.asked_by_id != viewer.person.pk
            messages.success(request, "You joined the request that was there." if joined else "Your request is asked.")
            return redirect("web:request", request_id=made.pk)
    return render(request, "web/request_new.html", {"form": form}, status=400 if form.errors else 200)


@require_GET
def request_page(request: HttpRequest, request_id: int) -> HttpResponse:
    """One request: its state, who needs it, the answer."""
    return _request_page(request, viewer_of(request), approvals.request_by_id(request_id), AnswerForm())


def _request_page(request: HttpRequest, viewer: Viewer, asked: Request, form: AnswerForm) -> HttpResponse:
    name = f"{asked.image_name}/{asked.version_name}"
    joins = list(asked.joins.select_related("person", "team"))
    current, _ = catalog.current_and_history(name, viewer.now)
    context = {
        "viewer": viewer,
        "asked": asked,
        "name": name,
        "joins": joins,
        "current": current,
        "from_line": from_line(current.subversion) if current else "",
        "is_mine": accounts.is_same_person(asked.asked_by, viewer.person),
        "has_joined": any(join.person_id == viewer.person.pk for join in joins),
        "form": form,
        "join_form": JoinForm(auto_id="join_%s"),
        "records": told(audit.records_of("request", str(asked.pk))),
    }
    return render(request, "web/request.html", context, status=400 if form.errors else 200)


@require_POST
def request_join(request: HttpRequest, request_id: int) -> HttpResponse:
    """Say that one needs it too."""
    viewer = viewer_of(request)
    form = JoinForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    attempt_or_say(
        request,
        lambda: services.join_request(request_id=request_id, person=viewer.person, reason=reason, now=viewer.now),
        "You joined it: the answer is yours too.",
    )
    return redirect("web:request", request_id=request_id)


@require_POST
def request_answer(request: HttpRequest, request_id: int) -> HttpResponse:
    """Answer in words; what is certified under that name now is named with it."""
    viewer = viewer_of(request)
    asked = approvals.request_by_id(request_id)
    form = AnswerForm(request.POST)
    if form.is_valid():
        current = catalog.current_certified(f"{asked.image_name}/{asked.version_name}", viewer.now)
        done = attempt(
            form,
            lambda: services.answer_request(
                request_id=request_id,
                answered_by=viewer.person,
                answer=form.cleaned_data["answer"],
                subversion=current,
                now=viewer.now,
            ),
        )
        if done is not None:
            messages.success(request, "It is answered.")
            return redirect("web:request", request_id=request_id)
    return _request_page(request, viewer, asked, form)


@require_POST
def request_withdraw(request: HttpRequest, request_id: int) -> HttpResponse:
    """Take one's request back."""
    viewer = viewer_of(request)
    attempt_or_say(
        request,
        lambda: services.withdraw_request(request_id=request_id, person=viewer.person, now=viewer.now),
        "Your request is withdrawn.",
    )
    return redirect("web:request", request_id=request_id)
