"""Which renewals belong together, what came of each, who must act — and many rows reviewed with one reason."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from approvals import selectors as approvals
from approvals import services
from approvals.models import Proposal, Review
from audit import selectors as audit
from builds.domain.wave import Outcome
from builds.models import Cause, Watch, Wave
from builds.selectors import watches as watches_read
from builds.selectors import waves as waves_read
from builds.selectors.waves import RowView
from builds.services import watches as watch_services
from core.errors import GoldgateError
from web import dossier, supply
from web.csv_rows import csv_of
from web.filters import CSV, Choice, Text, read_filters
from web.forms.builds import WaveReviewForm
from web.paging import Page, page_of
from web.refusals import attempt_or_say
from web.timeline import told
from web.viewer import Viewer, viewer_of

MAX_CHOSEN = 200  # rows judged at once

COLUMNS = {
    "id": lambda row: row.pk,
    "title": lambda row: row.title,
    "reason": lambda row: row.reason,
    "images": lambda row: row.row_count,
    "ended": lambda row: row.done_count,
    "opened_at": lambda row: row.opened_at,
    "closed_at": lambda row: row.closed_at,
}


@require_GET
def waves(request: HttpRequest) -> HttpResponseBase:
    """Every wave, newest first."""
    viewer = viewer_of(request)
    filters = read_filters(request, {"state": Choice(("open", "closed")), "format": CSV})
    found = waves_read.waves()
    if filters.get("state"):
        found = found.filter(closed_at__isnull=filters.get("state") == "open")
    if filters.is_csv:
        return csv_of("waves.csv", COLUMNS, found)
    page = page_of(found, request, order=("-opened_at", "-id"))
    context = {
        "viewer": viewer,
        "page": Page([(wave, _reason(wave)) for wave in page.rows], page.next_cursor),
        "filters": filters,
        "unknown_filters": filters.remarks,
    }
    return render(request, "web/waves.html", context, status=filters.status)


def _reason(wave: Wave) -> str:
    words = dict(Cause.Reason.choices)
    return str(words.get(wave.reason, wave.reason.replace("_", " "))).capitalize()


@dataclass(frozen=True, slots=True)
class RowTold:
    """One image of a wave, and the packet that this reader may judge."""

    view: RowView
    proposal: Proposal | None
    packet: str = ""  # the hash that a judgement names; "" where the reader may not judge
    is_chosen: bool = False
    result: str = ""
    is_refused: bool = False


@require_http_methods(["GET", "POST"])
def wave(request: HttpRequest, wave_id: UUID) -> HttpResponse:
    """One row an image; posting judges the chosen rows, each by itself."""
    viewer = viewer_of(request)
    shown, views = waves_read.wave_told(wave_id, viewer.now)
    form = WaveReviewForm(request.POST or None)
    chosen = dict(_chosen(request.POST.getlist("packet")))
    results: dict[str, tuple[str, bool]] = {}
    rows = _rows(views, viewer, {})
    if request.method == "POST":
        if not chosen:
            form.add_error(None, "No row is chosen.")
        elif len(chosen) > MAX_CHOSEN:
            form.add_error(None, f"At most {MAX_CHOSEN} rows are judged at once.")
        elif form.is_valid():
            results = _judge(rows, chosen, form, viewer)
            # Read anew, each row still with the proposal that was judged, so that its result stands beside it.
            views = waves_read.row_views(wave_id, viewer.now)
            rows = _rows(views, viewer, {row.view.row.pk: row.proposal for row in rows})
    told_rows = [_with_result(row, chosen, results) for row in rows]
    refused = sum(1 for _, is_refused in results.values() if is_refused)
    context = {
        "viewer": viewer,
        "wave": shown,
        "reason": _reason(shown),
        "detail": supply.detail_words(shown.detail),
        "rows": told_rows,
        "lead": _lead(told_rows),
        "mine": sum(1 for row in told_rows if row.packet),
        "form": form if refused or form.errors else WaveReviewForm(),
        "results": results,
        "given": len(results) - refused,
        "refused": refused,
        "records": told(audit.records_of("wave", str(shown.pk))),
    }
    return render(request, "web/wave.html", context, status=400 if form.errors else 200)


def _chosen(values: list[str]) -> list[tuple[str, str]]:
    """Proposal id and packet hash of each chosen row; what is neither is dropped."""
    pairs = [value.split(" ") for value in values]
    return [(pair[0], pair[1]) for pair in pairs if len(pair) == 2 and _is_uuid(pair[0]) and len(pair[1]) == 64]


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _judge(
    rows: list[RowTold], chosen: Mapping[str, str], form: WaveReviewForm, viewer: Viewer
) -> dict[str, tuple[str, bool]]:
    """Review each chosen packet in a transaction of its own: one that is refused takes no other with it."""
    own = {str(row.proposal.pk) for row in rows if row.proposal is not None}
    results: dict[str, tuple[str, bool]] = {}
    for proposal_id, packet in chosen.items():
        if proposal_id not in own:
            results[proposal_id] = ("It is no row of this wave that you may judge.", True)
            continue
        try:
            services.review_packet(
                proposal_id=proposal_id,
                reviewer=viewer.person,
                outcome=Review.Outcome(form.cleaned_data["outcome"]),
                reason=form.cleaned_data["reason"],
                packet_sha256=packet,
                now=viewer.now,
            )
        except GoldgateError as error:
            results[proposal_id] = (str(error), True)
        else:
            results[proposal_id] = ("Your judgement is recorded.", False)
    return results


def _with_result(row: RowTold, chosen: Mapping[str, str], results: Mapping[str, tuple[str, bool]]) -> RowTold:
    if row.proposal is None:
        return row
    key = str(row.proposal.pk)
    text, is_refused = results.get(key, ("", False))
    return replace(row, result=text, is_refused=is_refused, is_chosen=key in chosen and (is_refused or not results))


def _rows(views: list[RowView], viewer: Viewer, known: Mapping[UUID, Proposal | None]) -> list[RowTold]:
    """The wave's rows; those that the reader may judge with their proposal and packet."""
    is_any = any(view.outcome.outcome is Outcome.IN_REVIEW for view in views)
    due: list[Proposal] = []
    if viewer.is_reviewer and is_any:
        due = approvals.reviews_due(viewer.person, dossier.policy_at(viewer.now), viewer.now)
    by_subversion = {one.subversion_id: one for one in due}
    return [_row(view, by_subversion, known.get(view.row.pk)) for view in views]


