"""What do we let pass, and until when? Grants: asked for, given by another, refused, ended."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import selectors as accounts
from approvals import selectors as approvals
from approvals import services
from approvals.services.waivers import givers_of, in_words
from audit import selectors as audit
from builds.domain.image_rules import RULES as IMAGE_RULES
from builds.domain.rules import RULES as DOCKERFILE_RULES
from policies import selectors as policies
from policies.domain.grants import INVENTORY_RULE, GrantState, state_at
from policies.models import Grant
from web.csv_rows import csv_of
from web.filters import CSV, Choice, Text, read_filters
from web.forms.base import ReasonForm
from web.forms.builds import WaiverForm
from web.paging import Page, page_of
from web.refusals import attempt, attempt_or_say
from web.timeline import told
from web.viewer import Viewer, viewer_of

STATES = tuple(GrantState)
# The field of the form that a refusal is about, by its code.
FIELDS = {
    "bad_end": "ends_on",
    "bad_scope": "scope",
    "no_such_image": "scope",
    "source_missing": "scope",
    "artifact_unknown": "scope",
    "digest_malformed": "scope",
}
# What is asked for says who gives it.
SENTENCES = {
    GrantState.LAPSED: "Its end came before anybody answered: it lets nothing pass.",
    GrantState.REFUSED: "It was refused: it lets nothing pass.",
    GrantState.IN_FORCE: "The check may fail there until its end.",
    GrantState.EXPIRING: "The check may fail there for a few days more: cure it, or ask again.",
    GrantState.ENDED: "It was taken back before its time: the check refuses again.",
    GrantState.EXPIRED: "Its end came: the check refuses again.",
}
# Of a waiver of a missing inventory: what it opens is more than one line.
INVENTORY_SENTENCES = {
    GrantState.IN_FORCE: "That nobody can tell what is in it may pass until its end.",
    GrantState.EXPIRING: "That nobody can tell what is in it may pass for a few days more: attest it, or ask again.",
    GrantState.ENDED: "It was taken back before its time: certifying and gates refuse again.",
    GrantState.EXPIRED: "Its end came: certifying and gates refuse again.",
}

COLUMNS = {
    "rule": lambda row: row.rule,
    "kind": lambda row: row.kind,
    "scope_kind": lambda row: row.scope_kind,
    "scope": lambda row: row.scope,
    "asked_by": lambda row: row.asked_by,
    "asked_at": lambda row: row.asked_at,
    "given_by": lambda row: row.given_by,
    "given_at": lambda row: row.starts_at,
    "refused_at": lambda row: row.refused_at,
    "ended_at": lambda row: row.ended_at,
    "ends_at": lambda row: row.ends_at,
    "reason": lambda row: row.reason,
    "ticket": lambda row: row.ticket,
}


@dataclass(frozen=True, slots=True)
class GrantRow:
    """One grant and where it stands now."""

    grant: Grant
    state: GrantState


@require_GET
def waivers(request: HttpRequest) -> HttpResponseBase:
    """Ending soon and asked for first; then every grant."""
    viewer = viewer_of(request)
    filters = read_filters(request, {"state": Choice(STATES), "rule": Text(), "scope": Text(), "format": CSV})
    found = policies.grants()
    if filters.get("state"):
        found = found.filter(policies.in_state(GrantState(filters.get("state")), viewer.now))
    if filters.get("rule"):
        found = found.filter(rule=filters.get("rule").upper())
    if filters.get("scope"):
        found = found.filter(scope__icontains=filters.get("scope"))
    if filters.is_csv:
        return csv_of("waivers.csv", COLUMNS, found)
    page = page_of(found, request, order=("-asked_at", "-pk"))
    rows = [GrantRow(grant, state_at(grant, viewer.now)) for grant in page.rows]
    context = {
        "viewer": viewer,
        "page": Page(rows, page.next_cursor),
        "asked": list(policies.grants().filter(policies.in_state(GrantState.ASKED, viewer.now))[:50]),
        "expiring": policies.grants_expiring(viewer.now),
        "filters": filters,
        "unknown_filters": filters.remarks,
        "states": STATES,
    }
    return render(request, "web/waivers.html", context, status=filters.status)


@require_http_methods(["GET", "POST"])
def waiver_new(request: HttpRequest) -> HttpResponse:
    """Ask to let one check fail for a while; the address fills the form in from a check."""
    viewer = viewer_of(request)
    given = {name: request.GET.get(name, "")[:300].replace("\x00", "") for name in ("rule", "scope_kind", "scope")}
    form = WaiverForm(request.POST or None, initial=given)
    if request.method == "POST" and form.is_valid():
        held = form.cleaned_data
        made = attempt(
            form,
            lambda: services.ask_waiver(
                rule=held["rule"].strip().upper(),
                scope_kind=held["scope_kind"],
                scope=held["scope"].strip(),
                reason=held["reason"],
                ticket=held["ticket"],
                ends_at=held["ends_on"],
                asked_by=viewer.person,
                now=viewer.now,
            ),
            at=FIELDS,
        )
        if made is not None:
            messages.success(request, "The waiver is asked for. It holds when another person gives it.")
            return redirect("web:waiver", grant_id=made.pk)
    return render(request, "web/waiver_new.html", {"form": form}, status=400 if form.errors else 200)


@require_GET
def waiver(request: HttpRequest, grant_id: UUID) -> HttpResponse:
    """One grant: where it stands, until when, who asked and who gave."""
    viewer = viewer_of(request)
    shown = policies.grant_by_id(grant_id)
    return _page(request, viewer, shown, ReasonForm(), status=200)


def _page(request: HttpRequest, viewer: Viewer, shown: Grant, form: ReasonForm, *, status: int) -> HttpResponse:
    state = state_at(shown, viewer.now)
    is_own = accounts.is_same_person(shown.asked_by, viewer.person)
    holds = state in (GrantState.IN_FORCE, GrantState.EXPIRING)
    is_inventory = shown.rule == INVENTORY_RULE
    context = {
        "viewer": viewer,
        "grant": shown,
        "state": state,
        "sentence": _sentence(shown, state),
        "rule": IMAGE_RULES.get(shown.rule) or DOCKERFILE_RULES.get(shown.rule),
        "is_inventory": is_inventory,
        "bare": approvals.without_inventory_under(shown) if is_inventory else [],
        "is_own": is_own,
        "may_give": state is GrantState.ASKED and _is_giver(shown, viewer) and (not is_own or accounts.is_one_person()),
        "may_refuse": state in (GrantState.ASKED, GrantState.LAPSED) and (viewer.is_reviewer or is_own),
        "may_end": holds and (viewer.may_answer or is_own),
        "form": form,
        "records": told(audit.records_of("grant", str(shown.pk))),
    }
    return render(request, "web/waiver.html", context, status=status)


def _sentence(shown: Grant, state: GrantState) -> str:
    if state is GrantState.ASKED:
        who = in_words(givers_of(shown.rule))
        return f"It lets nothing pass yet: a {who} gives it, who neither asked nor owns the source."
    return (INVENTORY_SENTENCES if shown.rule == INVENTORY_RULE else {}).get(state, SENTENCES[state])


def _is_giver(shown: Grant, viewer: Viewer) -> bool:
    """Whether this reader's role gives it. The service asks again, and for the source."""
    return bool(viewer.roles & givers_of(shown.rule))


