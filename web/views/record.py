"""Is the record whole, and who did it?"""

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from audit import selectors as audit
from audit import services
from audit.verbs import Verb
from web.filters import Choice, Text, read_filters
from web.paging import page_of
from web.viewer import viewer_of

VERBS = tuple(sorted(Verb))


@require_GET
def record(request: HttpRequest) -> HttpResponse:
    """The record: sealed until when, then its rows."""
    viewer = viewer_of(request)
    known: dict[str, Choice | Text] = {"verb": Choice(VERBS), "actor": Text(), "subject": Text(), "kind": Text()}
    filters = read_filters(request, known)
    found = audit.records(
        verb=filters.get("verb"),
        actor=filters.get("actor"),
        subject=filters.get("subject"),
        subject_kind=filters.get("kind"),
    )
    context = {
        "viewer": viewer,
        "page": page_of(found, request, order=("-id",)),
        "seal": audit.last_seal(),
        "checkpoint": audit.checkpoints().first(),
        "pending": audit.pending_count(),
        "filters": filters,
        "unknown_filters": filters.remarks,
        "verbs": VERBS,
    }
    return render(request, "web/record.html", context, status=filters.status)


@require_POST
def record_export(request: HttpRequest) -> StreamingHttpResponse:
    """All of it, with seals and checkpoints, for ``goldgate audit verify``. The export itself is recorded."""
    viewer = viewer_of(request)
    lines = services.export(actor=viewer.person.as_actor(), now=viewer.now)
    response = StreamingHttpResponse(lines, content_type="application/jsonl")
    response["Content-Disposition"] = f'attachment; filename="goldgate-record-{viewer.now:%Y%m%d-%H%M}.jsonl"'
    return response
