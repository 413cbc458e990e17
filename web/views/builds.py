"""What was built from what, why, and what came of it: the list of builds, and one build with its log."""

from collections.abc import Iterator
from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from audit import selectors as audit
from builds.models import Build, Cause
from builds.selectors import builds as builds_read
from builds.selectors import logs
from builds.services import asking
from catalog import selectors as catalog
from catalog.models import Subversion
from jobs import selectors as jobs
from web import supply
from web.csv_rows import csv_of
from web.filters import CSV, Choice, Text, read_filters
from web.following import followed
from web.paging import page_of
from web.refusals import attempt_or_say
from web.timeline import told
from web.viewer import Viewer, viewer_of
from web.visible import visible

STATES = tuple(Build.State.values)
LOG_CHARACTERS = 60_000  # of the log's end that the page shows; the rest is one click away
LIVE_KINDS = ("builds.run", "builds.begin", "builds.take_in")

COLUMNS = {
    "source": lambda row: row.source.name,
    "number": lambda row: row.number,
    "version": lambda row: row.source.version,
    "purpose": lambda row: row.purpose,
    "state": lambda row: row.state,
    "reasons": lambda row: " ".join(cause.reason for cause in row.causes.all()),
    "recipe": lambda row: row.recipe.number if row.recipe else "",
    "reviewed": lambda row: row.is_reviewed,
    "subversion": lambda row: row.subversion.name if row.subversion else "",
    "digest": lambda row: row.artifact.digest if row.artifact else "",
    "asked_at": lambda row: row.asked_at,
    "asked_by": lambda row: row.asked_by,
    "ended_at": lambda row: row.finished_at,
    "failure": lambda row: row.failure,
}


@require_GET
def builds(request: HttpRequest) -> HttpResponseBase:
    """Every build, newest first; the failing ones first of all."""
    viewer = viewer_of(request)
    filters = read_filters(
        request,
        {"state": Choice(STATES), "source": Text(), "reason": Choice(tuple(Cause.Reason.values)), "format": CSV},
    )
    found = builds_read.builds()
    if filters.get("state"):
        found = found.filter(state=filters.get("state"))
    if filters.get("source"):
        found = found.filter(source__name__icontains=filters.get("source"))
    if filters.get("reason"):
        found = found.filter(causes__reason=filters.get("reason")).distinct()
    if filters.is_csv:
        return csv_of("builds.csv", COLUMNS, found)
    context = {
        "viewer": viewer,
        "page": page_of(found, request, order=("-asked_at", "-id")),
        "failing": list(builds_read.failing_builds()[:20]) if not filters.is_any else [],
        "filters": filters,
        "unknown_filters": filters.remarks,
        "states": Build.State.choices,
        "reasons": Cause.Reason.choices,
    }
    return render(request, "web/builds.html", context, status=filters.status)


@require_GET
def build(request: HttpRequest, build_id: UUID) -> HttpResponse:
    """One build: what came of it, why it began, its recipe, its log at the line that failed, its provenance."""
    viewer = viewer_of(request)
    shown = builds_read.build_by_id(build_id)
    chunks, is_cut = logs.log_tail(shown)
    log = supply.log_text(chunks)
    second = builds_read.reproductions_of(shown) if shown.state == Build.State.SUCCEEDED else []
    certified = _certified_now(shown, viewer)
    context = {
        "viewer": viewer,
        "build": shown,
        "standing": supply.build_standing(shown),
        "absent": "not yet" if shown.is_open else "not known",
        "causes": supply.causes_told(shown.causes.all()),
        "log": log[-LOG_CHARACTERS:],
        "is_cut": is_cut or len(log) > LOG_CHARACTERS,
        "failing": supply.failing_lines(log) if shown.state == Build.State.FAILED else [],
        "failed_instruction": _failed_instruction(shown),
        "reproductions": [(one, supply.reproduction_standing(one.comparison)) for one in second],
        "compared": supply.reproduction_standing(shown.comparison) if shown.comparison else None,
        "provenance": _provenance_facts(shown),
        "certified": certified,
        "job": next(iter(jobs.jobs(states=("queued", "running"), subject_id=str(shown.pk))[:1]), None)
        if shown.is_open
        else None,
        "may_reproduce": viewer.is_admin
        and shown.state == Build.State.SUCCEEDED
        and shown.recipe is not None
        and shown.purpose == Build.Purpose.RENEWAL,
        "records": told(audit.records_of("build", str(shown.pk))),
    }
    return followed(request, render(request, "web/build.html", context), shown.state)


def _certified_now(shown: Build, viewer: Viewer) -> Subversion | None:
    """What is certified of its version now: what the candidate would replace, or what a failure leaves as it is."""
    found = catalog.current_certified(str(shown.source.version), viewer.now)
    return found if found is not None and found.pk != shown.subversion_id else None


def _failed_instruction(shown: Build) -> str:
    """The line of the Dockerfile at which it ended; "" when it is not known."""
    if shown.failed_line is None or shown.recipe is None:
        return ""
    lines = shown.recipe.dockerfile.split("\n")
    return visible(lines[shown.failed_line - 1]) if 0 < shown.failed_line <= len(lines) else ""


def _provenance_facts(shown: Build) -> list[tuple[str, str]]:
    """What the provenance says, as name and value."""
    definition = shown.provenance.get("buildDefinition", {})
    run = shown.provenance.get("runDetails", {})
    facts = [("Build type", str(definition.get("buildType", "")))]
    facts.append(("Builder", str(run.get("builder", {}).get("id", shown.builder_id))))
    for one in definition.get("resolvedDependencies", [])[:20]:
        digests = ", ".join(f"{name}:{value}" for name, value in one.get("digest", {}).items())
        facts.append((str(one.get("name") or "Depends on"), f"{one.get('uri', '')} {digests}".strip()))
    return [(name, value) for name, value in facts if value] if shown.provenance else []


@require_GET
def build_log(request: HttpRequest, build_id: UUID) -> StreamingHttpResponse:
    """The whole log as text. Secrets were masked before it was written."""
    shown = builds_read.build_by_id(build_id)

    def pieces() -> Iterator[str]:
        for chunk in logs.log_chunks(shown).iterator(chunk_size=50):
            yield visible(chunk.text)

    response = StreamingHttpResponse(pieces(), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="build-{shown.number}.log"'
    return response


@require_POST
def build_again(request: HttpRequest, build_id: UUID) -> HttpResponse:
    """Build the same recipe a second time, to compare."""
    viewer = viewer_of(request)
    shown = builds_read.build_by_id(build_id)
    asked: list[Build] = []
    if attempt_or_say(
        request,
        lambda: asked.append(asking.ask_reproduction(build=shown, by=viewer.person, now=viewer.now)),
        "A second build is asked for; equal layers will be marked reproduced.",
    ):
        return redirect("web:build", build_id=asked[0].pk)
    return redirect("web:build", build_id=shown.pk)
