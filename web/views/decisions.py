"""What was asked and refused; why, and how do I get in? And "Try it": the real engine on the real snapshot."""

import re

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from admission import selectors as admission
from admission import services
from admission.manifests import documents_of, namespace_in, uses_in, uses_of
from admission.models import Decision
from gate.verdict import CHECKS
from web.csv_rows import CSV_ROWS, csv_response
from web.filters import Choice, Text, read_filters
from web.forms.admission import TryForm
from web.paging import page_of
from web.refusals import attempt
from web.viewer import Viewer, viewer_of

# What a cure says to use: a reference with its whole digest, as a line that can be pasted.
_PINNED = re.compile(r"(?:\bUse |(?=FROM ))((?:FROM )?[^\s@]+@sha256:[0-9a-f]{64})")


@require_GET
def decisions(request: HttpRequest) -> HttpResponseBase:
    """Every decision, newest first."""
    viewer = viewer_of(request)
    filters = read_filters(
        request,
        {
            "answer": Choice(("allowed", "denied")),
            "check": Choice(CHECKS),
            "cluster": Text(),
            "namespace": Text(),
            "user": Text(),
            "digest": Text(),
            "format": Choice(("csv",)),
        },
    )
    found = admission.decisions_matching(
        allowed={"allowed": True, "denied": False}.get(filters.get("answer")),
        **{name: filters.get(name) for name in ("check", "cluster", "namespace", "user", "digest")},
    )
    if filters.is_csv:
        header = ("id", "at", "answer", "cluster", "namespace", "kind", "name", "user", "failed", "message")
        return csv_response("decisions.csv", header, (_cells(row) for row in found[:CSV_ROWS].iterator(2_000)))
    context = {
        "viewer": viewer,
        "page": page_of(found, request, order=("-at", "-id")),
        "filters": filters,
        "unknown_filters": filters.remarks,
        "checks": CHECKS,
    }
    return render(request, "web/decisions.html", context, status=filters.status)


def _cells(row: Decision) -> tuple[object, ...]:
    return (
        row.short_id,
        row.at.isoformat(),
        "allowed" if row.allowed else "denied",
        row.cluster.name if row.cluster else "",
        row.object_namespace,
        row.object_kind,
        row.object_name,
        row.user,
        " ".join(row.failed_codes),
        row.message,
    )


@require_GET
def decision(request: HttpRequest, decision_id: str) -> HttpResponse:
    """Why: the sentence in full, each image with every check, and what to use instead."""
    shown = admission.decision_by_id(decision_id)
    context = {"viewer": viewer_of(request), "decision": shown, "instead": [] if shown.allowed else _instead(shown)}
    return render(request, "web/decision.html", context)


def _instead(shown: Decision) -> list[str]:
    """What the cures of the checks that did not pass name by a whole digest, each once, in their order."""
    cures = (
        str(check.get("remedy", ""))
        for image in shown.images
        if not image.get("allowed")
        for check in image.get("checks", ())
        if check.get("outcome") in ("fail", "unknown")
    )
    return list(dict.fromkeys(found for cure in cures for found in _PINNED.findall(cure)))


@require_http_methods(["GET", "POST"])
def try_it(request: HttpRequest) -> HttpResponse:
    """A pasted manifest or reference, answered by the engine the gates run, and recorded like theirs."""
    viewer = viewer_of(request)
    form = TryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = attempt(form, lambda: _decide(form, viewer))
        if made is not None:
            return redirect("web:decision", decision_id=made.short_id)
    return render(request, "web/try.html", {"viewer": viewer, "form": form}, status=400 if form.errors else 200)


def _decide(form: TryForm, viewer: Viewer) -> Decision:
    held = form.cleaned_data
    cluster = admission.cluster_by_name(held["cluster"]) if held["cluster"] else None
    text = held["question"].strip()
    # One reference by itself, else every image of every object.
    is_reference = len(text.split()) == 1 and not text.startswith(("{", "["))
    documents = [] if is_reference else documents_of(text)
    return services.decide_here(
        uses=uses_of([text]) if is_reference else uses_in(documents),
        cluster=cluster,
        namespace=held["namespace"] or namespace_in(documents),
        user=viewer.person.username,
        now=viewer.now,
    )
