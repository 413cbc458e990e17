"""Does each registry work? And: how far is an import, what did it find?"""

from dataclasses import fields
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from audit import selectors as audit
from catalog import selectors as catalog
from jobs import selectors as jobs
from registry import selectors as registry
from registry import services
from registry.models import Import, Registry
from registry.services.registries import RegistryFields
from scans import selectors as scans
from web import findings
from web.csv_rows import csv_of
from web.filters import CSV, Choice, Text, read_filters
from web.forms.base import PageForm
from web.forms.registry import PRESETS, ImportArchiveForm, ImportListForm, ImportReferenceForm, RegistryForm
from web.paging import page_of
from web.refusals import attempt, attempt_or_say
from web.timeline import told
from web.viewer import Viewer, viewer_of


@require_GET
def registries(request: HttpRequest) -> HttpResponse:
    """Every registry, its side, and what the last test said."""
    context = {"viewer": viewer_of(request), "registries": list(registry.registries())}
    return render(request, "web/registries.html", context)


@require_http_methods(["GET", "POST"])
def registry_new(request: HttpRequest) -> HttpResponse:
    """List a registry."""
    viewer = viewer_of(request)
    preset = PRESETS.get(request.GET.get("preset", ""), ("", {}))[1]
    form = RegistryForm(request.POST or None, initial=preset)
    if request.method == "POST" and form.is_valid():
        made = attempt(
            form,
            lambda: services.add_registry(
                wanted=RegistryFields(**form.cleaned_data), actor=viewer.person.as_actor(), now=viewer.now
            ),
        )
        if made is not None:
            services.ask_test(registry=made, actor=viewer.person.as_actor(), now=viewer.now)
            messages.success(request, f"{made} is listed and being tested.")
            return redirect("web:registry", registry_id=made.pk)
    context = {"form": form, "presets": [(slug, words) for slug, (words, _) in PRESETS.items()]}
    return render(request, "web/registry_new.html", context, status=400 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def registry_page(request: HttpRequest, registry_id: UUID) -> HttpResponse:
    """One registry: the last test step by step; posting changes its settings."""
    viewer = viewer_of(request)
    shown = registry.registry_by_id(registry_id)
    form = RegistryForm(request.POST or None, initial=_initial(shown))
    if request.method == "POST" and form.is_valid():
        # An empty password field keeps what is stored: it is never sent to the browser.
        held = {**form.cleaned_data, "secret": form.cleaned_data["secret"] or None}
        done = attempt(
            form,
            lambda: services.change_registry(
                registry=shown, wanted=RegistryFields(**held), actor=viewer.person.as_actor(), now=viewer.now
            ),
        )
        if done is not None:
            messages.success(request, "Its settings are changed.")
            return redirect("web:registry", registry_id=shown.pk)
    context = {
        "viewer": viewer,
        "registry": shown,
        "form": form,
        "is_testing": jobs.jobs(states=("queued", "running"), kind="registry.test", subject_id=str(shown.pk)).exists(),
        "records": told(audit.records_of("registry", str(shown.pk))),
    }
    return render(request, "web/registry.html", context, status=400 if form.errors else 200)


def _initial(shown: Registry) -> dict[str, object]:
    names = [one.name for one in fields(RegistryFields) if one.name != "secret"]
    return {name: getattr(shown, name) for name in names} | {"listed_hosts": "\n".join(shown.listed_hosts)}


@require_POST
def registry_test(request: HttpRequest, registry_id: UUID) -> HttpResponse:
    """Find out which of DNS, TLS, login, pull and referrers fails."""
    viewer = viewer_of(request)
    shown = registry.registry_by_id(registry_id)
    attempt_or_say(
        request,
        lambda: services.ask_test(registry=shown, actor=viewer.person.as_actor(), now=viewer.now),
        "It is being tested; the page shows each step in a moment.",
    )
    return redirect("web:registry", registry_id=shown.pk)


IMPORT_STATES = tuple(Import.State.values)


IMPORT_COLUMNS = {
    "reference": lambda row: row.asked_reference,
    "kind": lambda row: row.kind,
    "state": lambda row: row.state,
    "digest": lambda row: row.artifact.digest if row.artifact else "",
    "platforms": lambda row: " ".join(row.platforms),
    "asked_by": lambda row: row.requested_by,
    "asked_at": lambda row: row.created_at,
    "ended_at": lambda row: row.finished_at,
    "failure": lambda row: row.failure,
}


@require_GET
def imports(request: HttpRequest) -> HttpResponseBase:
    """Every import, newest first."""
    viewer = viewer_of(request)
    filters = read_filters(request, {"state": Choice(IMPORT_STATES), "q": Text(), "format": CSV})
    found = registry.imports()
    if filters.get("state"):
        found = found.filter(state=filters.get("state"))
    if filters.get("q"):
        found = found.filter(asked_reference__icontains=filters.get("q"))
    if filters.is_csv:
        return csv_of("imports.csv", IMPORT_COLUMNS, found)
    context = {
        "viewer": viewer,
        "page": page_of(found, request, order=("-created_at", "-id")),
        "filters": filters,
        "unknown_filters": filters.remarks,
        "states": IMPORT_STATES,
    }
    return render(request, "web/imports.html", context, status=filters.status)


@require_http_methods(["GET", "POST"])
def import_new(request: HttpRequest) -> HttpResponse:
    """Bring images in: by reference, by list, as an archive."""
    viewer = viewer_of(request)
    way = request.POST.get("way", "reference")
    forms: dict[str, PageForm] = {
        "reference": ImportReferenceForm(request.POST if way == "reference" and request.method == "POST" else None),
        "list": ImportListForm(request.POST if way == "list" else None),
        "archive": ImportArchiveForm(
            request.POST if way == "archive" else None, request.FILES if way == "archive" else None
        ),
    }
    form = forms.get(way)
    if request.method == "POST" and form is not None and form.is_valid():
        asked = attempt(form, lambda: _ask(way, form, viewer), at={"reference_malformed": "reference"})
        if asked is not None:
            if len(asked) == 1:
                return redirect("web:import", import_id=asked[0].pk)
            messages.success(request, f"{len(asked)} imports are asked.")
            return redirect("web:imports")
    context = {"forms": forms, "way": way, "registries": registry.registries()}
    return render(request, "web/import_new.html", context, status=400 if form is not None and form.errors else 200)


def _ask(way: str, form: PageForm, viewer: Viewer) -> list[Import]:
    held, person, now = form.cleaned_data, viewer.person, viewer.now
    if way == "list":
        return services.import_list(text=held["text"], requested_by=person, now=now)
    if way == "archive":
        platforms = held["archive_platforms"].split()
        chunks = held["archive"].chunks()
        asked = services.import_archive(
            chunks=chunks, name=held["name"], platforms=platforms, requested_by=person, now=now
        )
        return [asked]
    platforms = held["platforms"].split()
    return [services.import_reference(reference=held["reference"], platforms=platforms, requested_by=person, now=now)]


@require_GET
def import_page(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """One import: how far it is, then what it found."""
    viewer = viewer_of(request)
    shown = registry.import_by_id(import_id)
    own_jobs = list(jobs.jobs_of(str(shown.pk))[:1])
    artifact = shown.artifact
    work = list(jobs.jobs_of(str(artifact.pk))[:5]) if artifact else []
    scan = scans.latest_scan(artifact) if artifact else None
    context = {
        "viewer": viewer,
        "asked": shown,
        "job": own_jobs[0] if own_jobs else None,
        "may_act": bool(own_jobs) and viewer.may_ask and viewer.as_asker().may_change(own_jobs[0].asked_by),
        "artifact": artifact,
        "work": work,
        "is_moving": any(job.is_open for job in (*own_jobs, *work)),
        "scan": scan,
        "counts": findings.by_severity(scan.summary) if scan else None,
        "subversion": catalog.subversion_by_digest(artifact.digest) if artifact else None,
        "records": told(audit.records_of("import", str(shown.pk))),
    }
    return render(request, "web/import.html", context)