def _row(view: RowView, due: Mapping[UUID, Proposal], known: Proposal | None) -> RowTold:
    proposal = due.get(view.subversion.pk) if view.subversion else None
    packet = proposal.current_packet if proposal else None
    return RowTold(view, proposal or known, packet.sha256 if packet else "")


def _lead(rows: list[RowTold]) -> str:
    done = sum(1 for row in rows if row.view.outcome.is_ended)
    noun = "image" if len(rows) == 1 else "images"
    return f"{done} of {len(rows)} {noun} done"


# Upstream tags of images that are adopted.

WATCH_COLUMNS: dict[str, Callable[[Any], object]] = {
    "tag": str,
    "version": lambda row: row.version,
    "owner": lambda row: row.owner,
    "digest": lambda row: row.last_digest,
    "moved_at": lambda row: row.moved_at,
    "looked_at": lambda row: row.last_checked_at,
    "failure": lambda row: row.last_failure,
    "paused": lambda row: row.is_paused,
    "stopped_at": lambda row: row.stopped_at,
    "next_due_at": lambda row: row.next_due_at,
}


@require_GET
def watches(request: HttpRequest) -> HttpResponseBase:
    """Every watched tag: what it names, when it was looked at, whether it stopped."""
    viewer = viewer_of(request)
    filters = read_filters(request, {"q": Text(), "state": Choice(("stopped", "paused")), "format": CSV})
    found = watches_read.watches(text=filters.get("q"))
    if filters.get("state") == "stopped":
        found = found.filter(stopped_at__isnull=False)
    elif filters.get("state") == "paused":
        found = found.filter(is_paused=True)
    if filters.is_csv:
        return csv_of("upstream.csv", WATCH_COLUMNS, found)
    page = page_of(found, request, order=("created_at", "id"))
    context = {
        "viewer": viewer,
        "page": page,
        "stopped": [one for one in page.rows if one.stopped_at],
        "filters": filters,
        "unknown_filters": filters.remarks,
    }
    return render(request, "web/watches.html", context, status=filters.status)


@require_POST
def watch_resume(request: HttpRequest, watch_id: UUID) -> HttpResponse:
    """Let a stopped or paused watch go on."""
    viewer = viewer_of(request)
    shown = watches_read.watch_by_id(watch_id)
    attempt_or_say(
        request,
        lambda: _go_on(shown, viewer),
        f"{shown} is watched again.",
    )
    return redirect("web:watches")


def _go_on(shown: Watch, viewer: Viewer) -> None:
    """Undo a pause, and what the breaker did."""
    actor = viewer.person.as_actor()
    if shown.is_paused:
        watch_services.change_watch(watch_id=shown.pk, actor=actor, now=viewer.now, is_paused=False)
    if shown.stopped_at or not shown.is_paused:
        watch_services.resume_watch(watch_id=shown.pk, actor=actor, now=viewer.now)


@require_POST
def watch_pause(request: HttpRequest, watch_id: UUID) -> HttpResponse:
    """Look at a tag no longer."""
    viewer = viewer_of(request)
    shown = watches_read.watch_by_id(watch_id)
    attempt_or_say(
        request,
        lambda: watch_services.change_watch(
            watch_id=shown.pk, actor=viewer.person.as_actor(), now=viewer.now, is_paused=True
        ),
        f"{shown} is not looked at any more.",
    )
    return redirect("web:watches")
