"""Is the certified side as certification left it? Tags that moved behind our back, digests that cannot be pulled."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from audit import selectors as audit
from audit.verbs import Verb
from builds.selectors import promotion as promotion_read
from builds.services import promotion as services
from web.filters import Choice, read_filters
from web.forms.base import ReasonForm
from web.paging import page_of
from web.refusals import attempt, attempt_or_say
from web.viewer import viewer_of

CLOSED = 20  # of the newest closed alarms
FOLLOWED = 20  # of the newest moves of tags that others set


@require_GET
def promotion(request: HttpRequest) -> HttpResponse:
    """Open alarms first, then each certified digest that was tried, the failing first."""
    return _page(request, ReasonForm(), None)


def _page(request: HttpRequest, form: ReasonForm, errors_of: UUID | None) -> HttpResponse:
    viewer = viewer_of(request)
    filters = read_filters(request, {"answer": Choice(("fails",))})
    probes = promotion_read.pull_probes()
    if filters.get("answer"):
        probes = probes.filter(is_pullable=False)
    page = page_of(probes, request, order=("is_pullable", "-probed_at", "subversion_id"))
    alarms = promotion_read.drift_alarms()
    context = {
        "viewer": viewer,
        "open": list(alarms.filter(closed_at=None)),
        "closed": list(alarms.filter(closed_at__isnull=False)[:CLOSED]),
        "followed": list(audit.records(verb=Verb.TAG_FOLLOWED)[:FOLLOWED]),
        "page": page,
        "failing": [probe for probe in page.rows if not probe.is_pullable],
        "form": form,
        "errors_of": errors_of,
        "filters": filters,
        "unknown_filters": filters.remarks,
    }
    return render(request, "web/promotion.html", context, status=400 if form.errors else filters.status)


@require_POST
def promotion_look(request: HttpRequest) -> HttpResponse:
    """Look at every tag and try every digest now."""
    viewer = viewer_of(request)

    def ask() -> None:
        services.ask_drift_look(now=viewer.now)
        services.ask_probes(now=viewer.now)

    attempt_or_say(request, ask, "The certified side is looked at; this page shows what was found in a moment.")
    return redirect("web:promotion")


@require_POST
def drift_close(request: HttpRequest, alarm_id: UUID) -> HttpResponse:
    """Close an alarm, with the reason why it needs no more."""
    viewer = viewer_of(request)
    form = ReasonForm(request.POST)
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        done = attempt(
            form,
            lambda: services.close_drift(alarm_id=alarm_id, person=viewer.person, reason=reason, now=viewer.now),
        )
        if done is not None:
            messages.success(request, "The alarm is closed, with your reason.")
            return redirect("web:promotion")
    return _page(request, form, alarm_id)
