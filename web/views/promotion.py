"""Is the certified side as certification left it? Tags that moved behind our back, digests that cannot be pulled."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from builds.selectors import lists
from web.filters import Choice, read_filters
from web.paging import page_of
from web.viewer import viewer_of

CLOSED = 20  # of the newest closed alarms


@require_GET
def promotion(request: HttpRequest) -> HttpResponse:
    """Open alarms first, then each certified digest that was tried, the failing first."""
    viewer = viewer_of(request)
    filters = read_filters(request, {"answer": Choice(("fails",))})
    probes = lists.pull_probes()
    if filters.get("answer"):
        probes = probes.filter(is_pullable=False)
    page = page_of(probes, request, order=("is_pullable", "-probed_at", "subversion_id"))
    alarms = lists.drift_alarms()
    context = {
        "viewer": viewer,
        "open": list(alarms.filter(closed_at=None)),
        "closed": list(alarms.filter(closed_at__isnull=False)[:CLOSED]),
        "page": page,
        "failing": [probe for probe in page.rows if not probe.is_pullable],
        "filters": filters,
        "unknown_filters": filters.remarks,
    }
    return render(request, "web/promotion.html", context, status=filters.status)
