"""Which image may I use, and is it in order?"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from accounts import selectors as accounts
from audit import selectors as audit
from builds.selectors import sources as sources_read
from catalog import selectors as catalog
from catalog import services
from catalog.domain.state import State
from catalog.models import Image, Subversion, Version
from catalog.selectors import Entry
from web import findings
from web.csv_rows import csv_response
from web.filters import Choice, Text, read_filters
from web.forms.catalog import ImageForm, VersionForm
from web.paging import Page, page_of
from web.refusals import attempt
from web.timeline import told
from web.viewer import viewer_of

KNOWN_FILTERS: dict[str, Choice | Text] = {"q": Text(), "purpose": Choice(("runtime", "build")), "team": Text()}


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version: what to use now, and what else there is."""

    version: Version
    current: Entry | None
    others: tuple[Entry, ...]
    from_line: str
    counts: dict[str, int] | None


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One image with a row for each version."""

    image: Image
    versions: tuple[VersionRow, ...]


def from_line(subversion: Subversion) -> str:
    """The line to paste into a Dockerfile; "" for what was never certified."""
    if not subversion.certified_repository:
        return ""
    return f"FROM {subversion.certified_repository}@{subversion.certified_digest}"


@require_GET
def catalog_page(request: HttpRequest) -> HttpResponse:
    """Which image may I use?"""
    viewer = viewer_of(request)
    filters = read_filters(request, KNOWN_FILTERS)
    found = catalog.images_matching(text=filters.get("q"), purpose=filters.get("purpose"), team=filters.get("team"))
    page = page_of(found, request, order=("name",))
    versions = [version for image in page.rows for version in image.versions.all()]
    entries = catalog.entries(catalog.newest_of_versions([version.pk for version in versions]), viewer.now)
    counts = findings.counts_of([entry.subversion.artifact for entry in entries])
    rows = [ImageRow(image, tuple(_rows(image.versions.all(), entries, counts))) for image in page.rows]
    context = {
        "viewer": viewer,
        "page": Page(rows, page.next_cursor),
        "filters": filters,
        "unknown_filters": filters.remarks,
    }
    return render(request, "web/catalog.html", context, status=filters.status)


def _rows(versions: Iterable[Version], entries: list[Entry], counts: findings.Counts) -> Iterator[VersionRow]:
    for version in versions:
        own = [entry for entry in entries if entry.subversion.version_id == version.pk]
        current = next((entry for entry in own if entry.view.state is State.CERTIFIED), None) or next(
            (entry for entry in own if entry.view.is_usable), None
        )
        others = tuple(entry for entry in own if entry is not current)
        yield VersionRow(
            version,
            current,
            others,
            from_line(current.subversion) if current else "",
            counts.get(current.subversion.artifact_id) if current else None,
        )


@require_GET
def catalog_csv(request: HttpRequest) -> StreamingHttpResponse:
    """The approved list at this moment."""
    viewer = viewer_of(request)
    header = ("image", "version", "subversion", "state", "until", "repository", "digest")
    rows = (
        (
            entry.subversion.version.image.name,
            entry.subversion.version.name,
            entry.subversion.name,
            entry.view.state,
            entry.view.until.isoformat() if entry.view.until else "",
            entry.subversion.certified_repository,
            entry.subversion.certified_digest,
        )
        for entry in catalog.approved_list(viewer.now)
    )
    return csv_response("approved.csv", header, rows)


@require_GET
def image(request: HttpRequest, image_name: str) -> HttpResponse:
    """Is it in order: certified now, candidates waiting, the history."""
    viewer = viewer_of(request)
    shown = catalog.image_by_name(image_name)
    versions = list(shown.versions.all())
    page = page_of(catalog.subversions_of(shown), request, order=("-created_at", "-id"))
    newest_rows = catalog.newest_of_versions([version.pk for version in versions])
    every = catalog.entries([*page.rows, *newest_rows], viewer.now)
    entries, newest = every[: len(page.rows)], every[len(page.rows) :]
    renewers = sources_read.renewers([version.pk for version in versions])
    rows = [(row, renewers.get(row.version.pk, [])) for row in _rows(versions, newest, {})]
    context = {
        "viewer": viewer,
        "image": shown,
        "rows": rows,
        "page": Page(entries, page.next_cursor),
        "counts": findings.counts_of([entry.subversion.artifact for entry in entries]),
        "records": told(audit.records_of("image", str(shown.pk))),
    }
    return render(request, "web/image.html", context)


@require_http_methods(["GET", "POST"])
def image_new(request: HttpRequest) -> HttpResponse:
    """Name a new image."""
    viewer = viewer_of(request)
    form = ImageForm(request.POST or None, teams=accounts.teams())
    if request.method == "POST" and form.is_valid():
        made = attempt(
            form, lambda: services.create_image(created_by=viewer.person, now=viewer.now, **form.cleaned_data)
        )
        if made is not None:
            return redirect("web:image", image_name=made.name)
    return render(request, "web/image_new.html", {"form": form}, status=400 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def version_new(request: HttpRequest, image_name: str) -> HttpResponse:
    """Name a new version of an image."""
    viewer = viewer_of(request)
    shown = catalog.image_by_name(image_name)
    form = VersionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["name"]
        made = attempt(
            form,
            lambda: services.create_version(image=shown, name=name, created_by=viewer.person, now=viewer.now),
        )
        if made is not None:
            return redirect("web:image", image_name=shown.name)
    return render(request, "web/version_new.html", {"form": form, "image": shown}, status=400 if form.errors else 200)
