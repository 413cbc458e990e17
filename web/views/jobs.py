"""What the workers do: is anything stuck, and what became of one job."""

from datetime import timedelta
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from audit import selectors as audit
from jobs import selectors as jobs_read
from jobs import services
from jobs.domain.state import State
from jobs.models import Job
from web.csv_rows import csv_of
from web.filters import CSV, Choice, Text, read_filters
from web.following import followed
from web.paging import page_of
from web.refusals import attempt_or_say
from web.timeline import told, words_of
from web.viewer import viewer_of
from web.views.session import safe_next

STUCK_AFTER = timedelta(minutes=15)

SENTENCES = {
    State.QUEUED: ("It waits for a worker.", "Nothing to do: a worker takes it when one is free."),
    State.RUNNING: ("A worker is at it.", "Nothing to do; this page follows it."),
    State.SUCCEEDED: ("It is done.", "Nothing to do."),
    State.FAILED: ("It failed and is not tried again by itself.", "Remove the cause, then try again."),
    State.CANCELLED: ("Somebody stopped it.", "Try again if it was stopped by mistake."),
}

COLUMNS = {
    "id": lambda row: row.pk,
    "kind": lambda row: row.kind,
    "state": lambda row: row.state,
    "subject": lambda row: row.subject_id,
    "tries": lambda row: row.attempts,
    "made_at": lambda row: row.created_at,
    "begun_at": lambda row: row.started_at,
    "ended_at": lambda row: row.finished_at,
    "error_code": lambda row: row.error_code,
    "error": lambda row: row.error_text,
}


@require_GET
def jobs(request: HttpRequest) -> HttpResponseBase:
    """All jobs, newest first."""
    viewer = viewer_of(request)
    filters = read_filters(request, {"state": Choice(tuple(State)), "kind": Text(), "subject": Text(), "format": CSV})
    states = [filters.get("state")] if filters.get("state") else []
    found = jobs_read.jobs(states=states, kind=filters.get("kind"), subject_id=filters.get("subject"))
    if filters.is_csv:
        return csv_of("jobs.csv", COLUMNS, found)
    oldest = jobs_read.oldest_due(viewer.now)
    context = {
        "viewer": viewer,
        "page": page_of(found, request, order=("-created_at", "-id")),
        "filters": filters,
        "unknown_filters": filters.remarks,
        "states": list(State),
        "oldest": oldest,
        "is_stuck": oldest is not None and viewer.now - oldest.run_at > STUCK_AFTER,
    }
    return render(request, "web/jobs.html", context, status=filters.status)


def _job(job_id: UUID) -> Job:
    if (job := jobs_read.job_of_id(job_id)) is None:
        raise Http404
    return job


@require_GET
def job(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """One job: how far it is, why it failed, what caused it."""
    viewer, shown = viewer_of(request), _job(job_id)
    sentence, next_action = SENTENCES[State(shown.state)]
    if shown.is_open and shown.cancel_asked_at:
        sentence = "It was asked to stop and ends at its next step."
    context = {
        "viewer": viewer,
        "job": shown,
        "sentence": sentence,
        "next_action": next_action,
        "cause": words_of(shown.caused_by.verb) if shown.caused_by else "",
        "may_act": viewer.may_ask and viewer.as_asker().may_change(shown.asked_by),
        "records": told(audit.records_of("job", str(shown.pk))),
    }
    return followed(request, render(request, "web/job.html", context), shown.state)


@require_POST
def job_cancel(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Ask a job to stop."""
    viewer = viewer_of(request)
    attempt_or_say(
        request,
        lambda: services.cancel_job(job_id=job_id, asker=viewer.as_asker(), now=viewer.now),
        "The job stops.",
    )
    return redirect(_back(request, job_id))


@require_POST
def job_retry(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Queue a failed or cancelled job again."""
    viewer = viewer_of(request)
    attempt_or_say(
        request,
        lambda: services.retry_job(job_id=job_id, asker=viewer.as_asker(), now=viewer.now),
        "The job is queued again.",
    )
    return redirect(_back(request, job_id))


def _back(request: HttpRequest, job_id: UUID) -> str:
    return safe_next(request) if request.POST.get("next") else reverse("web:job", args=[job_id])
