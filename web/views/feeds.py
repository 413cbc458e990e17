"""Do we see everything? Feeds: their age by the date their publisher states, their health; and the timers."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from audit import selectors as audit
from jobs import selectors as jobs
from jobs import services as job_services
from scans import selectors as scans
from scans import services
from scans.models import Feed
from scans.selectors.feeds import FeedAge
from web.forms.feeds import FeedFileForm, FeedForm, ScheduleForm
from web.refusals import attempt, attempt_or_say
from web.timeline import told
from web.viewer import Viewer, viewer_of


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One feed, its age, and the word for how it stands."""

    feed: Feed
    age: FeedAge | None  # None: switched off
    state: str


def _state(feed: Feed, age: FeedAge | None) -> str:
    if not feed.is_enabled:
        return "inactive"
    if feed.state == Feed.State.FAILED:
        return "failed"
    if feed.snapshot_at is None:
        return "never"
    if feed.is_frozen:
        return "frozen"
    return "stale" if age is not None and age.is_late else "fresh"


@require_GET
def feeds(request: HttpRequest) -> HttpResponse:
    """Age and health of each feed, the oldest first; the timers below."""
    viewer = viewer_of(request)
    ages = {one.feed.pk: one for one in scans.feed_ages(viewer.now)}
    rows = [FeedRow(feed, ages.get(feed.pk), _state(feed, ages.get(feed.pk))) for feed in scans.feeds()]
    order = list(ages)
    rows.sort(key=lambda row: order.index(row.feed.pk) if row.feed.pk in ages else len(order))
    context = {
        "viewer": viewer,
        "rows": rows,
        "bad": [row for row in rows if row.state in ("failed", "stale", "never")],
        "frozen": [row for row in rows if row.state == "frozen"],
        "schedules": jobs.schedules(),
    }
    return render(request, "web/feeds.html", context)


@require_http_methods(["GET", "POST"])
def feed_new(request: HttpRequest) -> HttpResponse:
    """Name a source."""
    viewer = viewer_of(request)
    form = FeedForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = attempt(
            form, lambda: services.add_feed(actor=viewer.person.as_actor(), now=viewer.now, **form.cleaned_data)
        )
        if made is not None:
            messages.success(request, f"{made} is named. Sync it, or upload a file.")
            return redirect("web:feed", feed_id=made.pk)
    return render(request, "web/feed_new.html", {"form": form}, status=400 if form.errors else 200)


def _feed(feed_id: UUID) -> Feed:
    if (feed := scans.feeds().filter(pk=feed_id).first()) is None:
        raise Http404
    return feed


@require_http_methods(["GET", "POST"])
def feed(request: HttpRequest, feed_id: UUID) -> HttpResponse:
    """One feed; posting takes over a file."""
    viewer, shown = viewer_of(request), _feed(feed_id)
    form = FeedFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        done = attempt(form, lambda: _take_over(shown, form, viewer))
        if done is not None:
            messages.success(request, f"{done.record_count} records are taken over.")
            return redirect("web:feed", feed_id=shown.pk)
    age = next((one for one in scans.feed_ages(viewer.now) if one.feed.pk == shown.pk), None)
    context = {
        "viewer": viewer,
        "feed": shown,
        "age": age,
        "state": _state(shown, age),
        "form": form,
        "job": jobs.jobs(subject_id=str(shown.pk)).first(),
        "records": told(audit.records_of("feed", str(shown.pk))),
    }
    return render(request, "web/feed.html", context, status=400 if form.errors else 200)


def _take_over(shown: Feed, form: FeedFileForm, viewer: Viewer) -> Feed:
    held = form.cleaned_data
    stated = held["snapshot_at"]
    with _on_disk(held["file"]) as path:
        return services.import_feed_file(
            path=path,
            name=shown.name,
            kind=shown.kind,
            snapshot_at=stated.astimezone(UTC) if stated else None,
            source=held["source"],
            actor=viewer.person.as_actor(),
            now=viewer.now,
        )


@contextmanager
def _on_disk(upload: "UploadedFile[Any]") -> Iterator[Path]:
    """The upload under its own last name, which says how it is packed."""
    with tempfile.TemporaryDirectory(prefix="goldgate-feed-") as directory:
        path = Path(directory) / Path(upload.name or "feed").name[-100:]
        with path.open("wb") as file:
            for chunk in upload.chunks():
                file.write(chunk)
        yield path


@require_POST
def feed_sync(request: HttpRequest, feed_id: UUID) -> HttpResponse:
    """Fetch it now."""
    viewer, shown = viewer_of(request), _feed(feed_id)
    attempt_or_say(
        request,
        lambda: services.ask_sync(feed_id=shown.pk, actor=viewer.person.as_actor(), now=viewer.now),
        "It is being synced; the page shows the result in a moment.",
    )
    return redirect("web:feed", feed_id=shown.pk)


@require_POST
def feed_switch(request: HttpRequest, feed_id: UUID) -> HttpResponse:
    """Count it, or stop counting it: every finding follows at once."""
    viewer, shown = viewer_of(request), _feed(feed_id)
    is_enabled = not shown.is_enabled
    attempt_or_say(
        request,
        lambda: services.change_feed(
            feed_id=shown.pk, actor=viewer.person.as_actor(), now=viewer.now, is_enabled=is_enabled
        ),
        "It counts again." if is_enabled else "It no longer counts: its advisories are out of every finding.",
    )
    return redirect("web:feed", feed_id=shown.pk)


@require_http_methods(["GET", "POST"])
def schedule(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    """One timer: how often, and whether."""
    viewer = viewer_of(request)
    shown = jobs.schedule_of_id(schedule_id)
    if shown is None:
        raise Http404
    timer = shown.timer
    seconds = timer.interval.every if timer and timer.interval else 3600
    initial = {"every_minutes": max(seconds // 60, 1), "is_enabled": bool(timer and timer.enabled)}
    form = ScheduleForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        held = form.cleaned_data
        done = attempt(
            form,
            lambda: job_services.change_schedule(
                schedule_id=shown.pk,
                actor=viewer.person.as_actor(),
                now=viewer.now,
                every_seconds=held["every_minutes"] * 60,
                is_enabled=held["is_enabled"],
            ),
        )
        if done is not None:
            messages.success(request, "The timer is changed.")
            return redirect("web:feeds")
    context = {"viewer": viewer, "schedule": shown, "form": form}
    return render(request, "web/schedule.html", context, status=400 if form.errors else 200)