@require_POST
def waiver_give(request: HttpRequest, grant_id: UUID) -> HttpResponse:
    """Let the check fail from now on until its end."""
    viewer = viewer_of(request)
    attempt_or_say(
        request,
        lambda: services.give_waiver(grant_id=grant_id, given_by=viewer.person, now=viewer.now),
        "It is given: the check may fail there until its end.",
    )
    return redirect("web:waiver", grant_id=grant_id)


@require_POST
def waiver_refuse(request: HttpRequest, grant_id: UUID) -> HttpResponse:
    """Answer no, with a reason; who asked takes it back in the same way."""
    return _answered(request, grant_id, services.refuse_waiver, "It is refused, with your reason.")


@require_POST
def waiver_end(request: HttpRequest, grant_id: UUID) -> HttpResponse:
    """Let it hold no longer, before its time."""
    return _answered(request, grant_id, services.end_waiver, "It is ended: the check refuses again.")


def _answered(request: HttpRequest, grant_id: UUID, deed, words: str) -> HttpResponse:  # type: ignore[no-untyped-def]
    viewer = viewer_of(request)
    shown = policies.grant_by_id(grant_id)
    form = ReasonForm(request.POST)
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        done = attempt(form, lambda: deed(grant_id=grant_id, person=viewer.person, reason=reason, now=viewer.now))
        if done is not None:
            messages.success(request, words)
            return redirect("web:waiver", grant_id=grant_id)
    return _page(request, viewer, shown, form, status=400)
